"""When a call is tried again, and how long to wait after failures of Robotalker."""

import math
import random
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.rules.backoff import backoff_after_failures, retry_after_or_backoff
from reminders.rules.retries import RetryRule, TryOutcome, next_try

ENDED = datetime(2026, 7, 1, 16, 0, tzinfo=UTC)
TWO_HOURS = timedelta(hours=2)
RULE = RetryRule(max_tries=3, wait=TWO_HOURS)
VOICEMAIL_RULE = RetryRule(max_tries=3, wait=TWO_HOURS, voicemail=True)
QUICK_RULE = RetryRule(max_tries=3, wait=timedelta(minutes=4))

NEXT_TRY = [
    (RULE, TryOutcome.NO_ANSWER, 1, TWO_HOURS, "nobody answered"),
    (RULE, TryOutcome.NO_ANSWER, 2, TWO_HOURS, "one try is left"),
    (RULE, TryOutcome.NO_ANSWER, 3, None, "that was the last try"),
    (RULE, TryOutcome.NO_ANSWER, 4, None, "the rule was changed to fewer tries meanwhile"),
    (RetryRule(1, TWO_HOURS), TryOutcome.NO_ANSWER, 1, None, "one try means no second"),
    (RULE, TryOutcome.BUSY, 1, timedelta(minutes=15), "the person is there: sooner"),
    (QUICK_RULE, TryOutcome.BUSY, 1, timedelta(minutes=4), "never later than the rule says"),
    (RULE, TryOutcome.BUSY, 3, None, "busy counts as a try"),
    (RULE, TryOutcome.FAILED, 1, TWO_HOURS, "the carrier failed, the number may be good"),
    (RULE, TryOutcome.FAILED, 3, None, "a failure counts as a try"),
    (RULE, TryOutcome.VOICEMAIL, 1, None, "the message was left; the next step still runs"),
    (VOICEMAIL_RULE, TryOutcome.VOICEMAIL, 1, TWO_HOURS, "this step tries again after a voicemail"),
    (VOICEMAIL_RULE, TryOutcome.VOICEMAIL, 3, None, "a voicemail counts as a try"),
    (RULE, TryOutcome.ANSWERED_WITHOUT_KEY, 1, None, "the person was reached"),
    (RULE, TryOutcome.INVALID_NUMBER, 1, None, "an invalid number stays invalid"),
    (RULE, TryOutcome.REJECTED, 1, None, "the same request would be refused again"),
    (RULE, TryOutcome.NOT_SENT, 1, timedelta(minutes=5), "no phone rang"),
    (RULE, TryOutcome.NOT_SENT, 3, timedelta(minutes=5), "it doesn't count as a try"),
    (QUICK_RULE, TryOutcome.NOT_SENT, 1, timedelta(minutes=4), "never later than the rule says"),
]


@pytest.mark.parametrize(("rule", "outcome", "tries_made", "wait", "reason"), NEXT_TRY)
def test_the_next_try_is_planned_by_the_rule(
    rule: RetryRule, outcome: TryOutcome, tries_made: int, wait: timedelta | None, reason: str
) -> None:
    expected = None if wait is None else ENDED + wait
    assert next_try(rule, outcome, tries_made, ENDED) == expected, reason


def test_each_outcome_has_a_row_in_the_table() -> None:
    assert {row[1] for row in NEXT_TRY} == set(TryOutcome)


NEW_YORK = ZoneInfo("America/New_York")
HOUR = timedelta(hours=1)
ANOTHER_TIME = [
    # tried at, wait, tried again at; July, so New York is four hours behind
    ((1, 9, 30), HOUR, (1, 16, 0), "after a morning try: the same afternoon"),
    ((1, 12, 59), HOUR, (1, 16, 0), "12:59 is still morning"),
    ((1, 13, 0), HOUR, (2, 9, 30), "after an afternoon try: the next morning"),
    ((1, 18, 30), HOUR, (2, 9, 30), "after an evening try: the next morning"),
    ((1, 11, 0), 6 * HOUR, (1, 17, 0), "never before the wait is over"),
    ((1, 12, 30), 9 * HOUR, (1, 21, 30), "calling hours are checked by decide() later"),
    ((1, 11, 0), 24 * HOUR, (2, 16, 0), "a wait of a day: the next afternoon"),
    ((1, 15, 0), 20 * HOUR, (2, 11, 0), "a wait that ends in the other half isn't extended"),
    ((1, 15, 0), 23 * HOUR, (3, 9, 30), "a wait that ends in the same half is extended to the next"),
]


