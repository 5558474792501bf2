"""A PostgreSQL that hangs holds no thread: each wait has its limit, and while it hangs nothing else waits."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import psycopg
import pytest
from django.test import Client

from config.local.postgres import read_pid_file, start_postgres, stop_postgres
from config.postgresql.base import DatabaseWrapper, ImpatientConnection, SilentServer, server
from contacts.database.patience import PROBE_WITHIN, HangingServer, answer_within
from tests.waiting import wait_until


class FrozenServer:
    """A PostgreSQL of its own that can be stopped as it stands (SIGSTOP), with all its processes."""

    def __init__(self, data: Path) -> None:
        self.url = start_postgres(data, durable=False)
        self._postmaster = int(read_pid_file(data.resolve())[0])

    def freeze(self, number: signal.Signals = signal.SIGSTOP) -> None:
        for pid in [self._postmaster, *self._children()]:
            with suppress(ProcessLookupError):  # one that has just ended
                os.kill(pid, number)

    def _children(self) -> list[int]:
        listed = Path(f"/proc/{self._postmaster}/task/{self._postmaster}/children")
        return [int(pid) for pid in listed.read_text().split()]


@pytest.fixture(scope="module")
def frozen(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FrozenServer]:
    data = tmp_path_factory.mktemp("hanging") / "postgres"
    yield FrozenServer(data)
    stop_postgres(data)


@pytest.fixture(autouse=True)
def forget_silence() -> Iterator[None]:
    yield
    server.note_answer()


@contextmanager
def standing_still(one: FrozenServer) -> Iterator[None]:
    one.freeze()
    try:
        yield
    finally:
        one.freeze(signal.SIGCONT)


@contextmanager
def taking_at_most(seconds: float) -> Iterator[None]:
    began_at = time.monotonic()
    yield
    assert time.monotonic() - began_at < seconds


def test_a_statement_to_a_server_that_stands_still_ends_in_time(frozen: FrozenServer) -> None:
    with ImpatientConnection.connect(frozen.url, autocommit=True) as connection:
        connection.execute("SELECT 1")
        with (
            standing_still(frozen),
            taking_at_most(2.0),
            pytest.raises(SilentServer),
            answer_within(0.3),
        ):
            connection.execute("SELECT 1")
        assert connection.closed, "what it says later is no answer to the next question"


def test_while_it_hangs_other_threads_do_not_wait_and_one_finds_that_it_is_back(
    frozen: FrozenServer,
) -> None:
    with standing_still(frozen):
        with pytest.raises(psycopg.OperationalError), answer_within(PROBE_WITHIN + 0.1):
            ImpatientConnection.connect(frozen.url)
        with taking_at_most(0.3):
            for _ in range(5):
                with pytest.raises(SilentServer):
                    ImpatientConnection.connect(frozen.url)
    wait_until(lambda: can_connect(frozen.url), "the next question to be let through")
    assert not server.hangs


def can_connect(url: str) -> bool:
    try:
        ImpatientConnection.connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def test_a_statement_that_had_little_time_says_nothing_about_the_server(frozen: FrozenServer) -> None:
    """What waits for a lock for a moment takes no connection from anybody else."""
    with (
        ImpatientConnection.connect(frozen.url, autocommit=True) as holder,
        ImpatientConnection.connect(frozen.url, autocommit=True) as other,
        ImpatientConnection.connect(frozen.url, autocommit=True) as hasty,
    ):
        holder.execute("SELECT pg_advisory_lock(1)")
        with pytest.raises(SilentServer), answer_within(0.2):
            hasty.execute("SELECT pg_advisory_lock(1)")
        assert other.execute("SELECT 1").fetchone() == (1,)


def test_only_one_question_a_second_goes_to_a_server_that_hangs() -> None:
    hanging = HangingServer()
    assert all(hanging.may_ask() for _ in range(3))
    hanging.note_silence()
    assert not any(hanging.may_ask() for _ in range(3))
    hanging.note_answer()
    assert hanging.may_ask()


@pytest.fixture
def on_frozen(frozen: FrozenServer, monkeypatch: pytest.MonkeyPatch) -> DatabaseWrapper:
    """Django's connection of this thread is one to that server, which has no tables of ours."""
    from django.db import connections

    host = parse_qs(urlsplit(frozen.url).query)["host"][0]
    own = connections.settings["default"] | {"NAME": "callboard", "HOST": host, "USER": "postgres"}
    wrapper = DatabaseWrapper(own, "default")
    monkeypatch.setattr(connections._connections, "default", wrapper)  # type: ignore[attr-defined]
    return wrapper


@pytest.mark.django_db(transaction=True)
def test_readyz_says_within_two_seconds_that_the_database_hangs(
    frozen: FrozenServer, on_frozen: DatabaseWrapper
) -> None:
    Client().get("/healthz")  # so that all pages are loaded
    with standing_still(frozen), taking_at_most(2.0):
        answer = Client().get("/readyz")
    on_frozen.close()
    assert (answer.status_code, answer.json()["checks"]["database"]) == (503, "failed")


def test_healthz_asks_nothing(frozen: FrozenServer, on_frozen: DatabaseWrapper) -> None:
    with standing_still(frozen), taking_at_most(1.0):
        assert Client().get("/healthz").status_code == 200
    assert on_frozen.connection is None


@pytest.mark.parametrize(("kind", "statement"), [("web", "30s"), ("worker", "2min"), ("command", "0")])
def test_each_kind_of_process_has_its_limits(kind: str, statement: str) -> None:
    code = "import django; django.setup(); from django.db import connection as c; k = c.cursor();" + "".join(
        f"k.execute('SHOW {name}'); print(k.fetchone()[0]);"
        for name in ("statement_timeout", "lock_timeout", "idle_in_transaction_session_timeout")
    )
    shown = subprocess.run(
        [sys.executable, "-c", code],
        env=os.environ | {"CALLBOARD_PROCESS": kind},
        capture_output=True,
        text=True,
        check=True,
        cwd=Path(__file__).parent.parent.parent,
    ).stdout.split()
    assert shown[0] == statement
    assert (shown[1:] == ["0", "0"]) == (kind == "command")
