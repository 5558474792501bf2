"""Pacing: no more calls a minute for a location than its desk can take callbacks for (product rule 24).

Each call over the limit gets a turn: the first moment with room after those that already wait. So a thousand
due reminders queue up instead of being claimed again every few seconds.
"""

from bisect import insort
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from heapq import merge

from django.db import connection

from contacts.models import Location
from contacts.models.people import Channel
from reminders.models import CallRecord, Reminder
from reminders.rules.reasons import Reason
from reminders.rules.states import CallState, ReminderState

PACE_LOCKS = 7_364_002  # the first of the two numbers of our advisory locks
MINUTE = timedelta(minutes=1)
NEVER_RANG = (CallState.NOT_SENT, CallState.REJECTED)


@dataclass
class DeskPace:
    """One location's calls of the last minute and turns of waiting reminders: sorted moments (aware UTC).

    `turns`: given by earlier looks, the last `rate` of them; `new_turns`: given by this look.
    """

    rate: int  # calls per minute
    called: list[datetime] = field(default_factory=list)
    turns: list[datetime] = field(default_factory=list)
    new_turns: list[datetime] = field(default_factory=list)

    def find_turn(self, now: datetime, *, waited: bool) -> datetime:
        """When one more call may be made: `now`, or later. One that has waited isn't put at the end again."""
        ahead = self.new_turns if waited else merge(self.turns, self.new_turns)
        return find_room([*self.called, *ahead], self.rate, now)

    def add_call(self, now: datetime) -> None:
        """A call is made now."""
        self.called.append(now)

    def add_turn(self, turn: datetime) -> None:
        """A reminder waits for this turn."""
        insort(self.new_turns, turn)


def find_room(moments: Sequence[datetime], rate: int, now: datetime) -> datetime:
    """The first moment from `now` on that follows fewer than `rate` of the sorted moments within a minute."""
    if len(moments) < rate:
        return now
    return max(now, moments[-rate] + MINUTE)


def read_paces(locations: Collection[int], now: datetime, *, lock: bool = True) -> dict[int, DeskPace]:
    """The pace of those of these locations (ids) that have one, by id.

    Locks them (after the reminders, by primary key), so that two workers don't fill the same minute. With
    advisory locks: planning for a location, or editing it, holds its row for longer than a look can wait.
    `lock`: not for a page, which opens no call.
    """
    rated = Location.objects.filter(pk__in=locations, calls_per_minute__isnull=False).order_by("pk")
    rates = rated.values_list("pk", "calls_per_minute")
    paces = {location: DeskPace(rate) for location, rate in rates if rate}
    if paces and lock:
        with connection.cursor() as cursor:
            statement = "SELECT pg_advisory_xact_lock(%s, location) FROM unnest(%s::int[]) AS location"
            cursor.execute(statement, [PACE_LOCKS, list(paces)])
    if paces:
        _read_calls(paces, now)
    if any(pace.called for pace in paces.values()):  # else no reminder has had to wait
        _read_turns(paces, now)
    return paces


def has_waited(reminder: Reminder) -> bool:
    """Whether it was given its turn by an earlier look: now that turn has come."""
    return reminder.reason == Reason.DESK_PACE


def _read_calls(paces: dict[int, DeskPace], now: datetime) -> None:
    calls = (
        CallRecord.objects.filter(
            channel=Channel.VOICE,
            submitting_at__gt=now - MINUTE,
            reminder__appointment__location__in=paces,
        )
        .exclude(state__in=NEVER_RANG)
        .order_by("submitting_at")
    )
    for location, at in calls.values_list("reminder__appointment__location", "submitting_at"):
        paces[location].called.append(at)


def _read_turns(paces: dict[int, DeskPace], now: datetime) -> None:
    waiting = Reminder.objects.filter(
        state=ReminderState.PLANNED,
        reason=Reason.DESK_PACE,
        next_look_at__gt=now,
        appointment__location__in=paces,
    ).order_by("next_look_at")
    for location, turn in waiting.values_list("appointment__location", "next_look_at"):
        paces[location].turns.append(turn)
    for pace in paces.values():
        del pace.turns[: -pace.rate]  # only the last `rate` turns matter to the next one
