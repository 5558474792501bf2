"""Beat's scheduler, which also writes beat's heartbeat to the database."""

import logging
import time
from datetime import timedelta
from typing import Any

from celery.beat import PersistentScheduler
from django.db import DatabaseError, connection

log = logging.getLogger(__name__)
HEARTBEAT_EVERY = 5.0  # seconds
LONG_AGO = timedelta(hours=1)  # longer than any interval of the schedule


class HeartbeatScheduler(PersistentScheduler):
    """Celery's scheduler plus a heartbeat. Without a database it only sends ticks, which matter more."""

    _last_heartbeat = float("-inf")

    def setup_schedule(self) -> None:
        """Make ticks that were never sent due at once; Celery would first wait for one interval."""
        super().setup_schedule()
        for entry in self.schedule.values():
            if not entry.total_run_count:
                entry.last_run_at = entry.default_now() - LONG_AGO

    def apply_async(self, entry: Any, producer: Any = None, advance: bool = True, **kwargs: Any) -> Any:
        """Send a tick and write the heartbeat. Raises SchedulingError if the broker doesn't accept it."""
        sent = super().apply_async(entry, producer=producer, advance=advance, **kwargs)
        if time.monotonic() - self._last_heartbeat > HEARTBEAT_EVERY:
            self._last_heartbeat = time.monotonic()
            record_ticks()
        return sent


def record_ticks() -> None:
    """Write beat's heartbeat; only log it if the database fails."""
    from reminders.health import heartbeats

    try:
        heartbeats.record_heartbeat(heartbeats.BEAT, "ticks sent")
    except DatabaseError as error:
        log.warning("beat's heartbeat could not be written: %s", type(error).__name__)
        connection.close()
