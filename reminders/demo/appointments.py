"""The clinic's diary around one morning: a past week, today, and two weeks ahead. Pure.

Three providers see somebody every fifteen minutes at most; their starts lie five minutes apart, so that
calls counted back from them come one by one. Today is laid out by what it lets one see:

- who has been, or has just missed it;
- who comes soon and was called this morning;
- who comes soon, but came in with this morning's list: their calls fall due at once;
- who comes in three to four hours: their calls fall due one after the other in the hour to come;
- the rest of the day.
"""

import itertools
import random
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from reminders.demo import outcomes
from reminders.demo.outcomes import DemoOutcome
from reminders.demo.people import DemoPeople, DemoPerson

CHEN, RIVERA, BROOKS = "Dr. S. Chen", "Dr. A. Rivera", "N. Brooks, NP"
DOWNTOWN, EASTSIDE = "Downtown", "Eastside"
OPENS, CLOSES = time(9), time(17)
SLOT, STAGGER = timedelta(minutes=15), timedelta(minutes=5)
BROOKS_CHANGES_PLACE = time(13)
KINDS = ("Check-up", "Follow-up", "Consultation", "Vaccination", "Blood draw", "Physical")
PAST_DAYS, DAYS_AHEAD = 7, 14
A_DAY_IN_THE_PAST, A_DAY_AHEAD, THE_DAY_AFTER = 8, 5, 12
HOUR = timedelta(hours=1)


@dataclass(frozen=True)
class Slot:
    """When (aware UTC), where and with whom."""

    starts_at: datetime
    location: str
    provider: str


@dataclass(frozen=True)
class DemoVisit:
    """Somebody in a slot. `booked_at` is aware; `listed`: came in with this morning's list."""

    person: DemoPerson
    slot: Slot
    kind: str
    booked_at: datetime
    fate: DemoOutcome
    status: str = "booked"
    listed: bool = False
    role: str = ""  # what is done with it in the end: "cancel", "move" or "ask for a number"


def plan_demo_visits(now: datetime, zone: ZoneInfo, cast: DemoPeople) -> list[DemoVisit]:
    """All visits, made for `now` (aware) at mid-morning in `zone`. The same `now` gives the same."""
    today = now.astimezone(zone).date()
    diary = _Diary(now, zone, random.Random(7), itertools.cycle(cast.regulars))  # noqa: S311 - no secret
    past = [diary.draw_past_day(today - timedelta(days=back), cast) for back in range(PAST_DAYS, 0, -1)]
    ahead = [diary.draw_day_ahead(today, days, cast) for days in range(1, DAYS_AHEAD + 1)]
    return [*itertools.chain(*past), *diary.draw_today(today, cast), *itertools.chain(*ahead)]


def list_slots(day: date, zone: ZoneInfo) -> list[Slot]:
    """Every slot of a day, in order."""
    return sorted(
        (
            Slot(moment.replace(tzinfo=zone).astimezone(UTC), _place_of(provider, moment.time()), provider)
            for row, provider in enumerate((CHEN, RIVERA, BROOKS))
            for moment in _list_moments(datetime.combine(day, OPENS) + row * STAGGER)
        ),
        key=lambda slot: slot.starts_at,
    )


