"""Pausing a location or a campaign, resuming a location, and the page where all of it is done.

A campaign is resumed where it is activated (campaigns.py), which shows first what that starts.
"""

from collections.abc import Callable
from dataclasses import dataclass

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.contrib.auth.models import User
from django.http import HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from contacts.models import Location
from reminders.campaigns.edits import pause_by_person
from reminders.deciding.fallen_due import FallenDue
from reminders.desk import location_pauses, resuming
from reminders.models import Campaign
from reminders.pages.stops import read_stops
from reminders.views.requests import go_back, read_words, signed_in


@permission_required("contacts.view_appointment", raise_exception=True)
@require_GET
@never_cache
def show_stops(request: HttpRequest) -> HttpResponse:
    """Everything that can be paused, and what is; each form is there for whoever may do it."""
    return render(request, "reminders/stop.html", {"stops": read_stops()})


@permission_required("contacts.change_location", raise_exception=True)
@require_POST
def stop_location(request: HttpRequest, pk: int) -> HttpResponse:
    location = get_object_or_404(Location, pk=pk)
    location_pauses.pause_location(location, by=signed_in(request), reason=read_words(request, "reason"))
    return go_back(request, "stop")


@permission_required("reminders.change_campaign", raise_exception=True)
@require_POST
def stop_campaign(request: HttpRequest, pk: int) -> HttpResponse:
    campaign = get_object_or_404(Campaign, pk=pk)
    pause_by_person(campaign, by=signed_in(request), reason=read_words(request, "reason"))
    return go_back(request, "stop")


@permission_required("contacts.change_location", raise_exception=True)
@require_http_methods(["GET", "POST"])
@never_cache
def restart_location(request: HttpRequest, pk: int) -> HttpResponse:
    location = get_object_or_404(Location, pk=pk)
    return _resume(
        request,
        Paused(
            name=location.name,
            stamp=location.paused_at.isoformat() if location.paused_at else "",
            address=reverse("resume_location", args=[pk]),
            find_due=lambda: resuming.find_due_in_location_pause(location),
            resume=lambda: location_pauses.resume_location(location),
            skip_and_resume=lambda by: resuming.skip_and_resume_location(location, by=by),
        ),
    )


@dataclass(frozen=True)
class Paused:
    """What a person resumes, and how. `stamp` names its pause; "" if it isn't paused."""

    name: str
    stamp: str
    address: str
    find_due: Callable[[], FallenDue]
    resume: Callable[[], None]
    skip_and_resume: Callable[[User], int]


def _resume(request: HttpRequest, paused: Paused) -> HttpResponse:
    """Resume at once if nothing fell due in the pause that is still in time; else ask what becomes of it."""
    if not paused.stamp:
        messages.info(request, _("%(name)s is not paused.") % {"name": paused.name})
        return go_back(request, "stop")
    deed = request.POST.get("deed", "")
    if deed not in ("send", "skip") or request.POST.get("paused_at") != paused.stamp:
        due = paused.find_due()
        if request.method == "GET" or due.in_time:
            return render(request, "reminders/resume_part.html", {"paused": paused, "due": due})
    if deed == "skip":
        skipped = paused.skip_and_resume(signed_in(request))
        words = ngettext(
            "%(name)s goes on. %(count)d reminder was skipped.",
            "%(name)s goes on. %(count)d reminders were skipped.",
            skipped,
        )
        messages.success(request, words % {"name": paused.name, "count": skipped})
    else:
        paused.resume()
        messages.success(request, _("%(name)s goes on.") % {"name": paused.name})
    return go_back(request, "stop")
