"""How Robotalker has been answering all workers: the gate that a 429 closes, and the circuit breaker.

Both are kept in the row of the SendingSwitch, by the database's clock. A closed gate opens by itself. The
breaker pauses sending after ROBOTALKER_BREAKER failures in a row; probing.py ends such a pause.

`asked_at` is when the request began, by the database's clock. A request that had begun before the gate
closed, or before sending was paused, does not count again when its answer comes.
"""

import logging
import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import F
from django.db.models.functions import Greatest, Now

from contacts.database.clock import read_database_clock
from reminders.models import SendingSwitch
from reminders.robotalker.errors import (
    Meaning,
    RateLimited,
    RobotalkerError,
)
from reminders.rules.backoff import cap_retry_after, doubled
from reminders.traffic.local_faults import NOT_ABOUT_ROBOTALKER
from reminders.traffic.switch import Cause, lock_switch, pause_sending

log = logging.getLogger(__name__)

CLOSED_FIRST = timedelta(seconds=2)  # the longest first closing
CLOSED_MOST = timedelta(seconds=30)  # without a Retry-After, so that an overload's end is noticed soon
CLOSED_LEAST = timedelta(seconds=1)  # so that answers to requests already begun find the gate still closed

_rng = random.SystemRandom()

# By hand: each look and each answer needs one of them, and Django would take longer to write them.
_GATE = """
    SELECT paused_at IS NOT NULL, greatest(extract(epoch FROM gate_until - statement_timestamp())::float, 0),
        probes > 0
    FROM reminders_sendingswitch WHERE id = 1
"""
_SUCCESS = """
    UPDATE reminders_sendingswitch SET failures = 0, gate_closings = 0, probes = 0
    WHERE id = 1 AND (failures > 0 OR gate_closings > 0 OR probes > 0) AND (%s OR probes = 0)
"""


@dataclass(frozen=True)
class Gate:
    """What must be known before a request begins.

    `paused`: nothing may be sent until sending is resumed. `closed_for`: seconds in which no request may
    begin, 0 when open. `on_trial`: a probe has ended a pause, and no call has been accepted since, so a
    dispatch sends one request at a time.
    """

    paused: bool
    closed_for: float
    on_trial: bool = False


def read_gate() -> Gate:
    """The gate as it is now, in one query."""
    with connection.cursor() as cursor:
        cursor.execute(_GATE)
        row = cursor.fetchone()
    return Gate(*row) if row else Gate(paused=False, closed_for=0.0)


def read_pause_and_clock() -> tuple[bool, datetime]:
    """Whether all sending is paused, and the database's time (aware UTC), in one statement."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT clock_timestamp(), EXISTS"
            " (SELECT FROM reminders_sendingswitch WHERE paused_at IS NOT NULL)"
        )
        now, paused = cursor.fetchone()
    return paused, now


@transaction.atomic
def close_gate(retry_after: float | None, *, asked_at: datetime | None = None) -> None:
    """Robotalker answered 429: no request begins for `retry_after` seconds, or else for a random backoff.

    The gate never opens earlier than it would have without this. The 429s of one burst count as one closing.
    """
    switch = lock_switch()
    requested = cap_requested_wait(retry_after)
    if not _began_before_last_closing(switch, asked_at):
        closings = switch.gate_closings + 1
        _close(requested or closing_time(closings), closings)
    elif requested:
        _close(requested, switch.gate_closings)


def count_success(*, of_call: bool = True) -> None:
    """Record a good answer. Writes nothing when there was no failure before.

    After a pause only an accepted call (`of_call`) proves that Robotalker accepts calls again. The answer to
    any other request does not.
    """
    with connection.cursor() as cursor:
        cursor.execute(_SUCCESS, [of_call])


@transaction.atomic
def count_failure(*, asked_at: datetime | None = None, error: str = "") -> None:
    """Count a failed request: Robotalker unreachable, a server error or a lost answer; not a 400, 401 or 429.

    ROBOTALKER_BREAKER failures in a row, of all workers together, pause sending. `error`: for the log then.
    """
    switch = lock_switch()
    if asked_at and _began_before_last_closing(switch, asked_at):
        return
    SendingSwitch.objects.filter(pk=1).update(failures=F("failures") + 1)
    if switch.failures + 1 >= settings.ROBOTALKER_BREAKER:
        if switch.paused_at is None:
            log.warning("Robotalker failed %s times in a row, at last: %s", switch.failures + 1, error)
        pause_sending(cause=Cause.ROBOTALKER_FAILING)


@transaction.atomic
def pause_for_refused_key(*, asked_at: datetime | None = None) -> None:
    """Robotalker answered 401: all sending pauses until it accepts the key again."""
    if not _began_before_last_closing(lock_switch(), asked_at):
        pause_sending(cause=Cause.KEY_REFUSED)


def cap_requested_wait(retry_after: float | None) -> timedelta | None:
    """Robotalker's Retry-After (seconds), capped; None when there is none, or it is not a usable number."""
    requested = cap_retry_after(retry_after)
    return None if requested is None else max(requested, CLOSED_LEAST)


def closing_time(closings: int) -> timedelta:
    """How long the gate stays closed the `closings`-th time in a row (from 1), at random: full jitter."""
    return max(doubled(CLOSED_FIRST, closings, CLOSED_MOST) * _rng.random(), CLOSED_LEAST)


def _began_before_last_closing(switch: SendingSwitch, asked_at: datetime | None) -> bool:
    """Whether the request began before the gate last closed, or sending was last paused."""
    if switch.gate_until is None:
        return False
    return (asked_at or read_database_clock()) < switch.gate_until


def _close(wait: timedelta, closings: int) -> None:
    SendingSwitch.objects.filter(pk=1).update(
        gate_until=Greatest(F("gate_until"), Now() + wait), gate_closings=closings
    )


def count_error(error: RobotalkerError, asked_at: datetime) -> None:
    """Count what a failed request says about Robotalker, for all workers."""
    if isinstance(error, NOT_ABOUT_ROBOTALKER):
        return
    match error.meaning:
        case Meaning.UNAUTHORIZED:
            pause_for_refused_key(asked_at=asked_at)
        case Meaning.RATE_LIMITED:
            close_gate(error.retry_after if isinstance(error, RateLimited) else None, asked_at=asked_at)
        case Meaning.REJECTED:
            count_success()  # Robotalker works: it read the request and refused it
        case _:
            count_failure(asked_at=asked_at, error=str(error))
