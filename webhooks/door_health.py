"""How the webhook endpoint did lately, as the heartbeat "door": events that it stored, or could not store.

Written seldom, since it must not cost more than the events themselves: at most once in a few seconds by each
process. An endpoint that refuses some and stores others is failing (heartbeats.record_stored_events).
"""

import logging
import time

from django.db import DatabaseError, InterfaceError, connection

from contacts.database.patience import answer_within
from reminders.health import heartbeats
from reminders.health.rounds import name_error

log = logging.getLogger(__name__)

STORED_EVERY, CHANGED_EVERY = 30.0, 2.0  # seconds; the second also after a refused one
WRITE_WITHIN = 1.0

_written = {True: float("-inf"), False: float("-inf")}  # by whether it was stored; the monotonic clock


def note_stored_event() -> None:
    """Events were stored. Never raises."""
    if _is_due(stored=True, every=STORED_EVERY):
        _write("")


def note_refused_event(error: BaseException) -> None:
    """An event could not be stored, so Robotalker was asked to post it again. Never raises."""
    if _is_due(stored=False, every=CHANGED_EVERY):
        _write(name_error(error))


def _is_due(*, stored: bool, every: float) -> bool:
    now = time.monotonic()
    if _written[not stored] > _written[stored]:
        every = CHANGED_EVERY
    if now - _written[stored] > every:
        _written[stored] = now
        return True
    return False


def _write(failure: str) -> None:
    try:
        with answer_within(WRITE_WITHIN):
            if failure:
                heartbeats.record_failure(heartbeats.DOOR, failure)
            else:
                heartbeats.record_stored_events()
    except (DatabaseError, InterfaceError) as error:
        log.warning("the state of the webhook endpoint could not be written: %s", type(error).__name__)
        if not connection.in_atomic_block:
            connection.close()
