"""Caps: how often one number may be called or texted, over all campaigns and channels (product rule 21).

What may have reached somebody counts; what rang unanswered, failed or never left doesn't, so that another
try stays possible. A day is a calendar day by the location's clock; a week is that day and the six before.
For an appointment, a call to others of its household doesn't count: to the same number, for the same step,
place and day, but about other appointments (those it had no room for go in the next).
"""

from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.conf import settings

from contacts.models.people import Channel
from reminders.models import CallRecord, Reminder
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
LINE_TIME = timedelta(minutes=2)  # as long as a call may ring and talk
ONE_DAY = timedelta(days=1)
WEEK = 7  # days
LOOKED_BACK = timedelta(days=WEEK + 1)  # a week by any clock


@dataclass(frozen=True)
class Caps:
    """The most calls and texts a number may get in a day and in a week; 0: no limit."""

    per_day: int
    per_week: int


class CallSubject(NamedTuple):
    """What a call is about, as far as the cap minds; `starts_at` is aware UTC."""

    step: int
    location: int
    starts_at: datetime


@dataclass(frozen=True)
class CountedCall:
    """A call or text that counts, begun at `at`, about these appointments at these revisions.

    `visit` is its lead's; its companions' are at the same place and day. `is_open`: it may yet turn out to
    have reached nobody.
    """

    at: datetime
    is_open: bool
    visit: CallSubject
    told: set[tuple[int, int]]

    def is_for_others_of_the_household(self, reminder: Reminder, zone: ZoneInfo) -> bool:
        """Whether it was for the same step, place and day, and not for this reminder's appointment."""
        visit = subject_of(reminder)
        together = self.visit[:2] == visit[:2] and _day(self.visit.starts_at, zone) == _day(
            visit.starts_at, zone
        )
        return together and all(appointment != reminder.appointment_id for appointment, _ in self.told)


@dataclass
class NumberUse:
    """What has gone to one number of late."""

    calls: list[CountedCall] = field(default_factory=list)
    line_busy_until: datetime | None = None

    def add(self, at: datetime, channel: str, reminders: Sequence[Reminder]) -> None:
        """One more call or text, begun at `at`, for these reminders, its lead first."""
        told = {(reminder.appointment_id, reminder.revision) for reminder in reminders}
        self.calls.append(CountedCall(at, is_open=True, visit=subject_of(reminders[0]), told=told))
        if channel == Channel.VOICE:
            self.line_busy_until = max(self.line_busy_until or at, at + LINE_TIME)

    def capped_until(self, reminder: Reminder, moment: datetime) -> datetime | None:
        """The first moment of the day that has room for it (aware UTC); None: `moment`'s own day has."""
        return _capped_until(self.calls, reminder, moment) if self.calls else None

    def may_lift(self, reminder: Reminder, moment: datetime) -> bool:
        """Whether `moment`'s day has room if what is still open turns out to have reached nobody."""
        ended = [call for call in self.calls if not call.is_open]
        return len(ended) < len(self.calls) and _capped_until(ended, reminder, moment) is None

    def has_told(self, reminder: Reminder) -> bool:
        """Whether one of them was about this very appointment, as it stands."""
        return any((reminder.appointment_id, reminder.revision) in call.told for call in self.calls)


NOTHING = NumberUse()  # for those who have no number, and only to be read


def subject_of(reminder: Reminder) -> CallSubject:
    """What the reminder is about; it may be one that isn't saved."""
    appointment = reminder.appointment
    return CallSubject(reminder.step_id, appointment.location_id, appointment.starts_at)


def read_caps() -> Caps:
    """The caps as they are set."""
    return Caps(settings.CAP_PER_DAY, settings.CAP_PER_WEEK)


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
    """What has gone to these numbers (ids) in the last week, in one query; a NumberUse for each of them.

    To be acted upon with the numbers locked, else another worker may be adding to it.
    """
    use = {number: NumberUse() for number in numbers}
    calls = CallRecord.objects.filter(
        number__in=use, state__in=COUNTED, submitting_at__gt=now - LOOKED_BACK
    ).values_list(
        "pk",
        "number",
        "submitting_at",
        "channel",
        "state",
        "reminder__step",
        "reminder__appointment__location",
        "reminder__appointment__starts_at",
        "reminder__appointment",
        "reminder__revision",
        "companions__reminder__appointment",
        "companions__reminder__revision",
    )
    told: dict[int, set[tuple[int, int]]] = {}
    rows = calls.order_by() if use else ()
    for pk, number, at, channel, state, step, place, visit_at, lead, revision, other, its_revision in rows:
        if pk not in told:  # one row for each companion
            told[pk] = {(lead, revision)}
            use[number].calls.append(
                CountedCall(at, state in CALL_OPEN, CallSubject(step, place, visit_at), told[pk])
            )
            if channel == Channel.VOICE and state in RINGING:
                use[number].line_busy_until = max(use[number].line_busy_until or at, at + LINE_TIME)
        if other:
            told[pk].add((other, its_revision))
    return use


def _capped_until(calls: Sequence[CountedCall], reminder: Reminder, moment: datetime) -> datetime | None:
    zone = zone_or_utc(reminder.appointment.location.time_zone)
    today = _day(moment, zone)
    days = [_day(call.at, zone) for call in calls if not call.is_for_others_of_the_household(reminder, zone)]
    free = find_free_day(days, today, read_caps())
    return None if free == today else first_moment_at(datetime.combine(free, time.min), zone)


def _day(moment: datetime, zone: ZoneInfo) -> date:
    return moment.astimezone(zone).date()
