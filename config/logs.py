"""Log lines: without personal data, structured in production, and few while something is away.

| what happens | lines of one process |
| --- | --- |
| Redis or the database is away | one at once, then one a minute with how many were left out; no traceback |
| it is back | one, with how long it was away |
| the same line over and over | the first 20 of a minute, then one a minute with how many were left out |
"""

import logging
import re
import time
from contextvars import ContextVar
from typing import Any

from celery import current_task
from django.core.exceptions import PermissionDenied
from django.db import InterfaceError, OperationalError
from kombu.exceptions import OperationalError as BrokerError
from psycopg.errors import DeadlockDetected, LockNotAvailable
from pythonjsonlogger.json import JsonFormatter
from redis import RedisError

from contacts.redaction import redact

log = logging.getLogger(__name__)

MINUTE = 60.0
MOST_ALIKE = 20  # in a minute
REDIS, DATABASE = "Redis", "the database"
BACK = "config.logs.back"  # what the lines of "answers again" are logged as
# Celery tells of a lost broker here, with the error as text.
BROKER_LOGGERS = ("celery.worker.consumer", "celery.beat", "kombu", "redis")
ENDS_AT_ONCE = (DeadlockDetected, LockNotAvailable)  # errors of a database that is there
_VARIES = re.compile(r"\d+(\.\d+)?")

request_id: ContextVar[str] = ContextVar("request_id", default="")


class WithoutTraceOfRefusals(logging.Filter):
    """A page that was refused for want of a permission is no error of ours: its line needs no traceback."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.exc_info and isinstance(record.exc_info[1], PermissionDenied):
            record.exc_info = None
        return True


class PrivateFormatter(logging.Formatter):
    """Formats as usual, tracebacks included, and removes personal data (contacts/redaction.py)."""

    def format(self, record: logging.LogRecord) -> str:
        return redact(super().format(record))


class PrivateJsonFormatter(JsonFormatter):
    """One JSON object a line, with the ids of the request or task; personal data is removed.

    Only FIELDS are in it: what a library adds to its records may be a whole request.
    """

    FIELDS = (
        "at", "level", "logger", "message", "request_id", "task", "task_id", "exc_info", "stack_info",
    )  # fmt: skip

    def process_log_record(self, log_data: dict[str, Any]) -> dict[str, Any]:
        found = super().process_log_record(log_data)
        return {name: redact(str(found[name])) for name in self.FIELDS if found.get(name)}


class WithIds(logging.Filter):
    """Gives each record the id of the request, and the name and id of the task, in which it was written."""

    def filter(self, record: logging.LogRecord) -> bool:
        task = current_task
        record.request_id = request_id.get()
        record.task = getattr(task, "name", "") if task else ""
        record.task_id = (task.request.id or "") if task else ""
        return True


class Repetition:
    """Lines of one kind in the last minute."""

    def __init__(self) -> None:
        self.first_at = self.written_at = float("-inf")
        self.written = self.left_out = 0

    def may_write(self, now: float, most: int) -> bool:
        """Whether one more may be written: `most` in a minute. Counts those that may not."""
        if now - self.first_at > MINUTE:
            self.first_at, self.written = now, 0
        if self.written >= most:
            self.left_out += 1
            return False
        self.written += 1
        return True

    def take_left_out(self) -> int:
        """How many were left out since the last line."""
        count, self.left_out = self.left_out, 0
        return count


class Outages:
    """Since when something has been away, as far as this process has noticed."""

    def __init__(self) -> None:
        self._since: dict[str, float] = {}

    def note_failure(self, what: str) -> None:
        """It did not answer."""
        self._since.setdefault(what, time.monotonic())

    def are_noted(self, what: str) -> bool:
        """Whether it did not answer lately."""
        return what in self._since

    def note_answer(self, what: str) -> None:
        """It answered: says so, if it had not before."""
        since = self._since.pop(what, None)
        if since is not None:
            logging.getLogger(BACK).warning("%s answers again after %.0f s", what, time.monotonic() - since)


outages = Outages()


class FewLines(logging.Filter):
    """Leaves out lines that say nothing new, and the tracebacks of outages. For the handler."""

    def __init__(self) -> None:
        super().__init__()
        self._kinds: dict[tuple[object, ...], Repetition] = {}

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING or record.name == BACK:
            return True
        outage = find_outage(record)
        if outage:
            outages.note_failure(outage)
            _shorten(record)
        kind = (outage,) if outage else _find_kind(record)
        if len(self._kinds) > 1000:  # so many kinds: begin anew
            self._kinds.clear()
        repetition = self._kinds.setdefault(kind, Repetition())
        if not repetition.may_write(time.monotonic(), 1 if outage else MOST_ALIKE):
            return False
        if count := repetition.take_left_out():
            record.msg = f"{record.getMessage()} ({count} more lines like this were left out)"
            record.args = None
        return True


def find_outage(record: logging.LogRecord) -> str:
    """What is away, if that is what the line is about: "Redis" or "the database"; else ""."""
    error = record.exc_info[1] if record.exc_info else None
    while error:
        if isinstance(error, OperationalError | InterfaceError):
            return "" if isinstance(error.__cause__, ENDS_AT_ONCE) else DATABASE
        if isinstance(error, RedisError | BrokerError):
            return REDIS
        error = error.__cause__ or error.__context__
    text = str(record.msg)
    return REDIS if record.name.startswith(BROKER_LOGGERS) and "onnect" in text else ""


def _shorten(record: logging.LogRecord) -> None:
    """The first line only, with the kind of error instead of its traceback."""
    first = record.getMessage().partition("\n")[0]
    error = record.exc_info[1] if record.exc_info else None
    record.msg, record.args = (f"{first} ({type(error).__name__})" if error else first), None
    record.exc_info = record.exc_text = record.stack_info = None


def _find_kind(record: logging.LogRecord) -> tuple[object, ...]:
    """Lines are alike if they come from one place and tell of the same kind of error."""
    error = record.exc_info[1] if record.exc_info else None
    return (record.name, record.levelno, _VARIES.sub("0", str(record.msg)), type(error).__name__)
