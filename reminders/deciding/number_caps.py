"""Caps: how often one number may be called or texted, over all campaigns and channels (product rule 21).

What may have reached somebody counts; what was not answered, failed or was never sent doesn't, so that
another try stays possible. A day is a calendar day by the location's clock; a week is that day and the six
before. A call to others of the household doesn't count against an appointment: one to the same number, for
the same step, location and day, about other appointments (it had no room for this one).
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import connection

from contacts.models.people import Channel
from reminders.deciding.situations import NO_LIMITS, Limits
from reminders.models import Reminder
from reminders.rules.schedule import first_moment_at
from reminders.rules.states import CALL_OPEN, CallState
from reminders.rules.zones import zone_or_utc

COUNTED = (
    CallState.ANSWERED,
    CallState.VOICEMAIL,
    CallState.DELIVERED,
    CallState.ABANDONED,
    *CALL_OPEN,
)
RINGING = (CallState.SUBMITTING, CallState.SUBMITTED, CallState.UNKNOWN)
LINE_TIME = timedelta(minutes=2)  # how long a call may ring and talk
_CALLS = """
    SELECT call.id, call.number_id, call.submitting_at, call.channel, call.state,
        lead.step_id, visit.location_id, visit.starts_at, visit.id, lead.revision,
        other.appointment_id, other.revision
    FROM reminders_callrecord AS call
    JOIN reminders_reminder AS lead ON lead.id = call.reminder_id
    JOIN contacts_appointment AS visit ON visit.id = lead.appointment_id
    LEFT JOIN reminders_callcompanion AS companion ON companion.call_id = call.id
    LEFT JOIN reminders_reminder AS other ON other.id = companion.reminder_id
    WHERE call.state = ANY(%s) AND call.submitting_at > %s
"""
_CALLS_TO_NUMBERS = f"{_CALLS} AND call.number_id = ANY(%s)"
FEW_NUMBERS = 5_000  # whose calls are looked for by number; for more, all calls of the week are read
ONE_DAY = timedelta(days=1)
WEEK = 7  # days
LOOKED_BACK = timedelta(days=WEEK + 1)  # covers a week by the clock of any time zone


@dataclass(frozen=True)
class Caps:
    """The most calls and texts a number may get in a day and in a week; 0: no limit."""

    per_day: int
    per_week: int


class UseCounts(NamedTuple):
    """How many calls and texts count against the cap of a day, and of the seven days that end with it."""

    in_day: int
    in_week: int


class CallSubject(NamedTuple):
    """What a call is about, as far as it matters to the cap; `starts_at` is aware UTC."""

    step: int
    location: int
    starts_at: datetime


@dataclass(frozen=True)
class CountedCall:
    """A call or text that counts, submitted at `at`.

    `subject` is its lead's; its companions' have the same location and day. `is_open`: it may yet turn out to
    have reached nobody. `appointments`: which it is about, each with its revision.
    """

    at: datetime
    is_open: bool
    subject: CallSubject
    appointments: set[tuple[int, int]]

    def is_for_others_of_the_household(self, reminder: Reminder, zone: ZoneInfo) -> bool:
        """Whether it was for the same step, location and day, and not for this reminder's appointment."""
        ours, theirs = subject_of(reminder), self.subject
        return (
            (ours.step, ours.location) == (theirs.step, theirs.location)
            and _day(ours.starts_at, zone) == _day(theirs.starts_at, zone)
            and all(appointment != reminder.appointment_id for appointment, _ in self.appointments)
        )


