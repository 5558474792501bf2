"""A worker that has fallen silent ends itself, and is started again by whoever keeps it running.

A worker may stop taking tasks without a word, as after its broker was away. Beat sends ticks all the
time; so when none was begun here for long, though beat sends and the broker answers, this worker is deaf.
A thread of the main process looks, writes the worker's heartbeat, and ends it with a status that isn't 0.
"""

import logging
import os
import socket
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from threading import Thread

from celery.worker import state
from django.conf import settings
from django.db import DatabaseError, connection
from django.utils import timezone

from reminders.health import heartbeats
from reminders.health.diagnosis import broker_answers
from reminders.traffic.shutdown import is_stopping, mark_stopping

log = logging.getLogger(__name__)

FAILED = 1  # the exit status
LOOK_EVERY = 10.0  # seconds
LAST_WORDS = 10.0  # seconds for the worker to end by itself, before it is ended


@dataclass(frozen=True)
class WorkerSigns:
    """What a look has found."""

    begun: bool  # a task was begun here since the last look, or is under way
    beat_sends: bool
    broker_answers: bool
    workers: int = 1  # that share these queues: the more there are, the longer may each get nothing

    @property
    def silence_is_strange(self) -> bool:
        """Whether tasks should have come, and didn't."""
        return not self.begun and self.beat_sends and self.broker_answers

    def is_deaf(self, silent_for: float) -> bool:
        """Whether so many seconds of strange silence are too many."""
        return self.silence_is_strange and silent_for > settings.WORKER_SILENT_AFTER * self.workers


class Watchdog(Thread):
    """Looks every few seconds, for as long as the worker lives."""

    def __init__(self, queues: list[str]) -> None:
        super().__init__(name="watchdog", daemon=True)
        self._queues = sorted(queues)
        self._since = datetime.now(UTC)
        self._name = heartbeats.name_worker(socket.gethostname(), os.getpid())
        self._begun = 0  # tasks, at the last look
        self._well_at = time.monotonic()  # when silence was last not strange

    def run(self) -> None:
        """Look until the worker is silent for too long; then end it."""
        while True:
            signs = self._look()
            if not signs.silence_is_strange:
                self._well_at = time.monotonic()
            silent_for = time.monotonic() - self._well_at
            if signs.is_deaf(silent_for) and not is_stopping():
                end_worker(f"no task came to this worker for {silent_for:.0f} s, though beat sends them")
            time.sleep(min(LOOK_EVERY, settings.WORKER_SILENT_AFTER / 4))

    def _look(self) -> WorkerSigns:
        begun_before, self._begun = self._begun, state.all_total_count[0]
        begun = self._begun != begun_before or bool(state.active_requests)
        beats, now = self._tell_and_read(), timezone.now()
        return WorkerSigns(
            begun=begun,
            beat_sends=heartbeats.BEAT not in heartbeats.pick_stale(beats, now),
            broker_answers=begun or broker_answers(),
            workers=max(1, *(heartbeats.count_workers(beats, queue, now) for queue in self._queues)),
        )

    def _tell_and_read(self) -> heartbeats.Heartbeats:
        """Write the heartbeat; all there are, none without a database."""
        try:
            heartbeats.record_worker_heartbeat(self._name, self._queues, since=self._since, begun=self._begun)
            return heartbeats.read_heartbeats()
        except DatabaseError as error:
            log.warning("no heartbeat of this worker written: %s", type(error).__name__)
            return {}
        finally:
            connection.close()  # none is left open here while the main process forks a child


def end_worker(reason: str) -> None:
    """End this process with a failure: in good order if it still can, else at once.

    No task is under way here, and none is begun any more, so nothing is torn in two.
    """
    log.critical("%s: it ends now, to be started again", reason)
    mark_stopping()
    vars(state)["should_stop"] = FAILED  # what Celery's own handler of SIGTERM sets
    time.sleep(LAST_WORDS)
    os._exit(FAILED)
