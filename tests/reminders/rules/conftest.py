"""The time zone of the server in tests of the rules."""

import os
import time
from collections.abc import Iterator

import pytest


@pytest.fixture(params=["UTC", "America/Los_Angeles", "Pacific/Kiritimati"])
def process_zone(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """Sets the server's own time zone, which must make no difference."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield os.environ["TZ"]
    monkeypatch.undo()
    time.tzset()
