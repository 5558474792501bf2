"""Trying again while the database is away for a moment, where giving up would lose what only we know."""

import logging
import time
from collections.abc import Callable

from django.db import DatabaseError, InterfaceError, OperationalError, connection

log = logging.getLogger(__name__)

PAUSE = 0.5  # seconds between two attempts


class DatabaseRetry:
    """So many seconds, for several deeds together; when they are over each is attempted once."""

    def __init__(self, seconds: float) -> None:
        self._ends_at = time.monotonic() + seconds

    def run(self, deed: Callable[[], None]) -> None:
        """Do it, over new connections while the database is away. Raises no database error.

        The deed is a transaction of its own and may be done twice, for a commit's answer can be lost.
        """
        while (trouble := _attempt(deed)) is not None:
            # the type only: a database error's own words may hold a row of somebody's data
            log.error("not recorded: %s", type(trouble).__name__)
            passes = isinstance(trouble, OperationalError | InterfaceError)
            if not passes or time.monotonic() > self._ends_at:
                return
            connection.close()
            time.sleep(PAUSE)


def _attempt(deed: Callable[[], None]) -> DatabaseError | InterfaceError | None:
    try:
        deed()
    except (DatabaseError, InterfaceError) as error:
        return error
    return None
