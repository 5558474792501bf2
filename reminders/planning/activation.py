"""Activating, pausing and copying campaigns."""

from django.db import transaction

from contacts.database.clock import read_database_clock
from contacts.worker_hints import hint_planning
from reminders.lifecycle.reminders import recheck_now
from reminders.models import Campaign, Reminder, Step
from reminders.planning.planned_marks import begin_edition
from reminders.rules.reasons import Reason


@transaction.atomic
def activate_campaign(campaign: Campaign) -> None:
    """Activate it from now on: what was due before is not sent (product rule 6)."""
    campaign.state = Campaign.State.ACTIVE
    campaign.activated_at = read_database_clock()
    campaign.save(update_fields=["state", "activated_at"])
    begin_edition(campaign)
    hint_planning()
    recheck_now(Reminder.objects.filter(step__campaign=campaign, reason=Reason.CAMPAIGN_PAUSED))


def pause_campaign(campaign: Campaign) -> None:
    """Hold its reminders; their moments and their `not_after` stay as they are."""
    campaign.state = Campaign.State.PAUSED
    campaign.save(update_fields=["state"])


@transaction.atomic
def copy_campaign(campaign: Campaign) -> Campaign:
    """A draft with the same filters and steps; nobody is called for a draft."""
    copy = Campaign.objects.create(name=_free_name(campaign.name), kinds=campaign.kinds)
    copy.locations.set(campaign.locations.all())
    copy.providers.set(campaign.providers.all())
    steps = list(campaign.steps.all())
    for step in steps:
        step.pk, step.campaign = None, copy
        step._state.adding = True
    Step.objects.bulk_create(steps)
    return copy


def _free_name(name: str) -> str:
    taken = set(Campaign.objects.filter(name__startswith=name).values_list("name", flat=True))
    number = 2
    while f"{name} ({number})" in taken:
        number += 1
    return f"{name} ({number})"
