"""The clinic's appointments around one morning: the past week, today, and the next two weeks. Pure.

Each of three providers has an appointment every fifteen minutes at most. Their slots start five minutes
apart, so that the calls fall due one by one. Today has:

- patients who have arrived, and no-shows;
- patients who are expected soon and were called this morning;
- patients who are expected soon and were imported this morning: their calls are due at once;
- patients who are expected in three to four hours: their calls fall due one by one within the next hour;
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
BROOKS_CHANGES_LOCATION = time(13)
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
class DemoAppointment:
    """One person's appointment. `booked_at` is aware; `listed`: imported with this morning's list."""

    person: DemoPerson
    slot: Slot
    kind: str
    booked_at: datetime
    outcome: DemoOutcome
    status: str = "booked"
    listed: bool = False
    change: str = ""  # what happens to it afterwards: "cancel", "move" or "ask for a number"


def plan_demo_appointments(now: datetime, zone: ZoneInfo, people: DemoPeople) -> list[DemoAppointment]:
    """All appointments, for `now` (aware) at mid-morning in `zone`. The same `now` gives the same result."""
    today = now.astimezone(zone).date()
    planner = _DayPlanner(now, zone, random.Random(7), itertools.cycle(people.regulars))  # noqa: S311 - no secret
    past = [planner.plan_past_day(today - timedelta(days=back), people) for back in range(PAST_DAYS, 0, -1)]
    ahead = [planner.plan_day_ahead(today, days, people) for days in range(1, DAYS_AHEAD + 1)]
    return [*itertools.chain(*past), *planner.plan_today(today, people), *itertools.chain(*ahead)]


def list_slots(day: date, zone: ZoneInfo) -> list[Slot]:
    """Every slot of a day, in order."""
    return sorted(
        (
            Slot(
                moment.replace(tzinfo=zone).astimezone(UTC), _find_location(provider, moment.time()), provider
            )
            for row, provider in enumerate((CHEN, RIVERA, BROOKS))
            for moment in _list_moments(datetime.combine(day, OPENS) + row * STAGGER)
        ),
        key=lambda slot: slot.starts_at,
    )


def spread(slots: list[Slot], count: int) -> list[Slot]:
    """At most `count` of the slots, evenly distributed, in order."""
    count = min(count, len(slots))
    return [slots[len(slots) * index // count] for index in range(count)]


@dataclass
class _DayPlanner:
    now: datetime
    zone: ZoneInfo
    chance: random.Random
    regulars: Iterator[DemoPerson]

    def plan_past_day(self, day: date, people: DemoPeople) -> list[DemoAppointment]:
        slots = spread(list_slots(day, self.zone), A_DAY_IN_THE_PAST)
        appointments = [self._book(slot, outcome=outcomes.choose_outcome(self.chance)) for slot in slots]
        appointments = [
            replace(appointment, status=self._choose_attendance(appointment.outcome))
            for appointment in appointments
        ]
        days_ago = (self.now.astimezone(self.zone).date() - day).days
        if days_ago in outcomes.OUTCOMES_BY_DAYS_AGO:
            who = {5: people.opted_out, 4: people.unusable}.get(days_ago, appointments[3].person)
            appointments[3] = replace(
                appointments[3], person=who, outcome=outcomes.OUTCOMES_BY_DAYS_AGO[days_ago], status="arrived"
            )
        return appointments

    def plan_today(self, today: date, people: DemoPeople) -> list[DemoAppointment]:
        slots = list_slots(today, self.zone)
        return [
            *self._plan_arrived(self._between(slots, hours=(-9, 0))),
            *self._plan_next_hours(self._between(slots, hours=(0, 2.75)), people),
            *self._plan_called_next(self._between(slots, hours=(3, 4)), people),
            *self._plan_rest_of_day(self._between(slots, hours=(4, 9)), people),
        ]

    def plan_day_ahead(self, today: date, days: int, people: DemoPeople) -> list[DemoAppointment]:
        slots = list_slots(today + timedelta(days=days), self.zone)
        if days == 1:
            return self._plan_tomorrow(slots, people)
        chosen = spread(slots, THE_DAY_AFTER if days == 2 else A_DAY_AHEAD)
        appointments = [self._book(slot, outcome=outcomes.choose_outcome(self.chance)) for slot in chosen]
        if days == 4:
            appointments[2] = replace(appointments[2], change="move")
        return appointments

    def _plan_arrived(self, slots: list[Slot]) -> list[DemoAppointment]:
        appointments = [
            self._book(slot, outcome=outcomes.choose_outcome(self.chance), status="arrived")
            for slot in spread(slots, 6)
        ]
        appointments[2] = replace(appointments[2], outcome=outcomes.NEVER_REACHED, status="no_show")
        if self.now - appointments[-1].slot.starts_at < 3 * STAGGER:
            appointments[-1] = replace(appointments[-1], status="booked")  # a little late, or just arriving
        return appointments

    def _plan_next_hours(self, slots: list[Slot], people: DemoPeople) -> list[DemoAppointment]:
        called = spread(slots, 4)
        outcomes_so_far = (
            outcomes.CONFIRMED_BY_CALL,
            outcomes.VOICEMAIL_TWICE,
            outcomes.CONFIRMED_TODAY,
            outcomes.TO_BE_TRIED_AGAIN,
        )
        appointments = [
            self._book(slot, outcome=outcome) for slot, outcome in zip(called, outcomes_so_far, strict=True)
        ]
        free = [slot for slot in slots if slot not in called and slot.starts_at > self.now + HOUR]
        together = _choose_together(free, len(people.family))
        alone = spread([slot for slot in free if slot not in together], len(people.called_first))
        listed = zip((*people.called_first, *people.family), alone + together, strict=True)
        return appointments + [
            self._book(slot, person, booked_at=self.now, listed=True) for person, slot in listed
        ]

    def _plan_called_next(self, slots: list[Slot], people: DemoPeople) -> list[DemoAppointment]:
        chosen = spread(slots, len(people.called_next))
        return [
            self._book(slot, person, outcome=outcome)
            for person, slot, outcome in zip(people.called_next, chosen, _unconfirmed(), strict=False)
        ]

    def _plan_rest_of_day(self, slots: list[Slot], people: DemoPeople) -> list[DemoAppointment]:
        chosen = spread(slots, 6)
        this_morning = self.now - timedelta(minutes=25)
        alone = (people.opted_out, people.unusable, people.without_number)
        appointments = [
            self._book(slot, person, booked_at=this_morning)
            for slot, person in zip(chosen[1::2], alone, strict=True)
        ]
        outcomes_so_far = (outcomes.CONFIRMED_BY_CALL, outcomes.CONFIRMED_BY_TEXT, outcomes.CONFIRMED_BY_CALL)
        appointments += [
            self._book(slot, outcome=outcome)
            for slot, outcome in zip(chosen[::2], outcomes_so_far, strict=True)
        ]
        appointments[1] = replace(appointments[1], change="ask for a number")
        appointments[-1] = replace(appointments[-1], change="cancel")
        return appointments

    def _plan_tomorrow(self, slots: list[Slot], people: DemoPeople) -> list[DemoAppointment]:
        """Many appointments are in the hour for which text messages fall due in the next hour."""
        earlier = spread(self._between(slots, hours=(0, 23.75)), 3)
        texted = spread(self._between(slots, hours=(24, 25)), 7)
        later = self._between(slots, hours=(25, 48))
        together = _choose_together(later, len(people.other_family))
        rest = spread([slot for slot in later if slot not in together], 6)
        appointments = [self._book(slot, outcome=outcomes.choose_outcome(self.chance)) for slot in earlier]
        appointments[-1] = replace(appointments[-1], outcome=outcomes.WANTS_ANOTHER_TIME_BY_TEXT)
        appointments += [
            self._book(slot, outcome=outcome) for slot, outcome in zip(texted, _unconfirmed(), strict=False)
        ]
        appointments += [
            self._book(slot, person, outcome=outcomes.CONFIRMED_AT_SECOND_TRY)
            for person, slot in zip(people.other_family, together, strict=True)
        ]
        appointments += [self._book(slot, outcome=outcomes.choose_outcome(self.chance)) for slot in rest]
        appointments[-1] = replace(appointments[-1], change="cancel")
        return appointments

    def _book(
        self,
        slot: Slot,
        person: DemoPerson | None = None,
        *,
        outcome: DemoOutcome = outcomes.NOTHING_YET,
        booked_at: datetime | None = None,
        status: str = "booked",
        listed: bool = False,
    ) -> DemoAppointment:
        long_before = slot.starts_at - timedelta(
            days=self.chance.randint(17, 40), minutes=self.chance.randint(0, 400)
        )
        return DemoAppointment(
            person=person or next(self.regulars),
            slot=slot,
            kind=self.chance.choice(KINDS),
            booked_at=booked_at or long_before,
            outcome=outcome,
            status=status,
            listed=listed,
        )

    def _between(self, slots: list[Slot], *, hours: tuple[float, float]) -> list[Slot]:
        """The slots that start within these hours from now (the start excluded)."""
        first, last = (self.now + timedelta(hours=number) for number in hours)
        return [slot for slot in slots if first < slot.starts_at <= last]

    def _choose_attendance(self, outcome: DemoOutcome) -> str:
        missed = 0.45 if outcome == outcomes.NEVER_REACHED else 0.08
        return "no_show" if self.chance.random() < missed else "arrived"


def _list_moments(first: datetime) -> Iterator[datetime]:
    while first + SLOT <= datetime.combine(first.date(), CLOSES) + STAGGER * 2:
        yield first
        first += SLOT


def _choose_together(slots: list[Slot], count: int) -> list[Slot]:
    """The first slots at one location, for a family that comes together."""
    return [slot for slot in slots if slot.location == slots[0].location][:count]


def _unconfirmed() -> Iterator[DemoOutcome]:
    return itertools.cycle(outcomes.UNCONFIRMED)


def _find_location(provider: str, clock: time) -> str:
    if provider == BROOKS:
        return DOWNTOWN if clock < BROOKS_CHANGES_LOCATION else EASTSIDE
    return DOWNTOWN if provider == CHEN else EASTSIDE
