"""A write that the database refuses for a moment is done again, and the log says why it was refused."""

import logging
from collections.abc import Callable

import psycopg
import pytest
from django.db import DatabaseError, OperationalError, connection

from reminders.dispatch import database_retry
from reminders.dispatch.database_retry import DatabaseRetry

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture(autouse=True)
def _no_pause(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database_retry, "PAUSE", 0.0)


def refuse(times: int, statement: str) -> Callable[[], None]:
    """A write that PostgreSQL refuses so often, by this statement."""
    left = [statement] * times

    def write() -> None:
        if left:
            with connection.cursor() as cursor:
                cursor.execute(left.pop())

    return write


NO_LOCK = "DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = 'lock_not_available'; END $$"
WRONG = "SELECT 1 / 0"


def test_what_is_refused_for_a_moment_is_written_again_and_only_warned_of(
    caplog: pytest.LogCaptureFixture,
) -> None:
    DatabaseRetry(60).run(refuse(2, NO_LOCK))
    assert [(one.levelno, one.getMessage()) for one in caplog.records] == [
        (logging.WARNING, "to be recorded again in 0.0 s: LockNotAvailable")
    ] * 2


@pytest.mark.parametrize(
    ("seconds", "statement", "error", "name"),
    [(60, WRONG, DatabaseError, "DivisionByZero"), (-1, NO_LOCK, OperationalError, "LockNotAvailable")],
    ids=["it would be refused again", "the time is up"],
)
def test_what_is_given_up_is_an_error_with_its_cause(
    caplog: pytest.LogCaptureFixture, seconds: float, statement: str, error: type[Exception], name: str
) -> None:
    with pytest.raises(error) as raised:
        refuse(1, statement)()
    assert isinstance(raised.value.__cause__, psycopg.Error)
    DatabaseRetry(seconds).run(refuse(1, statement))
    assert [(one.levelno, one.getMessage()) for one in caplog.records] == [
        (logging.ERROR, f"not recorded: {name}")
    ]
