"""A child of a worker keeps its connection between tasks, and gets over one that was cut."""

from datetime import datetime
from pathlib import Path
from typing import Any

import pytest
from django.db import connection

from config.queues import DISPATCH_QUEUE
from reminders.models import Heartbeat
from tests.celery_processes import Broker, read_compose_words, run_celery
from tests.waiting import wait_until

WORDS = [*read_compose_words("dispatcher"), "--concurrency", "1"]


@pytest.mark.django_db(transaction=True)
def test_a_child_keeps_its_connection_between_tasks_and_replaces_a_cut_one(
    broker: Broker, tmp_path: Path
) -> None:
    with run_celery(WORDS, broker, tmp_path / "log", DATABASE_CONN_MAX_AGE=600) as worker:
        worker.wait_until_ready()
        dispatch_once(broker, after=None)
        kept = wait_until(find_idle_session, "a session that stays after the task", within_seconds=60)
        dispatch_once(broker, after=read_heartbeat())
        assert wait_until(find_idle_session, "the session again", within_seconds=60) == kept
        ask("SELECT pg_terminate_backend(%s)", kept)
        dispatch_once(broker, after=read_heartbeat())
        assert wait_until(find_idle_session, "another session", within_seconds=60) != kept
        assert "Error" not in worker.read_log()


def dispatch_once(broker: Broker, *, after: datetime | None) -> None:
    """Send the task, and wait until it has written that it ended."""
    broker.send("reminders.tasks.dispatch_due", DISPATCH_QUEUE)
    wait_until(lambda: read_heartbeat() not in (None, after), "a dispatch", within_seconds=60)


def read_heartbeat() -> datetime | None:
    return Heartbeat.objects.filter(name="dispatch").values_list("at", flat=True).first()


def find_idle_session() -> int | None:
    """The process id of another session that has waited for a second since its last statement."""
    pid: int | None = ask(
        "SELECT min(pid) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle'"
        " AND pid <> pg_backend_pid() AND state_change < clock_timestamp() - interval '1 second'"
    )
    return pid


def ask(sql: str, *values: Any) -> Any:
    with connection.cursor() as cursor:
        cursor.execute(sql, values)
        return cursor.fetchone()[0]
