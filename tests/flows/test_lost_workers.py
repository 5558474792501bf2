"""A worker that is killed: between the claim and the POST, and in the middle of the POST."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from urllib.parse import urlsplit

from django.db import connection
from django.utils import timezone

from reminders.dispatch.rounds import dispatch_due
from reminders.models import CallRecord, Reminder
from reminders.sweeps.reconciliation import reconcile
from tests.people import make_due_reminder
from tests.sandbox_server import SandboxServer
from tests.waiting import wait_until

CLAIMING = """
import django; django.setup()
from reminders.dispatch.claims import claim_due
claim_due(10)
print("claimed", flush=True)
input()
"""
POSTING = """
import django; django.setup()
from reminders.dispatch.rounds import dispatch_due
print("posting", flush=True)
dispatch_due()
"""


@contextmanager
def run_worker(program: str, **settings: str) -> Iterator["subprocess.Popen[str]"]:
    """A worker process on this test's database; killed with SIGKILL at the end."""
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    environment = {
        **os.environ,
        **settings,
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": database.geturl(),
    }
    worker = subprocess.Popen(
        [sys.executable, "-c", program],
        env=environment,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    assert worker.stdout is not None
    assert worker.stdin is not None
    try:
        assert worker.stdout.readline()
        yield worker
    finally:
        worker.send_signal(signal.SIGKILL)
        worker.wait()
        worker.stdout.close()
        worker.stdin.close()


def test_a_worker_killed_between_claim_and_post_loses_no_call_and_repeats_none(
    sandbox: SandboxServer,
) -> None:
    """(product rule 3)"""
    reminder = make_due_reminder()
    with run_worker(CLAIMING):
        reminder.refresh_from_db()
        assert reminder.state == "claimed"
        assert dispatch_due().calls == 0, "no other worker may take it during its lease"
    Reminder.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    assert reconcile().released == 1
    assert dispatch_due().calls == 1
    assert len(sandbox.ledger()) == 1


def test_a_worker_killed_during_its_post_leaves_an_unknown_call_that_is_never_sent_again(
    sandbox: SandboxServer,
) -> None:
    """(product rule 15)"""
    reminder = make_due_reminder()
    sandbox.faults({"kind": "slow_headers", "seconds": 30}, {"kind": "lost"})
    with run_worker(
        POSTING,
        ROBOTALKER_BASE_URL=sandbox.url,
        ROBOTALKER_API_KEY=sandbox.api_key,
        ROBOTALKER_READ_TIMEOUT="60",
    ):
        wait_until(lambda: sandbox.ledger() or None, "the call to be accepted")
        assert CallRecord.objects.get().state == "submitting", "committed before the first byte"
    CallRecord.objects.update(submitting_at=timezone.now() - timedelta(minutes=5))
    assert reconcile().lost == 1
    sandbox.faults()
    assert dispatch_due().calls == 0
    reminder.refresh_from_db()
    assert (CallRecord.objects.get().state, reminder.state) == ("unknown", "in_progress")
    assert len(sandbox.ledger()) == 1
