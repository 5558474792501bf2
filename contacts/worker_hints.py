"""Asking a worker to run a sweep now instead of at its next tick. A hint that is lost costs only the wait."""

import logging
from functools import cache, partial

from celery import current_app
from django.db import connection, transaction
from kombu.exceptions import LimitExceeded, OperationalError
from kombu.pools import ProducerPool

log = logging.getLogger(__name__)

CONNECTIONS = 4  # of a process: a hint takes a millisecond
BROKER_TIMEOUT = 0.5  # seconds, for connecting, and for each answer: a person waits for their page
# Known here by name only, since contacts doesn't know reminders. A test holds that there is such a task.
PLANNING_TASK = "reminders.tasks.plan_reminders"
PLANNING_TICK = 60  # seconds


def hint_worker(task: str, *, worth_seconds: float) -> None:
    """After the commit, ask for a run of `task`, once however often this is called in the transaction.

    `worth_seconds`: until the next tick does the same. Never fails; a broker that is away costs a second at
    most.
    """
    sent = [entry[1] for entry in connection.run_on_commit]
    if not any(isinstance(one, partial) and one.func is send_hint and one.args == (task,) for one in sent):
        transaction.on_commit(partial(send_hint, task, worth_seconds=worth_seconds), robust=True)


def hint_planning() -> None:
    """Appointments or campaigns have changed: plan them at once (product rule 61)."""
    hint_worker(PLANNING_TASK, worth_seconds=PLANNING_TICK)


def send_hint(task: str, *, worth_seconds: float) -> None:
    """Ask for it at once, where no transaction is open."""
    producers = _open_producers(current_app.conf.broker_url)
    try:
        with producers.acquire(block=True, timeout=BROKER_TIMEOUT) as producer:
            current_app.send_task(
                task, producer=producer, expires=worth_seconds, retry=False, ignore_result=True
            )
    except (OperationalError, LimitExceeded) as error:
        log.warning("no hint sent, the next tick will do: %s", type(error).__name__)


@cache
def _open_producers(broker: str) -> ProducerPool:
    """Connections that stay open, since to open one takes longer than all else in a request of Robotalker's.

    A process that is forked opens its own.
    """
    options = {
        **current_app.conf.broker_transport_options,
        "socket_connect_timeout": BROKER_TIMEOUT,
        "socket_timeout": BROKER_TIMEOUT,
        "max_retries": 0,
    }
    connections = current_app.connection_for_write(broker, transport_options=options).Pool(CONNECTIONS)
    return ProducerPool(connections, limit=CONNECTIONS)
