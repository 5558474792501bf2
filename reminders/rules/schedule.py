"""When a step falls due. Pure: values in, values out; no database and no clock.

Each kind but one counts back from the start of the appointment; "30 minutes after booking" counts on from the
moment at which it was booked or moved.

"2 days before at 10:00" and "2 open days before at 10:00" are wall-clock arithmetic in the location's time
zone: first the date is counted back, then the wall time is looked up on that date. "24 hours before" is
elapsed time, which clock changes don't affect.

A wall time that a clock change skips (02:30 when the clock jumps from 02:00 to 03:00) becomes the first
moment after the gap (03:00; on Lord Howe, where the gap is 02:00 to 02:30, it is 02:30). Of a wall time that
occurs twice, the first is used.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from django.utils.translation import gettext, ngettext

MOST_DAYS = 365
LONGEST_AFTER_BOOKING = timedelta(days=7)  # later than that, it is no confirmation of a booking
MINUTE = timedelta(minutes=1)
SECOND = timedelta(seconds=1)
LONGEST_SWITCH = timedelta(hours=2)  # the most that clocks go forward at one change


class TimingKind(StrEnum):
    DAYS_BEFORE = "days_before"
    OPEN_DAYS_BEFORE = "open_days_before"
    ELAPSED_BEFORE = "elapsed_before"
    AFTER_BOOKING = "after_booking"


ELAPSED_KINDS = (TimingKind.ELAPSED_BEFORE, TimingKind.AFTER_BOOKING)


@dataclass(frozen=True)
class Timing:
    """When a step falls due, relative to the start of the appointment or to its booking.

    `days` (at most 365) and `at` (a wall time in whole minutes) are for the two kinds that count days; 0 days
    is the day of the appointment. `elapsed` (whole minutes) is for the other two; it may be 0 after booking.
    Raises ValueError with a sentence for the page if the values are invalid.
    """

    kind: TimingKind
    days: int = 0
    at: time | None = None
    elapsed: timedelta = timedelta(0)

    def __post_init__(self) -> None:
        if self.kind not in list(TimingKind):
            known = ", ".join(TimingKind)
            raise ValueError(f"{self.kind!r} isn't a kind of timing. Use one of: {known}.")
        if self.kind in ELAPSED_KINDS:
            _check_elapsed(self)
        else:
            _check_days(self)


@dataclass(frozen=True)
class OpenDays:
    """The days a location is open: these weekdays (Monday is 0, Sunday 6) except the closed dates.

    `holidays_of`: the public holidays of a year on which it is closed; None where no holidays are observed.
    """

    weekdays: frozenset[int]
    closed_dates: frozenset[date]
    holidays_of: Callable[[int], frozenset[date]] | None = None

    def __post_init__(self) -> None:
        if not self.weekdays <= frozenset(range(7)):
            raise ValueError("Weekdays are numbers from 0 (Monday) to 6 (Sunday).")

    def include(self, day: date) -> bool:
        if day.weekday() not in self.weekdays or day in self.closed_dates:
            return False
        return self.holidays_of is None or day not in self.holidays_of(day.year)


def moment_due(
    timing: Timing,
    starts_at: datetime,
    zone: ZoneInfo,
    open_days: OpenDays,
    booked_at: datetime | None = None,
) -> datetime:
    """The moment a step falls due, as aware UTC. `starts_at` is aware; `zone` is the location's.

    It can be after `starts_at` (0 days before at 18:00, for an appointment at 9:00); the caller has to handle
    that. `booked_at` (aware): when it was booked or moved, for AFTER_BOOKING. Raises ValueError for a naive
    `starts_at`, without the `booked_at` that is needed, or if open days are counted and there are none.
    """
    if starts_at.utcoffset() is None:
        raise ValueError("The start of an appointment needs a time zone: give an aware datetime.")
    if timing.at is None:
        if timing.kind == TimingKind.AFTER_BOOKING:
            if booked_at is None:
                raise ValueError("It isn't known when the appointment was booked.")
            return booked_at.astimezone(UTC) + timing.elapsed
        # In UTC, because subtracting in a time zone changes the wall time, not the elapsed time.
        return starts_at.astimezone(UTC) - timing.elapsed
    day = starts_at.astimezone(zone).date()
    if timing.kind == TimingKind.OPEN_DAYS_BEFORE:
        day = _count_back_open_days(day, timing.days, open_days)
    else:
        day -= timedelta(days=timing.days)
    return first_moment_at(datetime.combine(day, timing.at), zone)


def first_moment_at(wall: datetime, zone: ZoneInfo) -> datetime:
    """The first moment, as aware UTC, at which clocks in `zone` show `wall` (naive) or have skipped it."""
    moment = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) == wall:
        return moment
    return _end_of_gap(wall, zone)


def describe(timing: Timing, write_clock: Callable[[time], str]) -> str:
    """The timing in words, such as "2 days before at 10:00", "3 hours before" or "right after booking".

    `write_clock`: how the country writes a time of day.
    """
    if timing.kind == TimingKind.AFTER_BOOKING:
        if not timing.elapsed:
            return gettext("right after booking")
        return gettext("%(elapsed)s after booking") % {"elapsed": spell_elapsed(timing.elapsed)}
    if timing.at is None:
        return gettext("%(elapsed)s before") % {"elapsed": spell_elapsed(timing.elapsed)}
    at = write_clock(timing.at)
    if timing.days == 0:
        return gettext("on the day at %(at)s") % {"at": at}
    if timing.kind == TimingKind.OPEN_DAYS_BEFORE:
        words = ngettext(
            "%(days)d open day before at %(at)s", "%(days)d open days before at %(at)s", timing.days
        )
    else:
        words = ngettext("%(days)d day before at %(at)s", "%(days)d days before at %(at)s", timing.days)
    return words % {"days": timing.days, "at": at}


def spell_elapsed(elapsed: timedelta) -> str:
    """A length of time in hours and minutes, such as "1 hour 30 minutes"; "" for less than a minute.

    Never in days: "24 hours before" and "1 day before" differ by an hour when clocks change.
    """
    hours, minutes = divmod(elapsed // MINUTE, 60)
    parts = []
    if hours:
        parts.append(ngettext("%(count)d hour", "%(count)d hours", hours) % {"count": hours})
    if minutes:
        parts.append(ngettext("%(count)d minute", "%(count)d minutes", minutes) % {"count": minutes})
    return " ".join(parts)


def _check_elapsed(timing: Timing) -> None:
    if timing.days or timing.at is not None:
        raise ValueError("A timing by elapsed time takes neither days nor a time of day. Leave both out.")
    if timing.kind == TimingKind.AFTER_BOOKING:
        if not timedelta(0) <= timing.elapsed <= LONGEST_AFTER_BOOKING:
            days = LONGEST_AFTER_BOOKING.days
            raise ValueError(
                gettext("The time after booking must be from 0 to %(days)d days.") % {"days": days}
            )
    elif not timedelta(0) < timing.elapsed <= timedelta(days=MOST_DAYS):
        raise ValueError(f"The time before must be more than 0 and at most {MOST_DAYS} days.")
    if timing.elapsed % MINUTE:
        raise ValueError("Enter whole minutes.")


def _check_days(timing: Timing) -> None:
    if timing.at is None:
        raise ValueError("A timing by days needs a time of day, such as 10:00.")
    if timing.at.tzinfo is not None or timing.at.second or timing.at.microsecond:
        raise ValueError("The time of day must be whole minutes without a time zone; the location has one.")
    if timing.elapsed:
        raise ValueError("A timing by days takes no elapsed time. Leave it out, or use elapsed_before.")
    fewest = 1 if timing.kind == TimingKind.OPEN_DAYS_BEFORE else 0
    if not fewest <= timing.days <= MOST_DAYS:
        raise ValueError(f"The number of days before must be from {fewest} to {MOST_DAYS}.")


def _count_back_open_days(day: date, count: int, open_days: OpenDays) -> date:
    if not open_days.weekdays:
        raise ValueError(
            "No weekday is open, so open days can't be counted. Set the location's opening days."
        )
    # Enough for one open weekday per week and a year of closed dates.
    earliest = day - timedelta(weeks=count + 53)
    while count:
        day -= timedelta(days=1)
        if day < earliest:
            raise ValueError("The location is closed for more than a year. Shorten its list of closed dates.")
        count -= open_days.include(day)
    return day


def _end_of_gap(wall: datetime, zone: ZoneInfo) -> datetime:
    """The moment of the clock change that skips `wall`, found by bisection to the second."""
    # In a gap, fold=1 uses the later offset, which gives a moment before the change; fold=0 gives one after.
    before = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    after = wall.replace(tzinfo=zone, fold=0).astimezone(UTC)
    old_offset = before.astimezone(zone).utcoffset()
    while after - before > SECOND:
        middle = before + timedelta(seconds=(after - before) // SECOND // 2)
        if middle.astimezone(zone).utcoffset() == old_offset:
            before = middle
        else:
            after = middle
    return after.replace(microsecond=0)
