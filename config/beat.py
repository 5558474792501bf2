"""Beat's scheduler, which also writes beat's heartbeat to the database."""

import logging
import os
import time
from contextlib import suppress
from datetime import datetime, timedelta
from pathlib import Path
from threading import Thread
from typing import Any

from celery.beat import PersistentScheduler
from django.db import DatabaseError, connection, reset_queries

from config.logs import REDIS, outages
from contacts.database.patience import answer_within

log = logging.getLogger(__name__)
HEARTBEAT_EVERY = 5.0  # seconds
WRITE_WITHIN = 3.0  # seconds: ticks matter more
STUCK_AFTER = 120.0  # seconds
LONG_AGO = timedelta(hours=1)  # longer than any interval of the schedule


class HeartbeatScheduler(PersistentScheduler):
    """Celery's scheduler plus a heartbeat. Without a database it only sends ticks, which matter more.

    Celery keeps the time of each tick by the wall clock. After the clock was set back those times lie ahead,
    and Celery would wait for them: here a tick that was last sent in the future is due (product rule 28).
    """

    schedule_filename: str  # Celery's
    _last_heartbeat = _last_sign = float("-inf")
    ticked_at = float("-inf")  # by the monotonic clock

    def setup_schedule(self) -> None:
        """Make ticks that were never sent due at once; Celery would first wait for one interval."""
        super().setup_schedule()
        for entry in self.schedule.values():
            if not entry.total_run_count:
                entry.last_run_at = entry.default_now() - LONG_AGO

    def tick(self, *args: Any, **kwargs: Any) -> float:
        """Send what is due; the seconds until the next tick."""
        if self._make_due_what_was_sent_in_the_future():
            self._heap = None  # it is sorted by the old clock, so Celery is to sort it again
        seconds: float = super().tick(*args, **kwargs)
        self.ticked_at = time.monotonic()
        if self.ticked_at - self._last_sign > HEARTBEAT_EVERY:
            self._last_sign = self.ticked_at
            with suppress(OSError):
                Path(f"{self.schedule_filename}-alive").touch()  # for the container's health check
        return seconds

    def start_watchdog(self) -> None:
        """Start the thread that ends this process, so that it is started again, when beat stands still."""
        self.ticked_at = time.monotonic()
        Thread(target=self._end_when_stuck, name="beat watchdog", daemon=True).start()

    def _end_when_stuck(self) -> None:
        """End beat if it has not ticked for long, whatever it waits for."""
        while time.monotonic() - self.ticked_at < STUCK_AFTER:
            time.sleep(HEARTBEAT_EVERY)
        log.critical("beat has stood still for %.0f s: ending it so that it is restarted", STUCK_AFTER)
        os._exit(1)

    def apply_async(self, entry: Any, producer: Any = None, advance: bool = True, **kwargs: Any) -> Any:
        """Send a tick and write the heartbeat. Raises SchedulingError if the broker doesn't accept it."""
        sent = super().apply_async(entry, producer=producer, advance=advance, **kwargs)
        outages.note_answer(REDIS)
        if time.monotonic() - self._last_heartbeat > HEARTBEAT_EVERY:
            self._last_heartbeat = time.monotonic()
            record_ticks()
        return sent

    def _make_due_what_was_sent_in_the_future(self) -> bool:
        """Whether there was any such tick: the clock was set back, before or after beat started."""
        found = False
        for entry in self.schedule.values():
            now: datetime = entry.default_now()
            if entry.last_run_at and entry.last_run_at > now:
                entry.last_run_at, found = now - LONG_AGO, True
        if found:
            log.warning("the clock was set back: ticks that were last sent in the future are sent now")
        return found


def record_ticks() -> None:
    """Write beat's heartbeat; only log it if the database fails."""
    from reminders.health import heartbeats

    reset_queries()  # while DEBUG is on, Django keeps them
    try:
        with answer_within(WRITE_WITHIN):
            heartbeats.record_heartbeat(heartbeats.BEAT, "ticks sent")
    except DatabaseError as error:
        log.warning("beat's heartbeat could not be written: %s", type(error).__name__)
        connection.close()
