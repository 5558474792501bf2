"""The Celery application. Its schedule and time limits are in config/settings.py."""

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
    """End a worker or beat with invalid settings at once, with a message."""
    from config import checks

    try:
        checks.refuse_unsafe_start()
    except ImproperlyConfigured as error:
        raise SystemExit(str(error)) from error  # Celery only logs other exceptions of a receiver


@signals.beat_init.connect
def watch_beat(sender: Any, **_: Any) -> None:
    """Start the thread that ends a beat which sends no ticks any more."""
    sender.scheduler.start_watchdog()


@signals.worker_init.connect
def share_stop_flag(**_: Any) -> None:
    """Create the stop flag before the worker forks its children, so that they share it."""
    from reminders.traffic.shutdown import share_with_children

    share_with_children()


@signals.worker_init.connect
def share_places(sender: Any, **_: Any) -> None:
    """Keep a child for each of the queues that must not keep each other waiting."""
    from config.worker_places import make_places

    make_places(set(sender.app.amqp.queues.consume_from), sender.concurrency)


@signals.worker_ready.connect
def start_watchdog(sender: Any, **_: Any) -> None:
    """Start the thread that ends a worker which receives no tasks any more."""
    from config.watchdog import Watchdog

    Watchdog(queues=list(sender.app.amqp.queues.consume_from)).start()


@signals.worker_init.connect
def keep_connections(**_: Any) -> None:
    """Keep a child's connection to the database for CONN_MAX_AGE; before each task, see whether it lives.

    And forget the statements of the task before, which Django keeps while DEBUG is on.
    """
    from django.db import close_old_connections, reset_queries

    signals.task_prerun.connect(reset_queries)
    signals.task_prerun.connect(close_old_connections)
    signals.task_postrun.connect(close_old_connections)


@signals.worker_init.connect
def record_rounds(**_: Any) -> None:
    """Write how each round ended (config/rounds.py); connected before the children are forked."""
    from config import rounds

    signals.task_prerun.connect(rounds.begin_round_of_task)
    signals.task_success.connect(rounds.record_end)
    signals.task_failure.connect(rounds.record_error)


@signals.worker_process_init.connect
def watch_children(**_: Any) -> None:
    """Set the signal handler at the first task, since the pool sets its own handlers after this signal."""
    signals.task_prerun.connect(finish_submission_on_sigterm)


def finish_submission_on_sigterm(**_: Any) -> None:
    """Let a child finish its current submission when it gets SIGTERM."""
    from reminders.traffic.shutdown import end_gently_on_sigterm

    end_gently_on_sigterm()


@signals.worker_shutting_down.connect
def stop_taking_work(**_: Any) -> None:
    """Tell the children to finish current submissions and release other claims. Runs in a signal handler."""
    from reminders.traffic.shutdown import mark_stopping

    mark_stopping()
