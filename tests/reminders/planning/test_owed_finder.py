"""What is owed to many appointments is what find_owed() says of each."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from reminders.planning.bulk_rows import PlannedAppointment
from reminders.planning.owed_reminders import LocationClock, OwedFinder, StepTiming, find_owed
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
