"""Deadlines: one thread per process that calls a function when a deadline passes.

A threading.Timer for each request would start a thread each time, which takes half as long as the request.
"""

import math
import os
import threading
import time
from collections.abc import Callable

Action = Callable[[], None]  # must not raise and must return quickly


class Deadlines:
    """Functions to call at a time of the monotonic clock, unless they are cancelled before."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._actions: dict[object, tuple[float, Action]] = {}
        self._wakes_at = math.inf  # when the thread wakes up, if not woken before
        self._thread: threading.Thread | None = None

    def set(self, subject: object, moment: float, action: Action) -> None:
        """Call `action` at `moment`, from another thread."""
        with self._changed:
            self._actions[subject] = (moment, action)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._run, name="deadlines", daemon=True)
                self._thread.start()
            elif moment < self._wakes_at:
                self._changed.notify()

    def forget(self, subject: object) -> None:
        """Cancel the action of this subject, if it isn't running already."""
        with self._changed:
            self._actions.pop(subject, None)

    def _run(self) -> None:
        while True:
            for action in self._wait_for_expired():
                action()

    def _wait_for_expired(self) -> list[Action]:
        with self._changed:
            self._wakes_at = min((moment for moment, _ in self._actions.values()), default=math.inf)
            seconds = self._wakes_at - time.monotonic()
            if seconds > 0:
                self._changed.wait(min(seconds, threading.TIMEOUT_MAX))
            now = time.monotonic()
            expired = [subject for subject, (moment, _) in self._actions.items() if moment <= now]
            return [self._actions.pop(subject)[1] for subject in expired]

    def reset(self) -> None:
        """Start empty in a forked process: the thread and its actions belong to the parent."""
        Deadlines.__init__(self)


DEADLINES = Deadlines()
os.register_at_fork(after_in_child=DEADLINES.reset)
