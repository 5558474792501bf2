"""Campaigns for managers: the list, a campaign with its preview and history, and what can be done with it."""

from functools import partial
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.core.paginator import Paginator
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import get_object_or_404, redirect, render
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import ngettext
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_http_methods, require_POST

from reminders.campaigns.activation_notes import list_activation_notes
from reminders.campaigns.diff_views import view_diff
from reminders.campaigns.differences import CampaignDiff, DiffOutdated, diff_activation, diff_edit
from reminders.campaigns.drafts import CampaignDraft, take_draft
from reminders.campaigns.edits import activate_as_shown, copy_by_person, restore_version
from reminders.campaigns.history import VersionNotRestorable, draft_of_version
from reminders.campaigns.overviews import (
    find_reason_visits,
    list_campaigns,
    list_obstacles,
    load_visits,
    say_reason,
    view_campaign,
)
from reminders.campaigns.visit_previews import find_covered_visits, preview_visits
from reminders.deciding.present import Present
from reminders.deciding.situations import PracticeConfig
from reminders.desk.resuming import skip_and_activate_campaign
from reminders.models import Campaign, CampaignVersion
from reminders.pages.script_list import list_script_lines
from reminders.planning.activation import ScriptsRefused
from reminders.rules.reasons import Reason
from reminders.views.requests import read_present_and_frame, signed_in

VISITS_PER_PAGE = 25
PEOPLE_PER_PAGE = 100


@permission_required("reminders.view_campaign", raise_exception=True)
@require_GET
@never_cache
def show_campaigns(request: HttpRequest) -> HttpResponse:
    """All campaigns, with what they will send today and in the next seven days."""
    return render(request, "reminders/campaigns.html", {"lines": list_campaigns(timezone.now())})


@permission_required("reminders.view_campaign", raise_exception=True)
@require_GET
@never_cache
def show_campaign(request: HttpRequest, pk: int) -> HttpResponse:
    """One campaign: its steps in words, its preview, and its history."""
    present, frame = read_present_and_frame()
    try:
        view = view_campaign(pk, present)
    except Campaign.DoesNotExist:
        raise Http404 from None
    context = {"view": view, "campaign": view.campaign, "frame": frame}
    context["scripts"] = list_script_lines(view.scripts, view.steps_in_use)
    return render(request, "reminders/campaign.html", context)


@permission_required("reminders.view_campaign", raise_exception=True)
@require_GET
@never_cache
def show_campaign_visits(request: HttpRequest, pk: int) -> HttpResponse:
    """The upcoming visits that it is for, with what each will hear and when."""
    present, frame = read_present_and_frame()
    saved = _take_campaign(pk, present.config)
    covered = find_covered_visits(saved, present.now)
    page = Paginator(covered, VISITS_PER_PAGE).get_page(request.GET.get("page"))
    context = {"campaign": saved.campaign, "page": page, "frame": frame}
    context["visits"] = preview_visits(saved, list(page), present)
    return render(request, "reminders/campaign_visits.html", context)


@permission_required("reminders.view_campaign", raise_exception=True)
@require_GET
@never_cache
def show_campaign_people(request: HttpRequest, pk: int) -> HttpResponse:
    """Those whom it does not remind for one `reason`, a code; no address names anybody."""
    (present, frame), reason = read_present_and_frame(), request.GET.get("reason", "")
    saved = _take_campaign(pk, present.config)
    if reason and reason not in Reason.values:
        raise Http404
    visits = find_reason_visits(saved, reason, present)
    page = Paginator(visits, PEOPLE_PER_PAGE).get_page(request.GET.get("page"))
    context = {"campaign": saved.campaign, "page": page, "sentence": say_reason(reason)}
    context |= {"visits": load_visits(list(page)), "frame": frame}
    return render(request, "reminders/campaign_people.html", context)


