"""What went wrong within a round that went on all the same, so that it doesn't count as sound.

A sweep doesn't let one faulty row keep the others from their turn: it logs the error and goes on. If the
database refused it, that is noted here, and config/rounds.py records it when the round has ended.
"""

from contextvars import ContextVar

from django.db import DatabaseError, InterfaceError
from psycopg.errors import DiskFull

_trouble: ContextVar[list[str] | None] = ContextVar("trouble", default=None)


def begin_round() -> None:
    """Forget the trouble of the last round of this process."""
    _trouble.set([])


def note_trouble(error: BaseException) -> None:
    """Note an error of the database; others are one row's own, and say nothing about the sweep."""
    noted = _trouble.get()
    if noted is not None and isinstance(error, DatabaseError | InterfaceError):
        noted.append(name_error(error))


def find_trouble() -> str:
    """The first kind of error of this round; "" if there was none."""
    noted = _trouble.get()
    return noted[0] if noted else ""


def name_error(error: BaseException) -> str:
    """The kind of error, as PostgreSQL names it where it is one of its own. Never its message."""
    return type(error.__cause__ or error).__name__


def is_disk_full(error: BaseException) -> bool:
    """Whether PostgreSQL had no room on its disk for what was to be written."""
    return isinstance(error.__cause__, DiskFull)
