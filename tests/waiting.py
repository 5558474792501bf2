"""Waiting for a condition under a deadline: the one place in the tests where time is allowed to pass."""

import socket
import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")
POLL_SECONDS = 0.02


def wait_until(find: Callable[[], Found | None], what: str, *, within_seconds: float = 10.0) -> Found:
    """The first truthy result of ``find``. Raises AssertionError when the time is over."""
    deadline = time.monotonic() + within_seconds
    while time.monotonic() < deadline:
        if found := find():
            return found
        time.sleep(POLL_SECONDS)
    raise AssertionError(f"Waited {within_seconds:g} s in vain for {what}.")


def find_free_port() -> int:
    """A port of 127.0.0.1 that nobody listens on at this moment."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
