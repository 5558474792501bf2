"""Counting the requests that had no good address: per day, in Redis, never stored one by one.

The door doesn't wait for Redis, which may be away or hang: a request adds to a number of this process, and a
second later a thread takes what has come together there. What can't be written waits for the next time.
"""

import logging
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from threading import Lock, Timer

from redis import RedisError

from reminders.health.redis import connect_briefly

log = logging.getLogger(__name__)

COLLECT_SECONDS = 1.0
PATIENCE = 0.5  # seconds for a connection, and for each answer
KEPT = timedelta(days=8)


class Refusal(StrEnum):
    """Why a request wasn't let in."""

    FORGED = "forged"
    EXPIRED = "expired"
    UNKNOWN = "unknown call"
    FOREIGN = "of another database"


_collected: Counter[str] = Counter()
_guard = Lock()  # of what is collected, held for no longer than it takes to add one
_writing = Lock()
_is_due = False


def count_refusal(why: Refusal) -> None:
    """One more today. Returns at once, and never raises."""
    global _is_due
    with _guard:
        _collected[why] += 1
        if _is_due:
            return
        _is_due = True
    timer = Timer(COLLECT_SECONDS, _write)
    timer.daemon = True  # a process that ends doesn't wait to have counted
    try:
        timer.start()
    except RuntimeError as error:  # no more threads: the next one to be refused tries again
        log.warning("refused requests could not be counted yet: %s", error)
        with _guard:
            _is_due = False


def read_refusals(day: date | None = None) -> dict[str, int]:
    """How many there were on a day (UTC; by default today), by why. Raises RedisError."""
    with connect_briefly(PATIENCE) as redis:
        found = redis.hgetall(_key_of(day or datetime.now(UTC).date()))
    return {why.decode(): int(count) for why, count in found.items()}


def forget_refusals() -> None:
    """Begin today at nothing."""
    with _writing, _guard, connect_briefly(PATIENCE) as redis:
        _collected.clear()
        redis.delete(_key_of(datetime.now(UTC).date()))


def _write() -> None:
    global _is_due
    with _writing:
        with _guard:
            taken, _is_due = Counter(_collected), False
            _collected.clear()
        try:
            _add(taken)
        except (RedisError, OSError) as error:
            log.warning("refused requests could not be counted yet: %s", type(error).__name__)
            with _guard:
                _collected.update(taken)


def _add(counts: Counter[str]) -> None:
    key = _key_of(datetime.now(UTC).date())
    with connect_briefly(PATIENCE) as redis, redis.pipeline() as pipeline:
        for why, count in counts.items():
            pipeline.hincrby(key, why, count)
        pipeline.expire(key, KEPT)
        pipeline.execute()


def _key_of(day: date) -> str:
    return f"callboard:refused:{day}"
