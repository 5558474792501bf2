"""Finding anything: the lines of the dialog that Ctrl-K opens, and the same as a page without JavaScript."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils import timezone
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from reminders.pages.find import find_everything
from reminders.views.requests import read_words, signed_in, wants_fragment


@permission_required("contacts.view_contact", raise_exception=True)
@require_http_methods(["GET", "POST"])
@never_cache
def find_anything(request: HttpRequest) -> HttpResponse:
    """What `q` leads to. It comes by POST, so that no address has a name; htmx gets the lines alone."""
    q = read_words(request, "q")[:100]
    context = {"q": q, "groups": find_everything(q, signed_in(request), timezone.now())}
    template = "reminders/find/found.html" if wants_fragment(request) else "reminders/find.html"
    return render(request, template, context)
