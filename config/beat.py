"""Beat's schedule, with a sign of life in the database: when it last got a tick out."""

import logging
import time
from datetime import timedelta
from typing import Any

from celery.beat import PersistentScheduler
from django.db import DatabaseError, connection

log = logging.getLogger(__name__)
SAYS_EVERY = 5.0  # seconds
LONG_AGO = timedelta(hours=1)  # longer than any interval of the schedule


class HeartbeatScheduler(PersistentScheduler):
    """Celery's own, that tells. Without a database beat goes on in silence: the ticks come first."""

    _told_at = float("-inf")

    def setup_schedule(self) -> None:
        """What was never sent is due at once; Celery would wait first, and pages say "no sweep yet"."""
        super().setup_schedule()
        for entry in self.schedule.values():
            if not entry.total_run_count:
                entry.last_run_at = entry.default_now() - LONG_AGO

    def apply_async(self, entry: Any, producer: Any = None, advance: bool = True, **kwargs: Any) -> Any:
        """Send a tick, then say that ticks go out. Raises SchedulingError when the broker takes none."""
        sent = super().apply_async(entry, producer=producer, advance=advance, **kwargs)
        if time.monotonic() - self._told_at > SAYS_EVERY:
            self._told_at = time.monotonic()
            record_ticks()
        return sent


def record_ticks() -> None:
    """Write beat's heartbeat, if that can be done."""
    from reminders.health import heartbeats

    try:
        heartbeats.record_heartbeat(heartbeats.BEAT, "ticks go out")
    except DatabaseError as error:
        log.warning("no heartbeat of beat written: %s", type(error).__name__)
        connection.close()
