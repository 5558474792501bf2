"""Sending texts that are each written once for one number, soon or not at all; such as a text by staff.

A row is claimed by its state: `submitting` is committed before the POST, and only a request that certainly
was not accepted is made again. Its events go to the account's address.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import Model, Q
from django.db.models.functions import Now

from contacts.database.clock import read_database_clock
from reminders.lifecycle.locking import lock_numbers
from reminders.models import StaffText
from reminders.robotalker.client import RobotalkerClient
from reminders.robotalker.errors import Meaning, RobotalkerError
from reminders.robotalker.payloads import SmsPayload, build_sms
from reminders.rules.reasons import CallReason
from reminders.traffic.background_requests import limit_to_permits, should_continue_after
from reminders.traffic.callback_urls import account_url
from reminders.traffic.client import make_client
from reminders.traffic.gate import count_success, read_pause_and_clock

State = StaffText.State  # those of every such table
SENT_WITHIN = timedelta(minutes=5)
AT_ONCE = 50  # in each round
# Robotalker certainly accepted nothing. An error 500 isn't among them: two texts would be worse than none.
MAY_BE_REPEATED = frozenset({Meaning.NOT_SENT, Meaning.RATE_LIMITED, Meaning.UNAUTHORIZED})


@dataclass(frozen=True)
class SingleTexts:
    """A table of such texts.

    Its rows have `state`, `reason`, `detail`, `from_number`, `text`, `robotalker_id`, `submitting_at` and
    `submitted_at`. `number`, `dated`: lookups from a row to its number, and to the moment that it answers.
    `read_with`: what find_objection(row, now) reads, the number first; it returns a code, or "". `too_late`:
    the code of what waited too long.
    """

    model: type[Model]
    number: str
    dated: str
    read_with: tuple[str, ...]
    find_objection: Callable[[Any, datetime], str]
    too_late: str

    @property
    def rows(self) -> Any:
        return self.model._default_manager


@dataclass(frozen=True)
class TextsReport:
    """How many texts were accepted, and how many were dropped as too late."""

    sent: int = 0
    dropped: int = 0


def send_single_texts(texts: SingleTexts) -> TextsReport:
    """One round: drop what is too late, and send what waits, the oldest first.

    Stops early when sending is paused, the gate closes, the rate is used up, or Robotalker fails.
    """
    _mark_lost(texts)
    dropped = _drop_too_late(texts)
    waiting = list(
        texts.rows.filter(state=State.WAITING).order_by("pk").values_list("pk", flat=True)[:AT_ONCE]
    )
    return TextsReport(_send_all(texts, waiting) if waiting else 0, dropped)


def _mark_lost(texts: SingleTexts) -> None:
    """Mark those `unknown` whose worker was lost while sending: they may have been sent."""
    longest = timedelta(seconds=settings.DISPATCH_LEASE)
    lost = texts.rows.filter(state=State.SUBMITTING, submitting_at__lt=Now() - longest)
    lost.update(state=State.UNKNOWN, reason=CallReason.SENDER_LOST)


def _drop_too_late(texts: SingleTexts) -> int:
    """Drop those that are too late; also those dated ahead of now, since the clock was set back."""
    age = Q(**{f"{texts.dated}__lt": Now() - SENT_WITHIN}) | Q(**{f"{texts.dated}__gt": Now()})
    dropped: int = texts.rows.filter(age, state=State.WAITING).update(
        state=State.DROPPED, reason=texts.too_late
    )
    return dropped


def _send_all(texts: SingleTexts, ids: Sequence[int]) -> int:
    sent = 0
    with make_client() as client:
        for pk in limit_to_permits(ids):
            payload = _open(texts, pk)
            if payload is None:
                continue
            asked_at = read_database_clock()
            try:
                sent += _post(texts, client, pk, payload)
            except RobotalkerError as error:
                _record_error(texts, pk, error)
                if not should_continue_after(error, asked_at):
                    break
    return sent


@transaction.atomic
def _open(texts: SingleTexts, pk: int) -> SmsPayload | None:
    """Look at it for the last time, and mark it `submitting`; the request to make after the commit, or None.

    The number is locked first: an opt-out either is seen here, or comes after the text.
    """
    lock_numbers(texts.rows.filter(pk=pk).values_list(texts.number, flat=True))
    rows = texts.rows.select_related(*texts.read_with).select_for_update(of=("self",), skip_locked=True)
    row = rows.filter(pk=pk, state=State.WAITING).first()
    paused, now = read_pause_and_clock()
    if row is None or paused:
        return None
    payload, reason = None, texts.find_objection(row, now)
    if not reason:
        try:
            payload = build_sms(
                to=attrgetter(f"{texts.number}__e164".replace("__", "."))(row),
                from_number=row.from_number,
                message=row.text,
                variables={},
                status_url=account_url(),
            )
        except ValueError:
            reason = CallReason.NOT_WRITABLE
    row.state = State.SUBMITTING if payload else State.DROPPED
    row.reason, row.detail = reason, ""
    row.submitting_at = now if payload else row.submitting_at
    row.save(update_fields=["state", "reason", "detail", "submitting_at"])
    return payload


def _post(texts: SingleTexts, client: RobotalkerClient, pk: int, payload: SmsPayload) -> bool:
    """Make the request for an opened row; whether it was accepted. Raises RobotalkerError.

    If this process slept since the row was opened, another worker may have marked it `unknown`: then nothing
    is sent.
    """
    soon = timedelta(seconds=settings.DISPATCH_LEASE - settings.ROBOTALKER_TOTAL_DEADLINE)
    opened = texts.rows.filter(pk=pk, state=State.SUBMITTING)
    if not opened.filter(submitting_at__gt=Now() - soon).exists():
        opened.update(state=State.DROPPED, reason=CallReason.SLEPT_TOO_LONG)
        return False
    accepted = client.send_sms(payload)
    # also if it took longer than the lease, and was marked `unknown` meanwhile
    sent = texts.rows.filter(pk=pk, state__in=[State.SUBMITTING, State.UNKNOWN])
    sent.update(
        state=State.SUBMITTED, reason="", detail="", robotalker_id=accepted.sms_id, submitted_at=Now()
    )
    count_success(of_call=False)
    return True


def _record_error(texts: SingleTexts, pk: int, error: RobotalkerError) -> None:
    """What a failed request means for the text: it waits for another try, is dropped, or nobody knows."""
    if error.meaning in MAY_BE_REPEATED:
        state = State.WAITING
    elif error.meaning == Meaning.REJECTED:
        state = State.DROPPED
    else:
        state = State.UNKNOWN
    texts.rows.filter(pk=pk, state=State.SUBMITTING).update(
        state=state, reason=error.code, detail=error.detail[:200]
    )