@dataclass
class NumberUse:
    """The calls and texts to one number in the last week."""

    calls: list[CountedCall] = field(default_factory=list)
    line_busy_until: datetime | None = None

    def add(self, at: datetime, channel: str, reminders: Sequence[Reminder]) -> None:
        """Count one more call or text, submitted at `at`, for these reminders, its lead first."""
        about = {(reminder.appointment_id, reminder.revision) for reminder in reminders}
        subject = subject_of(reminders[0])
        self.calls.append(CountedCall(at, is_open=True, subject=subject, appointments=about))
        if channel == Channel.VOICE:
            self.line_busy_until = max(self.line_busy_until or at, at + LINE_TIME)

    def capped_until(self, reminder: Reminder, moment: datetime) -> datetime | None:
        """The first moment of the day that has room for it (aware UTC); None: `moment`'s own day has."""
        return _find_capped_until(self.calls, reminder, moment) if self.calls else None

    def may_be_capped(self, moment: datetime, zone: ZoneInfo) -> bool:
        """Whether capped_until() can find the day of `moment` (aware) full, whatever the reminder is about.

        Quick: it counts also what doesn't count against others of a household.
        """
        in_day, in_week = _count_days([_day(call.at, zone) for call in self.calls], _day(moment, zone))
        caps = _read_caps()
        return 0 < caps.per_day <= in_day or 0 < caps.per_week <= in_week

    def count(self, reminder: Reminder, moment: datetime) -> UseCounts:
        """How many of them count against the reminder at `moment` (aware)."""
        zone = zone_or_utc(reminder.appointment.location.time_zone)
        return _count_days(_find_counted_days(self.calls, reminder, zone), _day(moment, zone))

    def limits_by_cap(self, reminder: Reminder, moment: datetime) -> Limits:
        """What the cap forbids the reminder at `moment`; the other limits are left open."""
        if not self.calls:
            return NO_LIMITS
        ended = [call for call in self.calls if not call.is_open]
        appointment = (reminder.appointment_id, reminder.revision)
        return Limits(
            capped_until=self.capped_until(reminder, moment),
            cap_may_lift=len(ended) < len(self.calls) and _find_capped_until(ended, reminder, moment) is None,
            told_already=any(appointment in call.appointments for call in self.calls),
        )


def subject_of(reminder: Reminder) -> CallSubject:
    """What the reminder is about; it may be one that isn't saved."""
    appointment = reminder.appointment
    return CallSubject(reminder.step_id, appointment.location_id, appointment.starts_at)


def find_free_day(counted: Sequence[date], today: date, caps: Caps) -> date:
    """The first day from `today` on with room for one more, as things stand; a week ahead at most."""
    calls = Counter(counted)
    for ahead in range(WEEK):
        day = today + ahead * ONE_DAY
        in_week = sum(calls[day - back * ONE_DAY] for back in range(WEEK))
        is_full = (caps.per_day and calls[day] >= caps.per_day) or (
            caps.per_week and in_week >= caps.per_week
        )
        if not is_full:
            return day
    return today + WEEK * ONE_DAY


def read_use(numbers: Collection[int], now: datetime) -> dict[int, NumberUse]:
    """The calls and texts to these numbers (ids) in the last week, in one query; a NumberUse for each.

    To decide by it, lock the numbers first, else another worker may be opening a call to them.
    """
    use = {number: NumberUse() for number in numbers}
    about: dict[int, set[tuple[int, int]]] = {}
    with connection.cursor() as cursor:
        since = now - LOOKED_BACK
        if len(use) > FEW_NUMBERS:
            cursor.execute(_CALLS, [list(COUNTED), since])
        else:
            cursor.execute(_CALLS_TO_NUMBERS, [list(COUNTED), since, list(use)])
        rows = cursor.fetchall()
    for pk, number, at, channel, state, step, location, starts, lead, revision, other, its_revision in rows:
        if (own := use.get(number)) is None:
            continue
        if pk not in about:  # one row for each companion
            about[pk] = {(lead, revision)}
            subject = CallSubject(step, location, starts)
            own.calls.append(CountedCall(at, state in CALL_OPEN, subject, about[pk]))
            if channel == Channel.VOICE and state in RINGING:
                own.line_busy_until = max(own.line_busy_until or at, at + LINE_TIME)
        if other:
            about[pk].add((other, its_revision))
    return use


def _find_capped_until(calls: Sequence[CountedCall], reminder: Reminder, moment: datetime) -> datetime | None:
    zone = zone_or_utc(reminder.appointment.location.time_zone)
    today = _day(moment, zone)
    free = find_free_day(_find_counted_days(calls, reminder, zone), today, _read_caps())
    return None if free == today else first_moment_at(datetime.combine(free, time.min), zone)


def _read_caps() -> Caps:
    return Caps(settings.CAP_PER_DAY, settings.CAP_PER_WEEK)


def _count_days(days: Sequence[date], today: date) -> UseCounts:
    return UseCounts(days.count(today), sum(0 <= (today - day).days < WEEK for day in days))


def _find_counted_days(calls: Sequence[CountedCall], reminder: Reminder, zone: ZoneInfo) -> list[date]:
    return [_day(call.at, zone) for call in calls if not call.is_for_others_of_the_household(reminder, zone)]


def _day(moment: datetime, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date()
