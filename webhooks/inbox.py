"""The inbox: the endpoint stores events, a worker applies them (webhooks/applying.py).

Storing is committed before the body is read, so that a body we can't apply is never lost. How it went lately
is the heartbeat "door". That is written seldom, since it must not cost more than the events themselves: at
most once in a few seconds by each process. An endpoint that refuses some and stores others is failing
(heartbeats.record_stored_events).
"""

import hashlib
import logging
import time
from dataclasses import dataclass
from typing import Any

from django.db import DatabaseError, InterfaceError, OperationalError, connection, transaction

from contacts.database.patience import answer_within
from reminders.health import heartbeats
from reminders.health.rounds import name_error
from reminders.models import CallBatch, CallRecord
from reminders.traffic.callback_urls import ACCOUNT, BATCH, CALL, Callback
from webhooks.event_caps import ACCOUNT_CAP, BATCH_CAP, CALL_CAP, TooManyEvents
from webhooks.models import WebhookEvent
from webhooks.repetitions import SameBody, find_latest, is_repetition

log = logging.getLogger(__name__)

State = WebhookEvent.State

STORED_EVERY, CHANGED_EVERY = 30.0, 2.0  # seconds between two heartbeats; the second also after a refused one
WRITE_WITHIN = 1.0

# One statement, dated by the database's clock, so that storing costs one commit and no extra query. (The ORM
# has no INSERT ... SELECT.)
_INSERT = f"""
    INSERT INTO {WebhookEvent._meta.db_table}
        (call_id, batch_id, purpose, content_type, body, digest, occurrence, received_at, state, kind,
         attempts, error)
    SELECT {{call}}, {{batch}}, %s, %s, %s, %s, %s, clock_timestamp(), %s, '', 0, '' {{source}} {{cap}}
    ON CONFLICT (digest, occurrence) DO NOTHING RETURNING id
"""
_BY_PUBLIC_ID = "FROM {table} AS subject WHERE public_id = %s"
_NO_CALL, _NO_BATCH = "NULL::bigint", "NULL::bigint"
_CALL = _BY_PUBLIC_ID.format(table=CallRecord._meta.db_table)
_BATCH = _BY_PUBLIC_ID.format(table=CallBatch._meta.db_table)
INSERTS = {
    ACCOUNT: _INSERT.format(call=_NO_CALL, batch=_NO_BATCH, source="WHERE true", cap=f"AND {ACCOUNT_CAP}"),
    CALL: _INSERT.format(call="id", batch=_NO_BATCH, source=_CALL, cap=f"AND {CALL_CAP}"),
    BATCH: _INSERT.format(call=_NO_CALL, batch="id", source=_BATCH, cap=f"AND {BATCH_CAP}"),
}
ONCE, TWICE = 1, 2  # as many events as webhooks/event_caps.py allows

_written = {True: float("-inf"), False: float("-inf")}  # by whether it was stored; the monotonic clock


class UnknownSubject(ValueError):
    """A valid token for a call or batch that we don't have (any more)."""


@dataclass(frozen=True)
class _Request:
    """A request to the endpoint. `digest`: SHA-256 of its address, content type and body, hex."""

    callback: Callback
    content_type: str
    body: bytes
    digest: str
    caps: int


def store_event(callback: Callback, body: bytes, content_type: str, *, caps: int = ONCE) -> int | None:
    """Store a request, committed; its id, or None when it repeats one that needs no more applying.

    A request with the body of an earlier one may be a new event (webhooks/repetitions.py). Raises
    UnknownSubject, and TooManyEvents beyond the cap, or TWICE the cap.
    """
    content_type = content_type[:100].replace("\x00", "")
    head = f"{callback.public_id}.{callback.purpose}.{content_type}\n"
    digest = hashlib.sha256(head.encode() + body).hexdigest()
    request = _Request(callback, content_type, body, digest, caps)
    try:
        event_id = _insert(request, occurrence=0)
    except (OperationalError, InterfaceError):
        if connection.in_atomic_block:
            raise
        connection.close()  # the connection was opened before the database went away
        event_id = _insert(request, occurrence=0)
    return event_id or _store_same_body(request)


def _store_same_body(request: _Request) -> int | None:
    """The same for a request with the address and body of an earlier one, or for an unknown subject."""
    latest = find_latest(request.digest)
    if latest is None:
        if _is_known(request.callback):
            raise TooManyEvents("this address has stored as many events as it may")
        raise UnknownSubject("no such call or batch")
    if not _repeats(request, latest):
        with transaction.atomic(), connection.cursor() as cursor:
            # one request at a time, so that of two at the same moment the second repeats the first
            cursor.execute("SELECT pg_advisory_xact_lock(%s)", [int(request.digest[:15], 16)])
            latest = find_latest(request.digest) or latest
            if not _repeats(request, latest):
                event_id = _insert(request, occurrence=latest.occurrence + 1)
                if event_id is None:
                    raise TooManyEvents("this address has stored as many events as it may")
                return event_id
    if latest.state == State.FAILED:  # try it again at once, even after its last attempt
        WebhookEvent.objects.filter(pk=latest.pk, state=State.FAILED).update(state=State.STORED)
    return latest.pk if latest.is_unfinished else None


def _is_known(callback: Callback) -> bool:
    if callback.subject == ACCOUNT:
        return True
    model: type[CallBatch] | type[CallRecord] = CallBatch if callback.subject == BATCH else CallRecord
    return model.objects.filter(public_id=callback.public_id).exists()


def _repeats(request: _Request, latest: SameBody) -> bool:
    return is_repetition(latest, request.callback.purpose, request.body, request.content_type)


def _insert(request: _Request, *, occurrence: int) -> int | None:
    """Store it as a new event; its id, or None if that occurrence is stored, or its subject is unknown."""
    callback = request.callback
    row: list[Any] = [
        callback.purpose,
        request.content_type,
        request.body,
        request.digest,
        occurrence,
        State.STORED,
    ]
    # Skip Django's query that checks the connection before each request: if it is broken, the statement
    # itself fails, and store_event() repeats it, which is harmless.
    connection.health_check_done = True  # type: ignore[attr-defined]
    with connection.cursor() as cursor:
        about = [] if callback.subject == ACCOUNT else [callback.public_id]
        cursor.execute(INSERTS[callback.subject], [*row, *about, request.caps])
        stored = cursor.fetchone()
    return stored[0] if stored else None


def note_stored_event() -> None:
    """Events were stored. Never raises."""
    if _is_due(stored=True, every=STORED_EVERY):
        _write("")


def note_refused_event(error: BaseException) -> None:
    """An event could not be stored, so Robotalker was asked to post it again. Never raises."""
    if _is_due(stored=False, every=CHANGED_EVERY):
        _write(name_error(error))


def _is_due(*, stored: bool, every: float) -> bool:
    now = time.monotonic()
    if _written[not stored] > _written[stored]:
        every = CHANGED_EVERY
    if now - _written[stored] > every:
        _written[stored] = now
        return True
    return False


def _write(failure: str) -> None:
    try:
        with answer_within(WRITE_WITHIN):
            if failure:
                heartbeats.record_failure(heartbeats.DOOR, failure)
            else:
                heartbeats.record_stored_events()
    except (DatabaseError, InterfaceError) as error:
        log.warning("the state of the webhook endpoint could not be written: %s", name_error(error))
        if not connection.in_atomic_block:
            connection.close()
