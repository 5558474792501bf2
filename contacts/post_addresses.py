"""Addresses that only take a form, and may answer with a page, such as the form again with what is wrong.

The browser then shows their address. Whoever loads it again, such as after the desk was locked, comes to the
page that has the form.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.views.decorators.http import require_http_methods

View = Callable[..., HttpResponse]


def posted_from(page: str, *names: str) -> Callable[[View], View]:
    """A decorator of a view that answers a POST: a GET of its address leads to `page`, a name in the URLs.

    `names`: which parts of the address that page has, too.
    """

    def decorate(view: View) -> View:
        @wraps(view)
        def answer(request: HttpRequest, **parts: Any) -> HttpResponse:
            if request.method == "POST":
                return view(request, **parts)
            return HttpResponseRedirect(reverse(page, kwargs={name: parts[name] for name in names}))

        return require_http_methods(["GET", "HEAD", "POST"])(answer)

    return decorate
