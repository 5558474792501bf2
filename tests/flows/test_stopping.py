"""A worker that gets SIGTERM in the middle of a batch, as from `docker compose up` with a new release."""

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from contacts.models import Location
from reminders.models import CallBatch, CallRecord, Reminder
from tests.celery_processes import Broker, CeleryProcess, read_compose_words, run_celery
from tests.people import make_contact, make_due_reminder, make_location
from tests.sandbox_server import SandboxServer
from tests.waiting import wait_until

DUE = 12
AT_ONCE = 2
IN_A_CAMPAIGN = DUE // 2
ROOT = Path(__file__).resolve().parent.parent.parent
GRACE = 45  # seconds, as in docker-compose.yml


def make_due(*locations: Location) -> None:
    """DUE reminders for appointments at these locations, an equal share for each."""
    for index in range(DUE):
        location = locations[index * len(locations) // DUE]
        make_due_reminder(make_contact(number=f"+1202555{1000 + index}"), location=location)


@contextmanager
def run_dispatcher(
    sandbox: SandboxServer, tmp_path: Path, *, accepted: int, **settings: Any
) -> Iterator[CeleryProcess]:
    """Run the dispatcher; yield it when `accepted` calls were accepted, before their answers come back."""
    sandbox.faults({"kind": "slow_headers", "seconds": 2}, {"kind": "lost"})
    broker = Broker()
    broker.empty()
    with run_celery(
        read_compose_words("dispatcher"),
        broker,
        tmp_path / "log",
        ROBOTALKER_BASE_URL=sandbox.url,
        ROBOTALKER_API_KEY=sandbox.api_key,
        **settings,
    ) as worker:
        worker.wait_until_ready()
        broker.send("reminders.tasks.dispatch_due", "dispatch")
        wait_until(lambda: len(sandbox.ledger()) >= accepted, "the first to be accepted", within_seconds=30)
        yield worker


def stop_as_a_container_is(worker: CeleryProcess) -> None:
    os.kill(worker.process.pid, signal.SIGTERM)


def stop_with_its_children(worker: CeleryProcess) -> None:
    os.killpg(worker.process.pid, signal.SIGTERM)


def check_no_call_is_left_half_done(accepted: int) -> None:
    """Accepted calls are known to be submitted, and all other reminders can be claimed at once."""
    assert list(CallRecord.objects.values_list("state", flat=True)) == ["submitted"] * accepted
    assert Reminder.objects.filter(state="in_progress").count() == accepted
    waiting = Reminder.objects.filter(state="planned", claim=None, lease_until=None)
    assert waiting.count() == DUE - accepted, "what it had claimed can be claimed at once"


@pytest.mark.parametrize("stop", [stop_as_a_container_is, stop_with_its_children])
def test_a_worker_that_gets_sigterm_finishes_its_requests_and_begins_no_others(
    sandbox: SandboxServer, tmp_path: Path, stop: Callable[[CeleryProcess], None]
) -> None:
    make_due(make_location())
    with run_dispatcher(
        sandbox, tmp_path, accepted=AT_ONCE, ROBOTALKER_CAMPAIGNS="off", ROBOTALKER_THREADS=AT_ONCE
    ) as dispatcher:
        stop(dispatcher)
        assert dispatcher.wait(GRACE) == 0
    accepted = len(sandbox.ledger())
    assert AT_ONCE <= accepted < DUE, "it should have stopped midway"
    check_no_call_is_left_half_done(accepted)


@pytest.mark.parametrize("stop", [stop_as_a_container_is, stop_with_its_children])
def test_a_worker_that_gets_sigterm_finishes_its_campaign_and_begins_no_other(
    sandbox: SandboxServer, tmp_path: Path, stop: Callable[[CeleryProcess], None]
) -> None:
    """Two campaigns, since two locations call from numbers of their own."""
    make_due(make_location(), make_location("Riverside", caller_id="+18005550188"))
    with run_dispatcher(
        sandbox,
        tmp_path,
        accepted=IN_A_CAMPAIGN,
        CAMPAIGN_MINIMUM=IN_A_CAMPAIGN,
        ROBOTALKER_THREADS=1,
    ) as dispatcher:
        stop(dispatcher)
        assert dispatcher.wait(GRACE) == 0
    assert len(sandbox.ledger()) == IN_A_CAMPAIGN, "it should have stopped between the two"
    check_no_call_is_left_half_done(IN_A_CAMPAIGN)
    assert {entry["campaign_id"] for entry in sandbox.ledger()} == {CallBatch.objects.get().robotalker_id}


def test_an_idle_child_of_a_worker_ends_without_an_error_when_it_is_told_to() -> None:
    """Celery tells a child that it replaces after WORKER_MAX_TASKS, and logs an error for other exits."""
    child = (
        "import os, signal; from config.celery import finish_submission_on_sigterm as prepare;"
        "prepare(); os.kill(os.getpid(), signal.SIGTERM)"
    )
    assert subprocess.run([sys.executable, "-c", child], cwd=ROOT, check=False).returncode == 0
