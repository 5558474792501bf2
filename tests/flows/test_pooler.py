"""Behind PgBouncer in transaction mode: what one transaction sets is no other's, and all work is done."""

import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from django.contrib.sessions.models import Session
from django.db import connection, connections, transaction
from django.db.utils import OperationalError
from django.utils import timezone
from pytest_django import Settings

from config.postgresql.base import DatabaseWrapper
from contacts.models import Appointment
from reminders.lifecycle.locking import is_lock_timeout, wait_briefly
from tests.celery_processes import ROOT, Broker, read_database_url
from tests.machines import run_machine
from tests.people import make_contact, make_due_reminder, make_location
from tests.pgbouncer import POOL_SIZE, run_pgbouncer
from tests.sandbox_server import SandboxServer
from tests.waiting import wait_until

NUMBERS = [f"+1202555{1000 + index}" for index in range(8)]
LIMITS = ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
CHANGES_A_SESSION = re.compile(
    r"pg_(?:try_)?advisory_(?:un)?lock\w*|\bLISTEN \w|\bUNLISTEN\b|SET SESSION"
    r"|\"SET (?!LOCAL|CONSTRAINTS)[a-z_]+|set_config\([^)]*false|CREATE TEMP|WITH HOLD"
)
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def pooled_url() -> Iterator[str]:
    with run_pgbouncer() as url:
        with ExitStack() as stack:  # so that each transaction has another session than the one before
            for _ in range(POOL_SIZE):
                stack.enter_context(psycopg.connect(url)).execute("SELECT 1")
        yield url


@pytest.fixture
def pooled(pooled_url: str, settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Django's connection of this thread leads through PgBouncer."""
    settings.DATABASE_POOLER = True
    settings.DATABASE_STATEMENT_SECONDS, settings.DATABASE_LOCK_SECONDS = 30.0, 10.0
    own = dict(connections.settings["default"])
    options = {key: value for key, value in own["OPTIONS"].items() if key in ("connect_timeout",)}
    place = parse_qs(urlsplit(pooled_url).query)
    own |= {"HOST": place["host"][0], "PORT": place["port"][0], "USER": "postgres", "OPTIONS": options}
    wrapper = DatabaseWrapper(own, "default")
    monkeypatch.setattr(connections._connections, "default", wrapper)  # type: ignore[attr-defined]
    yield
    wrapper.close()


def test_no_statement_of_ours_changes_a_session() -> None:
    """The next transaction of another process would find what this one left, or not what it counted on."""
    found = [
        f"{file.relative_to(ROOT)}: {match[0]}"
        for folder in ("config", "contacts", "reminders", "webhooks")
        for file in (ROOT / folder).rglob("*.py")
        for match in CHANGES_A_SESSION.finditer(file.read_text())
        if "config/local" not in file.as_posix()
    ]
    assert found == []


def read_limits() -> list[str]:
    with connection.cursor() as cursor:
        cursor.execute(f"SELECT {', '.join(f'current_setting({name!r})' for name in LIMITS)}")
        return list(cursor.fetchone())


def test_each_transaction_has_the_limits_and_leaves_none_behind(pooled: None) -> None:
    with transaction.atomic():
        assert read_limits() == ["30s", "10s", "0"]
    with wait_briefly(), transaction.atomic():
        assert read_limits() == ["30s", "2s", "0"]
    with transaction.atomic(), wait_briefly():
        assert read_limits() == ["30s", "2s", "0"]
    for _ in range(8):  # as each of the pool's sessions is used in turn
        assert read_limits() == ["0", "0", "0"]


def test_a_short_wait_for_a_lock_ends_in_time(pooled: None) -> None:
    place = make_location()
    with psycopg.connect(read_database_url()) as other:
        other.execute("SELECT 1 FROM contacts_location WHERE id = %s FOR UPDATE", [place.pk])
        with pytest.raises(OperationalError) as refused, wait_briefly(), transaction.atomic():
            type(place).objects.select_for_update().get(pk=place.pk)
    assert is_lock_timeout(refused.value)


def test_rows_are_read_in_parts_with_and_without_a_transaction(pooled: None) -> None:
    now = timezone.now()
    Session.objects.bulk_create(
        Session(session_key=f"{place:032}", session_data="", expire_date=now) for place in range(50)
    )
    assert len({each.pk for each in Session.objects.iterator(chunk_size=7)}) == 50
    with transaction.atomic():
        assert len({each.pk for each in Session.objects.iterator(chunk_size=7)}) == 50


def test_times_are_in_utc_although_the_server_has_another_zone(pooled: None) -> None:
    with psycopg.connect(read_database_url(), autocommit=True) as direct:
        direct.execute(f"ALTER DATABASE {connection.settings_dict['NAME']} SET timezone = 'Asia/Tokyo'")
        try:
            for _ in range(8):
                with transaction.atomic(), connection.cursor() as cursor:
                    cursor.execute("SELECT current_setting('TimeZone')")
                    assert cursor.fetchone() == ("UTC",)
        finally:
            direct.execute(f"ALTER DATABASE {connection.settings_dict['NAME']} RESET timezone")


def test_a_reminder_goes_out_and_its_answer_comes_in(
    pooled_url: str, sandbox: SandboxServer, tmp_path: Path
) -> None:
    """The whole way with real processes, events through the door included (product rule 3)."""
    sandbox.set_scenarios(dict.fromkeys(NUMBERS, "press_1"))
    for number in NUMBERS:
        make_due_reminder(make_contact(number=number))
    broker = Broker()
    broker.empty()
    pooler = {"DATABASE_URL": pooled_url, "DATABASE_POOLER": "true", "DATABASE_CONN_MAX_AGE": 60}
    with run_machine("front-1", broker, sandbox, tmp_path, **pooler) as machine:
        try:
            wait_until(lambda: count_confirmed() == len(NUMBERS), "all answers", within_seconds=60)
        except AssertionError as error:
            raise AssertionError(f"{count_confirmed()} confirmed\n{machine.read_logs()}") from error
        assert "ERROR" not in machine.read_logs()
    assert len(sandbox.ledger()) == len(NUMBERS)


def count_confirmed() -> int:
    return Appointment.objects.filter(answer=Appointment.Answer.CONFIRMED).count()


def test_commands_run_through_it(pooled_url: str) -> None:
    """Such as the one that is run at each release; nothing is left to do for it here."""
    environment = os.environ | {"DATABASE_URL": pooled_url, "DATABASE_POOLER": "true"}
    for words in (["migrate", "--verbosity", "0"], ["rederive_times"]):
        subprocess.run([sys.executable, "manage.py", *words], cwd=ROOT, env=environment, check=True)
