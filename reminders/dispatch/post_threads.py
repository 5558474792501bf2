"""A few threads that only POST. What they submit is opened, and recorded, by the thread that owns them.

So one connection to the database serves all of them, and the looks and records of submissions that are ready
at the same moment are done together.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager

from reminders.dispatch.submission import Submission, SubmissionResult
from reminders.robotalker.client import RobotalkerClient
from reminders.traffic.client import make_client

GATHERED = 0.02  # seconds in which others may join the first that has landed: one look serves them all


class PostThreads:
    """At most `count` submissions at one time."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="thread")
        self._clients = ExitStack()
        self._own = threading.local()
        self._running: set[Future[SubmissionResult]] = set()

    @property
    def free(self) -> int:
        """How many submissions may begin now."""
        return self.count - len(self._running)

    @property
    def busy(self) -> bool:
        return bool(self._running)

    def begin(self, submission: Submission) -> None:
        """Let it go at once. The caller sees to it that a thread is free."""
        self._running.add(self._pool.submit(self._submit, submission))

    def wait_for_results(self) -> list[SubmissionResult]:
        """Wait for one submission to land at least; it, and all that land within a moment of it."""
        wait(self._running, return_when=FIRST_COMPLETED)
        landed, self._running = wait(self._running, timeout=GATHERED)
        return [future.result() for future in landed]

    def close(self) -> None:
        """End the threads and their connections; nothing may be flying."""
        self._pool.shutdown()
        self._clients.close()

    def _submit(self, submission: Submission) -> SubmissionResult:
        return submission.submit_with(self._find_client())

    def _find_client(self) -> RobotalkerClient:
        if not hasattr(self._own, "client"):
            self._own.client = self._clients.enter_context(make_client())
        client: RobotalkerClient = self._own.client
        return client


@contextmanager
def open_post_threads(count: int) -> Iterator[PostThreads]:
    """Threads to submit with; closed at the end."""
    threads = PostThreads(count)
    try:
        yield threads
    finally:
        threads.close()
