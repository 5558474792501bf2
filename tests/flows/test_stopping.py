"""A worker that is told to stop in the middle of a batch, as by `docker compose up` with a new release."""

import os
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reminders.models import CallRecord, Reminder
from tests.celery_processes import Broker, CeleryProcess, read_compose_words, run_celery
from tests.people import make_contact, make_due_reminder
from tests.sandbox_server import SandboxServer
from tests.waiting import wait_until

DUE = 12
AT_ONCE = 2
GRACE = 45  # seconds, as in docker-compose.yml


@pytest.fixture
def dispatcher(sandbox: SandboxServer, tmp_path: Path) -> Iterator[CeleryProcess]:
    """The dispatcher's own command, in the middle of the first calls of twelve; its answers are slow."""
    for index in range(DUE):
        make_due_reminder(make_contact(number=f"+1202555{1000 + index}"))
    sandbox.faults({"kind": "slow_headers", "seconds": 2}, {"kind": "lost"})
    broker = Broker()
    broker.empty()
    with run_celery(
        read_compose_words("dispatcher"),
        broker,
        tmp_path / "log",
        ROBOTALKER_BASE_URL=sandbox.url,
        ROBOTALKER_API_KEY=sandbox.api_key,
        ROBOTALKER_CAMPAIGNS="off",
        ROBOTALKER_THREADS=AT_ONCE,
    ) as worker:
        worker.wait_until_ready()
        broker.send("reminders.tasks.dispatch_due", "dispatch")
        wait_until(
            lambda: len(sandbox.ledger()) >= AT_ONCE, "the first calls to be accepted", within_seconds=30
        )
        yield worker


def stop_as_a_container_is(worker: CeleryProcess) -> None:
    os.kill(worker.process.pid, signal.SIGTERM)


def stop_with_its_children(worker: CeleryProcess) -> None:
    os.killpg(worker.process.pid, signal.SIGTERM)


@pytest.mark.parametrize("stop", [stop_as_a_container_is, stop_with_its_children])
def test_a_worker_told_to_stop_ends_what_it_is_at_and_begins_nothing_new(
    sandbox: SandboxServer, dispatcher: CeleryProcess, stop: Callable[[CeleryProcess], None]
) -> None:
    stop(dispatcher)
    assert dispatcher.wait(GRACE) == 0
    accepted = len(sandbox.ledger())
    assert AT_ONCE <= accepted < DUE, "it should have stopped midway"
    assert list(CallRecord.objects.values_list("state", flat=True)) == ["submitted"] * accepted
    assert Reminder.objects.filter(state="in_progress").count() == accepted
    waiting = Reminder.objects.filter(state="planned", claim=None, lease_until=None)
    assert waiting.count() == DUE - accepted, "what it had claimed is free at once"
