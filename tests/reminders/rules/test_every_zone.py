"""The rules in every zone of the tz database, from 2026 to 2028 (product rules 7, 8 and 9).

In `make test` each zone is tried around its clock changes and on some other days; with RULE_EXAMPLES on every
day (tests/rule_examples.py).
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from functools import cache
from itertools import pairwise
from zoneinfo import ZoneInfo, available_timezones

from hypothesis import given
from hypothesis import strategies as st

from reminders.rules.calling_hours import CallingHours
from reminders.rules.decide import Situation, Verdict, decide
from reminders.rules.reasons import Reason
from reminders.rules.schedule import OpenDays, Timing, TimingKind, moment_due
from tests.reminders.rules.test_rule_table import SARAH
from tests.rule_examples import MANY, try_examples

ZONES = sorted(available_timezones())
ONE_DAY, AN_INSTANT = timedelta(days=1), timedelta(microseconds=1)
FIRST, LAST = date(2026, 1, 1), date(2028, 12, 31)
DAYS = [FIRST + n * ONE_DAY for n in range((LAST - FIRST).days + 1)]
SOME_DAYS = DAYS[::199]
HOURS = [CallingHours(time(9), time(19)), CallingHours(time(0), time(23, 59))]
DUE = SARAH._replace(not_before=datetime(2025, 1, 1, tzinfo=UTC), not_after=datetime(2030, 1, 1, tzinfo=UTC))


def may_ring(moment: datetime, hours: CallingHours, zones: Sequence[ZoneInfo]) -> bool:
    """The rule in its simplest form, with the outer limit written out."""
    opens, closes = max(hours.opens, time(8)), min(hours.closes, time(21))
    walls = [moment.astimezone(zone) for zone in zones]
    return all(opens <= wall.time() < closes and wall.date() not in hours.closed_dates for wall in walls)


def check_decision(situation: Situation, moment: datetime) -> Verdict:
    """It calls if, and only if, the hours allow it; and what waits, waits for a moment that is allowed."""
    hours, zones = situation.hours, situation.zones
    decision = decide(situation, moment)
    assert (decision.verdict == Verdict.CALL) == may_ring(moment, hours, zones), (moment, hours, zones)
    if decision.verdict == Verdict.WAIT:
        assert decision.until is not None
        assert decision.until > moment
        assert may_ring(decision.until, hours, zones), (moment, decision.until, hours, zones)
    return decision.verdict


@cache
def find_days_with_a_change(zone: ZoneInfo) -> list[date]:
    """The days on which the zone's clocks change, with the day before and the day after."""
    offsets = [datetime.combine(day, time(), tzinfo=zone).utcoffset() for day in DAYS]
    changed = [day for day, (before, after) in zip(DAYS, pairwise(offsets), strict=False) if before != after]
    return sorted({day + n * ONE_DAY for day in changed for n in (-1, 0, 1)})


def at_the_edges(day: date, hours: CallingHours, zone: ZoneInfo) -> Iterator[datetime]:
    """Moments of a day just before and at the beginning and the end of calling hours, and at midnight."""
    opens, closes = max(hours.opens, time(8)), min(hours.closes, time(21))
    for wall in (time(), opens, closes):
        moment = datetime.combine(day, wall, tzinfo=zone).astimezone(UTC)
        yield from (moment - AN_INSTANT, moment)


def test_nobody_is_called_outside_the_hours_of_any_zone_on_any_day() -> None:
    verdicts = set()
    for zone in map(ZoneInfo, ZONES):
        for hours in HOURS:
            situation = DUE._replace(zones=(zone,), hours=hours)
            for day in DAYS if MANY else SOME_DAYS + find_days_with_a_change(zone):
                for moment in at_the_edges(day, hours, zone):
                    verdicts.add(check_decision(situation, moment))
    assert verdicts == {Verdict.CALL, Verdict.WAIT}


