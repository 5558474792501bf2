"""A forecast finds what planning and replanning would write, as they do (product rules 18 and 29)."""

import random
from datetime import datetime, time, timedelta
from typing import NamedTuple

import pytest
from django.utils import timezone

from contacts.appointments import set_times
from contacts.models import Appointment
from reminders.campaigns.clinic_facts import ClinicFacts
from reminders.campaigns.reminder_rows import Rows, read_rows
from reminders.campaigns.step_planner import StepPlanner
from reminders.campaigns.upcoming import read_reminder_groups, read_visits_ahead
from reminders.deciding.coverage import CampaignFilters
from reminders.deciding.present import read_present
from reminders.models import Reminder, Step
from reminders.planning.bulk_rows import as_planned
from reminders.planning.owed_reminders import StepTiming, find_owed, read_step_timing
from reminders.planning.replanning import (
    UntriedReminder,
    as_covered_then,
    find_replanned,
    with_details_then,
)
from reminders.rules.reaching_back import MeantSince
from reminders.rules.schedule import Timing
from reminders.rules.states import ReminderState
from tests.reminders.campaigns.clinics import make_clinic

pytestmark = pytest.mark.django_db

VISITS = 90
HOUR = timedelta(hours=1)


class Written(NamedTuple):
    """A reminder's row, its times in seconds since 1970; `due` is 0 if it doesn't wait."""

    state: str
    reason: str
    due: float
    end: float


@pytest.mark.parametrize("seed", [3, 4])
def test_what_is_owed_in_bulk_is_what_is_owed_to_each_visit(seed: int) -> None:
    """Product rules 18 and 29: in rows planned anew, and in rows that an edit moves."""
    clinic = make_clinic(seed, VISITS)
    move_to_odd_seconds(clinic.rng)
    now = timezone.now()
    facts = ClinicFacts(read_visits_ahead(CampaignFilters(), CampaignFilters(), now), read_present(now))
    visits = {one.pk: one for one in Appointment.objects.select_related("contact__phone", "location")}
    own = {pk: visits[pk] for pk in facts.visits.times}
    kinds = set[str]()
    for step in clinic.campaign.steps.all():
        groups = read_reminder_groups([step.pk], now, live_since=None)[step.pk]
        for timing in make_timings(step, now):
            planned = read_written(StepPlanner(facts, timing).plan(own))
            assert planned == {pk: owed for pk, one in own.items() if (owed := plan_one(facts, timing, one))}
            rows, created = read_rows(facts, groups), read_created(step)
            planner = StepPlanner(facts, timing, is_after=True)
            moved = [new for row in rows for new in planner.replan(row, created, ())]
            assert read_written(moved) == replan_each(facts, timing, step, now)
            kinds |= {one.reason or one.state for one in planned.values()}
    assert {"planned", "never_in_time", "never_in_hours", "brought_forward", "before_step"} <= kinds


def move_to_odd_seconds(rng: random.Random) -> None:
    """Visits at any time of day, and reminders that were planned at any time of the last days."""
    for visit in Appointment.objects.select_related("location"):
        odd = timedelta(minutes=rng.randrange(-600, 600), microseconds=rng.randrange(60_000_000))
        set_times(visit, visit.starts_at + odd, visit.ends_at + odd)
        visit.save()
    for reminder in Reminder.objects.all():
        created_at = timezone.now() - rng.random() * 60 * HOUR
        Reminder.objects.filter(pk=reminder.pk).update(created_at=created_at)


def make_timings(step: Step, now: datetime) -> list[StepTiming]:
    """The step's own, and as edits make it: later, sooner and to be brought forward, since then."""
    own = read_step_timing(step)
    assert own is not None
    edited = own._replace(since=MeantSince(own.since.activated, now - 9 * HOUR, now - 20 * HOUR))
    timings = [own, edited, edited._replace(stop_before=7 * HOUR, bring_forward=True)]
    kind = edited.timing.kind
    if step.elapsed:
        timing = Timing(kind, elapsed=step.elapsed + timedelta(minutes=47))
    else:
        timing = Timing(kind, days=2, at=time(18, 5))
    timings.append(edited._replace(timing=timing))
    return timings


def read_written(rows: list[Rows]) -> dict[int, Written]:
    return {
        visit: Written(row.state, row.reason, due, end)
        for _, row, by_due in rows
        for due, alike in by_due.items()
        for visit, end in zip(*alike, strict=True)
    }


def read_created(step: Step) -> dict[int, float]:
    times = Reminder.objects.filter(step=step).values_list("appointment", "created_at")
    return {visit: created_at.timestamp() for visit, created_at in times}


def write(state: str, reason: str, due_at: datetime, not_after: datetime) -> Written:
    due = due_at.timestamp() if state in ("planned", "claimed") else 0.0
    return Written(state, reason, due, not_after.timestamp())


def plan_one(facts: ClinicFacts, timing: StepTiming, visit: Appointment) -> Written | None:
    owed = find_owed(timing, as_planned(visit), facts.clocks[visit.location_id])
    return write(owed.state, owed.reason, owed.due_at, owed.not_after) if owed else None


def replan_each(facts: ClinicFacts, timing: StepTiming, step: Step, now: datetime) -> dict[int, Written]:
    """As planning/replanning.py does it, none of them tried."""
    found = {}
    people = ("appointment__contact__phone", "appointment__location")
    for one in Reminder.objects.filter(step=step, appointment__in=facts.visits.times).select_related(*people):
        then = as_covered_then(timing, one.created_at)
        visit = with_details_then(as_planned(one.appointment), one.created_at)
        owed = find_owed(then, visit, facts.clocks[visit.location_id])
        untried = UntriedReminder(one.state, one.reason, one.due_at, one.not_after, one.created_at)
        is_replanned = one.state in (ReminderState.PLANNED, ReminderState.SKIPPED) and one.ordered_by is None
        new = find_replanned(untried, owed, now) if is_replanned else None
        row = new or untried
        found[one.appointment_id] = write(row.state, row.reason, row.due_at, row.not_after)
    return found
