"""When a delivery that failed is sent again. Pure: no database, no clock.

The times are those of the Standard Webhooks specification ("Deliverability and reliability"): ten attempts in
about three days.
"""

from datetime import timedelta

SCHEDULE = [
    timedelta(seconds=5),
    timedelta(minutes=5),
    timedelta(minutes=30),
    timedelta(hours=2),
    timedelta(hours=5),
    timedelta(hours=10),
    timedelta(hours=14),
    timedelta(hours=20),
    timedelta(hours=24),
]
MOST_TRIES = len(SCHEDULE) + 1
JITTER = 0.2  # of the wait, so that what failed together isn't sent together
LONGEST_RETRY_AFTER = timedelta(hours=1)
OFF_AFTER = timedelta(days=3)  # of nothing but failures: then the endpoint is switched off

# After failures of several events in a row the endpoint rests, so that what waits still goes out in order.
REST_FROM = 3
FIRST_REST, LONGEST_REST = timedelta(seconds=30), timedelta(minutes=15)

GONE = 410  # the receiver wants no more, as the specification says
ASKS_TO_WAIT = (429, 502, 503, 504)


def find_next_wait(attempts: int, chance: float) -> timedelta | None:
    """How long after an attempt the next one follows; None after the last. `attempts`: made so far, from 1.

    `chance` is between 0 and 1, and adds up to JITTER.
    """
    if attempts >= MOST_TRIES:
        return None
    return SCHEDULE[attempts - 1] * (1 + JITTER * chance)


def find_rest(failures: int) -> timedelta | None:
    """How long an endpoint rests after this many failures in a row; None: not at all."""
    if failures < REST_FROM:
        return None
    return min(FIRST_REST * (1 << min(failures - REST_FROM, 10)), LONGEST_REST)


def limit_asked_wait(status: int | None, seconds: float | None) -> timedelta | None:
    """How long the receiver asks to wait, an hour at most; None if it doesn't.

    `seconds`: its Retry-After, which counts with the statuses of ASKS_TO_WAIT only.
    """
    if status not in ASKS_TO_WAIT or seconds is None:
        return None
    return timedelta(seconds=min(seconds, LONGEST_RETRY_AFTER.total_seconds()))
