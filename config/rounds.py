"""How each round of a sweep ended, written to its heartbeat whatever the sweep itself writes.

Connected to Celery's signals in config/celery.py. A task that raised, and one in which the database refused
something (reminders/health/rounds.py), has failed. Sweeps without a heartbeat of their own get one here.
"""

import logging
import time
from typing import Any

from django.conf import settings
from django.db import DatabaseError, InterfaceError

log = logging.getLogger(__name__)

WRITE_EVERY = 30.0  # seconds: a sweep's success is written no more often, as long as it does succeed
OWN_NAMES = {  # ticks whose sweeps have a heartbeat under another name
    "plan": "planning",
    "reconcile": "reconciliation",
    "ask": "asking",
    "verify": "verifying",
    "apply": "events",
    "pull": "contacts pulled",
    "reports": "counting",
}
WRITE_THEIR_OWN = frozenset({*OWN_NAMES.values(), "dispatch", "contacts"})

_written: dict[str, float] = {}  # the successes that this process has written, by the monotonic clock


def name_sweep(task: str) -> str:
    """The name of the heartbeat of the sweep that this task does; "" if beat doesn't send it."""
    ticks: dict[str, Any] = settings.CELERY_BEAT_SCHEDULE
    tick = next((name for name, entry in ticks.items() if entry["task"] == task), "")
    return OWN_NAMES.get(tick, tick)


def begin_round_of_task(**_: Any) -> None:
    """Before a task."""
    from reminders.health.rounds import begin_round

    begin_round()


def record_end(sender: Any = None, **_: Any) -> None:
    """After a task that did not raise."""
    from reminders.health.rounds import find_trouble

    sweep = name_sweep(sender.name)
    if trouble := find_trouble():
        _record(sweep, trouble)
    elif sweep and sweep not in WRITE_THEIR_OWN:
        now = time.monotonic()
        if now - _written.get(sweep, float("-inf")) > WRITE_EVERY:
            _written[sweep] = now
            _record(sweep)


def record_error(sender: Any = None, exception: BaseException | None = None, **_: Any) -> None:
    """After a task that raised."""
    from reminders.health.rounds import name_error

    _record(name_sweep(sender.name), name_error(exception) if exception else "unknown")


def _record(sweep: str, failure: str = "") -> None:
    from contacts.database.patience import answer_within
    from reminders.health import heartbeats

    if not sweep:
        return
    try:
        with answer_within(5.0):
            if failure:
                _written.pop(sweep, None)
                heartbeats.record_failure(sweep, failure)
            else:
                heartbeats.record_heartbeat(sweep)
    except (DatabaseError, InterfaceError) as error:
        log.warning("the end of a round could not be written: %s", type(error).__name__)
