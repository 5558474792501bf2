"""A backup that was restored with PostgreSQL's own tools, beside the database that it was taken from.

(product rule 25)
"""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

from reminders.dispatch.rounds import dispatch_due
from reminders.models import DatabaseIdentity
from reminders.traffic.restore_guard import check_for_restore
from reminders.traffic.switch import read_switch
from tests.celery_processes import read_database_url
from tests.kept_database import TOOLS
from tests.people import make_due_reminder, make_user
from tests.sandbox_server import SandboxServer

TICK = """
import django; django.setup()
from reminders.tasks import dispatch_due, plan_reminders
for _ in range(2):
    dispatch_due(); plan_reminders()
from reminders.traffic.switch import read_switch
from reminders.traffic.callback_urls import read_database_name
print(read_switch().cause, read_database_name())
"""
RESUME = """
import django; django.setup()
from django.contrib.auth.models import User
from reminders.models import Reminder
from reminders.traffic.switch import resume_sending
resume_sending(by=User.objects.get())
Reminder.objects.update(next_look_at="2026-01-01T00:00Z")
"""


@pytest.fixture
def restored(sandbox: SandboxServer, tmp_path: Path) -> Iterator[str]:
    """A backup was taken, then one call went out; this is the address of the restored backup."""
    del sandbox
    make_user()
    make_due_reminder()
    check_for_restore()
    backup = tmp_path / "backup"
    source = read_database_url()
    subprocess.run([TOOLS / "pg_dump", "-Fc", "-f", backup, source], check=True)
    assert dispatch_due().calls == 1
    copy = urlsplit(source)._replace(path="/restored").geturl()
    with psycopg.connect(source, autocommit=True) as server:
        server.execute("CREATE DATABASE restored")
        subprocess.run([TOOLS / "pg_restore", "-d", copy, backup], check=True)
        yield copy
        server.execute("DROP DATABASE restored WITH (FORCE)")


def run_on(database: str, program: str, sandbox: SandboxServer) -> str:
    """Run the program in a process with this database."""
    settings = {
        "DJANGO_SETTINGS_MODULE": "config.settings",
        "DATABASE_URL": database,
        "ROBOTALKER_BASE_URL": sandbox.url,
        "ROBOTALKER_API_KEY": sandbox.api_key,
    }
    command = [sys.executable, "-c", program]
    return subprocess.run(
        command, env=os.environ | settings, stdout=subprocess.PIPE, text=True, check=True
    ).stdout


def test_a_restored_backup_calls_nobody_until_a_person_resumes_sending(
    sandbox: SandboxServer, restored: str
) -> None:
    name = DatabaseIdentity.objects.get().name
    assert run_on(restored, TICK, sandbox).split() == ["restored", name]
    assert len(sandbox.ledger()) == 1, "the call that the backup lacks"
    assert check_for_restore()
    assert read_switch().paused_at is None, "the original database goes on sending"
    run_on(restored, RESUME, sandbox)
    run_on(restored, TICK, sandbox)
    assert len(sandbox.ledger()) == 2, "a person has resumed sending"
