"""Sending outgoing events to the endpoints that want them: at least once, and in order while nothing fails.

1. distribute_events(): each new event becomes a delivery for each endpoint that wants it.
2. claim_endpoint(): one process at a time serves an endpoint, by a lease and a random token (SKIP LOCKED).
3. begin_attempt(): the oldest event that is due is counted as tried, and its next try is set, **commit**.
4. send_attempt(): one POST, outside any transaction, with a deadline shorter than the lease.
5. record_attempt(): what came of it.

A process that is killed between 3 and 5 leaves an attempt without a result; the event is sent again at the
time that was set, with the same id. The lease is renewed with each attempt, and nothing is sent when too
little of it is left, so no two processes send to one endpoint at the same moment. An event that fails doesn't
hold up those after it, but an endpoint that fails several times in a row rests, so that most of its events
still come in order once it is back. All moments are by the database's clock; a time that lies too far ahead
was written before the clock was set back, and counts as past (product rule 28).
"""

import logging
import random
import time
import uuid
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q
from django.db.models.functions import Now
from requests.structures import CaseInsensitiveDict

from contacts.database.clock import read_database_clock
from contacts.public_requests import (
    DEADLINE,
    PublicAnswer,
    PublicRequestError,
    RequestFault,
    ask_public_server,
)
from reminders.robotalker.status_codes import read_retry_after
from reminders.traffic.shutdown import is_stopping
from webhooks.outgoing.facts import read_facts
from webhooks.outgoing.models import (
    DeliveryAttempt,
    OutgoingDelivery,
    OutgoingEndpoint,
    OutgoingEvent,
)
from webhooks.outgoing.payloads import write_body
from webhooks.outgoing.schedule import (
    GONE,
    LONGEST_REST,
    LONGEST_RETRY_AFTER,
    OFF_AFTER,
    SCHEDULE,
    find_next_wait,
    find_rest,
    limit_asked_wait,
)
from webhooks.outgoing.signing import sign_request

log = logging.getLogger(__name__)

State = OutgoingDelivery.State
LEASE = timedelta(seconds=60)
ROUND_SECONDS = 15.0  # then no new attempt begins: the next tick goes on
MOST_IN_A_TURN = 20  # attempts for one endpoint before another gets its turn
MOST_ENDPOINTS_AT_ONCE = (
    2  # over all processes, so that slow receivers leave workers for what else must go out
)
DISTRIBUTED_AT_ONCE = 500
MOST_BYTES_OF_ANSWER = 16 * 1024
KEPT_OF_ANSWER = 500  # characters
USER_AGENT = "Callboard (Standard Webhooks)"


@dataclass(frozen=True)
class EndpointClaim:
    """An endpoint that this process serves, as long as the token is in its row."""

    endpoint_id: int
    token: uuid.UUID


@dataclass(frozen=True)
class BegunAttempt:
    """One attempt that is counted already. `latest`: by the monotonic clock, nothing is sent after it."""

    attempt_id: int
    delivery: OutgoingDelivery
    endpoint: OutgoingEndpoint
    latest: float


@dataclass(frozen=True)
class AttemptResult:
    """`status` is HTTP's, None if none came; `fault` a code of RequestFault or ""; `answer` how it begins.

    `retry_after`: how long the receiver asks to wait, in seconds, if it does.
    """

    status: int | None = None
    fault: str = ""
    answer: str = ""
    retry_after: float | None = None
    milliseconds: int = 0

    @property
    def is_good(self) -> bool:
        return self.status is not None and 200 <= self.status < 300


def deliver_due() -> int:
    """One round: hand out new events, and send what is due, for some seconds. The number of attempts made."""
    while distribute_events():
        pass
    ends_at, made = time.monotonic() + ROUND_SECONDS, 0
    while time.monotonic() < ends_at and not is_stopping() and (claim := claim_endpoint()):
        try:
            made += _serve(claim, ends_at)
        finally:
            release_endpoint(claim)
    return made


