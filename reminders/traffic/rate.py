"""How many requests to Robotalker may begin now: one moving window (ROBOTALKER_RATE) for all workers.

The window is in Redis. While Redis is away no request begins; a Redis that refuses writes counts as away too.
The workers' ticks come over the same Redis, so requests would soon stop anyway. Nothing here sleeps, and a
lost Redis raises no error.
"""

import logging
import math
import re
import time
from functools import cache
from typing import cast

from django.conf import settings
from limits import RateLimitItem, RateLimitItemPerSecond
from limits.storage import RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger(__name__)

WINDOW = "robotalker"  # the window's name in Redis
REDIS_TIMEOUT = 0.5  # seconds, for connecting, and for each answer
# Seconds after a permit could not be taken in which none is promised: a Redis may answer and refuse writes.
REFUSED_FOR = 1.0
RATE = re.compile(r"([1-9][0-9]{0,5})/(?:(s|sec|second)|(m|min|minute))")


def take_permits(most: int) -> int:
    """How many requests (0 to `most`) may begin now. They are counted as begun. 0 while Redis is away.

    Several workers at once never get more than the rate allows.
    """
    try:
        return _pacer().take(most)
    except (RedisError, OSError) as error:
        _pacer().refused_at = time.monotonic()
        _note_lost(error)
        return 0


def seconds_until_permit() -> float:
    """Seconds until one request may begin, if no other begins before; 0 for now, inf while Redis is away."""
    if time.monotonic() - _pacer().refused_at < REFUSED_FOR:
        return math.inf
    try:
        return _pacer().wait_for()
    except (RedisError, OSError) as error:
        _note_lost(error)
        return math.inf


def parse_rate(text: str) -> RateLimitItem:
    """A rate such as "20/second", "20/s", "600/minute" or "600/m". Raises ValueError.

    A rate per minute is spread as evenly as whole numbers allow: "600/minute" is 10 in each second.
    """
    found = RATE.fullmatch(text)
    if not found:
        raise ValueError("not a rate: write a number of requests per second or minute, such as 20/second")
    amount, seconds = int(found[1]), 1 if found[2] else 60
    common = math.gcd(amount, seconds)
    return RateLimitItemPerSecond(amount // common, seconds // common)


# Redis's time. When its clock was set back, the window's entries lie ahead of it: then the window is emptied,
# else no request would begin until the clock has come so far again.
_READ_CLOCK = """
    local clock = redis.call('time')
    local now = clock[1] + clock[2] / 1000000
    local newest = redis.call('lindex', KEYS[1], 0)
    if newest and tonumber(newest) > now + 1 then
        redis.call('del', KEYS[1])
    end
    return string.format('%.6f', now)
"""


class RedisByItsOwnClock(RedisStorage):
    """The window by Redis's clock: a worker with a wrong clock neither exceeds the rate nor is locked out."""

    STORAGE_SCHEME: list[str] = []  # it is not registered under a URL scheme

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        window = self.prefixed_key(key)
        arguments = [self._read_clock(window), limit, expiry, amount]
        return bool(self.lua_acquire_moving_window([window], arguments))

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """The time of the oldest entry, by this machine's clock as the library expects, and the count."""
        name = self.prefixed_key(key)
        now = self._read_clock(name)
        window = self.lua_moving_window([name], [now - expiry, limit])
        age = now - float(window[0]) if window else 0.0
        return time.time() - age, window[1] if window else 0

    def _read_clock(self, window: str) -> float:
        connection = cast(Redis, self.get_connection())
        return float(cast(bytes, connection.register_script(_READ_CLOCK)(keys=[window])))


class Pacer:
    """The rate of all workers, in Redis. Its methods raise RedisError or OSError while Redis is away."""

    def __init__(self, redis_url: str, rate: RateLimitItem) -> None:
        self._rate = rate
        self.refused_at = -math.inf  # by the monotonic clock: when Redis last failed to give a permit
        self._limiter = MovingWindowRateLimiter(
            RedisByItsOwnClock(
                redis_url,
                key_prefix="callboard:rate",
                socket_timeout=REDIS_TIMEOUT,
                socket_connect_timeout=REDIS_TIMEOUT,
                retry=Retry(NoBackoff(), 0),  # type: ignore[arg-type] # the next tick tries again
            )
        )

    def take(self, most: int) -> int:
        """How many of `most` requests may begin now."""
        wanted = min(most, self._rate.amount)
        while wanted > 0 and not self._limiter.hit(self._rate, WINDOW, cost=wanted):
            left = self._limiter.get_window_stats(self._rate, WINDOW).remaining
            wanted = min(left, wanted - 1)  # fewer each time, as other workers may take some meanwhile
        return max(wanted, 0)

    def wait_for(self) -> float:
        """Seconds until one request may begin."""
        oldest_ends_at, left = self._limiter.get_window_stats(self._rate, WINDOW)
        if left > 0:
            return 0.0
        return min(max(oldest_ends_at - time.time(), 0.001), float(self._rate.get_expiry()))


def _pacer() -> Pacer:
    return _make_pacer(settings.REDIS_URL, settings.ROBOTALKER_RATE)


@cache
def _make_pacer(redis_url: str, rate: str) -> Pacer:
    return Pacer(redis_url, parse_rate(rate))


def _note_lost(error: Exception) -> None:
    log.warning("no request to Robotalker begins while Redis is away: %s", type(error).__name__)
