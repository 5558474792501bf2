"""Fixtures for the flows: a sandbox in its own process, and a web server that receives its events."""

from collections.abc import Iterator

import pytest
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer

from reminders.dispatch.post_threads import answer_time
from tests.sandbox_server import SandboxServer, run_sandbox
from tests.waiting import wait_until
from webhooks.apply_queue import is_idle


@pytest.fixture(scope="session")
def sandbox_process() -> Iterator[SandboxServer]:
    with run_sandbox() as server:
        yield server


@pytest.fixture
def sandbox(
    sandbox_process: SandboxServer,
    transactional_db: None,
    live_server: LiveServer,
    settings: Settings,
) -> Iterator[SandboxServer]:
    """The sandbox, empty and without faults, which posts its events to this test's web server."""
    sandbox_process.reset()
    settings.ROBOTALKER_BASE_URL = sandbox_process.url
    settings.ROBOTALKER_API_KEY = sandbox_process.api_key
    settings.PUBLIC_BASE_URL = live_server.url
    settings.ROBOTALKER_THREADS = 2
    answer_time.seconds = None  # as in a new worker, which opens nothing ahead
    settings.ROBOTALKER_READ_TIMEOUT = 2.0
    yield sandbox_process
    stop_events(sandbox_process)


def stop_events(sandbox: SandboxServer) -> None:
    """Let no event of this test arrive in the next one, or while the database is being emptied."""
    sandbox.faults({"kind": "lost"})
    wait_until(lambda: all(post["state"] != "waiting" for post in sandbox.posts()), "the last post to end")
    wait_until(is_idle, "the last event to be applied")
    sandbox.reset()