@transaction.atomic
def distribute_events() -> int:
    """Make a delivery of each new event for each endpoint that wants it; the number of events handed out.

    Two processes at once take different events. An endpoint that was switched off by a person gets none; one
    that is off since it kept failing gets them, for when it is on again.
    """
    new = OutgoingEvent.objects.filter(distributed_at=None).order_by("pk")
    events = list(new.select_for_update(skip_locked=True)[:DISTRIBUTED_AT_ONCE])
    if not events:
        return 0
    endpoints = list(OutgoingEndpoint.objects.exclude(state=OutgoingEndpoint.State.OFF))
    OutgoingDelivery.objects.bulk_create(
        [
            OutgoingDelivery(endpoint=endpoint, event=event)
            for event in events
            for endpoint in endpoints
            if event.type in endpoint.types and event.recorded_at >= endpoint.since
        ],
        ignore_conflicts=True,
    )
    OutgoingEvent.objects.filter(pk__in=[event.pk for event in events]).update(distributed_at=Now())
    return len(events)


@transaction.atomic
def claim_endpoint() -> EndpointClaim | None:
    """Take the endpoint that has waited longest for its turn and has something due; None if there is none."""
    is_leased = Q(lease_until__gt=Now(), lease_until__lte=Now() + LEASE)
    if OutgoingEndpoint.objects.filter(is_leased).count() >= MOST_ENDPOINTS_AT_ONCE:
        return None
    due = OutgoingDelivery.objects.filter(find_sendable(), endpoint=OuterRef("pk"))
    free = OutgoingEndpoint.objects.filter(~_rests(), Exists(due), state=OutgoingEndpoint.State.ON).exclude(
        is_leased
    )
    waiting = free.order_by(F("served_at").asc(nulls_first=True), "pk")
    endpoint = waiting.select_for_update(skip_locked=True).first()
    if endpoint is None:
        return None
    token = uuid.uuid4()
    OutgoingEndpoint.objects.filter(pk=endpoint.pk).update(
        lease_token=token, lease_until=Now() + LEASE, served_at=Now()
    )
    return EndpointClaim(endpoint.pk, token)


def release_endpoint(claim: EndpointClaim) -> None:
    """Let another process serve it, unless another does already."""
    OutgoingEndpoint.objects.filter(pk=claim.endpoint_id, lease_token=claim.token).update(
        lease_token=None, lease_until=None
    )


def find_sendable() -> Q:
    """Deliveries that may be sent now."""
    longest = max(*SCHEDULE, LONGEST_RETRY_AFTER) * 2
    moment = Q(next_attempt_at__lte=Now()) | Q(next_attempt_at__gt=Now() + longest)
    return moment & Q(state=State.WAITING)


@transaction.atomic
def begin_attempt(claim: EndpointClaim) -> BegunAttempt | None:
    """Count an attempt of the oldest event that is due, before it is made, and renew the lease.

    None if nothing is due, or the endpoint rests, was switched off, or isn't ours any more.
    """
    ours = OutgoingEndpoint.objects.filter(
        ~_rests(), pk=claim.endpoint_id, lease_token=claim.token, state=OutgoingEndpoint.State.ON
    )
    endpoint = ours.select_for_update(no_key=True).first()
    if endpoint is None:
        return None
    due = OutgoingDelivery.objects.filter(find_sendable(), endpoint=endpoint).order_by("event_id")
    delivery = due.select_related("event").select_for_update(of=["self"]).first()
    if delivery is None:
        return None
    begun = time.monotonic()
    ours.update(lease_until=Now() + LEASE)
    delivery.attempts += 1
    wait = find_next_wait(delivery.attempts, random.random()) or LEASE  # noqa: S311 - no secret
    OutgoingDelivery.objects.filter(pk=delivery.pk).update(
        attempts=delivery.attempts, next_attempt_at=Now() + wait
    )
    attempt = DeliveryAttempt.objects.create(delivery=delivery)
    return BegunAttempt(attempt.pk, delivery, endpoint, begun + LEASE.total_seconds() - 2 * DEADLINE)


