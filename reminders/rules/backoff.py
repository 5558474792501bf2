"""How long to leave Robotalker alone after failures. Pure."""

import random
from datetime import timedelta

from reminders.rules.retries import BACKOFF_CAP

BACKOFF_BASE = timedelta(seconds=5)


RETRY_AFTER_CAP = timedelta(minutes=15)  # a provider's odd answer must not silence a whole day


MOST_DOUBLINGS = 16  # far past the cap; keeps the power small after a long outage


def backoff_after_failures(failures: int, rng: random.Random) -> timedelta:
    """How long to wait after `failures` failures in a row (the first is 1): full jitter, at most 5 minutes.

    Anything from 0 to 5 s after the first, then doubling, so that many workers don't return together.
    """
    return doubled(BACKOFF_BASE, failures, BACKOFF_CAP) * rng.random()


def retry_after_or_backoff(retry_after: float | None, failures: int, rng: random.Random) -> timedelta:
    """The provider's own wish in seconds, at most 15 minutes; backoff when it gave none that makes sense."""
    wish = cap_retry_after(retry_after)
    return backoff_after_failures(failures, rng) if wish is None else wish


def cap_retry_after(retry_after: float | None) -> timedelta | None:
    """The provider's Retry-After (seconds), at most 15 minutes; None for none and for what makes no sense."""
    # "not greater" rather than "smaller or equal", so that NaN counts as none; 0 would knock without end.
    if retry_after is None or not retry_after > 0:
        return None
    return timedelta(seconds=min(retry_after, RETRY_AFTER_CAP.total_seconds()))


def doubled(first: timedelta, times: int, most: timedelta) -> timedelta:
    """`first` the first time (1), twice as long each time in a row after that, never more than `most`."""
    longest: timedelta = min(most, first * 2 ** min(max(times - 1, 0), MOST_DOUBLINGS))
    return longest