def moments() -> st.SearchStrategy[datetime]:
    return st.datetimes(datetime(2026, 1, 1), datetime(2028, 12, 31), timezones=st.just(UTC))  # noqa: DTZ001


@st.composite
def any_hours(draw: st.DrawFn) -> CallingHours:
    opens, closes = sorted(draw(st.tuples(st.times(), st.times())))
    return CallingHours(opens, closes, draw(st.frozensets(st.sampled_from(DAYS), max_size=30)))


@try_examples(200)
@given(
    moment=moments(),
    zones=st.lists(st.sampled_from(ZONES).map(ZoneInfo), min_size=1, max_size=4),
    hours=st.one_of(st.sampled_from(HOURS), any_hours()),
    ordered=st.booleans(),
)
def test_nobody_is_called_outside_the_hours_of_several_zones(
    moment: datetime, zones: list[ZoneInfo], hours: CallingHours, ordered: bool
) -> None:
    situation = DUE._replace(zones=tuple(zones), hours=hours, ordered=ordered)
    if check_decision(situation, moment) == Verdict.BLOCK:
        assert decide(situation, moment).reason == Reason.NO_COMMON_HOURS


@st.composite
def starts(draw: st.DrawFn) -> tuple[ZoneInfo, datetime]:
    """A zone, and the start of a visit there; often a few days after a clock change."""
    zone = draw(st.sampled_from(ZONES).map(ZoneInfo))
    day = draw(st.sampled_from(find_days_with_a_change(zone) or DAYS)) + draw(st.integers(0, 3)) * ONE_DAY
    wall = datetime.combine(day, draw(st.times()).replace(second=0, microsecond=0))
    near = wall.replace(tzinfo=zone).astimezone(UTC)
    return zone, draw(st.one_of(st.just(near), moments()))


@try_examples(200)
@given(
    start=starts(),
    days=st.integers(0, 5),
    at=st.times().map(lambda at: at.replace(second=0, microsecond=0)),
    weekdays=st.frozensets(st.integers(0, 6), min_size=1),
    closed=st.frozensets(st.sampled_from(DAYS), max_size=20),
)
def test_a_step_by_the_clock_stays_on_the_clock(
    start: tuple[ZoneInfo, datetime], days: int, at: time, weekdays: frozenset[int], closed: frozenset[date]
) -> None:
    """It is due when the clocks first show its time on its day, or have skipped it."""
    zone, starts_at = start
    open_days = OpenDays(weekdays, closed)
    day = starts_at.astimezone(zone).date()
    for kind in (TimingKind.DAYS_BEFORE, TimingKind.OPEN_DAYS_BEFORE)[: 1 + bool(days)]:
        timing = Timing(kind, days=days, at=at)
        due = moment_due(timing, starts_at, zone, open_days)
        wanted = datetime.combine(find_day(day, timing, open_days), at)
        shown, just_before = (
            moment.astimezone(zone).replace(tzinfo=None) for moment in (due, due - AN_INSTANT)
        )
        assert shown == wanted or just_before < wanted < shown
        assert due == earliest_showing(shown, zone)


def find_day(day: date, timing: Timing, open_days: OpenDays) -> date:
    """The day of the step, counted one by one."""
    left = timing.days
    while left:
        day -= ONE_DAY
        left -= timing.kind == TimingKind.DAYS_BEFORE or open_days.include(day)
    return day


def earliest_showing(wall: datetime, zone: ZoneInfo) -> datetime:
    return min(wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))


@try_examples(100)
@given(start=starts(), minutes=st.integers(1, 5 * 24 * 60))
def test_a_step_by_hours_is_elapsed_time(start: tuple[ZoneInfo, datetime], minutes: int) -> None:
    zone, starts_at = start
    elapsed = timedelta(minutes=minutes)
    timing = Timing(TimingKind.ELAPSED_BEFORE, elapsed=elapsed)
    due = moment_due(timing, starts_at.astimezone(zone), zone, OpenDays(frozenset(), frozenset()))
    assert starts_at - due == elapsed
