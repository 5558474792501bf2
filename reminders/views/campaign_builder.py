"""The page that edits a campaign. Nothing of an edit is kept between two requests until it is saved."""

from dataclasses import replace
from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import permission_required
from django.db import IntegrityError
from django.http import Http404, HttpRequest, HttpResponse, QueryDict
from django.shortcuts import redirect, render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods

from reminders.campaigns.diff_views import view_diff
from reminders.campaigns.differences import DiffOutdated, diff_edit
from reminders.campaigns.drafts import CampaignDraft, read_last_version, take_draft
from reminders.campaigns.edits import EditedMeanwhile, save_edit
from reminders.campaigns.history import describe_changes, find_changes_since, snapshot_draft
from reminders.campaigns.step_words import Change
from reminders.deciding.present import Present
from reminders.deciding.shared_settings import SharedSettings
from reminders.forms.campaign_builder import CampaignBuilder
from reminders.models import Campaign
from reminders.pages.frame import Frame
from reminders.planning.activation import ScriptsRefused
from reminders.views.requests import (
    read_present_and_frame,
    read_settings_and_frame,
    signed_in,
    take_present,
    wants_fragment,
)

NOT_CARRIED = ("csrfmiddlewaretoken", "deed", "shown")


@permission_required("reminders.change_campaign", raise_exception=True)
@require_http_methods(["GET", "POST"])
@never_cache
def edit_campaign(request: HttpRequest, pk: int) -> HttpResponse:
    """The campaign as sentences that are changed where they stand; to htmx, the part that follows them.

    By POST, `deed` adds, moves or removes a step, or saves it: "review" shows first what an edit changes of a
    campaign that isn't a draft, "confirm" saves what was `shown`. `over` is the edition of somebody else that
    the person has seen and wants to save over.
    """
    settings, frame = read_settings_and_frame()
    builder = _build(request, pk, settings)
    if request.POST.get("deed") not in ("save", "review", "confirm"):
        return _show(request, builder, frame)
    is_seen = not builder.is_outdated or request.POST.get("over") == str(builder.campaign.edition)
    if not builder.is_valid() or not is_seen:
        return _show(request, builder, frame, status=422)
    draft, config = builder.make_draft(), settings.config
    saved = snapshot_draft(take_draft(pk, config), config)
    changes = describe_changes(saved, snapshot_draft(draft, config))
    if not changes:
        messages.info(request, _("Nothing was changed."))
        return redirect("campaign", pk)
    if builder.campaign.state == Campaign.State.DRAFT or request.POST["deed"] == "confirm":
        return _save(request, draft, changes)
    return _review(request, draft, changes, take_present(frame, settings), frame)


def _build(request: HttpRequest, pk: int, settings: SharedSettings) -> CampaignBuilder:
    try:
        saved = take_draft(pk, settings.config)
    except Campaign.DoesNotExist:
        raise Http404 from None
    if request.method == "POST":
        return CampaignBuilder(saved, settings, request.POST)
    return CampaignBuilder(replace(saved, last_version=read_last_version(pk)), settings)


def _show(request: HttpRequest, builder: CampaignBuilder, frame: Frame, status: int = 200) -> HttpResponse:
    context: dict[str, Any] = {"builder": builder, "campaign": builder.campaign, "not_saved": status == 422}
    context["frame"] = frame
    if builder.is_outdated:
        later, changes = find_changes_since(builder.campaign.pk, builder.version)
        context |= {"later": later, "changes": changes}
    page = "campaign/builder.html" if wants_fragment(request) else "campaign_edit.html"
    return render(request, f"reminders/{page}", context, status=status)


def _review(
    request: HttpRequest, draft: CampaignDraft, changes: list[Change], present: Present, frame: Frame
) -> HttpResponse:
    diff = diff_edit(draft, present=present)
    context = {"campaign": draft.campaign, "diff": diff, "shown": view_diff(diff), "changes": changes}
    context |= {"name": draft.name, "entries": _list_entries(request.POST), "frame": frame}
    context["is_trial"] = present.is_trial
    return render(request, "reminders/campaign_edit_review.html", context)


def _save(request: HttpRequest, draft: CampaignDraft, changes: list[Change]) -> HttpResponse:
    pk = draft.campaign.pk
    try:
        shown = request.POST.get("shown", "")
        save_edit(draft, seen=draft.campaign.edition, shown=shown, by=signed_in(request))
    except DiffOutdated:
        messages.warning(request, _("Something has changed meanwhile. Look at it again."))
        return _review(request, draft, changes, *read_present_and_frame())
    except (EditedMeanwhile, ScriptsRefused, IntegrityError):
        messages.warning(request, _("Not saved: something has changed meanwhile. Look at it again."))
        settings, frame = read_settings_and_frame()
        return _show(request, _build(request, pk, settings), frame, status=422)
    if draft.campaign.state == Campaign.State.DRAFT:
        messages.success(request, _("Saved. A draft calls nobody."))
    else:
        messages.success(request, _("Saved. What this change would have sent before now is not sent."))
    return redirect("campaign", pk)


def _list_entries(entries: QueryDict) -> list[tuple[str, str]]:
    """What was entered, to be carried through the page that asks."""
    return [
        (name, str(value)) for name, values in entries.lists() if name not in NOT_CARRIED for value in values
    ]
