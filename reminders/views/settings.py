"""The page that leads to everything that is set up once, or seldom."""

from django.contrib.auth.decorators import permission_required
from django.http import HttpRequest, HttpResponse
from django.shortcuts import render
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET

from reminders.pages.rail import SETTINGS, list_places
from reminders.views.requests import signed_in


@permission_required("contacts.view_appointment", raise_exception=True)
@require_GET
@never_cache
def show_settings(request: HttpRequest) -> HttpResponse:
    """What of it this person may open."""
    return render(request, "reminders/settings.html", {"places": list_places(SETTINGS, signed_in(request))})
