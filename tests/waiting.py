"""Wait for a condition with a deadline. This is the only module of the tests that sleeps."""

import socket
import time
from collections.abc import Callable
from typing import TypeVar

Found = TypeVar("Found")
POLL_SECONDS = 0.02


def wait_until(find: Callable[[], Found | None], what: str, *, within_seconds: float = 10.0) -> Found:
    """Return the first truthy result of ``find``. Raises AssertionError at the deadline."""
    deadline = time.monotonic() + within_seconds
    while time.monotonic() < deadline:
        if found := find():
            return found
        time.sleep(POLL_SECONDS)
    raise AssertionError(f"Timed out after {within_seconds:g} s waiting for {what}.")


def find_free_port() -> int:
    """Return a port of 127.0.0.1 on which nothing listens now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
