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

from tests.kept_database import TEMPLATE
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
def run_clinic(folder: Path, database: str = DATABASE, queue: int = 0) -> Iterator[RunningClinic]:
    """Start everything on a new database and wait until it is ready; at the end stop it like Ctrl-C.

    `queue`: the number of the Redis database. Two clinics at once would do each other's work in one.
    """
    database_url = _make_database(database)
    port, sandbox_port = find_free_port(), find_free_port()
    environment = {
        "PATH": os.environ["PATH"],
        "HOME": str(folder),
        "DEBUG": "true",
        "DATABASE_URL": database_url,
        "REDIS_URL": urlsplit(os.environ["REDIS_URL"])._replace(path=f"/{queue}").geturl(),
        "PORT": str(port),
        "SANDBOX_PORT": str(sandbox_port),
        "CALLBOARD_VAR": str(folder),
        "STATIC_MAX_AGE": "86400",  # else a page asks again for each of its twenty styles and scripts
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
    """Empty; migrated already if the tests have such a database, which saves half a minute."""
    server = os.environ["DATABASE_URL"]
    with psycopg.connect(server, autocommit=True) as connection:
        name = sql.Identifier(called)
        connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(name))
        found = connection.execute("SELECT FROM pg_database WHERE datname = %s", [TEMPLATE]).fetchone()
        template = sql.SQL(" TEMPLATE {}").format(sql.Identifier(TEMPLATE)) if found else sql.SQL("")
        connection.execute(sql.SQL("CREATE DATABASE {}{}").format(name, template))
    return urlsplit(server)._replace(path=f"/{called}").geturl()