def spread(slots: list[Slot], count: int) -> list[Slot]:
    """At most `count` of the slots, evenly spread, in order."""
    count = min(count, len(slots))
    return [slots[len(slots) * index // count] for index in range(count)]


@dataclass
class _Diary:
    now: datetime
    zone: ZoneInfo
    chance: random.Random
    regulars: Iterator[DemoPerson]

    def draw_past_day(self, day: date, cast: DemoPeople) -> list[DemoVisit]:
        slots = spread(list_slots(day, self.zone), A_DAY_IN_THE_PAST)
        visits = [self._write(slot, fate=outcomes.choose_outcome(self.chance)) for slot in slots]
        visits = [replace(visit, status=self._draw_attendance(visit.fate)) for visit in visits]
        days_ago = (self.now.astimezone(self.zone).date() - day).days
        if days_ago in outcomes.PAST_STORIES:
            who = {5: cast.opted_out, 4: cast.unusable}.get(days_ago, visits[3].person)
            visits[3] = replace(visits[3], person=who, fate=outcomes.PAST_STORIES[days_ago], status="arrived")
        return visits

    def draw_today(self, today: date, cast: DemoPeople) -> list[DemoVisit]:
        slots = list_slots(today, self.zone)
        return [
            *self._draw_those_who_have_been(self._between(slots, hours=(-9, 0))),
            *self._draw_those_who_come_soon(self._between(slots, hours=(0, 2.75)), cast),
            *self._draw_those_called_next(self._between(slots, hours=(3, 4)), cast),
            *self._draw_the_rest(self._between(slots, hours=(4, 9)), cast),
        ]

    def draw_day_ahead(self, today: date, days: int, cast: DemoPeople) -> list[DemoVisit]:
        slots = list_slots(today + timedelta(days=days), self.zone)
        if days == 1:
            return self._draw_tomorrow(slots, cast)
        drawn = spread(slots, THE_DAY_AFTER if days == 2 else A_DAY_AHEAD)
        visits = [self._write(slot, fate=outcomes.choose_outcome(self.chance)) for slot in drawn]
        if days == 4:
            visits[2] = replace(visits[2], role="move")
        return visits

    def _draw_those_who_have_been(self, slots: list[Slot]) -> list[DemoVisit]:
        visits = [
            self._write(slot, fate=outcomes.choose_outcome(self.chance), status="arrived")
            for slot in spread(slots, 6)
        ]
        visits[2] = replace(visits[2], fate=outcomes.NEVER_REACHED, status="no_show")
        if self.now - visits[-1].slot.starts_at < 3 * STAGGER:
            visits[-1] = replace(visits[-1], status="booked")  # a little late, or just at the door
        return visits

    def _draw_those_who_come_soon(self, slots: list[Slot], cast: DemoPeople) -> list[DemoVisit]:
        called = spread(slots, 4)
        told = (
            outcomes.CONFIRMED_BY_CALL,
            outcomes.VOICEMAIL_TWICE,
            outcomes.CONFIRMED_TODAY,
            outcomes.TO_BE_TRIED_AGAIN,
        )
        visits = [self._write(slot, fate=fate) for slot, fate in zip(called, told, strict=True)]
        free = [slot for slot in slots if slot not in called and slot.starts_at > self.now + HOUR]
        together = _choose_together(free, len(cast.family))
        alone = spread([slot for slot in free if slot not in together], len(cast.called_first))
        listed = zip((*cast.called_first, *cast.family), alone + together, strict=True)
        return visits + [
            self._write(slot, person, booked_at=self.now, listed=True) for person, slot in listed
        ]

    def _draw_those_called_next(self, slots: list[Slot], cast: DemoPeople) -> list[DemoVisit]:
        drawn = spread(slots, len(cast.called_next))
        return [
            self._write(slot, person, fate=fate)
            for person, slot, fate in zip(cast.called_next, drawn, _unconfirmed(), strict=False)
        ]

    def _draw_the_rest(self, slots: list[Slot], cast: DemoPeople) -> list[DemoVisit]:
        drawn = spread(slots, 6)
        this_morning = self.now - timedelta(minutes=25)
        alone = (cast.opted_out, cast.unusable, cast.without_number)
        visits = [
            self._write(slot, person, booked_at=this_morning)
            for slot, person in zip(drawn[1::2], alone, strict=True)
        ]
        told = (outcomes.CONFIRMED_BY_CALL, outcomes.CONFIRMED_BY_TEXT, outcomes.CONFIRMED_BY_CALL)
        visits += [self._write(slot, fate=fate) for slot, fate in zip(drawn[::2], told, strict=True)]
        visits[1] = replace(visits[1], role="ask for a number")
        visits[-1] = replace(visits[-1], role="cancel")
        return visits

    def _draw_tomorrow(self, slots: list[Slot], cast: DemoPeople) -> list[DemoVisit]:
        """Many of them in the hour in which the text messages of the day before fall due."""
        earlier = spread(self._between(slots, hours=(0, 23.75)), 3)
        texted = spread(self._between(slots, hours=(24, 25)), 7)
        later = self._between(slots, hours=(25, 48))
        together = _choose_together(later, len(cast.other_family))
        rest = spread([slot for slot in later if slot not in together], 6)
        visits = [self._write(slot, fate=outcomes.choose_outcome(self.chance)) for slot in earlier]
        visits[-1] = replace(visits[-1], fate=outcomes.WANTS_ANOTHER_TIME_BY_TEXT)
        visits += [self._write(slot, fate=fate) for slot, fate in zip(texted, _unconfirmed(), strict=False)]
        visits += [
            self._write(slot, person, fate=outcomes.CONFIRMED_AT_SECOND_TRY)
            for person, slot in zip(cast.other_family, together, strict=True)
        ]
        visits += [self._write(slot, fate=outcomes.choose_outcome(self.chance)) for slot in rest]
        visits[-1] = replace(visits[-1], role="cancel")
        return visits

    def _write(
        self,
        slot: Slot,
        person: DemoPerson | None = None,
        *,
        fate: DemoOutcome = outcomes.NOTHING_YET,
        booked_at: datetime | None = None,
        status: str = "booked",
        listed: bool = False,
    ) -> DemoVisit:
        long_before = slot.starts_at - timedelta(
            days=self.chance.randint(17, 40), minutes=self.chance.randint(0, 400)
        )
        return DemoVisit(
            person=person or next(self.regulars),
            slot=slot,
            kind=self.chance.choice(KINDS),
            booked_at=booked_at or long_before,
            fate=fate,
            status=status,
            listed=listed,
        )

    def _between(self, slots: list[Slot], *, hours: tuple[float, float]) -> list[Slot]:
        """The slots that start within these hours from now (the first excluded)."""
        first, last = (self.now + timedelta(hours=number) for number in hours)
        return [slot for slot in slots if first < slot.starts_at <= last]

    def _draw_attendance(self, fate: DemoOutcome) -> str:
        missed = 0.45 if fate == outcomes.NEVER_REACHED else 0.08
        return "no_show" if self.chance.random() < missed else "arrived"


def _list_moments(first: datetime) -> Iterator[datetime]:
    while first + SLOT <= datetime.combine(first.date(), CLOSES) + STAGGER * 2:
        yield first
        first += SLOT


def _choose_together(slots: list[Slot], count: int) -> list[Slot]:
    """The first slots of one place: a family comes together."""
    return [slot for slot in slots if slot.location == slots[0].location][:count]


def _unconfirmed() -> Iterator[DemoOutcome]:
    return itertools.cycle(outcomes.UNCONFIRMED)


def _place_of(provider: str, clock: time) -> str:
    if provider == BROOKS:
        return DOWNTOWN if clock < BROOKS_CHANGES_PLACE else EASTSIDE
    return DOWNTOWN if provider == CHEN else EASTSIDE
