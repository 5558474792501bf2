"""Pacing: no more calls a minute for a location than its desk can take the callbacks of (product rule 24).

Each call too many is given the first minute that has room behind those that wait already, so that a
thousand due reminders queue up instead of being looked at every few seconds.
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
    """One location's calls of the last minute and the turns given out, as sorted moments (aware UTC).

    `turns` are those of reminders that aren't looked at yet, the last `rate` of them; `given` those that
    this look gives.
    """

    rate: int  # calls per minute
    begun: list[datetime] = field(default_factory=list)
    turns: list[datetime] = field(default_factory=list)
    given: list[datetime] = field(default_factory=list)

    def find_turn(self, now: datetime, *, waited: bool) -> datetime:
        """When one more call may begin: `now`, or later. Whoever has waited isn't sent to the end again."""
        ahead = self.given if waited else merge(self.turns, self.given)
        return find_room([*self.begun, *ahead], self.rate, now)

    def begin(self, now: datetime) -> None:
        """A call begins now."""
        self.begun.append(now)

    def give(self, turn: datetime) -> None:
        """A reminder waits for this turn."""
        insort(self.given, turn)


def find_room(moments: Sequence[datetime], rate: int, now: datetime) -> datetime:
    """The first moment from `now` on that follows fewer than `rate` of the sorted moments within a minute."""
    if len(moments) < rate:
        return now
    return max(now, moments[-rate] + MINUTE)


def read_paces(locations: Collection[int], now: datetime) -> dict[int, DeskPace]:
    """The pace of those of these locations (ids) that have one, by id.

    Locks them (after the reminders, by primary key), so that two workers don't fill the same minute. Not
    their rows: those are held by whoever plans for a location, or edits it, for longer than a look can wait.
    """
    rated = Location.objects.filter(pk__in=locations, calls_per_minute__isnull=False).order_by("pk")
    rates = rated.values_list("pk", "calls_per_minute")
    paces = {location: DeskPace(rate) for location, rate in rates if rate}
    if paces:
        _lock(list(paces))
        _read_begun(paces, now)
    if any(pace.begun for pace in paces.values()):  # else nobody has had to wait
        _read_turns(paces, now)
    return paces


def has_waited(reminder: Reminder) -> bool:
    """Whether its turn has come: it was sent to wait for it at an earlier look."""
    return reminder.reason == Reason.DESK_PACE


def _lock(locations: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_xact_lock(%s, place) FROM unnest(%s::int[]) AS place", [PACE_LOCKS, locations]
        )


def _read_begun(paces: dict[int, DeskPace], now: datetime) -> None:
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
        paces[location].begun.append(at)


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
        del pace.turns[: -pace.rate]  # only the last of them bear on the next, and each look goes through all
