"""How often calendar feeds may be read, counted in Redis for all web processes.

It holds back a calendar program that asks all the time, and whoever tries addresses (which can't be guessed).
While Redis is away nothing is counted: a feed costs little, and a calendar that stays empty helps nobody.
"""

import logging
import time
from functools import cache

from django.conf import settings
from limits import RateLimitItem, RateLimitItemPerHour
from limits.storage import RedisStorage
from limits.strategies import FixedWindowRateLimiter
from redis import RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger(__name__)

READS_OF_A_FEED = RateLimitItemPerHour(240, namespace="feed")
READS_OF_A_CLIENT = RateLimitItemPerHour(600, namespace="client")
REDIS_TIMEOUT = 0.5  # seconds


def count_read(token_digest: str, client: str) -> int:
    """Count one request; seconds to wait, 0 if it may be answered. `client`: the address it came from."""
    try:
        limiter = _make_limiter(settings.REDIS_URL)
        for limit, whose in ((READS_OF_A_CLIENT, client), (READS_OF_A_FEED, token_digest)):
            if not limiter.hit(limit, whose):
                return _wait_for(limiter, limit, whose)
    except (RedisError, OSError) as error:
        log.warning("reads of calendar feeds aren't counted: %s", type(error).__name__)
    return 0


def _wait_for(limiter: FixedWindowRateLimiter, limit: RateLimitItem, whose: str) -> int:
    ends_at, _left = limiter.get_window_stats(limit, whose)
    return round(min(max(ends_at - time.time(), 1), limit.get_expiry()))


@cache
def _make_limiter(redis_url: str) -> FixedWindowRateLimiter:
    return FixedWindowRateLimiter(
        RedisStorage(
            redis_url,
            key_prefix="callboard:feeds",
            socket_timeout=REDIS_TIMEOUT,
            socket_connect_timeout=REDIS_TIMEOUT,
            retry=Retry(NoBackoff(), 0),  # type: ignore[arg-type]
        )
    )
