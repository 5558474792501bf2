"""Set the clocks of this process and of the database together, and move them forward.

time_machine moves Python's clock. For the database, a schema that is searched first has functions that
replace those returning the current time. They exist until the end of the transaction.
"""

from datetime import UTC, datetime, timedelta

import time_machine
from django.db import connection

REPLACE_TIME_FUNCTIONS = """
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
    """Both clocks, set to `start` (aware). Create it in a transaction and stop it before that ends."""

    def __init__(self, start: datetime) -> None:
        self._ahead = start - datetime.now(UTC)
        self._travel = time_machine.travel(start)
        self._clock = self._travel.start()
        with connection.cursor() as cursor:
            cursor.execute(REPLACE_TIME_FUNCTIONS)
        self._set_database_clock()

    def let_pass(self, time: timedelta) -> None:
        """Move both clocks forward by `time`."""
        self._ahead += time
        self._clock.shift(time)
        self._set_database_clock()

    def stop(self) -> None:
        """Reset this process's clock. The database's is reset at the end of the transaction."""
        self._travel.stop()

    def _set_database_clock(self) -> None:
        with connection.cursor() as cursor:
            cursor.execute(
                "SELECT set_config('two_clocks.ahead', %s, true)", [f"{self._ahead.total_seconds():f} s"]
            )
