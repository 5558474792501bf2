"""Deadlines: one thread for the whole process that acts on what is over time.

A timer of its own for each request would start a thread for each, which takes as long as half the request.
"""

import math
import os
import threading
import time
from collections.abc import Callable

Act = Callable[[], None]  # must neither raise nor take long


class Deadlines:
    """What is to be done at a moment of the monotonic clock, unless it is forgotten before."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._acts: dict[object, tuple[float, Act]] = {}
        self._looks_at = math.inf  # when the thread looks again by itself
        self._thread: threading.Thread | None = None

    def set(self, subject: object, moment: float, act: Act) -> None:
        """Call `act` once it is `moment`, from another thread."""
        with self._changed:
            self._acts[subject] = (moment, act)
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._keep_looking, name="deadlines", daemon=True)
                self._thread.start()
            elif moment < self._looks_at:
                self._changed.notify()

    def forget(self, subject: object) -> None:
        """It is done, or was begun in vain; the act may be under way just now."""
        with self._changed:
            self._acts.pop(subject, None)

    def _keep_looking(self) -> None:
        while True:
            for act in self._wait_for_some():
                act()

    def _wait_for_some(self) -> list[Act]:
        with self._changed:
            self._looks_at = min((moment for moment, _ in self._acts.values()), default=math.inf)
            seconds = self._looks_at - time.monotonic()
            if seconds > 0:
                self._changed.wait(min(seconds, threading.TIMEOUT_MAX))
            now = time.monotonic()
            over = [subject for subject, (moment, _) in self._acts.items() if moment <= now]
            return [self._acts.pop(subject)[1] for subject in over]

    def begin_anew(self) -> None:
        """In a process that was forked: the thread, and what it was to do, are the parent's."""
        Deadlines.__init__(self)


DEADLINES = Deadlines()
os.register_at_fork(after_in_child=DEADLINES.begin_anew)
