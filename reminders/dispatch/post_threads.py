"""A few threads that only POST. The thread that owns them opens what they submit and records the results.

So one connection to the database serves all of them, and what is ready at the same moment is opened together
and recorded together. So that no thread waits for the next look, a few calls are opened ahead: as many as the
threads begin in AHEAD_SECONDS. After a failure, and when the worker is to stop, no thread begins what waits:
it comes back as held, and the owner starts it again, or records that it wasn't sent.
"""

import math
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from queue import Empty, SimpleQueue
from threading import Thread

from django.conf import settings

from reminders.dispatch.submission import Submission, SubmissionResult
from reminders.robotalker.client import RobotalkerClient
from reminders.traffic.client import make_guarded_client
from reminders.traffic.rate import parse_rate
from reminders.traffic.request_guard import read_request_guard
from reminders.traffic.shutdown import is_stopping

WAIT_FOR_MORE = 0.02  # seconds after the first result in which others are waited for, to be recorded with it
AT_FIRST = 8  # threads, until the answers are seen to take longer
SPARE = 1.5  # times as many threads as the rate needs, since not all answers take as long
AHEAD_SECONDS = 0.2
MOST_AHEAD = 64  # calls, which are unknown after their worker is killed
NEWEST_COUNTS = 0.1  # the share of one more answer in the mean


class AnswerTime:
    """How long Robotalker lately took to accept a request: a mean that all rounds of this process share."""

    seconds: float | None = None  # None until it has accepted one, and after a failure

    def note(self, seconds: float) -> None:
        """Count one more. When two threads do at the same moment, one of them may be lost."""
        mean = self.seconds
        self.seconds = seconds if mean is None else mean + NEWEST_COUNTS * (seconds - mean)

    def count_threads(self, most: int) -> int:
        """How many threads the rate needs, of `most`."""
        needed = math.ceil(SPARE * (self.seconds or 0.0) * _read_rate())
        return min(max(needed, AT_FIRST), most)

    def count_ahead(self, threads: int) -> int:
        """How many calls may be opened for these threads beside those that they begin at once."""
        seconds = self.seconds
        return min(int(AHEAD_SECONDS * min(threads / seconds, _read_rate())), MOST_AHEAD) if seconds else 0


def _read_rate() -> float:
    rate = parse_rate(settings.ROBOTALKER_RATE)
    return rate.amount / rate.get_expiry()


answer_time = AnswerTime()


class PostThreads:
    """At most `most` requests at one time."""

    def __init__(self, most: int) -> None:
        self.most = most
        self._threads: list[Thread] = []
        self._clients = ExitStack()
        self._guard = read_request_guard()  # here, since the threads make no queries
        self._waiting: SimpleQueue[Submission | None] = SimpleQueue()
        self._results: SimpleQueue[SubmissionResult] = SimpleQueue()
        self._started = 0  # whose results are not fetched yet
        self._is_held = False

    @property
    def free(self) -> int:
        """How many submissions would be begun at once."""
        return max(answer_time.count_threads(self.most) - self._started, 0)

    @property
    def room(self) -> int:
        """How many may be started now; none while many wait, so that many are opened together."""
        count = answer_time.count_threads(self.most)
        ahead = answer_time.count_ahead(count)
        return max(count + ahead - self._started, 0) if self._started - count <= ahead // 2 else 0

    @property
    def busy(self) -> bool:
        return self._started > 0

    def start(self, submission: Submission) -> None:
        """POST it in a thread as soon as one is free."""
        if len(self._threads) < min(answer_time.count_threads(self.most), self._started + 1):
            client = self._clients.enter_context(make_guarded_client(self._guard))
            thread = Thread(target=self._run, args=[client], name="post")
            thread.start()
            self._threads.append(thread)
        self._started += 1
        self._waiting.put(submission)

    def wait_for_results(self) -> list[SubmissionResult]:
        """Wait for at least one result; returned with it are those that come within a moment of it."""
        results = [self._results.get()]
        ends_at = time.monotonic() + WAIT_FOR_MORE
        with suppress(Empty):
            while len(results) < self._started:
                results.append(self._results.get(timeout=max(ends_at - time.monotonic(), 0)))
        self._started -= len(results)
        return results

    def take_back(self) -> list[Submission]:
        """What no thread has taken yet, after a failure was recorded. What is started now is begun again."""
        taken = []
        with suppress(Empty):
            while submission := self._waiting.get_nowait():
                taken.append(submission)
        self._started -= len(taken)
        self._is_held = False
        return taken

    def close(self) -> None:
        """End the threads and their connections; no submission may be running."""
        for _ in self._threads:
            self._waiting.put(None)
        for thread in self._threads:
            thread.join()
        self._clients.close()

    def _run(self, client: RobotalkerClient) -> None:
        """One thread. Its client is kept for all of its submissions."""
        while submission := self._waiting.get():
            if self._is_held or is_stopping():
                result = SubmissionResult(submission, is_held=True)
            else:
                began_at = time.monotonic()
                result = submission.submit_with(client)
                if result.error is None:
                    answer_time.note(time.monotonic() - began_at)
                elif result.may_fail_again:
                    self._is_held, answer_time.seconds = True, None
            self._results.put(result)


@contextmanager
def open_post_threads(most: int) -> Iterator[PostThreads]:
    """Threads to submit with; closed at the end."""
    threads = PostThreads(most)
    try:
        yield threads
    finally:
        threads.close()
