"""The watchdog: ends a worker that receives no tasks any more, so that its supervisor restarts it.

A worker can stop receiving tasks without an error, for example after the broker was down. Beat sends ticks
all the time, so if no task has started here for long although beat sends them and the broker responds,
something is wrong with this worker. A thread of the main process checks this, writes the worker's heartbeat,
and ends the worker with a status other than 0.

Only elapsed time matters here, so only the monotonic clock is used: a clock that is set must not end a
healthy worker (product rule 28).
"""

import logging
import os
import socket
import time
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from threading import Thread

from celery.worker import state
from django.conf import settings
from django.db import DatabaseError, connection

from config.logs import REDIS, outages
from contacts.database.patience import answer_within
from reminders.health import heartbeats
from reminders.health.diagnosis import broker_answers
from reminders.traffic.shutdown import is_stopping, mark_stopping

log = logging.getLogger(__name__)

FAILED = 1  # the exit status
CHECK_EVERY = 10.0  # seconds
WRITE_WITHIN = 5.0  # seconds for the heartbeat
SHUTDOWN_SECONDS = 10.0  # for the worker to shut down before the process is ended


@dataclass(frozen=True)
class WorkerSigns:
    """The result of one check."""

    has_started_task: bool  # a task has started here since the last check, or is running
    beat_sends: bool
    broker_answers: bool
    workers: int = 1  # that share these queues; with more workers, each may wait longer for a task

    @property
    def lacks_tasks(self) -> bool:
        """Whether no task has started although there should have been some."""
        return not self.has_started_task and self.beat_sends and self.broker_answers

    def is_idle_too_long(self, idle_for: float) -> bool:
        """Whether the worker has lacked tasks for too long; `idle_for` is in seconds."""
        return self.lacks_tasks and idle_for > settings.WORKER_SILENT_AFTER * self.workers


class ChangingHeartbeats:
    """Which heartbeats were written again lately, by the monotonic clock of this process.

    What they say themselves is by a clock that may have been set meanwhile. One that is seen for the first
    time counts as just written.
    """

    def __init__(self) -> None:
        self._seen: dict[str, tuple[datetime, float]] = {}  # what each said, and since when it has said so

    def note(self, beats: heartbeats.Heartbeats, monotonic: float) -> None:
        """Note which of these are new or have changed, at this moment of the monotonic clock (seconds)."""
        for name, beat in beats.items():
            if name not in self._seen or self._seen[name][0] != beat.at:
                self._seen[name] = (beat.at, monotonic)

    def has_changed(self, name: str, within: timedelta, monotonic: float) -> bool:
        """Whether this heartbeat was written in the time before this moment of the monotonic clock."""
        return name in self._seen and monotonic - self._seen[name][1] <= within.total_seconds()


class Watchdog(Thread):
    """Checks every few seconds for as long as the worker runs."""

    def __init__(self, queues: list[str]) -> None:
        super().__init__(name="watchdog", daemon=True)
        self._queues = sorted(queues)
        self._since = datetime.now(UTC)
        self._name = heartbeats.name_worker(socket.gethostname(), os.getpid())
        self._tasks_started = 0  # at the last check
        self._last_fine_at = time.monotonic()  # the last check that found nothing wrong
        self._heartbeats = ChangingHeartbeats()

    def run(self) -> None:
        """Check until the worker has been idle for too long; then end it."""
        while True:
            signs = self._check()
            if not signs.lacks_tasks:
                self._last_fine_at = time.monotonic()
            idle_for = time.monotonic() - self._last_fine_at
            if signs.is_idle_too_long(idle_for) and not is_stopping():
                end_worker(f"this worker received no task for {idle_for:.0f} s although beat sends them")
            time.sleep(min(CHECK_EVERY, settings.WORKER_SILENT_AFTER / 4))

    def _check(self) -> WorkerSigns:
        tasks_before, self._tasks_started = self._tasks_started, state.all_total_count[0]
        has_started_task = self._tasks_started != tasks_before or bool(state.active_requests)
        beats, now = self._exchange_heartbeats(), time.monotonic()
        self._heartbeats.note(beats, now)
        taken = [
            queue
            for name, beat in beats.items()
            if self._heartbeats.has_changed(name, heartbeats.WORKER_STALE_AFTER, now)
            for queue in beat.queues
        ]
        if outages.are_noted(REDIS) and broker_answers():
            outages.note_answer(REDIS)
        beat_sends = self._heartbeats.has_changed(heartbeats.BEAT, heartbeats.BEAT_STALE_AFTER, now)
        return WorkerSigns(
            has_started_task=has_started_task,
            beat_sends=bool(beats) and beat_sends,
            broker_answers=has_started_task or broker_answers(),
            workers=max(1, *map(taken.count, self._queues)),
        )

    def _exchange_heartbeats(self) -> heartbeats.Heartbeats:
        """Write this worker's heartbeat; returns all heartbeats, {} without a database."""
        try:
            with answer_within(WRITE_WITHIN):
                heartbeats.record_worker_heartbeat(
                    self._name, self._queues, since=self._since, begun=self._tasks_started
                )
                return heartbeats.read_heartbeats()
        except DatabaseError as error:
            log.warning("this worker's heartbeat could not be written: %s", type(error).__name__)
            return {}
        finally:
            connection.close()  # no connection may be open here while the main process forks a child


def end_worker(reason: str) -> None:
    """End this process with status 1: by a normal shutdown if that still works, else at once.

    No task is running and none starts any more, so no work is interrupted.
    """
    log.critical("%s: ending it so that it is restarted", reason)
    mark_stopping()
    vars(state)["should_stop"] = FAILED  # what Celery's own handler of SIGTERM sets
    time.sleep(SHUTDOWN_SECONDS)
    os._exit(FAILED)
