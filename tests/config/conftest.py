"""For tests that log people in, and those with real workers."""

import uuid
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from config import sign_in_limits
from tests.celery_processes import Broker


@pytest.fixture
def nobody_waits(settings: Settings) -> Iterator[None]:
    """Nobody has logged in or entered a wrong password yet, nor has for the test after this one."""
    settings.SECRET_KEY = uuid.uuid4().hex * 2  # by which names and addresses are counted
    sign_in_limits.IN_MEMORY.clear_locks()
    yield
    sign_in_limits.IN_MEMORY.clear_locks()


@pytest.fixture
def broker() -> Iterator[Broker]:
    """A queue of its own, empty before and after."""
    one = Broker()
    one.empty()
    yield one
    one.empty()
