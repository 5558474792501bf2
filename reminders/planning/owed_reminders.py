"""What a step owes one appointment: when it is due, until when, and whether it is skipped from the start.

What was due before it was booked or before somebody was meant (rules/reaching_back.py) is skipped, and so is
what can never be in time, calling hours included. A step may have the latter brought forward instead.

A step that comes right after booking means the visits that are booked or moved here, from the moment on at
which it was added. When a visit of an imported list was booked isn't known: it may have been months ago, and
a first list, or a longer one, would otherwise call everybody on it.
"""

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db.models import QuerySet

from contacts.models import Appointment, Location
from contacts.public_holidays import closed_on_holidays
from reminders.deciding.situations import hours_of, zones_of
from reminders.models import Step
from reminders.planning.bulk_rows import (
    OwedReminder,
    PlannedAppointment,
    as_planned,
)
from reminders.rules.calling_hours import CallingHours, last_allowed, next_allowed
from reminders.rules.reaching_back import MeantSince, find_reaching_back
from reminders.rules.reasons import ALWAYS_TOO_LATE, Reason
from reminders.rules.schedule import OpenDays, Timing, TimingKind, moment_due
from reminders.rules.states import ReminderState

LONG_AGO = datetime.min.replace(tzinfo=UTC)
MINUTE = timedelta(minutes=1)
# What is brought forward goes out at least this long before calling hours end, where they last as long, so
# that a desk's pace or a busy line doesn't make it too late.
ROOM_BEFORE_CLOSING = timedelta(minutes=30)
TOO_LATE_FOR_IT = ALWAYS_TOO_LATE | {Reason.BOOKED_TOO_SHORTLY}  # what may be brought forward


class StepTiming(NamedTuple):
    """What planning needs of a step, read once for all appointments."""

    timing: Timing
    stop_before: timedelta
    if_late: str  # Step.IfLate
    bring_forward: bool
    since: MeantSince

    @property
    def is_after_booking(self) -> bool:
        return self.timing.kind == TimingKind.AFTER_BOOKING

    @property
    def sends_late(self) -> bool:
        """Whether it is sent though its time had passed; after a booking, only a new number makes it so."""
        return self.if_late != Step.IfLate.SKIP and not self.is_after_booking


class LocationClock(NamedTuple):
    """What planning needs of a location: its clock, its open days and its calling hours."""

    zone: ZoneInfo
    open_days: OpenDays
    hours: CallingHours


def find_owed_reminder(step: Step, appointment: Appointment) -> OwedReminder | None:
    """What `step` owes `appointment` as it stands.

    `location`, `contact.phone` and `step.campaign` must be loaded. None when there is no such moment (the
    location is never open): the next round tries again.
    """
    location = read_location_clock(appointment.location)
    return find_owed(read_step_timing(step), as_planned(appointment), location)


def find_owed(
    step: StepTiming | None, appointment: PlannedAppointment, location: LocationClock | None
) -> OwedReminder | None:
    if step is None or location is None:
        return None
    if appointment.details_at:
        step = step._replace(since=step.since.for_details_of(appointment.details_at))
    if appointment.patient_at:
        step = step._replace(since=step.since.for_details_of(appointment.patient_at))
    not_after = appointment.starts_at - step.stop_before
    booked_at = appointment.booked_at if step.is_after_booking else appointment.revised_at
    if booked_at is None:
        unknown = appointment.revised_at + step.timing.elapsed
        return OwedReminder(unknown, not_after, ReminderState.SKIPPED, Reason.BOOKING_UNKNOWN)
    try:
        due_at = moment_due(step.timing, appointment.starts_at, location.zone, location.open_days, booked_at)
    except ValueError:  # one bad row must not stop the planning of all others
        return None
    zones = zones_of(appointment.stated_zone, location.zone.key, appointment.number_zones)
    revised_at, hours = appointment.revised_at, location.hours
    reason = (
        _find_skip_reason(step, appointment, due_at, not_after)
        or _find_lack_of_hours(max(due_at, revised_at), not_after, hours, zones)
        or (due_at < revised_at and _find_lateness(step, revised_at, due_at, not_after, hours, zones))
        or ""
    )
    if reason in TOO_LATE_FOR_IT and step.bring_forward and zones:
        earlier = _bring_forward(due_at, not_after, hours, zones)
        is_meant = earlier is not None and max(earlier, revised_at) >= (step.since.latest or earlier)
        if earlier and is_meant and not _find_lateness(step, revised_at, earlier, not_after, hours, zones):
            return OwedReminder(earlier, not_after, ReminderState.PLANNED, Reason.BROUGHT_FORWARD)
    return OwedReminder(due_at, not_after, ReminderState.SKIPPED if reason else ReminderState.PLANNED, reason)


