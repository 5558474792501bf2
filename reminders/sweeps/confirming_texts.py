"""Sending the texts that confirm opt-outs by text: the only ones that go to a number that has opted out.

Each is sent once, within five minutes of the opt-out or not at all: later it would be a new message. It is
claimed by its row: `submitting` is committed before the POST, and only a request that certainly was not
accepted is made again. Calling hours and caps don't hold it, since it answers what the patient just wrote.
Its events go to the account's address, which accepts START and STOP.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from contacts.database.clock import read_database_clock
from contacts.models import ConsentEntry
from contacts.own_numbers import is_own_number
from reminders.deciding.sending_mode import read_mode
from reminders.lifecycle.locking import lock_numbers
from reminders.models import OptOutConfirmation
from reminders.results.optout_confirmations import OF_TEXTS
from reminders.robotalker.client import RobotalkerClient
from reminders.robotalker.errors import Meaning, RobotalkerError
from reminders.robotalker.payloads import SmsPayload, build_sms
from reminders.rules.modes import SendingMode
from reminders.rules.reasons import CallReason, ConfirmationReason
from reminders.traffic.background_requests import limit_to_permits, should_continue_after
from reminders.traffic.callback_urls import account_url
from reminders.traffic.client import make_client
from reminders.traffic.gate import count_success
from reminders.traffic.switch import read_pause_and_clock

State = OptOutConfirmation.State

SENT_WITHIN = timedelta(minutes=5)
AT_ONCE = 50  # in each round
# Robotalker certainly accepted nothing. An error 500 isn't among them: two texts would be worse than none.
MAY_BE_REPEATED = frozenset({Meaning.NOT_SENT, Meaning.RATE_LIMITED, Meaning.UNAUTHORIZED})


@dataclass(frozen=True)
class ConfirmationReport:
    """How many texts were accepted, and how many were dropped as too late."""

    sent: int = 0
    dropped: int = 0


def send_confirmations() -> ConfirmationReport:
    """One round: drop what is too late, and send what waits, the oldest first.

    Stops early when sending is paused, the gate closes, the rate is used up, or Robotalker fails.
    """
    _mark_lost()
    dropped = _drop_too_late()
    waiting = list(
        OptOutConfirmation.objects.filter(state=State.WAITING).order_by("pk").values_list("pk", flat=True)
    )
    sent = _send_all(waiting[:AT_ONCE]) if waiting else 0
    return ConfirmationReport(sent, dropped)


def _mark_lost() -> None:
    """Mark those `unknown` whose worker was lost while sending: they may have been sent."""
    longest = timedelta(seconds=settings.DISPATCH_LEASE)
    lost = OptOutConfirmation.objects.filter(state=State.SUBMITTING, submitting_at__lt=Now() - longest)
    lost.update(state=State.UNKNOWN, reason=CallReason.SENDER_LOST)


def _drop_too_late() -> int:
    """Drop those that are too late; also those of an opt-out ahead of now, since the clock was set back."""
    waiting = OptOutConfirmation.objects.filter(state=State.WAITING)
    too_late = waiting.filter(Q(entry__at__lt=Now() - SENT_WITHIN) | Q(entry__at__gt=Now()))
    return too_late.update(state=State.DROPPED, reason=ConfirmationReason.CONFIRMED_TOO_LATE)


def _send_all(ids: Sequence[int]) -> int:
    sent = 0
    with make_client() as client:
        for pk in limit_to_permits(ids):
            payload = _open(pk)
            if payload is None:
                continue
            asked_at = read_database_clock()
            try:
                sent += _post(client, pk, payload)
            except RobotalkerError as error:
                _record_error(pk, error)
                if not should_continue_after(error, asked_at):
                    break
    return sent


@transaction.atomic
def _open(pk: int) -> SmsPayload | None:
    """Look at it for the last time, and mark it `submitting`; the request to make after the commit, or None.

    The number is locked first: an opt-in either is seen here, or comes after the text.
    """
    lock_numbers(OptOutConfirmation.objects.filter(pk=pk).values_list("entry__number", flat=True))
    rows = OptOutConfirmation.objects.select_related("entry__number").select_for_update(
        of=("self",), skip_locked=True
    )
    confirmation = rows.filter(pk=pk, state=State.WAITING).first()
    paused, now = read_pause_and_clock()
    if confirmation is None or paused:
        return None
    number = confirmation.entry.number
    payload, reason = None, _find_objection(confirmation, now - confirmation.entry.at)
    if not reason:
        try:
            payload = build_sms(
                to=number.e164,
                from_number=confirmation.from_number,
                message=confirmation.text,
                variables={},
                status_url=account_url(),
            )
        except ValueError:
            reason = CallReason.NOT_WRITABLE
    confirmation.state = State.SUBMITTING if payload else State.DROPPED
    confirmation.reason, confirmation.detail = reason, ""
    confirmation.submitting_at = now if payload else confirmation.submitting_at
    confirmation.save(update_fields=["state", "reason", "detail", "submitting_at"])
    return payload


def _find_objection(confirmation: OptOutConfirmation, age: timedelta) -> str:
    """Why it must not be sent any more, or ""."""
    entry, number = confirmation.entry, confirmation.entry.number
    if not timedelta(0) <= age <= SENT_WITHIN:
        return ConfirmationReason.CONFIRMED_TOO_LATE
    if not settings.OPT_OUT_CONFIRMATION:
        return ConfirmationReason.CONFIRMATIONS_OFF
    since = number.consent_entries.filter(what=ConsentEntry.What.OPT_IN, scope__in=OF_TEXTS, pk__gt=entry.pk)
    if number.sms_opted_out_at is None or since.exists():
        return ConfirmationReason.OPTED_IN_SINCE
    if number.kind_fault or is_own_number(number.e164):
        return ConfirmationReason.NEVER_TEXTED
    if number.verified_at is None and read_mode() == SendingMode.TRIAL:
        return ConfirmationReason.NOT_ON_TRIAL
    return ""


def _post(client: RobotalkerClient, pk: int, payload: SmsPayload) -> bool:
    """Make the request for an opened row; whether it was accepted. Raises RobotalkerError.

    If this process slept since the row was opened, another worker may have marked it `unknown`: then nothing
    is sent.
    """
    soon = timedelta(seconds=settings.DISPATCH_LEASE - settings.ROBOTALKER_TOTAL_DEADLINE)
    opened = OptOutConfirmation.objects.filter(pk=pk, state=State.SUBMITTING)
    if not opened.filter(submitting_at__gt=Now() - soon).exists():
        opened.update(state=State.DROPPED, reason=CallReason.SLEPT_TOO_LONG)
        return False
    accepted = client.send_sms(payload)
    # also if it took longer than the lease, and was marked `unknown` meanwhile
    sent = OptOutConfirmation.objects.filter(pk=pk, state__in=[State.SUBMITTING, State.UNKNOWN])
    sent.update(
        state=State.SUBMITTED, reason="", detail="", robotalker_id=accepted.sms_id, submitted_at=Now()
    )
    count_success(of_call=False)
    return True


def _record_error(pk: int, error: RobotalkerError) -> None:
    """What a failed request means for the text: it waits for another try, is dropped, or nobody knows."""
    if error.meaning in MAY_BE_REPEATED:
        state = State.WAITING
    elif error.meaning == Meaning.REJECTED:
        state = State.DROPPED
    else:
        state = State.UNKNOWN
    OptOutConfirmation.objects.filter(pk=pk, state=State.SUBMITTING).update(
        state=state, reason=error.code, detail=error.detail[:200]
    )