def send_attempt(begun: BegunAttempt) -> AttemptResult | None:
    """Send it, outside any transaction. None if nothing was sent, since its row has been deleted."""
    event, endpoint = begun.delivery.event, begun.endpoint
    facts = read_facts([event]).get(event.pk)
    if facts is None:
        return None
    body = write_body(facts, with_number=endpoint.with_number)
    in_use = [secret for secret in (endpoint.secret, endpoint.old_secret) if secret]
    signed = sign_request(in_use, f"msg_{event.public_id.hex}", read_database_clock(), body)
    headers = {"Content-Type": "application/json", "User-Agent": USER_AGENT} | signed
    started = time.monotonic()
    if started > begun.latest:  # this process was suspended: another one may serve the endpoint by now
        return AttemptResult(fault=RequestFault.TOO_SLOW)
    try:
        answer = ask_public_server(
            "POST", endpoint.url, headers=headers, body=body.encode(), most_bytes=MOST_BYTES_OF_ANSWER
        )
    except PublicRequestError as error:
        return AttemptResult(fault=error.fault, milliseconds=_count_milliseconds(started))
    return AttemptResult(
        status=answer.status,
        answer=read_beginning(answer),
        retry_after=read_retry_after(CaseInsensitiveDict(answer.headers)),
        milliseconds=_count_milliseconds(started),
    )


def read_beginning(answer: PublicAnswer) -> str:
    """How an answer begins, as text that the database can store."""
    return answer.body.decode("utf-8", errors="replace").replace("\x00", "\ufffd")[:KEPT_OF_ANSWER]


@transaction.atomic
def record_attempt(begun: BegunAttempt, result: AttemptResult | None, *, now: datetime | None = None) -> None:
    """Write down what came of an attempt, and what follows for the event and for the endpoint."""
    delivery = OutgoingDelivery.objects.filter(pk=begun.delivery.pk)
    if result is None:
        delivery.update(state=State.GONE)
        DeliveryAttempt.objects.filter(pk=begun.attempt_id).delete()
        return
    DeliveryAttempt.objects.filter(pk=begun.attempt_id).update(
        milliseconds=result.milliseconds, status=result.status, fault=result.fault, answer=result.answer
    )
    endpoint = OutgoingEndpoint.objects.select_for_update(no_key=True).get(pk=begun.endpoint.pk)
    if result.is_good:
        delivery.update(state=State.DELIVERED, delivered_at=Now())
        endpoint.failures, endpoint.failing_since, endpoint.paused_until = 0, None, None
    else:
        _record_failure(begun, endpoint, result, now or read_database_clock())
    endpoint.save(update_fields=["failures", "failing_since", "paused_until", "state"])


def _record_failure(
    begun: BegunAttempt, endpoint: OutgoingEndpoint, result: AttemptResult, now: datetime
) -> None:
    """Set when it is sent again, and whether the endpoint rests or is switched off. Saves no endpoint."""
    # an event that was put on the list anew meanwhile starts from the beginning
    delivery = OutgoingDelivery.objects.filter(pk=begun.delivery.pk, attempts=begun.delivery.attempts)
    asked = limit_asked_wait(result.status, result.retry_after)
    if find_next_wait(begun.delivery.attempts, 0) is None:
        delivery.update(state=State.GIVEN_UP)
    elif asked:
        delivery.filter(next_attempt_at__lt=now + asked).update(next_attempt_at=now + asked)
    endpoint.failures += 1
    endpoint.failing_since = min(endpoint.failing_since or now, now)
    rest = max(filter(None, [find_rest(endpoint.failures), asked]), default=None)
    endpoint.paused_until = now + rest if rest else None
    gave_up_on = result.status == GONE or now - endpoint.failing_since >= OFF_AFTER
    if gave_up_on and endpoint.state == OutgoingEndpoint.State.ON:
        endpoint.state = OutgoingEndpoint.State.FAILED
        log.error("the outgoing endpoint %s is switched off: it kept failing", endpoint.pk)


def _serve(claim: EndpointClaim, ends_at: float) -> int:
    """Make attempts for one endpoint until its turn is over; how many."""
    for made in range(MOST_IN_A_TURN):
        if time.monotonic() >= ends_at or is_stopping() or not (begun := begin_attempt(claim)):
            return made
        record_attempt(begun, send_attempt(begun))
    return MOST_IN_A_TURN


def _rests() -> Q:
    """Endpoints that are left alone for a while; a time too far ahead counts as past."""
    longest = max(LONGEST_REST, LONGEST_RETRY_AFTER)
    return Q(paused_until__gt=Now(), paused_until__lte=Now() + longest * 2)


def _count_milliseconds(started: float) -> int:
    return round((time.monotonic() - started) * 1000)
