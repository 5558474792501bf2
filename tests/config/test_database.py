"""The first start prepares the database; later starts skip that. How moments are read from it."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC
from pathlib import Path
from urllib.parse import urlsplit

import psycopg
import pytest
from django.db import DataError, connection
from django.db.backends.postgresql.psycopg_any import register_tzloader
from psycopg.pq import Format

from config.postgresql.base import MomentLoader

ROOT = Path(__file__).resolve().parent.parent.parent
TIMESTAMPTZ = psycopg.adapters.types["timestamptz"].oid
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


def test_a_command_waits_for_locks_as_long_as_the_setting_says_and_pgoptions_has_no_effect() -> None:
    """docs/operations.md says how to migrate without a stop."""
    show = (
        "from django.db import connection; cursor = connection.cursor(); "
        "print(cursor.execute('SHOW lock_timeout').fetchone()[0])"
    )
    environment = os.environ | {"DATABASE_LOCK_SECONDS": "2", "PGOPTIONS": "-c lock_timeout=9s"}
    command = [sys.executable, "manage.py", "shell", "--verbosity", "0", "--command", show]
    said = subprocess.run(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True, check=True)
    assert said.stdout.strip() == "2s"


MOMENTS = (
    "'2026-11-27 17:05:06.789012+00'",
    "'2026-11-27 17:05:06.12+00'",
    "'2026-11-27 17:05:06+05:30'",
    "'0001-01-01 00:00:00+00'",
    "'9999-12-31 23:59:59.999999+00'",
    "NULL",
)


@pytest.mark.django_db
@pytest.mark.parametrize("written", MOMENTS)
def test_moments_are_read_as_django_itself_reads_them(written: str) -> None:
    with connection.cursor() as cursor:
        assert cursor.adapters.get_loader(TIMESTAMPTZ, Format.TEXT) is MomentLoader
        cursor.execute(f"SELECT {written}::timestamptz")
        [ours] = cursor.fetchone()
        register_tzloader(UTC, cursor)  # Django's own, for this cursor
        cursor.execute(f"SELECT {written}::timestamptz")
        assert cursor.adapters.get_loader(TIMESTAMPTZ, Format.TEXT) is not MomentLoader
        assert cursor.fetchone() == (ours,)
    assert ours is None or ours.tzinfo is UTC


@pytest.mark.django_db
@pytest.mark.parametrize("written", ["infinity", "0044-03-15 BC", "12000-01-01"])
def test_a_moment_that_python_has_not_is_an_error(written: str) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SELECT %s::timestamptz", [written])
        with pytest.raises(DataError):
            cursor.fetchone()
