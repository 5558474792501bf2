"""Fixtures: one sandbox for all tests here, reset before each, and a webhook with settable statuses."""

from collections.abc import Iterator

import pytest

from tests.reminders.sandbox.webhook import Webhook
from tests.sandbox_server import SandboxServer, run_sandbox


@pytest.fixture(scope="session")
def running_sandbox() -> Iterator[SandboxServer]:
    with run_sandbox(speed=200) as server:
        yield server


@pytest.fixture
def sandbox(running_sandbox: SandboxServer) -> SandboxServer:
    running_sandbox.reset()
    return running_sandbox


@pytest.fixture
def webhook() -> Iterator[Webhook]:
    with Webhook() as running:
        yield running
