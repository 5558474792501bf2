"""Start the servers and set the environment of a test run, before Django reads its settings.

A pytest plugin, loaded by `-p tests.local_services` (pyproject.toml). It starts new PostgreSQL and Valkey
servers in a temporary folder. `TEST_DATABASE_URL` and `TEST_REDIS_URL` select other servers instead;
`DATABASE_URL` and `REDIS_URL` are ignored, because they may be those of a practice.
"""

import os
import subprocess
import tempfile
from collections.abc import Callable
from pathlib import Path

import pytest

from config.local.postgres import start_postgres
from config.local.valkey import start_valkey

# These override the developer's shell and .env, which must never affect a test; above all not the address
# and key of the real Robotalker.
ENVIRONMENT = {
    "DEBUG": "true",
    "SECRET_KEY": "only-for-tests-" + "x" * 50,
    "WEBHOOK_KEYS": "only-for-tests-" + "y" * 50,
    "ALLOWED_HOSTS": "127.0.0.1,localhost,testserver",
    "PUBLIC_BASE_URL": "http://127.0.0.1:8000",
    "ROBOTALKER_BASE_URL": "http://127.0.0.1:9",  # nothing listens there; tests start their own sandbox
    "ROBOTALKER_API_KEY": "sandbox-key",
    "ROBOTALKER_FROM_NUMBER": "+18005550199",
    "ROBOTALKER_RATE": "1000/second",  # so high that it never delays a test
    "PHONE_REGION": "US",
    "IDLE_MINUTES": "0",  # tests set the clock by hours; those of the lock set this
    "SESSION_HOURS": "100000",
    "DATABASE_CONN_MAX_AGE": "0",  # a test's web server must not leave a connection to its database open
}
NOT_NEEDED = {"DATABASE_URL": "postgresql:///not-needed", "REDIS_URL": "redis://not-needed"}


# Stops the servers when the test run ends, even if it is killed, because that closes the pipe too.
GUARD = """
cat > /dev/null
for pid_file in "$0/postgres/postmaster.pid" "$0/valkey/valkey.pid"; do
    pid=$(head -n 1 "$pid_file") && kill -INT "$pid"
    while [ -e "$pid_file" ] && kill -0 "$pid"; do sleep 0.05; done
done 2> /dev/null
rm -rf "$0"
"""


@pytest.hookimpl(tryfirst=True)
def pytest_load_initial_conftests(early_config: pytest.Config) -> None:
    """Set the environment and start the servers, before pytest-django reads the settings."""
    os.environ.update(ENVIRONMENT)
    if early_config.known_args_namespace.numprocesses and "PYTEST_XDIST_WORKER" not in os.environ:
        os.environ.update(NOT_NEEDED)  # this process only hands out the tests; each worker has its servers
        return
    folder = Path(tempfile.mkdtemp(prefix="callboard-tests-"))
    early_config.add_cleanup(start_guard(folder))
    os.environ["DATABASE_URL"] = os.environ.get("TEST_DATABASE_URL") or start_postgres(
        folder / "postgres", durable=False
    )
    os.environ["REDIS_URL"] = os.environ.get("TEST_REDIS_URL") or start_valkey(
        folder / "valkey", durable=False
    )


def start_guard(folder: Path) -> Callable[[], None]:
    """Start the process that stops the servers in `folder`; return a function that triggers it and waits."""
    guard = subprocess.Popen(["/bin/sh", "-c", GUARD, folder], stdin=subprocess.PIPE, start_new_session=True)

    def clean_up() -> None:
        guard.communicate(timeout=30)

    return clean_up


@pytest.fixture(autouse=True)
def reset_database_name() -> None:
    """Forget the database's name, because each test may use a database with another name."""
    from reminders.traffic.callback_urls import forget_database_name

    forget_database_name()
