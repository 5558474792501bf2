"""Two beats and two dispatchers, as when a second machine was started by mistake, or on purpose."""

from collections import Counter
from contextlib import ExitStack
from pathlib import Path

from reminders.health import heartbeats
from reminders.models import CallRecord, Heartbeat
from tests.celery_processes import Broker, read_compose_words, run_celery
from tests.people import make_contact, make_due_reminder
from tests.sandbox_server import SandboxServer
from tests.waiting import wait_until

NUMBERS = [f"+1202555{1000 + index}" for index in range(20)]


def test_two_beats_and_two_dispatchers_call_everybody_once(sandbox: SandboxServer, tmp_path: Path) -> None:
    """(product rule 3)"""
    for number in NUMBERS:
        make_due_reminder(make_contact(number=number))
    sandbox.faults({"kind": "lost"})
    broker = Broker()
    broker.empty()
    settings = {
        "ROBOTALKER_BASE_URL": sandbox.url,
        "ROBOTALKER_API_KEY": sandbox.api_key,
        "ROBOTALKER_CAMPAIGNS": "off",
        "DISPATCH_BATCH": 3,
    }
    with ExitStack() as running:
        for one in ("first", "second"):
            beat = ["beat", "--schedule", str(tmp_path / one), "--pidfile="]
            worker = read_compose_words("dispatcher")
            worker[worker.index("-n") + 1] = f"{one}@%h"
            running.enter_context(run_celery(beat, broker, tmp_path / f"beat-{one}", **settings))
            running.enter_context(run_celery(worker, broker, tmp_path / f"worker-{one}", **settings))
        wait_until(lambda: len(sandbox.ledger()) >= len(NUMBERS), "all calls", within_seconds=90)
        wait_until(
            lambda: Heartbeat.objects.filter(name=heartbeats.BEAT, did="ticks sent").exists(),
            "beat's heartbeat",
        )
    assert Counter(entry["to"] for entry in sandbox.ledger()) == Counter(NUMBERS)
    assert CallRecord.objects.count() == len(NUMBERS)
