"""One clock for this process and the database, which a test sets and lets run on by days.

Python's is moved by time_machine. The database's functions that tell the time are hidden behind our own,
in a schema that is searched first; all of it lasts until the end of the transaction.
"""

from datetime import UTC, datetime, timedelta

import time_machine
from django.db import connection

HIDE = """
    CREATE SCHEMA two_clocks;
    CREATE FUNCTION two_clocks.statement_timestamp() RETURNS timestamptz STABLE LANGUAGE sql AS
        $$ SELECT pg_catalog.statement_timestamp() + current_setting('two_clocks.ahead')::interval $$;
    CREATE FUNCTION two_clocks.now() RETURNS timestamptz STABLE LANGUAGE sql AS
        $$ SELECT pg_catalog.statement_timestamp() + current_setting('two_clocks.ahead')::interval $$;
    CREATE FUNCTION two_clocks.clock_timestamp() RETURNS timestamptz VOLATILE LANGUAGE sql AS
        $$ SELECT pg_catalog.clock_timestamp() + current_setting('two_clocks.ahead')::interval $$;
    SET LOCAL search_path = two_clocks, pg_catalog, public;
"""


class TwoClocks:
    """Started at `start` (aware), within a transaction; to be stopped before that ends."""

    def __init__(self, start: datetime) -> None:
        self._ahead = start - datetime.now(UTC)
        self._travel = time_machine.travel(start)
        self._clock = self._travel.start()
        with connection.cursor() as cursor:
            cursor.execute(HIDE)
        self._tell_database()

    def let_pass(self, time: timedelta) -> None:
        """It is later by so much, for both."""
        self._ahead += time
        self._clock.shift(time)
        self._tell_database()

    def stop(self) -> None:
        """It is now again, for this process; for the database, at the end of the transaction."""
        self._travel.stop()

    def _tell_database(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('two_clocks.ahead', %s, true)", [f"{self._ahead.total_seconds():f} s"]
            )
