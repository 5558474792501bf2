"""A decision that is taken again for other moments is the one that decide() gives (product rules 8, 18)."""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from hypothesis import given
from hypothesis import strategies as st

from reminders.campaigns.decisions_ahead import DecisionsAhead
from reminders.rules.calling_hours import CallingHours, allowed_until, next_allowed
from reminders.rules.decide import Situation, decide
from reminders.rules.reasons import Reason

BASE = datetime(2026, 10, 30, tzinfo=UTC)  # clocks go back in Europe and America in the days after it
ZONES = ["America/New_York", "Europe/Paris", "Australia/Lord_Howe", "America/Phoenix", "Pacific/Apia"]
minutes = st.integers(0, 8 * 24 * 60).map(lambda count: BASE + timedelta(minutes=count))
zones = st.lists(st.sampled_from(ZONES), min_size=0, max_size=3).map(
    lambda names: tuple(map(ZoneInfo, names))
)
hours = st.builds(
    lambda opens, length, closed: CallingHours(
        time(opens), time(min(opens + length, 23)), frozenset(date(2026, 11, day) for day in closed)
    ),
    st.integers(5, 18),
    st.integers(0, 12),
    st.sets(st.integers(1, 8), max_size=3),
)
situations = st.builds(
    Situation,
    not_before=st.just(BASE),
    not_after=st.just(BASE),
    revision=st.just(1),
    appointment_revision=st.sampled_from([1, 1, 1, 2]),
    appointment_status=st.sampled_from(["booked", "booked", "booked", "cancelled"]),
    answer=st.sampled_from(["", "", "confirmed", "wants_another_time"]),
    audience=st.sampled_from(["unconfirmed", "everyone", "confirmed"]),
    campaign_active=st.just(True),
    covered=st.sampled_from([True, True, False]),
    sending_paused=st.just(False),
    has_number=st.sampled_from([True, True, False]),
    number_unusable=st.just(False),
    opted_out=st.sampled_from([False, False, True]),
    has_consent=st.sampled_from([True, True, False]),
    has_script=st.just(True),
    hours=hours,
    zones=zones,
    refusal=st.sampled_from([None, None, Reason.WANTS_NO_CALLS]),
)


@given(situations, st.lists(st.tuples(minutes, minutes), min_size=1, max_size=12))
def test_a_decision_is_that_of_decide_at_every_moment_and_for_every_end(
    situation: Situation, asked: list[tuple[datetime, datetime]]
) -> None:
    decisions = DecisionsAhead(situation)
    for moment, not_after in asked:
        expected = decide(situation._replace(not_before=moment, not_after=not_after), moment)
        goes_at = (expected.until or moment).timestamp()
        assert decisions.decide_at(moment.timestamp(), not_after.timestamp()) == (expected, goes_at)


@given(hours, zones.filter(bool), minutes, st.integers(0, 1439))
def test_calls_stay_allowed_until_the_hours_end_in_the_first_of_the_zones(
    own: CallingHours, places: tuple[ZoneInfo, ...], moment: datetime, later: int
) -> None:
    first = next_allowed(moment, own, places)
    if first is None:
        return
    until = allowed_until(first, own, places)
    between = first + timedelta(minutes=later)
    assert first < until
    assert next_allowed(until, own, places) != until
    if between < until:
        assert next_allowed(between, own, places) == between
