"""Django's backend for PostgreSQL with a limit for each wait, so that a server that hangs takes no thread.

The limit of a statement is that of the server (`statement_timeout`) and a few seconds more; it is what is
left when the server itself stands still. contacts/database/patience.py says what follows.

Behind a pooler in transaction mode (DATABASE_POOLER) each transaction may have another session of the server,
and other processes have it before and after. So nothing is set for a session: the limits are set at the
beginning of each transaction, and for that transaction only.
"""

from collections.abc import Generator
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any, TypeVar

import psycopg
from django.conf import settings
from django.db.backends.postgresql import base
from django.db.backends.postgresql.psycopg_any import BaseTzLoader
from psycopg import errors, pq

from contacts.database.patience import PROBE_WITHIN, HangingServer, lock_seconds, time_left

Result = TypeVar("Result")
GRACE = 5.0  # seconds after the server's own limit, which says more than ours
server = HangingServer()


class SilentServer(errors.OperationalError):
    """The server did not answer in time; or it lately did not, and this statement was not sent."""


class ImpatientConnection(psycopg.Connection[Any]):
    """A connection that is closed when an answer takes too long.

    That says something about the server only if it had PROBE_WITHIN at least: what had less may have waited
    for a row that somebody else holds.
    """

    def wait(
        self,
        gen: Generator[Any, Any, Result],
        interval: float = 0.1,
        timeout: float | None = None,
    ) -> Result:
        """What psycopg calls for each exchange with the server. Raises SilentServer."""
        limit = _limit()
        is_telling = limit is None or limit >= PROBE_WITHIN
        if not server.may_ask():
            raise self._give_up("has lately not answered")
        if server.hangs:
            limit = min(limit or PROBE_WITHIN, PROBE_WITHIN)
        try:
            result = super().wait(gen, interval, limit if timeout is None else min(timeout, limit or timeout))
        except errors._WaitTimeout as error:
            if is_telling:
                server.note_silence()
            raise self._give_up("did not answer in time") from error
        server.note_answer()
        return result

    def _start_query(self) -> Any:
        """What psycopg calls before each statement, to begin a transaction if there is none."""
        was_idle = self.pgconn.transaction_status == pq.TransactionStatus.IDLE
        yield from super()._start_query()
        if settings.DATABASE_POOLER and was_idle and not self.autocommit:
            yield from self._exec_command(_limits_of_transaction())

    def _give_up(self, why: str) -> SilentServer:
        self.pgconn.finish()  # what the server would still say belongs to another question
        return SilentServer(f"the database {why}")

    @classmethod
    def _connect_gen(cls, conninfo: str = "") -> Any:
        """What psycopg calls for each attempt to connect, of which it ends none before two seconds."""
        if not server.may_ask():
            raise SilentServer("the database has lately not answered")
        given = time_left()
        generator = super()._connect_gen(conninfo)
        try:
            wanted = next(generator)
            while True:
                ready = yield wanted
                left = time_left()
                if not ready and left is not None and left <= 0.001:
                    if given is None or given >= PROBE_WITHIN:
                        server.note_silence()
                    raise SilentServer("the database did not answer in time")
                wanted = generator.send(ready)
        except StopIteration as end:
            server.note_answer()
            return end.value
        except GeneratorExit:  # psycopg's own limit, or Ctrl-C
            server.note_silence()
            raise


def _limit() -> float | None:
    """Seconds for the next exchange; None: without limit."""
    left, longest = time_left(), settings.DATABASE_STATEMENT_SECONDS
    if left is not None:
        return left
    return longest + GRACE if longest else None


def _limits_of_transaction() -> bytes:
    """One statement that sets the limits of DATABASE_… for this transaction."""
    here = lock_seconds()
    limits = {
        "statement_timeout": settings.DATABASE_STATEMENT_SECONDS,
        "lock_timeout": settings.DATABASE_LOCK_SECONDS if here is None else here,
        "idle_in_transaction_session_timeout": settings.DATABASE_IDLE_SECONDS,
    }
    parts = (f"set_config('{name}', '{seconds:.3f}s', true)" for name, seconds in limits.items())
    return f"SELECT {', '.join(parts)}".encode()


class MomentLoader(BaseTzLoader):  # type: ignore[misc]
    """Reads moments in UTC, which is a sixth of the time of a long list with Django's own loader."""

    timezone = UTC  # Django compares it with its own

    def load(self, data: Any) -> Any:
        try:
            moment = datetime.fromisoformat(str(data, "ascii"))
        except ValueError:  # such as infinity, for which psycopg has an error of its own
            return super().load(data)
        return moment if moment.tzinfo is UTC else super().load(data)


class DatabaseWrapper(base.DatabaseWrapper):
    """Django's wrapper, with connections of ours."""

    Database: Any = SimpleNamespace(**vars(psycopg) | {"connect": ImpatientConnection.connect})

    def get_connection_params(self) -> dict[str, Any]:
        """Django's, with MomentLoader where moments are in UTC."""
        parameters: dict[str, Any] = super().get_connection_params()
        if self.timezone is UTC:
            parameters["context"].register_loader("timestamptz", MomentLoader)
        return parameters

    def chunked_cursor(self) -> Any:
        """What QuerySet.iterator() reads with: a server's cursor, which ends with a pooler's transaction."""
        if settings.DATABASE_POOLER and not self.in_atomic_block:
            return self.cursor()
        return super().chunked_cursor()
