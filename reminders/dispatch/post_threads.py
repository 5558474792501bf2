"""Lanes: a few threads that only POST. What they fly is opened, and recorded, by the thread that owns them.

So one connection to the database serves all of them, and the looks and records of flights that are ready
at the same moment are done together.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager

from reminders.dispatch.submission import Flight, Landing
from reminders.robotalker.client import RobotalkerClient
from reminders.traffic.client import make_client

GATHERED = 0.02  # seconds in which others may join the first that has landed: one look serves them all


class Lanes:
    """At most `count` flights at one time."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="lane")
        self._clients = ExitStack()
        self._own = threading.local()
        self._flying: set[Future[Landing]] = set()

    @property
    def free(self) -> int:
        """How many flights may begin now."""
        return self.count - len(self._flying)

    @property
    def busy(self) -> bool:
        return bool(self._flying)

    def begin(self, flight: Flight) -> None:
        """Let it go at once. The caller sees to it that a lane is free."""
        self._flying.add(self._pool.submit(self._fly, flight))

    def land(self) -> list[Landing]:
        """Wait for one flight to land at least; it, and all that land within a moment of it."""
        wait(self._flying, return_when=FIRST_COMPLETED)
        landed, self._flying = wait(self._flying, timeout=GATHERED)
        return [future.result() for future in landed]

    def close(self) -> None:
        """End the threads and their connections; nothing may be flying."""
        self._pool.shutdown()
        self._clients.close()

    def _fly(self, flight: Flight) -> Landing:
        return flight.fly(self._find_client())

    def _find_client(self) -> RobotalkerClient:
        if not hasattr(self._own, "client"):
            self._own.client = self._clients.enter_context(make_client())
        client: RobotalkerClient = self._own.client
        return client


@contextmanager
def open_lanes(count: int) -> Iterator[Lanes]:
    """Lanes to submit over; closed at the end."""
    lanes = Lanes(count)
    try:
        yield lanes
    finally:
        lanes.close()
