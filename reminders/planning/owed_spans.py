"""What many appointments are owed by one step, found once for all that start in a span of time.

Of appointments at one place and of people in the same time zones, what is owed changes only now and then from
one start to a later one: when a day ends, when calling hours begin or end, and since when somebody is meant.
"""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, time, timedelta
from operator import attrgetter
from typing import NamedTuple
from zoneinfo import ZoneInfo

from reminders.deciding.situations import zones_of
from reminders.planning.bulk_rows import OwedReminder, PlannedAppointment
from reminders.planning.owed_reminders import LONG_AGO, LocationClock, StepTiming, find_owed
from reminders.rules.calling_hours import CallingHours, allowed_until, next_allowed
from reminders.rules.reaching_back import REACHING_BACK, find_end_of_reaching_back
from reminders.rules.reasons import Reason
from reminders.rules.schedule import first_moment_at

NEVER = datetime.max.replace(tzinfo=UTC)
RESOLUTION = timedelta.resolution  # of moments: a microsecond


class OwedSpan(NamedTuple):
    """What is owed to those that start from `starts_from` until `starts_before` (excluded; aware UTC).

    It holds for all that were booked before it is due. `owed`: to the first of them; None if there is no such
    moment. `moves`: it is due later for one that starts later.
    """

    starts_from: datetime
    starts_before: datetime
    owed: OwedReminder | None
    moves: bool

    def owe(self, starts_at: datetime) -> OwedReminder | None:
        """What is owed to one that starts then."""
        if self.owed is None:
            return None
        due_at, not_after, state, reason = self.owed
        later = starts_at - self.starts_from
        return OwedReminder(due_at + later if self.moves else due_at, not_after + later, state, reason)


class OwedFinder:
    """find_owed() for many appointments of one step, the same in less time (a test holds the two equal)."""

    def __init__(self, step: StepTiming | None, clocks: Mapping[int, LocationClock | None]) -> None:
        self.step, self._clocks = step, clocks
        self._spans: dict[tuple[object, ...], list[OwedSpan]] = {}

    def find(self, appointment: PlannedAppointment) -> OwedReminder | None:
        """What the step owes the appointment, as find_owed() finds it."""
        span = None if self._is_of_its_own(appointment) else self.find_span(appointment)
        owed = span.owe(appointment.starts_at) if span else None
        if owed is not None and appointment.revised_at <= owed.due_at:
            return owed
        return find_owed(self.step, appointment, self._clocks.get(appointment.location_id))

    def find_span(self, appointment: PlannedAppointment) -> OwedSpan | None:
        """What is owed to all that are like it and start when it does, or later; None if that varies."""
        step, clock = self.step, self._clocks.get(appointment.location_id)
        if step is None or clock is None or step.is_after_booking:
            return None
        key = (appointment.location_id, appointment.stated_zone, appointment.number_zones)
        spans, starts_at = self._spans.setdefault(key, []), appointment.starts_at
        place = bisect_right(spans, starts_at, key=attrgetter("starts_from"))
        if place and starts_at < spans[place - 1].starts_before:
            return spans[place - 1]
        owed = find_owed(
            step, appointment._replace(revised_at=LONG_AGO, details_at=None, patient_at=None), clock
        )
        zones = zones_of(appointment.stated_zone, clock.zone.key, appointment.number_zones)
        end = _find_end(step, owed, starts_at, clock, zones)
        span = OwedSpan(starts_at, max(end, starts_at + RESOLUTION), owed, moves=step.timing.at is None)
        spans.insert(place, span)
        return span

    def _is_of_its_own(self, appointment: PlannedAppointment) -> bool:
        """Whether what it is owed depends on more than its time and when it was booked."""
        return bool(appointment.details_at or appointment.patient_at)


def _find_end(
    step: StepTiming,
    owed: OwedReminder | None,
    starts_at: datetime,
    clock: LocationClock,
    zones: Sequence[ZoneInfo],
) -> datetime:
    """Until which start (excluded) appointments are owed the same as one that starts at `starts_at`.

    If all were booked early. It may be sooner than necessary.
    """
    if step.timing.at is None:
        return NEVER if owed is None else _find_end_of_reason(step, owed, starts_at, clock.hours, zones)
    next_day = starts_at.astimezone(clock.zone).date() + timedelta(days=1)
    end_of_day = first_moment_at(datetime.combine(next_day, time.min), clock.zone)
    if owed is None or not owed.reason or owed.reason in REACHING_BACK:
        return end_of_day  # due at the same moment, and with more time left
    return min(end_of_day, _find_end_of_reason(step, owed, starts_at, clock.hours, zones))


def _find_end_of_reason(
    step: StepTiming,
    owed: OwedReminder,
    starts_at: datetime,
    hours: CallingHours,
    zones: Sequence[ZoneInfo],
) -> datetime:
    """Until which start (excluded) its reason stays the same. What is brought forward stands alone."""
    due_at, not_after, _, reason = owed
    moves = step.timing.at is None
    if reason in REACHING_BACK:
        end = find_end_of_reaching_back(due_at, step.since)
        return NEVER if end is None else starts_at + (end - due_at)
    if reason and step.bring_forward:
        return starts_at
    if reason == Reason.NEVER_IN_TIME:
        return NEVER if moves else starts_at + (due_at - not_after) + RESOLUTION
    if not zones:
        return NEVER
    allowed = next_allowed(due_at, hours, zones)
    if allowed is None:
        return starts_at
    if reason == Reason.NEVER_IN_HOURS:  # as long as it is too late when the hours begin
        return starts_at + (allowed - not_after) + RESOLUTION
    return starts_at + (allowed_until(allowed, hours, zones) - due_at)