@permission_required("reminders.change_campaign", raise_exception=True)
@require_http_methods(["GET", "POST"])
@never_cache
def activate_campaign(request: HttpRequest, pk: int) -> HttpResponse:
    """GET shows whom it will call; POST activates it, if that is still so.

    `shown` is what was confirmed. `deed` says what becomes of what fell due in a pause: "send" or "skip".
    Without one of the two the page is shown again.
    """
    present, frame = read_present_and_frame()
    saved = _take_campaign(pk, present.config)
    obstacles = list_obstacles(saved, present.config)
    if saved.campaign.state == Campaign.State.ACTIVE:
        messages.info(request, _("It is active already."))
        return redirect("campaign", pk)
    deed = request.POST.get("deed")
    if request.method == "POST" and deed not in ("send", "skip"):
        messages.warning(request, _("Not activated: choose one of the buttons below."))
    elif request.method == "POST" and not obstacles:
        skip = partial(skip_and_activate_campaign, by=signed_in(request))
        skip_due = skip if deed == "skip" else None
        try:
            diff = activate_as_shown(
                pk, shown=request.POST.get("shown", ""), by=signed_in(request), skip_due=skip_due
            )
        except DiffOutdated:
            messages.warning(request, _("Something has changed meanwhile. Look at it again."))
        except ScriptsRefused as refusal:
            obstacles = refusal.sentences
        else:
            messages.success(request, _say_activated(diff))
            return redirect("campaign", pk)
    proposed = diff_activation(pk, saved, present)
    context = {"campaign": saved.campaign, "obstacles": obstacles, "proposed": proposed}
    context["notes"] = list_activation_notes(proposed.forecast, present.config)
    context |= {"shown": view_diff(proposed.send), "is_trial": proposed.is_trial, "frame": frame}
    return render(request, "reminders/campaign_activate.html", context)


@permission_required("reminders.change_campaign", raise_exception=True)
@require_POST
def copy_campaign(request: HttpRequest, pk: int) -> HttpResponse:
    """Make a draft with the same filters and steps."""
    copy = copy_by_person(get_object_or_404(Campaign, pk=pk), by=signed_in(request))
    messages.success(request, _("This is the copy. A draft calls nobody."))
    return redirect("campaign", copy.pk)


@permission_required("reminders.change_campaign", raise_exception=True)
@require_http_methods(["GET", "POST"])
@never_cache
def restore_campaign(request: HttpRequest, pk: int, number: int) -> HttpResponse:
    """GET shows what taking back to a version changes; POST does it, if that is still so."""
    version = get_object_or_404(
        CampaignVersion.objects.select_related("campaign"), campaign=pk, number=number
    )
    present, frame = read_present_and_frame()
    try:
        draft = draft_of_version(version, present.config)
        if request.method == "POST":
            restore_version(version, shown=request.POST.get("shown", ""), by=signed_in(request))
            messages.success(
                request, _("Taken back. What this change would have sent before now is not sent.")
            )
            return redirect("campaign", pk)
    except VersionNotRestorable as refusal:
        messages.error(request, str(refusal))
        return redirect("campaign", pk)
    except ScriptsRefused as refusal:
        messages.error(request, " ".join(refusal.sentences))
        return redirect("campaign", pk)
    except DiffOutdated:
        messages.warning(request, _("Something has changed meanwhile. Look at it again."))
    context = {"frame": frame, "is_trial": present.is_trial} | _describe_restore(version, draft, present)
    return render(request, "reminders/campaign_restore.html", context)


def _take_campaign(pk: int, config: PracticeConfig) -> CampaignDraft:
    try:
        return take_draft(pk, config)
    except Campaign.DoesNotExist:
        raise Http404 from None


def _describe_restore(version: CampaignVersion, draft: CampaignDraft, present: Present) -> dict[str, Any]:
    diff = diff_edit(draft, present=present)
    return {"campaign": version.campaign, "version": version, "diff": diff, "shown": view_diff(diff)}


def _say_activated(diff: CampaignDiff) -> str:
    words = ngettext(
        "Active. It will remind %(count)d person, %(today)d of them today.",
        "Active. It will remind %(count)d people, %(today)d of them today.",
        diff.people,
    )
    return words % {"count": diff.people, "today": diff.today}
