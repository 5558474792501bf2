"""Replanning: gives reminders that wait their new moment after a step, a location or a contact was edited.

What planning had skipped is looked at again too: it is planned if the edit makes it owed after all.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import NamedTuple, Protocol

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from contacts.database.clock import read_database_clock
from contacts.models import Appointment, Location
from reminders.models import CallCompanion, CallRecord, Reminder
from reminders.planning.bulk_rows import OwedReminder, PlannedAppointment, as_planned, move_reminders
from reminders.planning.early_looks import look_again, look_again_at_turns
from reminders.planning.owed_reminders import (
    StepTiming,
    find_owed,
    read_location_clock,
    read_step_timing,
)
from reminders.rules.reasons import ALWAYS_TOO_LATE, SKIPPED_BY_PLANNING, Reason
from reminders.rules.states import ReminderState

REPLANNED_AT_ONCE = 1_000  # reminders, each read with all that its new moment depends on
_ARE_SKIPPED = Q(
    state=ReminderState.SKIPPED,
    reason__in=SKIPPED_BY_PLANNING,
    revision=F("appointment__revision"),
    appointment__status=Appointment.Status.BOOKED,
    appointment__starts_at__gt=Now(),
)


class ReplanReport(NamedTuple):
    """After an edit: how many reminders have a new time, and how many are now skipped with a reason."""

    moved: int
    skipped: int


def replan_steps(step_ids: Sequence[int]) -> ReplanReport:
    """After an edit of these steps: give their reminders that were never tried their new moment.

    One whose new moment lies before the edit is skipped; one that planning had skipped is planned if its new
    moment is still ahead. What waits is looked at again at once (product rule 30). editing.py records since
    when the steps have their time.
    """
    reminders = Reminder.objects.filter(step__in=step_ids)
    report = _replan(reminders)
    look_again(reminders)
    return report


@transaction.atomic
def replan_location(location: Location) -> ReplanReport:
    """The same after an edit of a location: its zone, open days, calling hours or calls per minute.

    What could never be in time by the old hours, and can by the new, is planned even if its moment has
    passed: it waits for the hours like any other.
    """
    # lock it, which waits for every planner that is using it
    list(Location.objects.select_for_update(no_key=True).filter(pk=location.pk))
    reminders = Reminder.objects.filter(appointment__location=location)
    report = _replan(reminders, hours_changed=True)
    look_again_at_turns([location.pk])
    look_again(reminders)
    return report


def replan_corrected_contacts() -> None:
    """Look again at what had no calling hours, where the contact was edited since: maybe their time zone.

    Once for each edit of a contact: a later edit of the step must not find them again (product rule 29).
    """
    looked_at = read_database_clock()
    edited = Reminder.objects.filter(
        _ARE_SKIPPED,
        reason=Reason.NEVER_IN_HOURS,
        appointment__contact__updated_at__gt=F("updated_at"),
    )
    if ids := list(edited.values_list("pk", flat=True)):
        chosen = Reminder.objects.filter(pk__in=ids)
        _replan(chosen, hours_changed=True)
        chosen.filter(updated_at__lt=looked_at).update(updated_at=looked_at)


def _replan(reminders: "QuerySet[Reminder]", *, hours_changed: bool = False) -> ReplanReport:
    waiting = (
        reminders.filter(Q(state=ReminderState.PLANNED) | _ARE_SKIPPED, ordered_by=None)
        .filter(~Exists(CallRecord.objects.filter(reminder=OuterRef("pk"))))
        .filter(~Exists(CallCompanion.objects.filter(reminder=OuterRef("pk"))))
        .select_related("step__campaign", "appointment__location", "appointment__contact__phone")
        .prefetch_related("appointment__location__closed_days")
        .order_by("pk")
        .select_for_update(of=("self",), skip_locked=True)
    )
    now = read_database_clock()
    moved = skipped = last = 0
    while True:
        with transaction.atomic():
            chunk = list(waiting.filter(pk__gt=last)[:REPLANNED_AT_ONCE])
            new = [(one.pk, owed) for one in chunk if (owed := _find_change(one, now, hours_changed))]
            move_reminders(new)
        if not chunk:
            return ReplanReport(moved, skipped)
        last = chunk[-1].pk
        skipped += (dropped := sum(owed.state == ReminderState.SKIPPED for _, owed in new))
        moved += len(new) - dropped


class UntriedReminder(NamedTuple):
    """A reminder that was never tried, as far as replanning goes by it; moments are aware UTC."""

    state: str
    reason: str
    due_at: datetime
    not_after: datetime
    created_at: datetime


def _find_change(reminder: Reminder, now: datetime, hours_changed: bool) -> OwedReminder | None:
    """What the reminder becomes after an edit; None if it stays as it is."""
    step = as_covered_then(read_step_timing(reminder.step), reminder.created_at)
    appointment = with_details_then(as_planned(reminder.appointment), reminder.created_at)
    owed = find_owed(step, appointment, read_location_clock(reminder.appointment.location))
    untried = UntriedReminder(
        reminder.state, reminder.reason, reminder.due_at, reminder.not_after, reminder.created_at
    )
    return find_replanned(untried, owed, now, hours_changed=hours_changed)


def as_covered_then(step: StepTiming | None, planned_at: datetime) -> StepTiming | None:
    """The step for what was planned then: it was covered before the filters changed, if that was later."""
    if step and step.since.filters and planned_at < step.since.filters:
        return step._replace(since=replace(step.since, filters=None))
    return step


def with_details_then(appointment: PlannedAppointment, planned_at: datetime) -> PlannedAppointment:
    """The appointment for what was planned then: it was covered before its provider or kind changed."""
    if appointment.details_at and planned_at < appointment.details_at:
        return appointment._replace(details_at=None)
    return appointment


def find_replanned(
    reminder: UntriedReminder, owed: OwedReminder | None, now: datetime, *, hours_changed: bool = False
) -> OwedReminder | None:
    """What a reminder becomes for which this is owed after an edit; None if it stays as it is."""
    if owed is None:
        return None
    is_same_time = (owed.due_at, owed.not_after) == (reminder.due_at, reminder.not_after)
    is_ahead = owed.due_at > now
    if is_replanned(
        reminder, owed, is_same_time=is_same_time, is_ahead=is_ahead, hours_changed=hours_changed
    ):
        return owed
    return None


class StateAndReason(Protocol):
    """A reminder as it is, or as it is owed."""

    @property
    def state(self) -> str: ...

    @property
    def reason(self) -> str: ...


def is_replanned(
    reminder: StateAndReason,
    owed: StateAndReason,
    *,
    is_same_time: bool,
    is_ahead: bool,
    hours_changed: bool = False,
) -> bool:
    """Whether a reminder becomes what is owed after an edit, or stays as it is.

    `is_same_time`: it has the moment and the end that it is owed. `is_ahead`: what is owed is due later.
    """
    if reminder.state == ReminderState.SKIPPED:
        may_be_late = hours_changed and reminder.reason in ALWAYS_TOO_LATE
        return owed.state == ReminderState.PLANNED and (is_ahead or may_be_late)
    # The same moment, but no hours are left for it. Once it is due, the last look misses it instead.
    return not is_same_time or (is_ahead and owed.reason in ALWAYS_TOO_LATE)
