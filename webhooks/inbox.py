"""The inbox: store what came in, then apply it, in two transactions.

Storing is committed before anything is understood, so that a body we can't apply is never lost. Applying
keeps its error and traceback on the row; a sweep tries again with growing pauses, and after the last try
a person may say "apply again" in the admin.
"""

import hashlib
import logging
import traceback
from collections.abc import Iterable
from datetime import datetime, timedelta

from django.db import IntegrityError, transaction
from django.db.models import Q
from django.utils import timezone

from contacts.privacy import redact
from reminders.callbacks import Callback, key_of
from reminders.models import CallBatch, CallRecord
from reminders.outcomes import fold_event
from reminders.robotalker.events import RobotalkerEvent, UnreadableEvent, parse_event
from webhooks.models import WebhookEvent

log = logging.getLogger(__name__)

State = WebhookEvent.State
MOST_ATTEMPTS = 8
FIRST_PAUSE = timedelta(seconds=15)
SWEEP_SIZE = 500
SETTLE_TIME = timedelta(seconds=10)  # the request itself applies first; the sweep takes what it left


class DoesNotFit(ValueError):
    """The event and the try its address belongs to contradict each other: kept, never applied."""


class UnknownSubject(ValueError):
    """A good token for a try we don't have (any more)."""


def store_event(callback: Callback, body: bytes, content_type: str) -> WebhookEvent | None:
    """Store a request; None when the very same one came before. Raises UnknownSubject."""
    subject = _find_subject(callback)
    digest = hashlib.sha256(f"{callback.public_id}.{callback.purpose}.".encode() + body).hexdigest()
    event = WebhookEvent(
        **subject,
        purpose=callback.purpose,
        content_type=content_type[:100],
        body=body,
        digest=digest,
        received_at=timezone.now(),
    )
    try:
        with transaction.atomic():
            event.save(force_insert=True)
    except IntegrityError:  # the digest is there: to be applied, if its first request hasn't got to it yet
        return WebhookEvent.objects.filter(digest=digest, state=State.STORED, attempts=0).first()
    return event


def apply_event(event_id: int) -> str:
    """Apply one stored event; its state after that. Never raises for what is in the event."""
    try:
        with transaction.atomic():
            free = WebhookEvent.objects.select_for_update(of=("self",), skip_locked=True, no_key=True)
            event = free.select_related("call__number").filter(pk=event_id).first()
            if event is None or event.state == State.APPLIED:
                return State.APPLIED
            _fold(event)
            event.state, event.applied_at, event.error = State.APPLIED, timezone.now(), ""
            event.attempts += 1
            event.save(update_fields=["state", "applied_at", "error", "attempts", "kind", "call"])
            return State.APPLIED
    except (DoesNotFit, UnreadableEvent) as error:
        return _keep(event_id, State.QUARANTINED, f"{type(error).__name__}: {error}")
    except Exception as error:  # noqa: BLE001 - whatever it is, it is kept with the event and tried again
        log.warning("event %s could not be applied: %s", event_id, type(error).__name__)
        return _keep(event_id, State.FAILED, redact(traceback.format_exc()))


def apply_stored(now: datetime | None = None) -> int:
    """The sweep: apply what the requests left over; the number of events applied."""
    now = now or timezone.now()
    left = WebhookEvent.objects.filter(
        Q(state=State.STORED, received_at__lt=now - SETTLE_TIME)
        | Q(state=State.FAILED, attempts__lt=MOST_ATTEMPTS, next_attempt_at__lte=now)
    ).order_by("received_at")
    ids = list(left.values_list("pk", flat=True)[:SWEEP_SIZE])
    return sum(apply_event(event_id) == State.APPLIED for event_id in ids)


def count_stuck() -> int:
    """Events that nobody tries to apply any more: they need a person."""
    given_up = Q(state=State.FAILED, attempts__gte=MOST_ATTEMPTS)
    return WebhookEvent.objects.filter(given_up | Q(state=State.QUARANTINED)).count()


def apply_again(event_ids: Iterable[int]) -> dict[int, str]:
    """A person's order: apply these once more, whatever became of them; their states by id."""
    ids = list(event_ids)
    WebhookEvent.objects.filter(pk__in=ids).exclude(state=State.APPLIED).update(state=State.STORED)
    return {event_id: apply_event(event_id) for event_id in ids}


def _find_subject(callback: Callback) -> dict[str, int]:
    model, name = (CallBatch, "batch_id") if callback.subject == "b" else (CallRecord, "call_id")
    found = model.objects.filter(public_id=callback.public_id).order_by().values_list("pk", flat=True)
    if not found:
        raise UnknownSubject("no such try")
    return {name: found[0]}


def _fold(event: WebhookEvent) -> None:
    parsed = parse_event(bytes(event.body), event.content_type)
    event.kind = str(parsed.kind)
    call = event.call or _find_member(event, parsed)
    _check_it_fits(call, parsed)
    event.call = call
    fold_event(call.pk, parsed, key_of_address=key_of(event.purpose), received_at=event.received_at)


def _find_member(event: WebhookEvent, parsed: RobotalkerEvent) -> CallRecord:
    """Which of a batch's calls it is about: each number is in a batch once."""
    members = CallRecord.objects.filter(batch=event.batch).select_related("number")
    found = members.filter(number__e164=parsed.to or "").first()
    if found is None and parsed.call_id:
        found = members.filter(robotalker_id=parsed.call_id).first()
    if found is None:
        raise DoesNotFit("it doesn't say which of the campaign's calls it is about")
    return found


def _check_it_fits(call: CallRecord, parsed: RobotalkerEvent) -> None:
    if parsed.to and parsed.to != call.number.e164:
        raise DoesNotFit("it names another number than the one that was called")
    named = parsed.call_id or parsed.sms_id
    if named and call.robotalker_id and named != call.robotalker_id:
        raise DoesNotFit("it names another call than the one its address belongs to")


def _keep(event_id: int, state: str, error: str) -> str:
    event = WebhookEvent.objects.get(pk=event_id)
    event.state, event.error = state, error
    event.attempts += 1
    event.next_attempt_at = timezone.now() + FIRST_PAUSE * 2 ** min(event.attempts, MOST_ATTEMPTS)
    event.save(update_fields=["state", "error", "attempts", "next_attempt_at"])
    return state
