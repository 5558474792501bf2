"""Asking Robotalker whether a key was really pressed, before it counts (ROBOTALKER_VERIFY_EVENTS).

Events have no signature: anybody who learns a callback address could answer for the patient. With this
setting keys 1 and 2 only count once GET /calls/{id} reports them too; an event that it contradicts is
quarantined. Opt-outs always count at once.
"""

import time
from datetime import datetime
from enum import Enum

from django.conf import settings

from contacts.database.clock import read_database_clock
from contacts.numbers import is_same_number
from reminders.results.outcomes import names_nobody
from reminders.robotalker.client import RobotalkerClient
from reminders.robotalker.errors import Refused, RobotalkerError
from reminders.robotalker.events import EventKind, RobotalkerEvent
from reminders.robotalker.responses import CallStatus
from reminders.traffic.background_requests import should_continue_after, take_request_permit
from reminders.traffic.callback_urls import key_of
from reminders.traffic.client import make_client
from reminders.traffic.gate import count_success
from webhooks.address_checks import read_consequential_keys, read_event, read_for_optout
from webhooks.applying import MOST_ATTEMPTS, State, apply_event, is_due, set_aside
from webhooks.kept_back import put_on_worklist
from webhooks.models import WebhookEvent

MOST_ASKED = 20  # events per round; the guide discourages polling
ROUND_SECONDS = 10.0  # so that slow responses don't make rounds overlap
ENDED = {"answered", "completed", "no_answer", "voicemail", "busy", "failed"}


class VerificationResult(Enum):
    """Whether Robotalker's call status agrees with the keys in an event."""

    AGREES = "agrees"
    CONTRADICTS = "contradicts"
    OPEN = "open"


def verify_events(now: datetime | None = None) -> int:
    """One round of asking about events that must be verified; the number that Robotalker confirmed.

    Stops early when sending is paused, the gate closes, the rate limit is reached, or Robotalker has trouble.
    """
    waiting = WebhookEvent.objects.filter(
        is_due(now or read_database_clock()), state=State.UNVERIFIED, attempts__lt=MOST_ATTEMPTS
    ).select_related("call__number")
    events = list(waiting.order_by("next_attempt_at")[:MOST_ASKED])
    if not events:
        return 0
    ends_at, confirmed = time.monotonic() + ROUND_SECONDS, 0
    with make_client() as client:
        for event in events:
            if time.monotonic() > ends_at or not take_request_permit():
                break
            asked_at = read_database_clock()
            try:
                confirmed += _verify(client, event)
            except RobotalkerError as error:
                set_aside(event.pk, State.UNVERIFIED, f"Robotalker could not be asked: {error}")
                _tell_staff_if_given_up(event)
                if not should_continue_after(error, asked_at):
                    break
            else:
                _tell_staff_if_given_up(event)
    return confirmed


def compare_with_status(call_status: CallStatus, e164: str, keys: set[str]) -> VerificationResult:
    """Compare the keys of an event (1 and 2 only) with Robotalker's status of the call. Pure."""
    if call_status.to and not is_same_number(call_status.to, e164, settings.PHONE_REGION):
        return VerificationResult.CONTRADICTS
    kind, status, amd_result = EventKind.CALL_COMPLETED, call_status.status, call_status.amd_result
    if names_nobody(RobotalkerEvent(kind, status=status, amd_result=amd_result)):
        return VerificationResult.CONTRADICTS
    if keys <= set(call_status.keys):
        return VerificationResult.AGREES
    return (
        VerificationResult.CONTRADICTS
        if call_status.status.lower().replace("-", "_") in ENDED
        else VerificationResult.OPEN
    )


def _verify(client: RobotalkerClient, event: WebhookEvent) -> bool:
    call = event.call
    assert call is not None  # noqa: S101 - only an event whose call is known is held back
    parsed = read_event(event.purpose, bytes(event.body), event.content_type)
    robotalker_id = call.robotalker_id or parsed.call_id
    if not robotalker_id:
        set_aside(
            event.pk, State.UNVERIFIED, "Robotalker can't be asked: its id for the call isn't known yet"
        )
        return False
    keys = read_consequential_keys(parsed, key_of(event.purpose))
    match _ask(client, robotalker_id, call.number.e164, keys):
        case VerificationResult.AGREES:
            return apply_event(event.pk, trusted=True) == State.APPLIED
        case VerificationResult.CONTRADICTS:
            set_aside(event.pk, State.QUARANTINED, "Robotalker's status of the call doesn't have this key")
            put_on_worklist(event, call, parsed)
        case VerificationResult.OPEN:
            set_aside(event.pk, State.UNVERIFIED, "Robotalker's status of the call doesn't have this key yet")
    return False


def _tell_staff_if_given_up(event: WebhookEvent) -> None:
    """Put an event that Robotalker isn't asked about any more on the worklist."""
    event.refresh_from_db(fields=["state", "attempts"])
    if event.state == State.UNVERIFIED and event.attempts >= MOST_ATTEMPTS:
        put_on_worklist(event, event.call, read_for_optout(bytes(event.body)))


def _ask(client: RobotalkerClient, robotalker_id: str, e164: str, keys: set[str]) -> VerificationResult:
    try:
        call_status = client.get_call(robotalker_id)
    except Refused as refused:
        if refused.status != 404:
            raise
        return VerificationResult.CONTRADICTS  # Robotalker doesn't know this call
    count_success(of_call=False)
    return compare_with_status(call_status, e164, keys)
