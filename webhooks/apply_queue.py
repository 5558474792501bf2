"""Applying together what comes in together.

A request has just stored its event. If nobody in this process is applying, it does so itself, and answers
when that is done. If somebody is, it leaves the event to him and answers at once: he looks again before he
goes. Who finds more waiting then hands over to a thread, so that his own answer isn't kept waiting for the
events of others. So alone an event waits for nobody, and in a burst many share the locks, statements and
commit of one transaction. When very many wait, a few new ones wait for them before they are answered: who
posts faster than we apply is slowed down, rather than that staff are shown old news.

Processes don't know of each other; the locks of the rows keep them apart. What a process that ends leaves
behind is stored, and taken by the sweep.
"""

import logging
import time
from collections import deque
from threading import BoundedSemaphore, Lock, Thread

from django.db import connections

from webhooks.applying import MOST_TOGETHER, apply_events

log = logging.getLogger(__name__)

FEW = MOST_TOGETHER // 2
GATHER_SECONDS = 0.1  # a transaction costs as much as ten events in it: in a burst, let some come together
MOST_WAITING = 500
LONGEST_WAIT = 5.0  # seconds, then answered all the same: it is stored
MOST_SLOWED = 2  # requests that wait so: the server's other threads stay free

_waiting: deque[int] = deque()  # ids of stored events
_turn = Lock()
_slowed = BoundedSemaphore(MOST_SLOWED)


def apply_or_queue(event_id: int) -> None:
    """Have a stored event applied, now or by whoever is at it.

    Raises django.db.Error when the database is away.
    """
    _waiting.append(event_id)
    if _acquire_turn():
        try:
            apply_events(_take())
        finally:
            _give_back()


def is_idle() -> bool:
    """Whether everything that was left to somebody is applied."""
    return not _waiting and not _turn.locked()


def _acquire_turn() -> bool:
    """Whether it is ours now; a few wait for it when too much has come together."""
    if len(_waiting) <= MOST_WAITING or not _slowed.acquire(blocking=False):
        return _turn.acquire(blocking=False)
    try:
        return _turn.acquire(timeout=LONGEST_WAIT)
    finally:
        _slowed.release()


def _take() -> list[int]:
    return [_waiting.popleft() for _ in range(min(len(_waiting), MOST_TOGETHER))]


def _give_back() -> None:
    """End one's turn. Who found it taken left an event before, so it is seen here at the latest."""
    _turn.release()
    if _waiting and _turn.acquire(blocking=False):
        try:
            Thread(target=_apply_the_rest, daemon=True).start()
        except RuntimeError as error:  # no more threads: the next request takes them, or the sweep
            log.error("nobody goes on applying: %s", error)
            _turn.release()


def _apply_the_rest() -> None:
    """Go on until nothing is waiting; the turn is this thread's."""
    try:
        _work_off()
    except Exception as error:  # noqa: BLE001 - they are stored: the sweep takes them
        log.error("events are left to the sweep: %s", type(error).__name__)
        _waiting.clear()
    finally:
        _give_back()


def _work_off() -> None:
    try:
        while _waiting:
            if len(_waiting) < FEW:
                time.sleep(GATHER_SECONDS)
            apply_events(_take())
    finally:
        connections.close_all()
