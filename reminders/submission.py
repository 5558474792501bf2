"""Submitting: from a claimed reminder to a POST and what came of it.

Each function opens (commits `submitting`), posts outside any transaction, and records. Between the
commit and the first byte nothing else happens; a worker that slept in between posts nothing.
"""

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from uuid import UUID

from django.conf import settings

from contacts.models.people import Channel
from reminders.callbacks import key_urls, status_url
from reminders.calls import record_accepted, record_batch_accepted, record_failure
from reminders.models import CallBatch, CallRecord
from reminders.opening import open_calls
from reminders.robotalker.client import RobotalkerClient, RobotalkerSettings
from reminders.robotalker.errors import NeverLeft, Rejected, RobotalkerError
from reminders.robotalker.payloads import (
    CallPayload,
    CampaignPayload,
    Recipient,
    SmsPayload,
    build_call,
    build_campaign,
    build_sms,
)


class SleptTooLong(NeverLeft):
    """The worker was frozen between the commit and the POST: too late to begin it safely."""


def make_client() -> RobotalkerClient:
    """A client with a fresh session, for one thread and one batch."""
    return RobotalkerClient(
        RobotalkerSettings(
            base_url=settings.ROBOTALKER_BASE_URL,
            api_key=settings.ROBOTALKER_API_KEY,
            connect_timeout=settings.ROBOTALKER_CONNECT_TIMEOUT,
            read_timeout=settings.ROBOTALKER_READ_TIMEOUT,
            total_deadline=settings.ROBOTALKER_TOTAL_DEADLINE,
        )
    )


def submit_single(client: RobotalkerClient, reminder_id: int, claim: UUID) -> int:
    """Submit one claimed reminder as a call or text message of its own; the number of calls begun."""
    calls = open_calls([reminder_id], claim)
    opened_at = time.monotonic()
    for call in calls:
        try:
            with _building_ours():
                post = _prepare_single(client, call)
            _check_awake(opened_at)
            robotalker_id = post()
        except RobotalkerError as error:
            record_failure(call.pk, error)
        else:
            record_accepted(call.pk, robotalker_id)
    return len(calls)


def submit_batch(client: RobotalkerClient, reminder_ids: Sequence[int], claim: UUID) -> int:
    """Submit claimed reminders that share a script as one campaign; the number of calls begun."""
    batch = CallBatch.objects.create()
    calls = open_calls(reminder_ids, claim, batch)
    opened_at = time.monotonic()
    if not calls:
        batch.delete()
        return 0
    try:
        with _building_ours():
            payload = _build_campaign(batch, calls)
        _check_awake(opened_at)
        accepted = client.create_campaign(payload)
    except RobotalkerError as error:
        for call in calls:
            record_failure(call.pk, error)
    else:
        record_batch_accepted(batch, accepted.campaign_id)
    return len(calls)


def _check_awake(opened_at: float) -> None:
    if time.monotonic() - opened_at > settings.DISPATCH_LEASE - settings.ROBOTALKER_TOTAL_DEADLINE:
        raise SleptTooLong("the worker slept before it could send")


@contextmanager
def _building_ours() -> Iterator[None]:
    """A payload that can't be built is rejected by ourselves: nothing has left."""
    try:
        yield
    except ValueError as error:
        raise Rejected(status=0, reason=f"our own request was wrong: {error}") from error


def _prepare_single(client: RobotalkerClient, call: CallRecord) -> Callable[[], str]:
    """The POST, ready to go; called, it answers Robotalker's id. Raises ValueError when it can't be built."""
    if call.channel == Channel.SMS:
        text = _build_sms(call)
        return lambda: client.send_sms(text).sms_id
    voice = _build_call(call)
    return lambda: client.create_call(voice).call_id


def _build_call(call: CallRecord) -> CallPayload:
    script = call.script_text
    return build_call(
        to=call.number.e164,
        from_number=call.from_number,
        message=script.text,
        voice=script.voice,
        variables=call.variables,
        status_url=status_url(call),
        key_urls=key_urls(call),
    )


def _build_sms(call: CallRecord) -> SmsPayload:
    return build_sms(
        to=call.number.e164,
        from_number=call.from_number,
        message=call.script_text.text,
        variables=call.variables,
        status_url=status_url(call),
    )


def _build_campaign(batch: CallBatch, calls: Sequence[CallRecord]) -> CampaignPayload:
    script = calls[0].script_text
    return build_campaign(
        recipients=[Recipient(to=call.number.e164, variables=call.variables) for call in calls],
        from_number=calls[0].from_number,
        message=script.text,
        voice=script.voice,
        status_url=status_url(batch),
        key_urls=key_urls(batch),
    )
