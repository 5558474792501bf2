"""The first start prepares the database; later starts skip that."""

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
PREPARE = "from config.local.database import prepare_database; print(prepare_database(with_demo=False))"


@pytest.fixture
def empty_database() -> Iterator[str]:
    server = os.environ["DATABASE_URL"]
    with psycopg.connect(server, autocommit=True) as connection:
        connection.execute("CREATE DATABASE first_start")
        yield urlsplit(server)._replace(path="/first_start").geturl()
        connection.execute("DROP DATABASE first_start WITH (FORCE)")


def prepare(url: str) -> str:
    command = [sys.executable, "-c", PREPARE]
    environment = os.environ | {"DATABASE_URL": url}
    return subprocess.run(
        command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True
    ).stdout


def test_only_the_first_start_and_a_new_release_migrate(empty_database: str) -> None:
    assert prepare(empty_database).endswith("True\n")
    with psycopg.connect(empty_database) as connection:
        assert connection.execute("SELECT count(*) FROM django_session").fetchone() == (0,)
    assert prepare(empty_database) == "False\n"
    with psycopg.connect(empty_database, autocommit=True) as connection:
        connection.execute("COMMENT ON DATABASE first_start IS 'callboard of another release'")
    assert prepare(empty_database).endswith("True\n")