def _find_skip_reason(
    step: StepTiming, appointment: PlannedAppointment, due_at: datetime, not_after: datetime
) -> str:
    """The reason to skip it from the start, calling hours aside, or "" (product rules 5, 6 and 29).

    The time of planning doesn't matter: what was owed and is planned too late is missed, and shown as missed.
    """
    revised_at, booked_at = appointment.revised_at, appointment.booked_at
    # a step after booking means the bookings since it was added, not those whose minutes end since then
    owed_from = booked_at if step.is_after_booking and booked_at else max(due_at, revised_at)
    if reason := find_reaching_back(owed_from, step.since):
        return reason
    if due_at >= not_after:
        return Reason.BOOKED_TOO_SHORTLY if step.is_after_booking else Reason.NEVER_IN_TIME
    if due_at < revised_at and (not step.sends_late or revised_at >= not_after):
        return Reason.PAST_WHEN_BOOKED
    return ""


def _find_lateness(
    step: StepTiming,
    booked_at: datetime,
    due_at: datetime,
    not_after: datetime,
    hours: CallingHours,
    zones: Sequence[ZoneInfo],
) -> str:
    """The reason not to send what was due before it was booked or moved, as the step says, or "".

    Without a zone it is planned, and held until a person has corrected that.
    """
    if due_at >= booked_at:
        return ""
    if not step.sends_late:
        return Reason.PAST_WHEN_BOOKED
    allowed = next_allowed(booked_at, hours, zones) if zones else None
    if allowed is None:
        return ""
    if step.if_late == Step.IfLate.NOW and allowed > booked_at:
        return Reason.NOT_AT_ONCE
    return "" if allowed < not_after else Reason.NEVER_IN_HOURS


def _find_lack_of_hours(
    owed_from: datetime, not_after: datetime, hours: CallingHours, zones: Sequence[ZoneInfo]
) -> str:
    """NEVER_IN_HOURS when no moment from `owed_from` until `not_after` is within calling hours, else "".

    Without a zone, or where the hours of several zones never overlap, it is planned and held: that is for a
    person to correct, and not a matter of this appointment's hour.
    """
    if not zones:
        return ""
    allowed = next_allowed(owed_from, hours, zones)
    if allowed is None:
        return Reason.NEVER_IN_HOURS if last_allowed(owed_from, hours, zones, MINUTE) else ""
    return Reason.NEVER_IN_HOURS if allowed >= not_after else ""


def _bring_forward(
    due_at: datetime, not_after: datetime, hours: CallingHours, zones: Sequence[ZoneInfo]
) -> datetime | None:
    """The last allowed moment before it would be too late, with ROOM_BEFORE_CLOSING where possible."""
    latest = min(due_at, not_after - ROOM_BEFORE_CLOSING)
    return last_allowed(latest, hours, zones, ROOM_BEFORE_CLOSING) or last_allowed(
        latest, hours, zones, MINUTE
    )


def read_step_timing(step: Step) -> StepTiming | None:
    try:
        timing = step.timing
    except ValueError:
        return None
    campaign = step.campaign
    return StepTiming(
        timing,
        step.stop_before,
        if_late=step.if_late,
        bring_forward=step.if_never_in_time == Step.IfNeverInTime.BRING_FORWARD,
        since=MeantSince(campaign.activated_at, step.since, campaign.filters_since),
    )


def read_location_clock(location: Location) -> LocationClock | None:
    try:
        return LocationClock(location.zone, open_days_of(location), hours_of(location))
    except (KeyError, ValueError):  # no zone of that name
        return None


def read_location_clocks(locations: "QuerySet[Location]") -> dict[int, LocationClock | None]:
    return {
        location.pk: read_location_clock(location) for location in locations.prefetch_related("closed_days")
    }


def open_days_of(location: Location) -> OpenDays:
    """The days on which a location is open, as schedule.py takes them.

    Public holidays are worked out once for each place and year, however many appointments there are.
    """
    holidays_of = partial(closed_on_holidays, location.place, frozenset(location.open_holidays))
    return OpenDays(
        weekdays=frozenset(location.open_weekdays),
        closed_dates=frozenset(day.date for day in location.closed_days.all()),
        holidays_of=cache(holidays_of) if location.country else None,
    )
