"""Applying events together when many come at once.

A request has just stored its event. If no thread of this process is applying events, the request applies its
event itself and responds after that. If one is, the request adds the event to the queue and responds at once:
the thread that is applying checks the queue again before it stops. If that thread is a request, it starts a
new thread for what is queued, so that its own response doesn't wait for other events. So a single event never
waits, and in a burst many events share the locks, statements and commit of one transaction. When the queue is
very long, a few new requests wait before they are answered: that slows Robotalker down, so that staff don't
see outdated states.

Processes don't know of each other; row locks keep them apart. Events that a stopped process leaves behind are
stored, and the sweep applies them.
"""

import logging
import time
from collections import deque
from threading import BoundedSemaphore, Lock, Thread

from django.db import connections

from reminders.robotalker.events import RobotalkerEvent
from webhooks.applying import MOST_TOGETHER, apply_events

log = logging.getLogger(__name__)

FEW = MOST_TOGETHER // 2
GATHER_SECONDS = 0.1  # one transaction costs as much as ten events in it, so in a burst wait for some more
MOST_WAITING = 500
LONGEST_WAIT = 5.0  # seconds; then the request is answered anyway, since its event is stored
MOST_SLOWED = 2  # requests that wait at the same time: the server's other threads stay free

_waiting: deque[int] = deque()  # ids of stored events
_applying = Lock()  # held by the one thread of this process that applies events
_slowed = BoundedSemaphore(MOST_SLOWED)


def apply_or_queue(event_id: int, parsed: RobotalkerEvent | None = None) -> None:
    """Apply a stored event, or queue it for the thread that is applying events now.

    `parsed`: the event in its body, if it could be read. Raises django.db.Error when the database is away.
    """
    _waiting.append(event_id)
    if _acquire_lock():
        try:
            apply_events(_take_waiting(), parsed={event_id: parsed})
        finally:
            _release_lock()


def is_idle() -> bool:
    """Whether no event is queued and no thread is applying any."""
    return not _waiting and not _applying.locked()


def _acquire_lock() -> bool:
    """Whether this thread may apply now. When the queue is too long, a few requests wait for that."""
    if len(_waiting) <= MOST_WAITING or not _slowed.acquire(blocking=False):
        return _applying.acquire(blocking=False)
    try:
        return _applying.acquire(timeout=LONGEST_WAIT)
    finally:
        _slowed.release()


def _take_waiting() -> list[int]:
    return [_waiting.popleft() for _ in range(min(len(_waiting), MOST_TOGETHER))]


def _release_lock() -> None:
    """Stop applying, and start a thread for what is queued.

    A request queues its event before it tries the lock, so an event that found it taken is seen here.
    """
    _applying.release()
    if _waiting and _applying.acquire(blocking=False):
        try:
            Thread(target=_apply_waiting, daemon=True).start()
        except RuntimeError as error:  # no more threads: the next request, or the sweep, applies them
            log.error("no thread could be started to apply the queued events: %s", error)
            _applying.release()


def _apply_waiting() -> None:
    """Apply until the queue is empty; this thread holds the lock."""
    try:
        _empty_queue()
    except Exception as error:  # noqa: BLE001 - the events are stored: the sweep applies them
        log.error("queued events are left to the sweep: %s", type(error).__name__)
        _waiting.clear()
    finally:
        _release_lock()


def _empty_queue() -> None:
    try:
        while _waiting:
            if len(_waiting) < FEW:
                time.sleep(GATHER_SECONDS)
            apply_events(_take_waiting())
    finally:
        connections.close_all()
