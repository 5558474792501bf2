"""A deaf worker ends itself, and no other does."""

from pathlib import Path

import pytest
from pytest_django import Settings

from config.watchdog import WorkerSigns
from reminders.health import heartbeats
from tests.celery_processes import Broker, read_compose_words, run_celery
from tests.waiting import wait_until


@pytest.mark.parametrize(
    ("begun", "beat_sends", "broker_answers", "strange"),
    [
        (False, True, True, True),
        (True, True, True, False),
        (False, False, True, False),
        (False, True, False, False),
        (False, False, False, False),
    ],
)
def test_silence_is_strange_only_when_tasks_should_have_come(
    begun: bool, beat_sends: bool, broker_answers: bool, strange: bool
) -> None:
    assert WorkerSigns(begun, beat_sends, broker_answers).silence_is_strange is strange


def test_the_more_workers_share_the_work_the_longer_each_may_get_none(settings: Settings) -> None:
    settings.WORKER_SILENT_AFTER = 100.0
    assert WorkerSigns(False, True, True, workers=1).is_deaf(101)
    assert not WorkerSigns(False, True, True, workers=2).is_deaf(101)
    assert WorkerSigns(False, True, True, workers=2).is_deaf(201)
    assert not WorkerSigns(False, False, True, workers=1).is_deaf(10**6)


@pytest.mark.django_db(transaction=True)
def test_a_worker_that_tasks_do_not_reach_says_so_and_ends_with_a_failure(tmp_path: Path) -> None:
    broker = Broker()
    broker.empty()

    def has_ended_while_beat_lives() -> bool:
        heartbeats.record_heartbeat(heartbeats.BEAT)
        return worker.process.poll() is not None

    words = read_compose_words("worker")
    with run_celery(words, broker, tmp_path / "log", WORKER_SILENT_AFTER=1) as worker:
        wait_until(has_ended_while_beat_lives, "the worker to end", within_seconds=60)
        assert worker.process.returncode == 1
        assert "s, though beat sends them: it ends now, to be started again" in worker.read_log()


@pytest.mark.django_db(transaction=True)
def test_a_worker_counts_the_tasks_that_reach_it(tmp_path: Path) -> None:
    broker = Broker()
    broker.empty()
    words = read_compose_words("worker")
    with run_celery(words, broker, tmp_path / "log", WORKER_SILENT_AFTER=4) as worker:
        assert worker.wait_until_ready().queues == ["events", "sweeps"]
        broker.send("webhooks.tasks.apply_stored_events", "events")
        wait_until(lambda: "1 tasks begun" in worker.wait_until_ready().did, "the task to be counted")
