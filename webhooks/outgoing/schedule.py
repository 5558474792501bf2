"""When a delivery that failed is sent again. Pure: no database, no clock.

The times are those of the Standard Webhooks specification ("Deliverability and reliability"): ten attempts in
about three days.
"""

from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime

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
    return min(FIRST_REST * 2 ** min(failures - REST_FROM, 10), LONGEST_REST)


def read_retry_after(status: int | None, header: str, now: datetime) -> timedelta | None:
    """How long the receiver asks to wait, an hour at most; None if it doesn't, or says nothing readable.

    `header`: seconds, or a date as in HTTP. `now`: aware UTC.
    """
    if status not in ASKS_TO_WAIT or not header:
        return None
    if header.strip().isdecimal() and header.isascii():
        return min(timedelta(seconds=min(int(header.strip()[:9]), 10**6)), LONGEST_RETRY_AFTER)
    try:
        moment = parsedate_to_datetime(header)
        wait = moment - now
    except (TypeError, ValueError):  # not a date, or one without a zone
        return None
    return min(max(wait, timedelta(0)), LONGEST_RETRY_AFTER)
