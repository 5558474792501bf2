"""What is owed to many appointments is what find_owed() says of each."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import product
from random import Random
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.planning.bulk_rows import PlannedAppointment
from reminders.planning.owed_reminders import LONG_AGO, LocationClock, StepTiming, find_owed
from reminders.planning.owed_spans import OwedFinder
from reminders.rules.calling_hours import CallingHours
from reminders.rules.reaching_back import MeantSince
from reminders.rules.schedule import OpenDays, Timing, TimingKind

BASE = datetime(2026, 10, 30, tzinfo=UTC)
CLOCK = LocationClock(
    ZoneInfo("America/New_York"),
    OpenDays(frozenset(range(5)), frozenset()),
    CallingHours(time(9), time(19)),
)
quarters = st.integers(0, 6 * 96).map(lambda count: BASE + count * timedelta(minutes=15))
timings = st.one_of(
    st.builds(
        Timing, st.just(TimingKind.DAYS_BEFORE), st.integers(0, 3), st.sampled_from([time(7), time(10)])
    ),
    st.builds(Timing, st.just(TimingKind.OPEN_DAYS_BEFORE), st.integers(1, 2), st.just(time(16, 30))),
    st.builds(
        lambda count: Timing(TimingKind.ELAPSED_BEFORE, elapsed=timedelta(minutes=30 * count)),
        st.integers(1, 60),
    ),
    st.builds(
        lambda count: Timing(TimingKind.AFTER_BOOKING, elapsed=timedelta(minutes=30 * count)),
        st.integers(0, 4),
    ),
)
steps = st.builds(
    StepTiming,
    timings,
    st.sampled_from([timedelta(0), timedelta(minutes=30), timedelta(hours=3)]),
    st.sampled_from(["skip", "now", "next_allowed"]),
    st.booleans(),
    st.builds(MeantSince, st.one_of(st.none(), quarters), quarters, st.one_of(st.none(), quarters)),
)
appointments = st.builds(
    PlannedAppointment,
    st.just(1),
    st.sampled_from([1, 1, 1, 2]),
    st.just(1),
    quarters,
    quarters,
    st.one_of(st.none(), st.none(), quarters),
    st.sampled_from(["", "", "Europe/Paris"]),
    st.sampled_from([(), (), ("America/Los_Angeles",), ("Nowhere",)]),
    booked_at=st.one_of(st.none(), quarters),
    patient_at=st.one_of(st.none(), st.none(), quarters),
)


@given(steps, st.lists(appointments, min_size=1, max_size=25))
def test_many_are_owed_what_each_is_owed(step: StepTiming, many: list[PlannedAppointment]) -> None:
    finder = OwedFinder(step, {1: CLOCK, 2: None})
    for appointment in many:
        expected = find_owed(step, appointment, CLOCK if appointment.location_id == 1 else None)
        assert finder.find(appointment) == expected


# The clocks of New York go back on November 1; so do those of Havana, where midnight comes twice then.
ZONES = [ZoneInfo("America/New_York"), ZoneInfo("America/Havana")]
DAYS = OpenDays(frozenset(range(5)), frozenset({date(2026, 11, 3)}))
HOURS = [
    CallingHours(time(9, 30), time(17), frozenset({date(2026, 11, 3)})),
    CallingHours(time(0), time(23, 59)),
]
SINCE = [
    MeantSince(LONG_AGO, LONG_AGO),
    MeantSince(BASE + timedelta(hours=30), BASE + timedelta(hours=55), BASE + timedelta(hours=47)),
    MeantSince(None, LONG_AGO),
]
TIMINGS = [
    Timing(TimingKind.DAYS_BEFORE, days=0, at=time(10)),
    Timing(TimingKind.DAYS_BEFORE, days=1, at=time(18, 30)),
    Timing(TimingKind.OPEN_DAYS_BEFORE, days=1, at=time(7)),
    Timing(TimingKind.ELAPSED_BEFORE, elapsed=timedelta(minutes=90)),
    Timing(TimingKind.ELAPSED_BEFORE, elapsed=timedelta(hours=17)),
]
STOPS = [timedelta(0), timedelta(hours=2)]
OF_NUMBERS = [(), ("Europe/London", "America/Chicago"), ("Nowhere",)]
STARTS = [BASE + count * timedelta(minutes=41) for count in range(5 * 24 * 60 // 41)]


@pytest.mark.parametrize("timing", TIMINGS)
def test_visits_of_one_span_are_owed_what_each_is_owed(timing: Timing) -> None:
    """Whatever the start, and in whatever order they are asked for."""
    rng = Random(1)
    for zone, hours, since, stop in product(ZONES, HOURS, SINCE, STOPS):
        step = StepTiming(timing, stop, "skip", bring_forward=rng.random() < 0.2, since=since)
        clock = LocationClock(zone, DAYS, hours)
        finder, of_number = OwedFinder(step, {1: clock}), rng.choice(OF_NUMBERS)
        for starts_at in rng.sample(STARTS, len(STARTS)):
            visit = PlannedAppointment(1, 1, 1, starts_at, LONG_AGO, None, "", of_number)
            expected, span = find_owed(step, visit, clock), finder.find_span(visit)
            assert span is not None
            assert finder.find(visit) == span.owe(starts_at) == expected
