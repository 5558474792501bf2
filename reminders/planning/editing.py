"""Edits of a campaign's steps and filters, which mean nobody before they are made (product rule 29).

prepare_edit() comes before anything is saved, finish_edit() after, both in the transaction of the edit. What
the campaign owed before is planned first, so that it stays owed; everything else that was due before the edit
is skipped with its reason (rules/reaching_back.py). An edit that changes neither the time of a step nor the
filters, such as of a script, changes nothing of this. Nor do other minutes of a step that comes right after
booking: it means the same bookings as before.
"""

from typing import NamedTuple

from django.db.models.functions import Now

from contacts.worker_hints import hint_planning
from reminders.deciding.coverage import CampaignFilters, read_filters
from reminders.models import Campaign, Reminder, Step
from reminders.planning.planned_marks import begin_edition
from reminders.planning.planner import plan_campaign
from reminders.planning.preferences import find_unwanted, settle_unwanted
from reminders.planning.replanning import ReplanReport, replan_steps
from reminders.rules.schedule import Timing, TimingKind

StepTime = tuple[int, Timing | None]  # the campaign, and when the step is due; None where that is invalid


class StateBefore(NamedTuple):
    """A campaign before an edit."""

    campaign_id: int
    filters: CampaignFilters
    step_times: dict[int, StepTime]
    unwanted: list[int]


def prepare_edit(campaign_id: int) -> StateBefore:
    """Lock the campaign and its steps, and plan what they owe as they stand. Nothing may be saved before."""
    campaign = Campaign.objects.select_for_update(no_key=True).get(pk=campaign_id)
    # waits for every planner that is using them
    steps = list(campaign.steps.select_for_update(no_key=True).order_by("pk"))
    plan_campaign(campaign)
    unwanted = find_unwanted(Reminder.objects.filter(step__in=steps))
    times = {step.pk: read_step_time(step) for step in steps}
    return StateBefore(campaign_id, read_filters(campaign), times, unwanted)


def finish_edit(before: StateBefore) -> ReplanReport:
    """Note since when changed steps and filters mean somebody, and move the planned reminders."""
    campaign = Campaign.objects.get(pk=before.campaign_id)
    if read_filters(campaign) != before.filters:
        Campaign.objects.filter(pk=campaign.pk).update(filters_since=Now())
    steps = Step.objects.filter(pk__in=before.step_times)
    changed = [step.pk for step in steps if means_others(before.step_times[step.pk], read_step_time(step))]
    Step.objects.filter(pk__in=changed).update(since=Now())
    settle_unwanted(before.unwanted)
    begin_edition(campaign)  # what it covers is "being planned" until planning has gone through it
    hint_planning()
    return replan_steps(list(before.step_times))


def read_step_time(step: Step) -> StepTime:
    """When the step is due, with its campaign, to tell whether an edit changes it."""
    try:
        return step.campaign_id, step.timing
    except ValueError:
        return step.campaign_id, None


def means_others(old: StepTime, new: StepTime) -> bool:
    """Whether it means other moments than before, and not only other minutes after the same bookings."""
    return old != new and not (old[0] == new[0] and _is_after_booking(old[1]) and _is_after_booking(new[1]))


def _is_after_booking(timing: Timing | None) -> bool:
    return timing is not None and timing.kind == TimingKind.AFTER_BOOKING
