"""Activating, pausing and copying campaigns."""

from django.db import transaction
from django.db.models.functions import Now

from contacts.database.clock import read_database_clock
from contacts.worker_hints import hint_planning
from reminders.lifecycle.reminders import recheck_now
from reminders.models import Campaign, Reminder, Step
from reminders.planning.planned_marks import begin_edition
from reminders.planning.planner import plan_campaign
from reminders.rules.reasons import Reason


@transaction.atomic
def activate_campaign(campaign: Campaign) -> None:
    """Activate it. A draft begins now: what was due before is not sent (product rule 6).

    After a pause it goes on as if it had been active all the time: what fell due meanwhile and is still in
    time is sent. desk/resuming.py asks before that, and can skip it (product rule 29).
    """
    state = Campaign.objects.select_for_update(no_key=True).get(pk=campaign.pk).state
    if state == Campaign.State.PAUSED:
        plan_campaign(campaign)
    if state == Campaign.State.DRAFT or campaign.activated_at is None:
        campaign.activated_at = read_database_clock()
    campaign.state, campaign.paused_at = Campaign.State.ACTIVE, None
    campaign.save(update_fields=["state", "activated_at", "paused_at"])
    begin_edition(campaign)
    hint_planning()
    recheck_now(Reminder.objects.filter(step__campaign=campaign, reason=Reason.CAMPAIGN_PAUSED))


def pause_campaign(campaign: Campaign) -> None:
    """Hold its reminders; their moments and their `not_after` stay as they are."""
    active = Campaign.objects.filter(pk=campaign.pk, state=Campaign.State.ACTIVE)
    active.update(state=Campaign.State.PAUSED, paused_at=Now())
    campaign.refresh_from_db(fields=["state", "paused_at"])


@transaction.atomic
def copy_campaign(campaign: Campaign) -> Campaign:
    """A draft with the same filters and steps; nobody is called for a draft."""
    copy = Campaign.objects.create(name=_free_name(campaign.name), kinds=campaign.kinds)
    copy.locations.set(campaign.locations.all())
    copy.providers.set(campaign.providers.all())
    steps, now = list(campaign.steps.filter(removed_at=None)), read_database_clock()
    for step in steps:
        step.pk, step.campaign, step.since = None, copy, now
        step._state.adding = True
    Step.objects.bulk_create(steps)
    return copy


def _free_name(name: str) -> str:
    taken = set(Campaign.objects.filter(name__startswith=name).values_list("name", flat=True))
    number = 2
    while f"{name} ({number})" in taken:
        number += 1
    return f"{name} ({number})"
