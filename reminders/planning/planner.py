"""Planning: writes the reminders that are owed as rows, many at once; running it again changes nothing.

A reminder's identity is (appointment, step, revision); the database keeps it unique. Planning adds what is
missing, and withdraws what is pointless since its appointment was moved or cancelled. It sends nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from contacts.database.clock import read_database_clock
from contacts.models import Appointment, Location
from contacts.worker_hints import hint_planning
from reminders.deciding.coverage import find_covered
from reminders.models import CallCompanion, CallRecord, Campaign, Reminder, Step
from reminders.planning.bulk_rows import (
    OwedReminder,
    PlannedAppointment,
    insert_reminders,
    lock_step_and_locations,
    move_reminders,
    read_planned_appointments,
)
from reminders.planning.planned_marks import (
    begin_edition,
    mark_editions_planned,
    mark_planned,
    read_editions,
    read_unplanned,
)
from reminders.planning.preferences import plan_wanted_again
from reminders.rules.reasons import Reason
from reminders.rules.schedule import OpenDays, Timing, least_ahead, moment_due
from reminders.rules.states import REMINDER_PENDING, ReminderState

REPLANNED_AT_ONCE = 1_000  # reminders, each read with all that its new moment depends on


@dataclass(frozen=True)
class PlanReport:
    """How many reminders a round of planning added and withdrew."""

    added: int
    withdrawn: int


class StepTiming(NamedTuple):
    """What planning needs of a step, read once for all appointments."""

    timing: Timing
    stop_before: timedelta
    send_late: bool
    activated_at: datetime | None


class LocationClock(NamedTuple):
    """What planning needs of a location: its clock and its open days."""

    zone: ZoneInfo
    open_days: OpenDays


def plan_all(now: datetime | None = None) -> PlanReport:
    """Plan every booked appointment after `now` (the database's, if None) for every active campaign."""
    editions = read_editions()
    report = _plan_for_steps(Appointment.objects.all(), Reminder.objects.all(), now or read_database_clock())
    mark_editions_planned(editions)
    return report


def plan_appointments(appointment_ids: Sequence[int], now: datetime | None = None) -> PlanReport:
    """The same for a few appointments, at once instead of at the next round, up to a minute later."""
    return _plan_for_steps(
        Appointment.objects.filter(pk__in=appointment_ids),
        Reminder.objects.filter(appointment_id__in=appointment_ids),
        now or read_database_clock(),
    )


def find_owed_reminder(step: Step, appointment: Appointment) -> OwedReminder | None:
    """What `step` owes `appointment` as it stands. `location` and `step.campaign` must be loaded.

    None when there is no such moment (the location is never open): the next round tries again.
    """
    return _find_owed(_read_step_timing(step), appointment, _read_location_clock(appointment.location))


def _find_owed(
    step: StepTiming | None, appointment: Appointment | PlannedAppointment, location: LocationClock | None
) -> OwedReminder | None:
    if step is None or location is None:
        return None
    not_after = appointment.starts_at - step.stop_before
    try:
        due_at = moment_due(step.timing, appointment.starts_at, location.zone, location.open_days)
    except ValueError:  # one bad row must not stop the planning of all others
        return None
    reason = _find_skip_reason(step, appointment, due_at, not_after)
    return OwedReminder(due_at, not_after, ReminderState.SKIPPED if reason else ReminderState.PLANNED, reason)


def _read_step_timing(step: Step) -> StepTiming | None:
    try:
        timing = step.timing
    except ValueError:
        return None
    send_late = step.if_late == Step.IfLate.SEND_NOW
    return StepTiming(timing, step.stop_before, send_late, step.campaign.activated_at)


def _read_location_clock(location: Location) -> LocationClock | None:
    try:
        return LocationClock(location.zone, open_days_of(location))
    except (KeyError, ValueError):  # no zone of that name
        return None


def _read_location_clocks(locations: "QuerySet[Location]") -> dict[int, LocationClock | None]:
    return {
        location.pk: _read_location_clock(location) for location in locations.prefetch_related("closed_days")
    }


def open_days_of(location: Location) -> OpenDays:
    """The days on which a location is open, as schedule.py takes them."""
    return OpenDays(
        weekdays=frozenset(location.open_weekdays),
        closed_dates=frozenset(day.date for day in location.closed_days.all()),
    )


def count_never_in_time(step: Step) -> int:
    """For how many appointments ahead the step's moment is too late; `step.campaign` must be loaded."""
    timing = _read_step_timing(step)
    if timing is None or least_ahead(timing.timing) > timing.stop_before:
        return 0  # as for nearly all steps: early enough for any appointment
    ahead = Appointment.objects.filter(status=Appointment.Status.BOOKED, starts_at__gt=Now())
    clocks = _read_location_clocks(Location.objects.all())
    count = 0
    for appointments in read_planned_appointments(find_covered(step, ahead)):
        for appointment in appointments:
            owed = _find_owed(timing, appointment, clocks.get(appointment.location_id))
            count += owed is not None and owed.due_at >= owed.not_after
    return count


def active_steps() -> "QuerySet[Step]":
    """Every step of every active campaign, with its filters."""
    return (
        Step.objects.filter(campaign__state=Campaign.State.ACTIVE)
        .select_related("campaign")
        .prefetch_related("campaign__locations", "campaign__providers")
        .order_by("pk")
    )


def _find_skip_reason(
    step: StepTiming, appointment: Appointment | PlannedAppointment, due_at: datetime, not_after: datetime
) -> str:
    """The reason to skip it from the start, or "" (product rules 5 and 6).

    The time of planning doesn't matter: what was owed and is planned too late is missed, and shown as missed.
    """
    if step.activated_at is None or due_at < step.activated_at:
        return Reason.BEFORE_ACTIVATION
    if due_at >= not_after:
        return Reason.NEVER_IN_TIME
    booked_at = appointment.revised_at
    if due_at >= booked_at or (step.send_late and booked_at < not_after):
        return ""
    return Reason.PAST_WHEN_BOOKED


def _plan_for_steps(
    appointments: "QuerySet[Appointment]", reminders: "QuerySet[Reminder]", now: datetime
) -> PlanReport:
    withdrawn = withdraw_pointless(reminders)
    unplanned = read_unplanned(appointments, now)
    plan_wanted_again(reminders)
    added = sum(_add_missing(step, appointments, now) for step in active_steps())
    mark_planned(unplanned)
    return PlanReport(added=added, withdrawn=withdrawn)


def withdraw_pointless(reminders: "QuerySet[Reminder]") -> int:
    """Withdraw what is pending for an old revision, or for a cancelled appointment.

    What a dispatcher has locked is left to its last look, which finds the same. Recording that
    a patient came withdraws nothing: if that was a mistake and is undone, the reminders are still there.
    """
    pending = reminders.filter(state__in=REMINDER_PENDING)
    return sum(
        _withdraw(group, reason)
        for group, reason in [
            (pending.filter(appointment__status=Appointment.Status.CANCELLED), Reason.CANCELLED),
            (pending.filter(~Q(revision=F("appointment__revision"))), Reason.MOVED),
        ]
    )


@transaction.atomic
def _withdraw(pointless: "QuerySet[Reminder]", reason: str) -> int:
    held = pointless.order_by("pk").select_for_update(of=("self",), skip_locked=True)
    return Reminder.objects.filter(pk__in=list(held.values_list("pk", flat=True))).update(
        state=ReminderState.WITHDRAWN,
        reason=reason,
        claim=None,
        lease_until=None,
        updated_at=Now(),
    )


def replan_campaign(campaign: Campaign) -> int:
    """After an edit of its steps: give planned reminders without a try their new moment; how many moved."""
    begin_edition(campaign)
    hint_planning()
    return _replan(Reminder.objects.filter(step__campaign=campaign))


@transaction.atomic
def replan_location(location: Location) -> int:
    """The same after an edit of a location's time zone or open days."""
    # lock it, which waits for every planner that is using it
    list(Location.objects.select_for_update(no_key=True).filter(pk=location.pk))
    return _replan(Reminder.objects.filter(appointment__location=location))


def _replan(reminders: "QuerySet[Reminder]") -> int:
    waiting = (
        reminders.filter(state=ReminderState.PLANNED, ordered_by=None)
        .filter(~Exists(CallRecord.objects.filter(reminder=OuterRef("pk"))))
        .filter(~Exists(CallCompanion.objects.filter(reminder=OuterRef("pk"))))
        .select_related("step__campaign", "appointment__location")
        .prefetch_related("appointment__location__closed_days")
        .order_by("pk")
        .select_for_update(of=("self",), skip_locked=True)
    )
    moved = last = 0
    while True:
        with transaction.atomic():
            chunk = list(waiting.filter(pk__gt=last)[:REPLANNED_AT_ONCE])
            moved += move_reminders([new for reminder in chunk if (new := _find_new_moment(reminder))])
        if not chunk:
            return moved
        last = chunk[-1].pk


def _find_new_moment(reminder: Reminder) -> tuple[int, OwedReminder] | None:
    owed = find_owed_reminder(reminder.step, reminder.appointment)
    if owed is None or (owed.due_at, owed.not_after) == (reminder.due_at, reminder.not_after):
        return None
    return reminder.pk, owed


def _add_missing(step: Step, appointments: "QuerySet[Appointment]", now: datetime) -> int:
    planned = Reminder.objects.filter(appointment=OuterRef("pk"), step=step, revision=OuterRef("revision"))
    missing = (
        find_covered(step, appointments)
        .filter(status=Appointment.Status.BOOKED, starts_at__gt=now)
        .filter(~Exists(planned))
    )
    return sum(_add(step.pk, appointments) for appointments in read_planned_appointments(missing))


@transaction.atomic
def _add(step_id: int, appointments: Sequence[PlannedAppointment]) -> int:
    """Insert the step's reminders for them, with the step and the locations locked against edits."""
    location_ids = {appointment.location_id for appointment in appointments}
    lock_step_and_locations(step_id, location_ids)
    timing = _read_step_timing(Step.objects.select_related("campaign").get(pk=step_id))
    clocks = _read_location_clocks(Location.objects.filter(pk__in=location_ids))
    owed = [
        (appointment, reminder)
        for appointment in appointments
        if (reminder := _find_owed(timing, appointment, clocks.get(appointment.location_id)))
    ]
    return insert_reminders(step_id, owed)
