"""The inbox: events are stored in one transaction and applied in another.

Storing is committed before the body is read, so that a body we can't apply is never lost. An event that
can't be applied keeps its error and traceback; the sweep tries again with growing pauses, and after the last
attempt a person may choose "Apply again" in the admin.
"""

import hashlib
from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from django.db import InterfaceError, OperationalError, connection
from django.db.models import Q
from django.utils import timezone

from contacts.database.clock import read_database_clock
from reminders.models import CallBatch, CallRecord
from reminders.traffic.callback_urls import ACCOUNT, BATCH, Callback
from webhooks.applying import MOST_ATTEMPTS, State, apply_events
from webhooks.models import WebhookEvent

SWEEP_SIZE = 500
SETTLE_TIME = timedelta(
    seconds=10
)  # the request itself applies first; the sweep takes what is left after that

# One statement, dated by the database's clock, so that storing costs one commit and no extra query. (The ORM
# has no INSERT ... SELECT.)
_INSERT = f"""
    INSERT INTO {WebhookEvent._meta.db_table}
        (call_id, batch_id, purpose, content_type, body, digest, received_at, state, kind, attempts, error)
    SELECT {{call}}, {{batch}}, %s, %s, %s, %s, clock_timestamp(), %s, '', 0, '' {{source}}
    ON CONFLICT (digest) DO NOTHING RETURNING id
"""
_BY_PUBLIC_ID = "FROM {table} WHERE public_id = %s"
INSERT_FOR_ACCOUNT = _INSERT.format(call="NULL::bigint", batch="NULL::bigint", source="")
INSERT_FOR_CALL = _INSERT.format(
    call="id", batch="NULL::bigint", source=_BY_PUBLIC_ID.format(table=CallRecord._meta.db_table)
)
INSERT_FOR_BATCH = _INSERT.format(
    call="NULL::bigint", batch="id", source=_BY_PUBLIC_ID.format(table=CallBatch._meta.db_table)
)


class UnknownSubject(ValueError):
    """A valid token for a call or batch that we don't have (any more)."""


def store_event(callback: Callback, body: bytes, content_type: str) -> int | None:
    """Store a request, committed; its id, or None when it repeats one that needs no more applying.

    Raises UnknownSubject.
    """
    content_type = content_type[:100].replace("\x00", "")
    digest = _digest(callback, body, content_type)
    row = [callback.purpose, content_type, body, digest, State.STORED]
    try:
        event_id = _insert(callback, row)
    except (OperationalError, InterfaceError):
        if connection.in_atomic_block:
            raise
        connection.close()  # the connection was opened before the database went away
        event_id = _insert(callback, row)
    if event_id:
        return event_id
    stored = WebhookEvent.objects.filter(digest=digest).values_list("pk", "state").first()
    if stored is None:
        raise UnknownSubject("no such call or batch")
    return stored[0] if stored[1] in (State.STORED, State.FAILED) else None


def apply_stored(now: datetime | None = None) -> int:
    """The sweep: apply events that their requests did not apply; the number of events applied."""
    now = now or read_database_clock()
    left = WebhookEvent.objects.filter(
        Q(state=State.STORED, received_at__lt=now - SETTLE_TIME)
        | Q(state=State.FAILED, attempts__lt=MOST_ATTEMPTS, next_attempt_at__lte=now)
    ).order_by("received_at")
    ids = list(left.values_list("pk", flat=True)[:SWEEP_SIZE])
    return list(apply_events(ids).values()).count(State.APPLIED)


def count_stuck() -> int:
    """The number of events that are no longer tried automatically: they need a person."""
    given_up = Q(state__in=[State.FAILED, State.UNVERIFIED], attempts__gte=MOST_ATTEMPTS)
    return WebhookEvent.objects.filter(given_up | Q(state=State.QUARANTINED)).count()


def apply_again(event_ids: Iterable[int]) -> dict[int, str]:
    """Apply events once more because a person asked for it, whatever their state; their states by id."""
    ids = list(event_ids)
    WebhookEvent.objects.filter(pk__in=ids).exclude(state=State.APPLIED).update(state=State.STORED)
    return apply_events(ids, trusted=True)


def _insert(callback: Callback, row: list[Any]) -> int | None:
    # Skip Django's query that checks the connection before each request: if it is broken, the statement
    # itself fails, and store_event() repeats it, which is harmless.
    connection.health_check_done = True  # type: ignore[attr-defined]
    with connection.cursor() as cursor:
        if callback.subject == ACCOUNT:
            cursor.execute(INSERT_FOR_ACCOUNT, row)
        else:
            insert = INSERT_FOR_BATCH if callback.subject == BATCH else INSERT_FOR_CALL
            cursor.execute(insert, [*row, callback.public_id])
        stored = cursor.fetchone()
    return stored[0] if stored else None


def _digest(callback: Callback, body: bytes, content_type: str) -> str:
    """Equal for repetitions of the same request: same address, body and content type.

    On the account's address the events of two people may be equal ("STOP", without a time), and ignoring one
    would mean an unwanted call, so there only an equal request within the same minute is a repetition.
    """
    once = f"{timezone.now():%Y-%m-%dT%H:%M}." if callback.subject == ACCOUNT else ""
    head = f"{callback.public_id}.{callback.purpose}.{once}{content_type}\n"
    return hashlib.sha256(head.encode() + body).hexdigest()