@pytest.mark.parametrize(("tried", "wait", "again", "reason"), ANOTHER_TIME)
def test_the_next_try_is_in_the_other_half_of_the_day(
    tried: tuple[int, int, int], wait: timedelta, again: tuple[int, int, int], reason: str
) -> None:
    tried_at, expected = (datetime(2026, 7, *moment, tzinfo=NEW_YORK) for moment in (tried, again))
    rule = RetryRule(3, wait, at_another_time=True)
    found = next_try(rule, TryOutcome.NO_ANSWER, 1, tried_at.astimezone(UTC), zone=NEW_YORK)
    assert found == expected, reason


def test_the_plain_wait_applies_if_another_time_of_day_would_be_too_late() -> None:
    rule = RetryRule(3, TWO_HOURS, at_another_time=True)
    tried_at = datetime(2026, 7, 1, 13, 30, tzinfo=UTC)  # 9:30 in New York
    for not_after, wait in [(20, TWO_HOURS), (21, timedelta(hours=6, minutes=30))]:
        last = datetime(2026, 7, 1, not_after, 0, tzinfo=UTC)
        found = next_try(rule, TryOutcome.NO_ANSWER, 1, tried_at, zone=NEW_YORK, not_after=last)
        assert found == tried_at + wait


def test_a_busy_number_is_tried_again_soon_at_the_same_time_of_day() -> None:
    rule = RetryRule(3, TWO_HOURS, at_another_time=True)
    found = next_try(rule, TryOutcome.BUSY, 1, ENDED, zone=NEW_YORK)
    assert found == ENDED + timedelta(minutes=15)


@given(
    tried_at=st.datetimes(datetime(2026, 1, 1), datetime(2027, 12, 31), timezones=st.just(UTC)),  # noqa: DTZ001
    minutes=st.integers(1, 3 * 24 * 60),
)
def test_another_time_of_day_is_in_the_other_half_and_never_before_the_wait_is_over(
    tried_at: datetime, minutes: int
) -> None:
    wait = timedelta(minutes=minutes)
    again = next_try(
        RetryRule(2, wait, at_another_time=True), TryOutcome.NO_ANSWER, 1, tried_at, zone=NEW_YORK
    )
    assert again is not None
    assert timedelta(0) <= again - (tried_at + wait) < timedelta(days=1, hours=1)
    halves = [moment.astimezone(NEW_YORK).time() < time(13) for moment in (tried_at, again)]
    assert halves[0] != halves[1]


@pytest.mark.parametrize(("max_tries", "wait"), [(0, TWO_HOURS), (-1, TWO_HOURS), (2, timedelta(0))])
def test_an_invalid_rule_is_refused(max_tries: int, wait: timedelta) -> None:
    with pytest.raises(ValueError, match="must be"):
        RetryRule(max_tries, wait)


class Highest(random.Random):
    """Always returns the top of the range, to test the upper bound."""

    def random(self) -> float:
        return 1.0


BOUNDS = [(0, 5), (1, 5), (2, 10), (3, 20), (4, 40), (5, 80), (6, 160), (7, 300), (8, 300), (10**9, 300)]


@pytest.mark.parametrize(("failures", "seconds"), BOUNDS)
def test_backoff_doubles_from_five_seconds_to_five_minutes(failures: int, seconds: int) -> None:
    assert backoff_after_failures(failures, Highest()) == timedelta(seconds=seconds)


@given(failures=st.integers(min_value=1, max_value=100), seed=st.integers())
def test_backoff_is_between_zero_and_the_cap(failures: int, seed: int) -> None:
    wait = backoff_after_failures(failures, random.Random(seed))
    assert timedelta(0) <= wait <= timedelta(minutes=5)


def test_backoff_is_spread_over_the_whole_range() -> None:
    rng = random.Random(7)
    waits = [backoff_after_failures(7, rng).total_seconds() for _ in range(300)]
    assert min(waits) < 30
    assert max(waits) > 270


RETRY_AFTER = [
    (30.0, 30, "Robotalker's Retry-After"),
    (0.5, 0.5, "a fraction of a second"),
    (900.0, 900, "exactly the cap"),
    (86_400.0, 900, "a day: capped"),
    (math.inf, 900, "infinity: capped"),
    (None, 20, "no Retry-After: backoff"),
    (0.0, 20, "0: backoff"),
    (-5.0, 20, "a date in the past: backoff"),
    (math.nan, 20, "not a number: backoff"),
]


@pytest.mark.parametrize(("retry_after", "seconds", "reason"), RETRY_AFTER)
def test_retry_after_is_followed_up_to_15_minutes(
    retry_after: float | None, seconds: float, reason: str
) -> None:
    wait = retry_after_or_backoff(retry_after, 3, Highest())
    assert wait == timedelta(seconds=seconds), reason
