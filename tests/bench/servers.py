"""Start the servers of a run: PostgreSQL and Valkey on a real disk, the sandbox, and gunicorn."""

import json
import os
import re
import secrets
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import requests

from config.local.postgres import start_postgres
from config.local.valkey import start_valkey
from tests.local_services import start_guard
from tests.sandbox_server import ROOT, SandboxServer, run_sandbox
from tests.waiting import find_free_port, wait_until

# As in production; above all DEBUG is off, because otherwise Django records every query.
ENVIRONMENT = {
    "DEBUG": "false",
    "SECRET_KEY": secrets.token_urlsafe(50),
    "WEBHOOK_KEYS": secrets.token_urlsafe(50),
    "ALLOWED_HOSTS": "callboard.example.org",
    "PUBLIC_BASE_URL": "https://callboard.example.org",  # no request is ever sent there
    "ROBOTALKER_BASE_URL": "https://robotalker.invalid",  # web and worker don't start with the sandbox's URL
    "ROBOTALKER_API_KEY": "not-a-key",
    "ROBOTALKER_FROM_NUMBER": "+18005550199",
    "PHONE_REGION": "US",
    # No limits, because the highest possible speed is measured.
    "ROBOTALKER_RATE": "100000/second",
    "ROBOTALKER_THREADS": "8",
    "CAP_PER_DAY": "0",
    "CAP_PER_WEEK": "0",
    "LOG_LEVEL": "WARNING",
    "SECOND_FACTOR_FOR": "nobody",
    "DJANGO_SETTINGS_MODULE": "config.settings",
}
NO_STATIC_FILES = "ignore:No directory at"  # WhiteNoise warns that there are none; they aren't needed
# So slow that no call starts to ring while submission is measured.
NO_RINGING_SPEED = 0.001


@contextmanager
def run_servers() -> Iterator[SandboxServer]:
    """Start database, broker and sandbox, and set the environment; stop them at the end of the block."""
    folder = Path(tempfile.mkdtemp(prefix="callboard-bench-"))
    clean_up = start_guard(folder)
    try:
        with run_sandbox(["--attended"], speed=NO_RINGING_SPEED) as sandbox:
            os.environ.update(ENVIRONMENT)
            os.environ["DATABASE_URL"] = start_postgres(folder / "postgres")
            os.environ["REDIS_URL"] = start_valkey(folder / "valkey")
            yield sandbox
    finally:
        clean_up()


@contextmanager
def run_web(settings_module: str, ready_path: str, *, workers: int = 0) -> Iterator[int]:
    """Run the web process as the Dockerfile starts it, on a free port; yield the port.

    `workers`: another number of processes than there.
    """
    port = find_free_port()
    command = [sys.executable, "-m", *read_web_command(port)]
    if workers:
        command[command.index("--workers") + 1] = str(workers)
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": settings_module, "PYTHONWARNINGS": NO_STATIC_FILES}
    web = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        wait_until(lambda: _answers(port, ready_path), "gunicorn to answer", within_seconds=30)
        yield port
    finally:
        web.terminate()
        web.wait(30)


def read_web_command(port: int) -> list[str]:
    """Return the command of the Dockerfile, so that it has as many workers and threads as in production."""
    found = re.search(r"^CMD (\[.*\])$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    if not found:
        raise ValueError("the Dockerfile has no CMD in the form of a list")
    command: list[str] = json.loads(found[1])
    command[command.index("--bind") + 1] = f"127.0.0.1:{port}"
    return [*command, "--log-level", "warning"]


def _answers(port: int, path: str) -> bool:
    headers = {"Host": "callboard.example.org", "X-Forwarded-Proto": "https"}
    try:
        return requests.get(f"http://127.0.0.1:{port}{path}", headers=headers, timeout=5).ok
    except (requests.ConnectionError, requests.Timeout):  # on a busy machine it takes time to start
        return False
