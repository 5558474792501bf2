"""Run real Celery processes in tests, on the test's database and a separate Redis database."""

import os
import shlex
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml
from celery import current_app
from django.db import connection
from kombu import Connection
from redis import Redis

from reminders.health.heartbeats import WORKER
from reminders.models import Heartbeat
from tests.waiting import wait_until

ROOT = Path(__file__).resolve().parent.parent
SERVICES = yaml.safe_load((ROOT / "docker-compose.yml").read_text())["services"]


def read_database_url() -> str:
    """Return the URL of the database that this test uses."""
    name = connection.settings_dict["NAME"]
    return urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}").geturl()


class Broker:
    """A database of the tests' Redis that no other test's worker uses."""

    def __init__(self, number: int = 5) -> None:
        self.url = urlsplit(os.environ["REDIS_URL"])._replace(path=f"/{number}").geturl()

    def send(self, task: str, queue: str) -> None:
        """Send one task to a queue."""
        with Connection(self.url) as link:
            current_app.send_task(task, queue=queue, connection=link)

    def count(self, queue: str) -> int:
        """The tasks that wait in a queue."""
        with Redis.from_url(self.url) as redis:
            return int(redis.llen(queue))

    def empty(self) -> None:
        with Redis.from_url(self.url) as redis:
            redis.flushdb()


class CeleryProcess:
    """A worker or beat process and its log."""

    def __init__(self, process: "subprocess.Popen[bytes]", log: Path) -> None:
        self.process = process
        self._log = log

    def read_log(self) -> str:
        """Return what it has logged so far."""
        return self._log.read_text()

    def wait_until_ready(self) -> Heartbeat:
        """Wait for the worker's heartbeat, which it writes when it is ready for tasks."""
        name = f":{self.process.pid}"
        try:
            return wait_until(
                lambda: Heartbeat.objects.filter(name__startswith=WORKER, name__endswith=name).first(),
                "the worker to be ready",
                within_seconds=60,
            )
        except AssertionError as error:
            raise AssertionError(self.read_log()) from error

    def wait(self, within_seconds: float = 60.0) -> int:
        """Wait until it ends, and return its exit status."""
        return self.process.wait(within_seconds)


@contextmanager
def run_celery(
    words: list[str], broker: Broker, log: Path, *, host: str = "", **settings: Any
) -> Iterator[CeleryProcess]:
    """Run `celery -A config` with these arguments; kill it and its children at the end.

    `host`: as on a machine of this name.
    """
    environment = {"DATABASE_URL": read_database_url(), "REDIS_URL": broker.url, "PYTHONUNBUFFERED": "1"}
    environment |= {name: str(value) for name, value in settings.items()}
    module = ["tests.other_host", host, "celery"] if host else ["celery"]
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "-m", *module, "-A", "config", *words],
            cwd=ROOT,
            env=os.environ | environment,
            stdout=out,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
    try:
        yield CeleryProcess(process, log)
    finally:
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def read_compose_words(service: str) -> list[str]:
    """Return the arguments after `celery -A config` in this container's command."""
    words = shlex.split(SERVICES[service]["command"])
    assert words[:3] == ["celery", "-A", "config"]
    return words[3:]
