"""A hint to the workers never fails a request, nor keeps it waiting for long."""

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
from redis import Redis

from tests.celery_processes import Broker
from tests.waiting import find_free_port, wait_until

SOON = 3  # seconds; a broker that hangs may take one of them, the rest is for a busy machine
# What a request does, in a process of its own. Says how long the request took.
REQUEST = """
import time
import django; django.setup()
from django.db import transaction
from reminders.desk.wake_dispatch import wake_dispatch
started = time.monotonic()
with transaction.atomic():
    wake_dispatch()
    wake_dispatch()  # as for a household: one hint will do
print(time.monotonic() - started, flush=True)
"""


class Desk:
    """A process that makes one request."""

    def __init__(self, process: "subprocess.Popen[str]") -> None:
        self._process = process

    def read_seconds(self) -> float:
        """How long the request took."""
        assert self._process.stdout is not None
        return float(self._process.stdout.readline())

    def read_log_line(self) -> str:
        assert self._process.stderr is not None
        return self._process.stderr.readline()


@contextmanager
def open_desk(broker_url: str) -> Iterator[Desk]:
    """A desk with this broker; its request ends well, whatever the broker does."""
    settings = {"REDIS_URL": broker_url, "DJANGO_SETTINGS_MODULE": "config.settings"}
    pipe = subprocess.PIPE
    command = [sys.executable, "-c", REQUEST]
    with subprocess.Popen(command, env=os.environ | settings, stdout=pipe, stderr=pipe, text=True) as process:
        try:
            yield Desk(process)
        finally:
            process.communicate(timeout=30)
        assert process.returncode == 0


@pytest.fixture
def hanging_url() -> Iterator[str]:
    """A broker that takes connections and never says a word."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        yield f"redis://127.0.0.1:{listener.getsockname()[1]}/0"


def test_a_broker_that_hangs_keeps_no_request_waiting_for_long(hanging_url: str) -> None:
    with open_desk(hanging_url) as desk:
        assert desk.read_seconds() < SOON
        assert "no hint sent, the next tick will do" in desk.read_log_line()


def test_a_lost_broker_fails_no_request() -> None:
    with open_desk(f"redis://127.0.0.1:{find_free_port()}/0") as desk:
        assert desk.read_seconds() < SOON
        assert "no hint sent, the next tick will do: OperationalError" in desk.read_log_line()


def test_one_hint_a_transaction_reaches_the_dispatchers_queue() -> None:
    broker = Broker(6)
    broker.empty()
    with Redis.from_url(broker.url) as redis:
        with open_desk(broker.url):
            wait_until(lambda: redis.llen("dispatch"), "the hint", within_seconds=30)
        assert redis.llen("dispatch") == 1
