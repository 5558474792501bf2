"""A worker that receives no tasks any more ends itself, and no other worker does."""

from datetime import datetime, timedelta
from pathlib import Path
from unittest.mock import patch

import pytest
from django.utils import timezone
from pytest_django import Settings

from config.watchdog import Watchdog, WorkerSigns
from reminders.health import heartbeats
from reminders.models import Heartbeat
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


class OneCheck(Watchdog):
    """A watchdog of a worker that has started no task, with the heartbeats that a test gives it."""

    beats: heartbeats.Heartbeats

    def check(self, beats: heartbeats.Heartbeats, after: float) -> WorkerSigns:
        """Check `after` seconds of the monotonic clock since the test began."""
        self.beats = beats
        with (
            patch("config.watchdog.broker_answers", return_value=True),
            patch("config.watchdog.time.monotonic", return_value=1_000.0 + after),
        ):
            return self._check()

    def _exchange_heartbeats(self) -> heartbeats.Heartbeats:
        return self.beats


def written(at: datetime) -> dict[str, Heartbeat]:
    """Beat's heartbeat and those of two workers for the same queue, all of one moment."""
    names = (heartbeats.BEAT, "worker a:1", "worker b:2")
    return {name: Heartbeat(name=name, at=at, queues=["events"] * (name != "beat")) for name in names}


CLOCKS = [timedelta(0), timedelta(hours=2), timedelta(hours=-2), timedelta(days=400)]


@pytest.mark.parametrize("jump", CLOCKS, ids=str)
def test_beat_and_other_workers_live_while_their_heartbeats_change_whatever_the_clock_says(
    jump: timedelta,
) -> None:
    """Product rule 28: only the monotonic clock counts."""
    worker, now = OneCheck(["events"]), timezone.now()
    worker.check(written(now), 0)
    signs = worker.check(written(now + jump + timedelta(seconds=50)), 50)
    assert (signs.beat_sends, signs.workers) == (True, 2)


@pytest.mark.parametrize("ahead", CLOCKS, ids=str)
def test_a_heartbeat_that_no_longer_changes_is_no_sign_of_life_even_if_it_lies_ahead(
    ahead: timedelta,
) -> None:
    """So a worker is not ended because "beat sends" while beat has long been silent."""
    worker, silent = OneCheck(["events"]), written(timezone.now() + ahead)
    worker.check(silent, 0)
    assert worker.check(silent, 29).beat_sends
    signs = worker.check(silent, 61)
    assert (signs.beat_sends, signs.workers, signs.lacks_tasks) == (False, 1, False)


def test_without_a_database_no_worker_is_ended() -> None:
    worker = OneCheck(["events"])
    worker.check(written(timezone.now()), 0)
    assert not worker.check({}, 5).lacks_tasks


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
    words = read_compose_words("applier")
    with run_celery(words, broker, tmp_path / "log", WORKER_SILENT_AFTER=4) as worker:
        assert worker.wait_until_ready().queues == ["events"]
        broker.send("webhooks.tasks.apply_stored_events", "events")
        wait_until(lambda: "1 tasks started" in worker.wait_until_ready().did, "the task to be counted")
