"""For all tests: which run first and which together; a superuser, and a logged-in client for the admin."""

import gc
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
from _pytest.runner import pytest_runtest_protocol as run_protocol
from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client, TransactionTestCase
from django.utils import translation
from pytest_django.plugin import DjangoDbBlocker
from xdist.scheduler import LoadFileScheduling

from config.frame_room import call_with_room
from tests.emptied_tables import empty_tables, keep_roles
from tests.kept_database import TEMPLATE, find_dump, restore_dump, write_dump
from tests.office import make_colleague

# Folders and files that take longest. They begin first, so that no core is left alone with one at the end.
# The first calls of a browser's clinic are still to come only for the file that begins there.
LONG = (
    "torture",
    "nine_rules",
    "migrations",
    "browser/test_the_main_job.py",
    "browser",
    "browser/test_the_first_run.py",  # empties the clinic of the other files
    "flows",
    "reminders/results",
    "config",
)
# Folders whose files share what takes long to make: a running clinic, the databases of earlier releases.
ON_ONE_CORE = ("tests/browser", "tests/migrations")


class FilesTogether(LoadFileScheduling):  # type: ignore[misc] # xdist has no types
    """The tests of a file, or of a folder of ON_ONE_CORE, run one after the other on one core."""

    def _split_scope(self, nodeid: str) -> str:
        file: str = super()._split_scope(nodeid)
        folder = file.rpartition("/")[0]
        return folder if folder in ON_ONE_CORE else file


def pytest_configure() -> None:
    """Hash passwords quickly: the real hash takes long on purpose."""
    settings.PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: object) -> FilesTogether:
    return FilesTogether(config, log)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    items.sort(key=lambda item: _rank(item.path))


def _rank(file: Path) -> int:
    path = file.relative_to(Path(__file__).parent).as_posix()
    fitting = [long for long in LONG if path == long or path.startswith(f"{long}/")]
    return LONG.index(max(fitting, key=len)) if fitting else len(LONG)


def pytest_collection_finish() -> None:
    """Spare the garbage collector what stays until the end: all modules and tests (about 8 % of the time)."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 20)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    """As pytest does it, with room for what tests call from far below (config/frame_room.py)."""
    return call_with_room(lambda: run_protocol(item, nextitem))


@pytest.fixture(scope="session")
def kept_database(pytestconfig: pytest.Config) -> Path | None:
    """The file of tests/kept_database.py; None on another server than the one that the tests started."""
    cache = pytestconfig.cache
    if cache is None or "TEST_DATABASE_URL" in os.environ:
        return None
    return find_dump(cache.mkdir("database"))


@pytest.fixture(scope="session")
def django_db_modify_db_settings(django_db_modify_db_settings: None, kept_database: Path | None) -> None:
    """Make the test database a copy of the kept one, if there is one: nothing is left to migrate."""
    if kept_database and kept_database.exists():
        restore_dump(os.environ["DATABASE_URL"], kept_database)
        connection.settings_dict["TEST"]["TEMPLATE"] = TEMPLATE


@pytest.fixture(scope="session")
def django_db_setup(
    django_db_setup: None, django_db_blocker: DjangoDbBlocker, kept_database: Path | None
) -> Iterator[None]:
    """Keep the new database; let tests that commit empty all tables at their end, the ledger's too.

    At the end whoever is still connected is sent away, such as a thread that a test left, and nobody comes
    back: the database that tests used can't be dropped before.
    """
    with django_db_blocker.unblock():
        database = str(connection.settings_dict["NAME"])
        if kept_database and not kept_database.exists():
            write_dump(os.environ["DATABASE_URL"], database, kept_database)
        keep_roles()
        with connection.cursor() as cursor:
            name = connection.ops.quote_name(database)
            cursor.execute(f"ALTER DATABASE {name} SET callboard.ledger_may_be_emptied = 'on'")
        connection.close()  # the next connection knows it
    yield
    with django_db_blocker.unblock():
        connection.close()
        with connection._nodb_cursor() as cursor:
            cursor.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false")
            cursor.execute(
                "SELECT pg_terminate_backend(pid, 10000) FROM pg_stat_activity"
                " WHERE datname = %s AND backend_type = 'client backend'",
                [database],
            )


@pytest.fixture(autouse=True, scope="session")
def _quick_end_of_tests() -> None:
    TransactionTestCase._fixture_teardown = lambda _: empty_tables()  # type: ignore[attr-defined]


@pytest.fixture(autouse=True)
def _english() -> None:
    """A page in another language leaves it active on its thread, for the next test too."""
    translation.activate(settings.LANGUAGE_CODE)


@pytest.fixture
def sam() -> User:
    return make_colleague("sam", is_staff=True, is_superuser=True)


@pytest.fixture
def office(sam: User) -> Client:
    client = Client()
    client.force_login(sam)
    return client
