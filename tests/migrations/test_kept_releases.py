"""The database of each release that was made, a row of each table in it, goes forward to the newest.

    KEEP_RELEASE=0.1.0 make test ARGS="tests/migrations/test_kept_releases.py"

keeps one of the present release as tests/migrations/releases/0.1.0.dump; do it once when a release is made.
"""

import os
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from django.apps import apps
from django.db import connection, transaction
from django.db.migrations.executor import MigrationExecutor
from pytest_django.plugin import DjangoDbBlocker

from config.backup import find_local_server, restore_backup, write_backup
from tests.migrations.stages import OURS, bring_up_to_date
from tests.reminders.admin.test_admin import make_one_of_each_model

KEPT = Path(__file__).parent / "releases"
RELEASES = sorted(KEPT.glob("*.dump"))
LARGEST = 600_000  # bytes: it stays in the repository for ever
NAME = "of_a_kept_release"


def url_of(database: str) -> str:
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{database}").geturl()


@pytest.fixture
def beside(django_db_setup: None, django_db_blocker: DjangoDbBlocker) -> Iterator[None]:
    """Django's connection is to the database NAME, which is dropped in the end."""
    newest = str(connection.settings_dict["NAME"])
    with django_db_blocker.unblock():
        connection.close()
        connection.settings_dict["NAME"] = NAME
        yield
        connection.close()
        connection.settings_dict["NAME"] = newest
    find_local_server(url_of(newest)).ask(f'DROP DATABASE IF EXISTS "{NAME}" WITH (FORCE)')


def count_rows() -> dict[str, int]:
    """Of every table of ours that there is, by its name in the database."""
    tables = connection.introspection.table_names()
    with connection.cursor() as cursor:
        counts = {}
        for table in tables:
            if table.startswith(OURS):
                cursor.execute(f'SELECT count(*) FROM "{table}"')  # noqa: S608 - a name of our own table
                counts[table] = cursor.fetchone()[0]
    return counts


@pytest.mark.parametrize("file", RELEASES, ids=[file.stem for file in RELEASES])
def test_a_released_database_goes_forward_and_loses_no_row(file: Path, beside: None) -> None:
    assert file.stat().st_size < LARGEST
    restore_backup(find_local_server(url_of(NAME)), file)
    before = count_rows()
    assert before["contacts_appointment"]
    assert before["reminders_callrecord"]
    bring_up_to_date()
    executor = MigrationExecutor(connection)
    assert executor.migration_plan(executor.loader.graph.leaf_nodes()) == []
    after = count_rows()
    assert {table: count for table, count in before.items() if after.get(table, 0) < count} == {}
    for model in apps.get_models():
        model._default_manager.first()  # every column that the code knows is there


def test_a_release_is_kept() -> None:
    assert RELEASES, "else nothing shows that a release goes forward"


@pytest.mark.skipif("KEEP_RELEASE" not in os.environ, reason="only when a release is made")
@pytest.mark.django_db(transaction=True)
def test_keep_the_present_release(tmp_path: Path) -> None:
    with transaction.atomic():
        make_one_of_each_model(0)
    written = write_backup(find_local_server(url_of(str(connection.settings_dict["NAME"]))), tmp_path)
    written.replace(KEPT / f"{os.environ['KEEP_RELEASE']}.dump")
