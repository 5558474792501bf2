"""When what failed is sent again: the times of the Standard Webhooks specification."""

from datetime import timedelta

import pytest

from webhooks.outgoing.schedule import (
    JITTER,
    MOST_TRIES,
    OFF_AFTER,
    find_next_wait,
    find_rest,
    limit_asked_wait,
)

SECONDS, MINUTES, HOURS = timedelta(seconds=1), timedelta(minutes=1), timedelta(hours=1)


@pytest.mark.parametrize(
    ("attempts", "wait"),
    [
        (1, 5 * SECONDS),
        (2, 5 * MINUTES),
        (3, 30 * MINUTES),
        (4, 2 * HOURS),
        (5, 5 * HOURS),
        (6, 10 * HOURS),
        (7, 14 * HOURS),
        (8, 20 * HOURS),
        (9, 24 * HOURS),
        (10, None),
        (11, None),
    ],
)
def test_after_each_attempt_the_wait_grows_and_after_the_tenth_it_ends(
    attempts: int, wait: timedelta | None
) -> None:
    assert find_next_wait(attempts, 0) == wait
    if wait:
        assert find_next_wait(attempts, 1) == wait * (1 + JITTER)


def test_all_tries_together_last_about_three_days() -> None:
    total = sum(
        (find_next_wait(attempts, 0) or timedelta(0) for attempts in range(1, MOST_TRIES)), timedelta()
    )
    assert OFF_AFTER <= total <= timedelta(days=3, hours=4)


@pytest.mark.parametrize(
    ("failures", "rest"),
    [
        (0, None),
        (2, None),
        (3, 30 * SECONDS),
        (4, MINUTES),
        (7, 8 * MINUTES),
        (8, 15 * MINUTES),
        (10**6, 15 * MINUTES),
    ],
)
def test_an_endpoint_rests_after_failures_in_a_row(failures: int, rest: timedelta | None) -> None:
    assert find_rest(failures) == rest


@pytest.mark.parametrize(
    ("status", "seconds", "wait"),
    [
        (429, 120.0, 2 * MINUTES),
        (503, 5.0, 5 * SECONDS),
        (429, 0.0, timedelta(0)),
        (429, float("inf"), HOURS),
        (429, None, None),
        (500, 120.0, None),
        (None, 120.0, None),
    ],
)
def test_a_receiver_may_ask_to_wait_an_hour_at_most(
    status: int | None, seconds: float | None, wait: timedelta | None
) -> None:
    assert limit_asked_wait(status, seconds) == wait
