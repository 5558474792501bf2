"""The servers of a run, all its own: PostgreSQL and Valkey on a real disk, the sandbox, gunicorn."""

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

# As in production, DEBUG off above all: with it, Django writes down every query.
ENVIRONMENT = {
    "DEBUG": "false",
    "SECRET_KEY": secrets.token_urlsafe(50),
    "WEBHOOK_KEYS": secrets.token_urlsafe(50),
    "ALLOWED_HOSTS": "callboard.example.org",
    "PUBLIC_BASE_URL": "https://callboard.example.org",  # nothing is ever posted there
    "ROBOTALKER_BASE_URL": "https://robotalker.invalid",  # web and worker may not start with the sandbox
    "ROBOTALKER_API_KEY": "not-a-key",
    "ROBOTALKER_FROM_NUMBER": "+18005550199",
    "PHONE_REGION": "US",
    # What is measured is how fast it can go, so no limit that a practice would set may hold it back.
    "ROBOTALKER_RATE": "100000/second",
    "CAP_PER_DAY": "0",
    "CAP_PER_WEEK": "0",
    "LOG_LEVEL": "WARNING",
    "DJANGO_SETTINGS_MODULE": "config.settings",
}
NO_STATIC_FILES = "ignore:No directory at"  # WhiteNoise misses them; nobody asks for any
# Slow enough that no call gets as far as ringing while it is measured how fast calls are taken.
NOBODY_RINGS = 0.001


@contextmanager
def run_servers() -> Iterator[SandboxServer]:
    """Start database, broker and sandbox, and set the environment; all end with the block."""
    folder = Path(tempfile.mkdtemp(prefix="callboard-bench-"))
    clean_up = start_guard(folder)
    try:
        with run_sandbox(["--attended"], speed=NOBODY_RINGS) as sandbox:
            os.environ.update(ENVIRONMENT)
            os.environ["DATABASE_URL"] = start_postgres(folder / "postgres")
            os.environ["REDIS_URL"] = start_valkey(folder / "valkey")
            yield sandbox
    finally:
        clean_up()


@contextmanager
def run_web(settings_module: str, ready_path: str) -> Iterator[int]:
    """The web process as the Dockerfile starts it, on a free port: the port."""
    port = find_free_port()
    command = [sys.executable, "-m", *read_web_command(port)]
    environment = os.environ | {"DJANGO_SETTINGS_MODULE": settings_module, "PYTHONWARNINGS": NO_STATIC_FILES}
    web = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        wait_until(lambda: _answers(port, ready_path), "gunicorn to answer", within_seconds=30)
        yield port
    finally:
        web.terminate()
        web.wait(30)


def read_web_command(port: int) -> list[str]:
    """The Dockerfile's own command, so that workers and threads are those of production."""
    found = re.search(r"^CMD (\[.*\])$", (ROOT / "Dockerfile").read_text(), re.MULTILINE)
    if not found:
        raise ValueError("the Dockerfile has no CMD to run as it stands")
    command: list[str] = json.loads(found[1])
    command[command.index("--bind") + 1] = f"127.0.0.1:{port}"
    return [*command, "--log-level", "warning"]


def _answers(port: int, path: str) -> bool:
    headers = {"Host": "callboard.example.org", "X-Forwarded-Proto": "https"}
    try:
        return requests.get(f"http://127.0.0.1:{port}{path}", headers=headers, timeout=5).ok
    except (requests.ConnectionError, requests.Timeout):  # a busy machine takes its time to start it
        return False
