"""Telling the workers to look now instead of at the next tick. A hint that is lost costs seconds.

So it must cost the request nothing: a thread of its own sends it, and may wait for a broker that is away
or hangs. Hints that come meanwhile become one.
"""

import logging
import threading

from celery import current_app
from django.db import transaction

log = logging.getLogger(__name__)
WORTH_SECONDS = 10  # the next tick says the same

_wanted = threading.Event()
_starting = threading.Lock()
_sender: threading.Thread | None = None


def wake_dispatch() -> None:
    """After the commit, ask for a dispatch. Returns at once, and fails never."""
    transaction.on_commit(_want_hint, robust=True)


def _want_hint() -> None:
    global _sender
    _wanted.set()
    with _starting:
        if _sender is None or not _sender.is_alive():  # a process that was forked has no threads yet
            _sender = threading.Thread(target=_send_for_ever, name="hints", daemon=True)
            _sender.start()


def _send_for_ever() -> None:
    while _wanted.wait():
        _wanted.clear()
        _send_hint()


def _send_hint() -> None:
    try:
        current_app.send_task(
            "reminders.tasks.dispatch_due", expires=WORTH_SECONDS, retry=False, ignore_result=True
        )
    except Exception as error:  # noqa: BLE001 - whatever it is, the thread lives on for the next hint
        log.warning("no hint sent, the next tick will do: %s", type(error).__name__)
