"""Who is tried again and when, and how long a troubled provider is left in peace."""

import math
import random
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.retries import Outcome, RetryRule, next_try, provider_backoff, retry_after_or_backoff

ENDED = datetime(2026, 7, 1, 16, 0, tzinfo=UTC)
TWO_HOURS = timedelta(hours=2)
RULE = RetryRule(max_tries=3, wait=TWO_HOURS)
QUICK_RULE = RetryRule(max_tries=3, wait=timedelta(minutes=4))

NEXT_TRY = [
    (RULE, Outcome.NO_ANSWER, 1, TWO_HOURS, "nobody came to the phone"),
    (RULE, Outcome.NO_ANSWER, 2, TWO_HOURS, "one try is left"),
    (RULE, Outcome.NO_ANSWER, 3, None, "that was the last"),
    (RULE, Outcome.NO_ANSWER, 4, None, "the rule was shortened meanwhile"),
    (RetryRule(1, TWO_HOURS), Outcome.NO_ANSWER, 1, None, "one try means no second"),
    (RULE, Outcome.BUSY, 1, timedelta(minutes=15), "somebody is there: sooner"),
    (QUICK_RULE, Outcome.BUSY, 1, timedelta(minutes=4), "never later than the rule says"),
    (RULE, Outcome.BUSY, 3, None, "busy uses up a try too"),
    (RULE, Outcome.FAILED, 1, TWO_HOURS, "the carrier failed, the number may be good"),
    (RULE, Outcome.FAILED, 3, None, "not for ever"),
    (RULE, Outcome.VOICEMAIL, 1, None, "the message was left; the next step still runs"),
    (RULE, Outcome.ANSWERED_WITHOUT_KEY, 1, None, "the person has heard it"),
    (RULE, Outcome.INVALID_NUMBER, 1, None, "a bad number doesn't get better"),
    (RULE, Outcome.REJECTED, 1, None, "the same request would be refused again"),
    (RULE, Outcome.NOT_SENT, 1, timedelta(minutes=5), "nobody was rung"),
    (RULE, Outcome.NOT_SENT, 3, timedelta(minutes=5), "so it uses up no try"),
    (QUICK_RULE, Outcome.NOT_SENT, 1, timedelta(minutes=4), "never later than the rule says"),
]


@pytest.mark.parametrize(("rule", "outcome", "tries_made", "wait", "reason"), NEXT_TRY)
def test_it_plans_the_next_try(
    rule: RetryRule, outcome: Outcome, tries_made: int, wait: timedelta | None, reason: str
) -> None:
    expected = None if wait is None else ENDED + wait
    assert next_try(rule, outcome, tries_made, ENDED) == expected, reason


def test_each_outcome_has_a_row_in_the_table() -> None:
    assert {row[1] for row in NEXT_TRY} == set(Outcome)


@pytest.mark.parametrize(("max_tries", "wait"), [(0, TWO_HOURS), (-1, TWO_HOURS), (2, timedelta(0))])
def test_it_refuses_a_rule_that_makes_no_sense(max_tries: int, wait: timedelta) -> None:
    with pytest.raises(ValueError, match="must be"):
        RetryRule(max_tries, wait)


class Highest(random.Random):
    """Draws the top of the range, to see the bound itself."""

    def random(self) -> float:
        return 1.0


BOUNDS = [(0, 5), (1, 5), (2, 10), (3, 20), (4, 40), (5, 80), (6, 160), (7, 300), (8, 300), (10**9, 300)]


@pytest.mark.parametrize(("failures", "seconds"), BOUNDS)
def test_backoff_doubles_from_five_seconds_to_five_minutes(failures: int, seconds: int) -> None:
    assert provider_backoff(failures, Highest()) == timedelta(seconds=seconds)


@given(failures=st.integers(min_value=1, max_value=100), seed=st.integers())
def test_backoff_is_never_negative_and_never_over_the_cap(failures: int, seed: int) -> None:
    wait = provider_backoff(failures, random.Random(seed))
    assert timedelta(0) <= wait <= timedelta(minutes=5)


def test_backoff_is_spread_over_the_whole_range() -> None:
    rng = random.Random(7)
    waits = [provider_backoff(7, rng).total_seconds() for _ in range(300)]
    assert min(waits) < 30
    assert max(waits) > 270


RETRY_AFTER = [
    (30.0, 30, "the provider's wish counts"),
    (0.5, 0.5, "fractions too"),
    (900.0, 900, "just the cap"),
    (86_400.0, 900, "a day of silence is too much"),
    (math.inf, 900, "no end is too much"),
    (None, 20, "none given: backoff"),
    (0.0, 20, "nothing is no wait: backoff"),
    (-5.0, 20, "a date in the past: backoff"),
    (math.nan, 20, "no number at all: backoff"),
]


@pytest.mark.parametrize(("retry_after", "seconds", "reason"), RETRY_AFTER)
def test_it_waits_as_the_provider_asks_within_reason(
    retry_after: float | None, seconds: float, reason: str
) -> None:
    wait = retry_after_or_backoff(retry_after, 3, Highest())
    assert wait == timedelta(seconds=seconds), reason
