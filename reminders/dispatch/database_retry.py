"""Writing again while the database is away for a moment, so that what is stored nowhere else isn't lost."""

import logging
import time
from collections.abc import Callable

from django.db import DatabaseError, InterfaceError, OperationalError, connection

from reminders.health.rounds import name_error, note_trouble

log = logging.getLogger(__name__)

PAUSE = 0.5  # seconds between two attempts


class DatabaseRetry:
    """A time limit in seconds that several writes share; after it, each is attempted once more."""

    def __init__(self, seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds

    def run(self, write: Callable[[], None]) -> None:
        """Write, over new connections while the database is away. Raises no database error.

        `write` is a transaction of its own and may be run twice, since the answer to a commit can be lost.
        """
        while True:
            try:
                write()
                return
            except (DatabaseError, InterfaceError) as error:
                note_trouble(error)
                may_pass = isinstance(error, OperationalError | InterfaceError)
                if not may_pass or time.monotonic() > self._ends_at:
                    log.error("not recorded: %s", name_error(error))
                    return
                log.warning("to be recorded again in %.1f s: %s", PAUSE, name_error(error))
            connection.close()
            time.sleep(PAUSE)
