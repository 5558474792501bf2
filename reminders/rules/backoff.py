"""How long to wait before the next request to Robotalker after failures. Pure."""

import random
from datetime import timedelta

from reminders.rules.retries import BACKOFF_CAP

BACKOFF_BASE = timedelta(seconds=5)
RETRY_AFTER_CAP = timedelta(minutes=15)  # a very long Retry-After must not stop all calls for a day
MOST_DOUBLINGS = 16  # well above the cap; keeps the power small after a long outage


def backoff_after_failures(failures: int, rng: random.Random) -> timedelta:
    """How long to wait after `failures` failures in a row (the first is 1): full jitter, at most 5 minutes.

    From 0 to 5 s after the first, doubling with each; random, so that many workers don't retry together.
    """
    return doubled(BACKOFF_BASE, failures, BACKOFF_CAP) * rng.random()


def retry_after_or_backoff(retry_after: float | None, failures: int, rng: random.Random) -> timedelta:
    """Robotalker's Retry-After (seconds), at most 15 minutes; the backoff if it is None or unusable."""
    wait = cap_retry_after(retry_after)
    return backoff_after_failures(failures, rng) if wait is None else wait


def cap_retry_after(retry_after: float | None) -> timedelta | None:
    """Robotalker's Retry-After (seconds), at most 15 minutes; None if it is None, NaN, 0 or negative."""
    # "not greater" instead of "less or equal" catches NaN too; 0 would retry without a pause.
    if retry_after is None or not retry_after > 0:
        return None
    return timedelta(seconds=min(retry_after, RETRY_AFTER_CAP.total_seconds()))


def doubled(first: timedelta, times: int, most: timedelta) -> timedelta:
    """`first` if `times` is 1, doubled for each further time, at most `most`."""
    longest: timedelta = min(most, first * 2 ** min(max(times - 1, 0), MOST_DOUBLINGS))
    return longest
