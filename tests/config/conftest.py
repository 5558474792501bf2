"""For tests that log people in."""

import uuid
from collections.abc import Iterator

import pytest
from pytest_django import Settings

from config import sign_in_limits


@pytest.fixture
def nobody_waits(settings: Settings) -> Iterator[None]:
    """Nobody has logged in or entered a wrong password yet, nor has for the test after this one."""
    settings.SECRET_KEY = uuid.uuid4().hex * 2  # by which names and addresses are counted
    sign_in_limits.IN_MEMORY.clear_locks()
    yield
    sign_in_limits.IN_MEMORY.clear_locks()
