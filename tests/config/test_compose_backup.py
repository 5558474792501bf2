"""Backup and restore of docker compose, with a stand-in for `docker` that runs the command here.

It takes the words that config/backup.py writes for docker, and runs what would be run in the container with
as little as there is in it: the programs of PostgreSQL, no variable of ours, and no role but `callboard`.
"""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest

from config.backup import Server, find_tools, write_backup
from config.local.postgres import start_postgres, stop_postgres
from tests.config.test_backup import source  # noqa: F401 - a fixture
from tests.config.test_compose import COMPOSE
from tests.sandbox_server import ROOT

DOCKER = """#!/bin/sh
expected="compose --project-directory {root} exec -T postgres"
if [ "$1 $2 $3 $4 $5 $6" != "$expected" ]; then echo "unknown command: docker $*" >&2; exit 64; fi
shift 6
program=$1; shift
exec env -i PATH=/nonexistent PGHOST={socket} PGUSER=nobody {tools}/"$program" "$@"
"""


@pytest.fixture
def compose_server(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of the database of the service `postgres`, which is empty; `docker` on the PATH leads to it."""
    data = tmp_path / "postgres"
    url = start_postgres(data, durable=False)
    user = COMPOSE["services"]["postgres"]["environment"]["POSTGRES_USER"]
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute(f"CREATE ROLE {user} SUPERUSER LOGIN".encode())
    socket = find_socket(url)
    docker = tmp_path / "bin" / "docker"
    docker.parent.mkdir()
    docker.write_text(DOCKER.format(root=ROOT, socket=socket, tools=find_tools()))
    docker.chmod(0o755)
    monkeypatch.setenv("PATH", f"{docker.parent}:{os.environ['PATH']}")
    monkeypatch.setenv("PGHOST", "/nonexistent")  # a variable of this machine's, which no container has
    yield url
    stop_postgres(data)


def find_socket(url: str) -> str:
    with psycopg.connect(url) as connection:
        return str(connection.info.host)


def make(*words: str) -> subprocess.CompletedProcess[str]:
    command = ["make", "--no-print-directory", *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)


def read(url: str, query: str) -> list[str]:
    with psycopg.connect(url) as connection:
        return [str(row[0]) for row in connection.execute(query.encode()).fetchall()]


def test_a_backup_comes_back_into_the_container_and_goes_out_of_it(
    source: Server,  # noqa: F811 - a fixture
    compose_server: str,
    tmp_path: Path,
) -> None:
    of_a_laptop = write_backup(source, tmp_path / "laptop")
    restored = make("restore", "COMPOSE=1", f"FROM={of_a_laptop}")
    assert "The backup is restored." in restored.stdout, restored.stderr
    assert read(compose_server, "SELECT notes FROM contacts_contact") == ["Zoë's ramp"]

    written = make("backup", "COMPOSE=1", f"TO={tmp_path}/kept")
    assert "NOT encrypted" in written.stdout, written.stderr
    [file] = (tmp_path / "kept").iterdir()
    assert file.stat().st_mode & 0o077 == 0

    with psycopg.connect(compose_server) as connection:
        connection.execute("UPDATE contacts_contact SET notes = 'newer'")
    refused = make("restore", "COMPOSE=1", f"FROM={file}")
    assert (refused.returncode, "OVERWRITE=yes" in refused.stderr) == (2, True)
    with psycopg.connect(compose_server):
        running = make("restore", "COMPOSE=1", f"FROM={file}", "OVERWRITE=yes")
        assert "still running" in running.stderr
    assert read(compose_server, "SELECT notes FROM contacts_contact") == ["newer"]

    replaced = make("restore", "COMPOSE=1", f"FROM={file}", "OVERWRITE=yes")
    [former] = re.findall(r'kept as "(\w+)"', replaced.stdout)
    assert read(compose_server, "SELECT notes FROM contacts_contact") == ["Zoë's ramp"]
    kept = compose_server.replace("/callboard?", f"/{former}?")
    assert read(kept, "SELECT notes FROM contacts_contact") == ["newer"]
    owners = read(compose_server, "SELECT DISTINCT tableowner FROM pg_tables WHERE schemaname = 'public'")
    assert owners == ["callboard"], "whom Callboard logs in as"


def test_a_container_that_does_not_answer_is_said_plainly(compose_server: str, tmp_path: Path) -> None:
    docker = tmp_path / "bin" / "docker"
    docker.write_text("#!/bin/sh\necho 'service \"postgres\" is not running' >&2; exit 1\n")
    done = make("backup", "COMPOSE=1", f"TO={tmp_path}/kept")
    assert (done.returncode, "is not running" in done.stderr) == (2, True)
    assert "Traceback" not in done.stderr


def test_what_is_stopped_before_a_restore_is_every_container_that_uses_the_database() -> None:
    """Else the restore refuses, since Callboard still runs."""
    stay = {"caddy", "postgres", "valkey", "migrate", "sandbox"}
    orders = re.findall(r"docker compose stop ([a-z ]+)", (ROOT / "docs" / "operations.md").read_text())
    assert len(orders) > 1
    for order in orders:
        assert set(order.split()) == set(COMPOSE["services"]) - stay
