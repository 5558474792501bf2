"""Telling the workers to look now instead of at the next tick. A hint that is lost costs seconds."""

import logging

from celery import current_app
from django.db import transaction
from kombu.exceptions import OperationalError

log = logging.getLogger(__name__)
WORTH_SECONDS = 10  # the next tick says the same


def hint_dispatch() -> None:
    """After the commit, ask for a dispatch. A broker that is away never fails the request."""
    transaction.on_commit(_send_hint, robust=True)


def _send_hint() -> None:
    try:
        current_app.send_task(
            "reminders.tasks.dispatch_due", expires=WORTH_SECONDS, retry=False, ignore_result=True
        )
    except (OperationalError, OSError) as error:
        log.warning("no hint sent, the next tick will do: %s", type(error).__name__)
