"""A worker that receives no tasks any more ends itself, and no other worker does."""

from pathlib import Path

import pytest
from pytest_django import Settings

from config.watchdog import WorkerSigns
from reminders.health import heartbeats
from tests.celery_processes import Broker, read_compose_words, run_celery
from tests.waiting import wait_until


@pytest.mark.parametrize(
    ("has_started_task", "beat_sends", "broker_answers", "lacks_tasks"),
    [
        (False, True, True, True),
        (True, True, True, False),
        (False, False, True, False),
        (False, True, False, False),
        (False, False, False, False),
    ],
)
def test_a_worker_lacks_tasks_only_if_it_should_have_received_some(
    has_started_task: bool, beat_sends: bool, broker_answers: bool, lacks_tasks: bool
) -> None:
    assert WorkerSigns(has_started_task, beat_sends, broker_answers).lacks_tasks is lacks_tasks


def test_with_more_workers_each_may_be_idle_for_longer(settings: Settings) -> None:
    settings.WORKER_SILENT_AFTER = 100.0
    assert WorkerSigns(False, True, True, workers=1).is_idle_too_long(101)
    assert not WorkerSigns(False, True, True, workers=2).is_idle_too_long(101)
    assert WorkerSigns(False, True, True, workers=2).is_idle_too_long(201)
    assert not WorkerSigns(False, False, True, workers=1).is_idle_too_long(10**6)


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_receives_no_tasks_logs_this_and_ends_with_status_1(tmp_path: Path) -> None:
    broker = Broker()
    broker.empty()

    def has_ended_while_beat_runs() -> bool:
        heartbeats.record_heartbeat(heartbeats.BEAT)
        return worker.process.poll() is not None

    words = read_compose_words("worker")
    with run_celery(words, broker, tmp_path / "log", WORKER_SILENT_AFTER=1) as worker:
        wait_until(has_ended_while_beat_runs, "the worker to end", within_seconds=60)
        assert worker.process.returncode == 1
        assert "s although beat sends them: ending it so that it is restarted" in worker.read_log()


@pytest.mark.django_db(transaction=True)
def test_a_worker_counts_the_tasks_it_starts(tmp_path: Path) -> None:
    broker = Broker()
    broker.empty()
    words = read_compose_words("worker")
    with run_celery(words, broker, tmp_path / "log", WORKER_SILENT_AFTER=4) as worker:
        assert worker.wait_until_ready().queues == ["events", "sweeps"]
        broker.send("webhooks.tasks.apply_stored_events", "events")
        wait_until(lambda: "1 tasks started" in worker.wait_until_ready().did, "the task to be counted")
