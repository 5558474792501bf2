"""Counting refused requests, those without a valid address or beyond what one may store.

Per day, in Redis; they are never stored one by one.

A count may be lost, but the webhook endpoint must not wait for it: when Redis is away or hangs, nothing is
counted for a while, so that a flood of bad requests can't occupy the threads that valid ones need.
"""

import logging
import time
from datetime import UTC, date, datetime, timedelta
from enum import StrEnum
from functools import cache

from django.conf import settings
from redis import Redis, RedisError

log = logging.getLogger(__name__)

PATIENCE = 0.5  # seconds for a connection, and for each answer
PAUSE = 10.0  # seconds in which nothing is counted, after Redis failed to answer
KEPT = timedelta(days=8)

_paused_until = 0.0  # by the monotonic clock


class Refusal(StrEnum):
    """Why a request was refused."""

    FORGED = "forged"
    EXPIRED = "expired"
    UNKNOWN = "unknown call"
    FOREIGN = "of another database"
    SURPLUS = "beyond what one address may store"


def count_refusal(why: Refusal) -> None:
    """Add one to today's count, unless Redis failed within the last PAUSE. Never raises, and seldom waits."""
    global _paused_until
    if time.monotonic() < _paused_until:
        return
    key = _key_of(datetime.now(UTC).date())
    try:
        client = _connect(settings.REDIS_URL)  # kept: once it is gone, its connections are closed
        with client.pipeline() as pipeline:
            pipeline.hincrby(key, why, 1)
            pipeline.expire(key, KEPT)
            pipeline.execute()
    except (RedisError, OSError) as error:
        _paused_until = time.monotonic() + PAUSE
        log.warning("refused requests are not counted for %.0f s: %s", PAUSE, type(error).__name__)


def read_refusals(day: date | None = None) -> dict[str, int]:
    """How many requests were refused on a day (UTC; by default today), by Refusal. Raises RedisError."""
    found = _connect(settings.REDIS_URL).hgetall(_key_of(day or datetime.now(UTC).date()))
    return {str(why): int(count) for why, count in found.items()}


def forget_refusals() -> None:
    """Delete today's count. Raises RedisError."""
    _connect(settings.REDIS_URL).delete(_key_of(datetime.now(UTC).date()))


@cache
def _connect(redis_url: str) -> Redis:
    """A client whose connections are kept."""
    return Redis.from_url(
        redis_url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, retry=None, decode_responses=True
    )


def _key_of(day: date) -> str:
    return f"callboard:refused:{day}"
