"""Starting the program of `make run` for a test, with its processes, addresses and database."""

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import psycopg
from psycopg import sql

from tests.waiting import find_free_port, wait_until

ROOT = Path(__file__).resolve().parent.parent.parent
READY_WITHIN = 240.0  # seconds, on a machine that is busy with other things; usually about ten
DATABASE = "callboard_in_a_browser"


@dataclass(frozen=True)
class RunningClinic:
    """The demo clinic as `make run` starts it, and a connection of our own to its database."""

    web: str
    phones: str
    database_url: str

    def ask(self, query: str, *values: object) -> Any:
        """The first column of the first row, or None."""
        with psycopg.connect(self.database_url) as connection:
            row = connection.execute(query, values).fetchone()
        return row[0] if row else None

    def execute(self, statement: str, *values: object) -> None:
        """Change the database directly."""
        with psycopg.connect(self.database_url) as connection:
            connection.execute(statement, values)


@contextmanager
def run_clinic(folder: Path, database: str = DATABASE) -> Iterator[RunningClinic]:
    """Start everything on a new database and wait until it is ready; at the end stop it like Ctrl-C."""
    database_url = _make_database(database)
    port, sandbox_port = find_free_port(), find_free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "DEBUG": "true",
        "DATABASE_URL": database_url,
        "REDIS_URL": os.environ["REDIS_URL"],
        "PORT": str(port),
        "SANDBOX_PORT": str(sandbox_port),
        "CALLBOARD_VAR": str(folder),
    }
    said = folder / "said.txt"
    with said.open("w") as output:
        program = subprocess.Popen(
            [sys.executable, "-m", "config.local.run"],
            cwd=ROOT,
            env=environment,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        wait_until(
            lambda: "Callboard is ready." in said.read_text() or program.poll() is not None,
            "the ready block",
            within_seconds=READY_WITHIN,
        )
        assert program.poll() is None, said.read_text()
        yield RunningClinic(f"http://127.0.0.1:{port}", f"http://127.0.0.1:{sandbox_port}", database_url)
    finally:
        program.send_signal(signal.SIGINT)
        program.wait(timeout=60)
    assert program.returncode == 0, said.read_text()
    assert "Traceback" not in said.read_text(), said.read_text()


def _make_database(called: str) -> str:
    server = os.environ["DATABASE_URL"]
    with psycopg.connect(server, autocommit=True) as connection:
        name = sql.Identifier(called)
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        connection.execute(sql.SQL("CREATE DATABASE {}").format(name))
    return urlsplit(server)._replace(path=f"/{called}").geturl()
