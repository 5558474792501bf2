"""Activating, pausing and copying campaigns."""

from collections.abc import Sequence

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction
from django.db.models.functions import Now

from contacts.database.clock import read_database_clock
from contacts.worker_hints import hint_planning
from reminders.lifecycle.reminders import recheck_now
from reminders.models import Campaign, Reminder, Step
from reminders.planning.planned_marks import begin_edition
from reminders.planning.planner import plan_campaign
from reminders.rules.reasons import Reason
from reminders.wording.script_verdicts import TextVerdict, judge_campaign

LONGEST_NAME: int = Campaign._meta.get_field("name").max_length or 0


class ScriptsRefused(ValueError):
    """The campaign can't be activated as long as its scripts say what they may not (product rule 62)."""

    def __init__(self, verdicts: Sequence[TextVerdict]) -> None:
        super().__init__("scripts of the campaign are refused, or warned of and not approved")
        self.verdicts = tuple(verdicts)

    @property
    def sentences(self) -> list[str]:
        """Why, for staff."""
        return [sentence for verdict in self.verdicts for sentence in verdict.sentences]


def check_scripts(campaign: Campaign) -> None:
    """Raise ScriptsRefused if one of its texts is refused, or warned of and approved by nobody."""
    if refused := judge_campaign(campaign):
        raise ScriptsRefused(refused)


@transaction.atomic
def activate_campaign(campaign: Campaign) -> None:
    """Activate it. A draft begins now: what was due before is not sent (product rule 6).

    Raises ScriptsRefused as check_scripts() does.

    After a pause it goes on as if it had been active all the time: what fell due meanwhile and is still in
    time is sent. desk/resuming.py asks before that, and can skip it (product rule 29).
    """
    state = Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk).state
    check_scripts(campaign)
    if state == Campaign.State.PAUSED:
        plan_campaign(campaign)
    if state == Campaign.State.DRAFT or campaign.activated_at is None:
        campaign.activated_at = read_database_clock()
    campaign.state, campaign.paused_at = Campaign.State.ACTIVE, None
    campaign.paused_by, campaign.pause_reason = None, ""
    campaign.save(update_fields=["state", "activated_at", "paused_at", "paused_by", "pause_reason"])
    begin_edition(campaign)
    hint_planning()
    recheck_now(Reminder.objects.filter(step__campaign=campaign, reason=Reason.CAMPAIGN_PAUSED))


def pause_campaign(campaign: Campaign, *, by: User | None = None, reason: str = "") -> bool:
    """Hold its reminders; their moments and their `not_after` stay as they are. False if it isn't active.

    `reason`: why, in the words of the person who pauses.
    """
    active = Campaign.objects.filter(pk=campaign.pk, state=Campaign.State.ACTIVE)
    paused = active.update(
        state=Campaign.State.PAUSED, paused_at=Now(), paused_by=by, pause_reason=reason[:200]
    )
    campaign.refresh_from_db(fields=["state", "paused_at", "paused_by", "pause_reason"])
    return bool(paused)


@transaction.atomic
def copy_campaign(campaign: Campaign, *, by: User | None = None) -> Campaign:
    """A draft with the same filters and steps; nobody is called for a draft."""
    copy = _create_copy(campaign, by)
    copy.locations.set(campaign.locations.all())
    copy.providers.set(campaign.providers.all())
    steps, now = list(campaign.steps.in_use()), read_database_clock()
    for step in steps:
        step.pk, step.campaign, step.since = None, copy, now
        step._state.adding = True
    Step.objects.bulk_create(steps)
    return copy


def find_free_name(name: str) -> str:
    """The name with the first number that no campaign has: "Reminders (2)". A long name is shortened."""
    taken = {one.casefold() for one in Campaign.objects.values_list("name", flat=True)}
    number = 2
    while (free := _add_number(name, number)).casefold() in taken:
        number += 1
    return free


def _add_number(name: str, number: int) -> str:
    end = f" ({number})"
    return name[: LONGEST_NAME - len(end)].rstrip() + end


def _create_copy(campaign: Campaign, by: User | None) -> Campaign:
    """The row of a copy. Who copies at the same moment takes the next name."""
    while True:
        name = find_free_name(campaign.name)
        try:
            with transaction.atomic():
                return Campaign.objects.create(
                    name=name,
                    kinds=campaign.kinds,
                    patients=campaign.patients,
                    languages=campaign.languages,
                    consent=campaign.consent,
                    created_by=by,
                )
        except IntegrityError:
            if not Campaign.objects.filter(name=name).exists():
                raise
