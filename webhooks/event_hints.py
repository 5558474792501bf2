"""Telling a worker that an event is stored, so that it is applied now and not at the next tick.

The hint is a key in Redis. The request that sets it also sends the task; while the key stands, a worker is on
its way or at work, and finds whatever is stored. So in a burst a hint costs one short command, and events
are applied in ever larger groups. The worker takes the key away when nothing waits any more, and then looks
once more. A hint that is lost, with its worker or with Redis, costs the wait for the next tick.
"""

import logging
import time
from functools import cache

from django.conf import settings
from django.db import transaction
from redis import Redis, RedisError

from contacts.worker_hints import send_hint

log = logging.getLogger(__name__)

TASK = "webhooks.tasks.apply_new_events"
KEY = "callboard:events-hinted"
STANDS_FOR = 30  # seconds, as the task does, if no worker takes it away: longer than one works
PATIENCE = 0.5  # seconds for a connection, and for each answer
PAUSE = 10.0  # seconds without hints once Redis failed to answer: not every request may wait for it

_paused_until = 0.0  # by the monotonic clock


def hint_applying() -> None:
    """After the commit, ask a worker to apply what is stored, unless one was asked already. Never raises."""
    transaction.on_commit(_hint, robust=True)


def drop_hint() -> None:
    """Nothing waits any more: the next event needs a hint of its own. Never raises."""
    try:
        _connect(settings.REDIS_URL).delete(KEY)
    except (RedisError, OSError) as error:
        log.warning("a hint stands until it expires: %s", type(error).__name__)


def _hint() -> None:
    global _paused_until
    if time.monotonic() < _paused_until:
        return
    try:
        is_first = _connect(settings.REDIS_URL).set(KEY, "1", nx=True, ex=STANDS_FOR)
    except (RedisError, OSError) as error:
        _paused_until = time.monotonic() + PAUSE
        log.warning("events wait for beat's ticks for %.0f s: %s", PAUSE, type(error).__name__)
        return
    if is_first:
        send_hint(TASK, worth_seconds=STANDS_FOR)


@cache
def _connect(redis_url: str) -> Redis:
    """A client whose connections are kept."""
    return Redis.from_url(redis_url, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, retry=None)
