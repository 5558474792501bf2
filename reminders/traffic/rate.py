"""How many requests to Robotalker may begin now: one moving window (ROBOTALKER_RATE) for all workers.

The window is in Redis. While Redis is away each process keeps to a share of the rate by itself, and asks
Redis again every few seconds. Nothing in here sleeps, and a lost Redis is no error.
"""

import logging
import math
import re
import threading
import time
from collections.abc import Callable
from functools import cache
from typing import TypeVar, cast

from django.conf import settings
from limits import RateLimitItem, RateLimitItemPerSecond
from limits.storage import MemoryStorage, RedisStorage
from limits.strategies import MovingWindowRateLimiter
from redis import Redis, RedisError
from redis.backoff import NoBackoff
from redis.retry import Retry

log = logging.getLogger(__name__)

T = TypeVar("T")

WINDOW = "robotalker"  # the window's name in Redis
REDIS_TIMEOUT = 0.5  # seconds, for connecting, and for each answer
REDIS_PAUSE = 5.0  # seconds in which a lost Redis isn't asked again
LONE_SHARE = 4  # a process without Redis takes a quarter of the rate: it can't know how many others there are
RATE = re.compile(r"([1-9][0-9]{0,5})/(?:(s|sec|second)|(m|min|minute))")


def take_permits(most: int) -> int:
    """How many requests (0 to `most`) may begin now; they are counted as begun.

    Several workers at once never get more than the rate allows.
    """
    return _pacer().take(most)


def seconds_until_permit() -> float:
    """How long until one request may begin, if nobody else begins any; 0 for now."""
    return _pacer().wait_for()


def parse_rate(text: str) -> RateLimitItem:
    """A rate such as "20/second", "20/s", "600/minute" or "600/m". Raises ValueError.

    A rate per minute is spread as evenly as whole numbers can say it: "600/minute" is 10 in each second.
    """
    found = RATE.fullmatch(text)
    if not found:
        raise ValueError("not a rate: write a number of requests per second or minute, such as 20/second")
    amount, seconds = int(found[1]), 1 if found[2] else 60
    common = math.gcd(amount, seconds)
    return RateLimitItemPerSecond(amount // common, seconds // common)


class RedisByItsOwnClock(RedisStorage):
    """The window by Redis's clock: a worker whose own is wrong neither overruns it nor is locked out."""

    STORAGE_SCHEME: list[str] = []  # nobody finds it by an address

    def acquire_entry(self, key: str, limit: int, expiry: int, amount: int = 1) -> bool:
        places = [self._read_clock(), limit, expiry, amount]
        return bool(self.lua_acquire_moving_window([self.prefixed_key(key)], places))

    def get_moving_window(self, key: str, limit: int, expiry: int) -> tuple[float, int]:
        """The oldest entry's moment, by the clock of this machine as the library expects, and the count."""
        now = self._read_clock()
        window = self.lua_moving_window([self.prefixed_key(key)], [now - expiry, limit])
        age = now - float(window[0]) if window else 0.0
        return time.time() - age, window[1] if window else 0

    def _read_clock(self) -> float:
        seconds, microseconds = cast(Redis, self.get_connection()).time()
        return float(seconds + microseconds / 1e6)


class Pacer:
    """One rate: in Redis for all, and in this process while Redis is away."""

    def __init__(self, redis_url: str, rate: RateLimitItem) -> None:
        self._rate, self._share = rate, share_of(rate)
        self._shared = MovingWindowRateLimiter(
            RedisByItsOwnClock(
                redis_url,
                key_prefix="callboard:rate",
                socket_timeout=REDIS_TIMEOUT,
                socket_connect_timeout=REDIS_TIMEOUT,
                retry=Retry(NoBackoff(), 0),  # type: ignore[arg-type] # better our own share at once
            )
        )
        self._own = MovingWindowRateLimiter(MemoryStorage())
        self._own_lock = threading.Lock()
        self._away_until: float | None = None  # by the monotonic clock; None while Redis is there

    def take(self, most: int) -> int:
        """How many of `most` requests may begin now."""
        return self._ask(lambda limiter, rate: _take(limiter, rate, most))

    def wait_for(self) -> float:
        """Seconds until one request may begin."""
        return self._ask(_wait_for)

    def _ask(self, question: Callable[[MovingWindowRateLimiter, RateLimitItem], T]) -> T:
        if self._away_until is None or time.monotonic() >= self._away_until:
            try:
                answer = question(self._shared, self._rate)
            except (RedisError, OSError) as error:
                self._note_lost(error)
            else:
                self._note_found()
                return answer
        with self._own_lock:
            return question(self._own, self._share)

    def _note_lost(self, error: Exception) -> None:
        if self._away_until is None:
            log.warning("Redis is away (%s): this process keeps to %s", type(error).__name__, self._share)
        self._away_until = time.monotonic() + REDIS_PAUSE

    def _note_found(self) -> None:
        if self._away_until is not None:
            log.warning("Redis is back: all workers together keep to %s", self._rate)
        self._away_until = None


def share_of(rate: RateLimitItem) -> RateLimitItem:
    """A quarter of the rate: fewer requests, or where there is only a handful, a longer window."""
    if rate.amount >= LONE_SHARE:
        return RateLimitItemPerSecond(rate.amount // LONE_SHARE, rate.get_expiry())
    return RateLimitItemPerSecond(1, rate.get_expiry() * LONE_SHARE // rate.amount)


def _pacer() -> Pacer:
    return _make_pacer(settings.REDIS_URL, settings.ROBOTALKER_RATE)


@cache
def _make_pacer(redis_url: str, rate: str) -> Pacer:
    return Pacer(redis_url, parse_rate(rate))


def _take(limiter: MovingWindowRateLimiter, rate: RateLimitItem, most: int) -> int:
    wanted = min(most, rate.amount)
    while wanted > 0 and not limiter.hit(rate, WINDOW, cost=wanted):
        left = limiter.get_window_stats(rate, WINDOW).remaining
        wanted = min(left, wanted - 1)  # fewer each time, whatever others take meanwhile
    return max(wanted, 0)


def _wait_for(limiter: MovingWindowRateLimiter, rate: RateLimitItem) -> float:
    oldest_leaves_at, left = limiter.get_window_stats(rate, WINDOW)
    if left > 0:
        return 0.0
    return min(max(oldest_leaves_at - time.time(), 0.001), float(rate.get_expiry()))
