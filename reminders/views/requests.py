"""What views need of a request: who is asking, and where to go back to."""

from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import resolve_url
from django.utils.http import url_has_allowed_host_and_scheme


def signed_in(request: HttpRequest) -> User:
    """The user; LoginRequiredMiddleware has seen to it that there is one."""
    if not isinstance(request.user, User):
        raise TypeError("this page is for people who have logged in")
    return request.user


def go_back(request: HttpRequest, otherwise: str) -> HttpResponse:
    """To the page the form named in `next`, if that is ours, else to `otherwise`.

    303, so that htmx follows with a GET and gets the page's renewed fragment.
    """
    wanted = request.POST.get("next", "")
    ours = url_has_allowed_host_and_scheme(wanted, {request.get_host()}, require_https=request.is_secure())
    return HttpResponseRedirect(wanted if ours else resolve_url(otherwise), status=303)
