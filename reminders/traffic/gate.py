"""How Robotalker has been answering, for all workers: the gate that a 429 closes, and the circuit breaker.

All of it is in the row of the SendingSwitch, by the database's clock. A closed gate opens by itself. The
breaker pauses sending after so many failures in a row; probing.py ends such a pause.

`asked_at` is when the request was begun, by the database's clock. What was under way already when the gate
closed, or sending paused, tells nothing new when its answer comes.
"""

import random
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q
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

CLOSED_FIRST = timedelta(seconds=2)  # the longest first closing
CLOSED_MOST = timedelta(seconds=30)  # without a wish of Robotalker's: a storm's end must be noticed soon
CLOSED_LEAST = timedelta(seconds=1)  # so that answers under way find the gate still closed

_rng = random.SystemRandom()


@dataclass(frozen=True)
class Gate:
    """What a sender must know before it begins a request.

    `paused`: nothing may be sent until the switch is on again. `closed_for`: seconds in which nothing may
    begin, 0 when open.
    """

    paused: bool
    closed_for: float


def read_gate() -> Gate:
    """The gate as it stands: one query."""
    rows = SendingSwitch.objects.filter(pk=1).annotate(now=Now())
    row = rows.values_list("paused_at", "gate_until", "now").first()
    if row is None:
        return Gate(paused=False, closed_for=0.0)
    paused_at, gate_until, now = row
    closed_for = (gate_until - now).total_seconds() if gate_until else 0.0
    return Gate(paused=paused_at is not None, closed_for=max(closed_for, 0.0))


@transaction.atomic
def close_gate(retry_after: float | None, *, asked_at: datetime | None = None) -> None:
    """Robotalker answered 429: nothing begins for `retry_after` seconds, or else for a backoff with jitter.

    Never opens it earlier than it would open anyway. The 429s of one burst count as one closing.
    """
    switch = lock_switch()
    wished = cap_requested_wait(retry_after)
    if not _is_known(switch, asked_at):
        closings = switch.gate_closings + 1
        _close(wished or closing_time(closings), closings)
    elif wished:
        _close(wished, switch.gate_closings)


def count_success(*, of_call: bool = True) -> None:
    """A request was answered well. Writes nothing when all has been well before.

    After a pause only a call that was taken (`of_call`) proves that calls are taken again; the answer to
    any other request then proves nothing.
    """
    troubled = Q(failures__gt=0) | Q(gate_closings__gt=0) | Q(probes__gt=0)
    proven = Q() if of_call else Q(probes=0)
    SendingSwitch.objects.filter(troubled, proven, pk=1).update(failures=0, gate_closings=0, probes=0)


@transaction.atomic
def count_failure(*, asked_at: datetime | None = None) -> None:
    """One request failed: Robotalker unreachable, a server error or a lost answer; not a 400, 401 or 429.

    ROBOTALKER_BREAKER of them in a row, from all workers together, pause sending.
    """
    switch = lock_switch()
    if asked_at and _is_known(switch, asked_at):
        return
    SendingSwitch.objects.filter(pk=1).update(failures=F("failures") + 1)
    if switch.failures + 1 >= settings.ROBOTALKER_BREAKER:
        pause_sending(cause=Cause.ROBOTALKER_FAILING)


@transaction.atomic
def pause_for_refused_key(*, asked_at: datetime | None = None) -> None:
    """Robotalker answered 401: all sending pauses, until the key is good again."""
    if not _is_known(lock_switch(), asked_at):
        pause_sending(cause=Cause.KEY_REFUSED)


def cap_requested_wait(retry_after: float | None) -> timedelta | None:
    """Robotalker's Retry-After (seconds), capped; None for none and for what makes no sense."""
    wish = cap_retry_after(retry_after)
    return None if wish is None else max(wish, CLOSED_LEAST)


def closing_time(closings: int) -> timedelta:
    """How long the gate stays closed the `closings`-th time in a row (the first is 1): full jitter."""
    return max(doubled(CLOSED_FIRST, closings, CLOSED_MOST) * _rng.random(), CLOSED_LEAST)


def _is_known(switch: SendingSwitch, asked_at: datetime | None) -> bool:
    """Whether the request began before the gate closed, or sending paused, the last time."""
    if switch.gate_until is None:
        return False
    return (asked_at or read_database_clock()) < switch.gate_until


def _close(wait: timedelta, closings: int) -> None:
    SendingSwitch.objects.filter(pk=1).update(
        gate_until=Greatest(F("gate_until"), Now() + wait), gate_closings=closings
    )


def count_error(error: RobotalkerError, asked_at: datetime) -> None:
    """What a failure says of the provider, for all that is still to be sent."""
    if isinstance(error, NOT_ABOUT_ROBOTALKER):
        return
    match error.meaning:
        case Meaning.UNAUTHORIZED:
            pause_for_refused_key(asked_at=asked_at)
        case Meaning.RATE_LIMITED:
            close_gate(error.retry_after if isinstance(error, RateLimited) else None, asked_at=asked_at)
        case Meaning.REJECTED:
            count_success()  # it is well enough to judge a request
        case _:
            count_failure(asked_at=asked_at)
