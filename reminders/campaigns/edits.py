"""What a named person does with a campaign: saves an edit, activates, pauses, copies, takes a change back.

Each is recorded in the campaign's history (history.py). Saving and activating ask for what was shown before
(differences.py), and apply nothing else.
"""

from collections.abc import Callable

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models import Max
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from reminders.campaigns.differences import CampaignDiff, DiffOutdated, diff_activation, diff_edit
from reminders.campaigns.drafts import NOT_EDITED, CampaignDraft, read_draft
from reminders.campaigns.history import (
    VersionNotRestorable,
    begin_history,
    check_name,
    draft_of_version,
    record_version,
)
from reminders.models import Campaign, CampaignVersion, Step
from reminders.planning.activation import ScriptsRefused, activate_campaign, copy_campaign, pause_campaign
from reminders.planning.editing import finish_edit, prepare_edit
from reminders.wording.pronunciations import read_pronunciations
from reminders.wording.script_verdicts import judge_steps, list_script_uses
from reminders.wording.sms_length import read_said_names

What = CampaignVersion.What
REMOVED_FROM = 10_000  # the positions of removed steps, behind those of all others


class EditedMeanwhile(Exception):
    """Nothing was saved: somebody else has edited or activated the campaign since."""


@transaction.atomic
def save_shown_edit(
    draft: CampaignDraft, *, shown: str, by: User, restores: CampaignVersion | None = None
) -> CampaignDiff:
    """Save an edit that was shown; what it changed. Raises DiffOutdated if it would change something else.

    `shown`: the token of the diff that the person confirmed. What was due before is not sent. Raises
    ScriptsRefused if an active campaign would take a script that it couldn't be activated with.
    """
    campaign_id = draft.campaign.pk
    before = prepare_edit(campaign_id)
    _check_new_scripts(draft)
    diff = diff_edit(draft)
    if not diff.is_as_shown(shown):
        raise DiffOutdated(diff)
    begin_history(campaign_id)
    _write(draft)
    finish_edit(before)
    record_version(campaign_id, What.RESTORED if restores else What.EDITED, by=by, restores=restores)
    return diff


@transaction.atomic
def save_edit(draft: CampaignDraft, *, seen: int, shown: str, by: User) -> CampaignDiff:
    """Save an edit of the campaign as it stood in the edition `seen`; what it changed.

    A draft, which sends nothing, is saved without having been shown. Raises EditedMeanwhile, DiffOutdated.
    """
    campaign = Campaign.objects.select_for_update(no_key=True).get(pk=draft.campaign.pk)
    if campaign.edition != seen:
        raise EditedMeanwhile
    if campaign.state == Campaign.State.DRAFT:
        shown = diff_edit(draft).token
    return save_shown_edit(draft, shown=shown, by=by)


def restore_version(version: CampaignVersion, *, shown: str, by: User) -> CampaignDiff:
    """Make the campaign again what this version has, as an edit that was shown.

    Raises DiffOutdated, ScriptsRefused, and history.VersionNotRestorable, also for what is taken or deleted
    meanwhile.
    """
    draft = draft_of_version(version)
    try:
        return save_shown_edit(draft, shown=shown, by=by, restores=version)
    except IntegrityError as error:
        check_name(draft)
        raise VersionNotRestorable(_("Not taken back: something has changed meanwhile.")) from error


@transaction.atomic
def activate_as_shown(
    campaign_id: int, *, shown: str, by: User, skip_due: Callable[[Campaign], object] | None = None
) -> CampaignDiff:
    """Activate a draft, or a campaign after a pause; what was started. Raises DiffOutdated.

    `skip_due`: skips what fell due in the pause and activates it (desk/resuming.py); without it that is sent.
    """
    campaign = Campaign.objects.select_for_update(no_key=True).get(pk=campaign_id)
    proposed = diff_activation(campaign_id)
    diff = proposed.skip if skip_due else proposed.send
    if campaign.state == Campaign.State.ACTIVE or not diff.is_as_shown(shown):
        raise DiffOutdated(diff)
    begin_history(campaign_id)
    (skip_due or activate_campaign)(campaign)
    record_version(campaign_id, What.ACTIVATED, by=by)
    return diff


@transaction.atomic
def pause_by_person(campaign: Campaign, *, by: User, reason: str = "") -> bool:
    """Pause it, for this reason: its reminders are held, with their moments and their ends.

    False, and nothing is recorded, if it isn't active.
    """
    state = Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk).state
    if state == Campaign.State.ACTIVE:
        begin_history(campaign.pk)
    if is_paused := pause_campaign(campaign, by=by, reason=reason):
        record_version(campaign.pk, What.PAUSED, by=by)
    return is_paused


@transaction.atomic
def copy_by_person(campaign: Campaign, *, by: User) -> Campaign:
    """A draft with the same filters and steps."""
    copy = copy_campaign(campaign, by=by)
    record_version(copy.pk, What.COPIED, by=by)
    return copy


def _check_new_scripts(draft: CampaignDraft) -> None:
    """Those that it sends already are judged when it is activated, and block no other edit."""
    saved = read_draft(draft.campaign.pk)
    if saved.campaign.state != Campaign.State.ACTIVE:
        return
    known = list_script_uses(saved.steps)
    steps = [step for step in draft.steps if list_script_uses([step]) - known]
    new = {script for script, _ in list_script_uses(steps) - known}
    verdicts = judge_steps(steps, read_said_names(), read_pronunciations()) if steps else []
    if refused := [verdict for verdict in verdicts if verdict.script.pk in new]:
        raise ScriptsRefused(refused)


def _write(draft: CampaignDraft) -> None:
    campaign = draft.campaign
    filters = draft.filters
    Campaign.objects.filter(pk=campaign.pk).update(
        name=draft.name,
        kinds=sorted(filters.kinds),
        patients=filters.patients,
        languages=sorted(filters.languages),
        consent=filters.consent,
    )
    campaign.locations.set(filters.locations)
    campaign.providers.set(filters.providers)
    _remove_steps(campaign, {step.pk for step in draft.steps if step.pk})
    removed = set(campaign.steps.exclude(removed_at=None).values_list("pk", flat=True))
    edited = [field.name for field in Step._meta.concrete_fields if field.name not in NOT_EDITED]
    for position, step in enumerate(draft.steps, start=1):
        step.campaign, step.position = campaign, position
        if step.pk:
            step.save(update_fields=edited)
        else:
            step.save()
    put_back = [step.pk for step in draft.steps if step.pk in removed]
    Step.objects.filter(pk__in=put_back).update(removed_at=None, since=Now())


def _remove_steps(campaign: Campaign, kept: set[int]) -> None:
    """Take the other steps out. Their rows stay, as reminders and calls refer to them."""
    there = campaign.steps.in_use().exclude(pk__in=kept)
    last = campaign.steps.aggregate(last=Max("position"))["last"] or 0
    for place, step in enumerate(there.order_by("position"), start=max(last + 1, REMOVED_FROM)):
        Step.objects.filter(pk=step.pk).update(removed_at=Now(), position=place)
