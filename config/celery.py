"""The Celery application; beat's ticks and who may take how long stand in config/settings.py."""

import os
from typing import Any

from celery import Celery, signals
from django.core.exceptions import ImproperlyConfigured

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")

app = Celery("callboard")
app.config_from_object("django.conf:settings", namespace="CELERY")
app.autodiscover_tasks()


@signals.worker_init.connect
@signals.beat_init.connect
def check_before_start(**_: Any) -> None:
    """A worker or beat under wrong settings ends at once, saying why."""
    from config import checks

    try:
        checks.refuse_unsafe_start()
    except ImproperlyConfigured as error:
        raise SystemExit(str(error)) from error  # Celery only logs what else a receiver raises, and goes on


@signals.worker_init.connect
def share_stopping(**_: Any) -> None:
    """Before its children are forked."""
    from reminders.traffic.shutdown import share_with_children

    share_with_children()


@signals.worker_ready.connect
def start_watchdog(sender: Any, **_: Any) -> None:
    """A worker that has fallen silent ends itself."""
    from config.watchdog import Watchdog

    Watchdog(queues=list(sender.app.amqp.queues.consume_from)).start()


@signals.worker_process_init.connect
def watch_children(**_: Any) -> None:
    """With the first task: the pool sets signal handlers of its own between this and that."""
    signals.task_prerun.connect(end_children_gently)


def end_children_gently(**_: Any) -> None:
    """A child ends the submission it is at, whoever is told to stop."""
    from reminders.traffic.shutdown import end_gently_on_sigterm

    end_gently_on_sigterm()


@signals.worker_shutting_down.connect
def begin_nothing_new(**_: Any) -> None:
    """The children are at what they are at; of the rest they let go. (This runs in a signal handler.)"""
    from reminders.traffic.shutdown import mark_stopping

    mark_stopping()
