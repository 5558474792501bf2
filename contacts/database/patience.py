"""How long this process waits for an answer of the database, and what happens once it has waited in vain.

A server that hangs keeps its connections open and answers nothing: PostgreSQL's own timeouts don't end then,
nor do those of TCP. So each wait has a limit here as well (config/postgresql/base.py). While the database
hangs, one statement a second asks whether it is back; all others fail at once, so that no thread stands
still. Times are seconds.
"""

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

HANGING_FOR = 30.0  # a server that did not answer counts as hanging for so long, unless it answers
PROBE_EVERY = 1.0
PROBE_WITHIN = 1.0

_deadline: ContextVar[float | None] = ContextVar("deadline", default=None)
_lock_seconds: ContextVar[float | None] = ContextVar("lock seconds", default=None)


@contextmanager
def answer_within(seconds: float) -> Iterator[None]:
    """In this block, all statements and connects together may take so long; then OperationalError."""
    before = _deadline.set(time.monotonic() + seconds)
    try:
        yield
    finally:
        _deadline.reset(before)


def time_left() -> float | None:
    """What is left of the time of answer_within(); None outside of it."""
    deadline = _deadline.get()
    return None if deadline is None else max(deadline - time.monotonic(), 0.001)


@contextmanager
def wait_for_locks(seconds: float) -> Iterator[None]:
    """In this block, transactions that begin behind a pooler wait so long for each lock at most."""
    before = _lock_seconds.set(seconds)
    try:
        yield
    finally:
        _lock_seconds.reset(before)


def lock_seconds() -> float | None:
    """The seconds of wait_for_locks(); None outside of it."""
    return _lock_seconds.get()


class HangingServer:
    """What this process knows about a server that doesn't answer. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._hung_at = self._probed_at = float("-inf")

    def note_silence(self) -> None:
        """A wait ended without an answer."""
        with self._lock:
            self._hung_at = self._probed_at = time.monotonic()

    def note_answer(self) -> None:
        """The server has answered."""
        if self._hung_at != float("-inf"):
            with self._lock:
                self._hung_at = float("-inf")

    def may_ask(self) -> bool:
        """Whether a statement may be sent now. While the server hangs, one a second may."""
        now = time.monotonic()
        if now - self._hung_at > HANGING_FOR:
            return True
        with self._lock:
            if now - self._probed_at < PROBE_EVERY:
                return False
            self._probed_at = now
            return True

    @property
    def hangs(self) -> bool:
        """Whether it lately did not answer, and has not since."""
        return time.monotonic() - self._hung_at <= HANGING_FOR
