"""A few threads that only POST. The thread that owns them opens what they submit and records the results.

So one connection to the database serves all of them, and submissions that are ready at the same moment are
opened together and recorded together.
"""

import threading
from collections.abc import Iterator
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import ExitStack, contextmanager

from reminders.dispatch.submission import Submission, SubmissionResult
from reminders.traffic.client import make_guarded_client
from reminders.traffic.request_guard import read_request_guard

WAIT_FOR_MORE = 0.02  # seconds after the first result in which others are waited for, to be recorded with it


class PostThreads:
    """At most `count` submissions at one time."""

    def __init__(self, count: int) -> None:
        self.count = count
        self._pool = ThreadPoolExecutor(count, thread_name_prefix="post")
        self._clients = ExitStack()
        self._guard = read_request_guard()  # here, since the threads make no queries
        self._own = threading.local()
        self._running: set[Future[SubmissionResult]] = set()

    @property
    def free(self) -> int:
        """How many submissions may be started now."""
        return self.count - len(self._running)

    @property
    def busy(self) -> bool:
        return bool(self._running)

    def start(self, submission: Submission) -> None:
        """POST it in a thread at once. The caller makes sure that one is free."""
        self._running.add(self._pool.submit(self._submit, submission))

    def wait_for_results(self) -> list[SubmissionResult]:
        """Wait for at least one result; returned with it are those that come within a moment of it."""
        wait(self._running, return_when=FIRST_COMPLETED)
        done, self._running = wait(self._running, timeout=WAIT_FOR_MORE)
        return [future.result() for future in done]

    def close(self) -> None:
        """End the threads and their connections; no submission may be running."""
        self._pool.shutdown()
        self._clients.close()

    def _submit(self, submission: Submission) -> SubmissionResult:
        if not hasattr(self._own, "client"):  # one client for each thread, kept for its next submissions
            self._own.client = self._clients.enter_context(make_guarded_client(self._guard))
        return submission.submit_with(self._own.client)


@contextmanager
def open_post_threads(count: int) -> Iterator[PostThreads]:
    """Threads to submit with; closed at the end."""
    threads = PostThreads(count)
    try:
        yield threads
    finally:
        threads.close()
