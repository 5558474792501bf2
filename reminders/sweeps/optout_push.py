"""Sending our opt-outs and opt-ins to Robotalker's list of contacts, by POST /contacts, once a minute.

A number is sent when what Robotalker has of it differs from our opt-outs, and only the channel that differs
is sent, so that an opt-out that only Robotalker has is not deleted. The answer gives both channels: an
opt-out that we don't have is recorded here, and so is one that Robotalker keeps after we sent an opt-in.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce, Now

from contacts.database.clock import read_database_clock
from contacts.models import ConsentEntry, PhoneNumber
from contacts.models.people import Channel
from contacts.numbers import is_same_number
from contacts.optouts import record_optout, scope_of_optout
from contacts.own_numbers import read_own_numbers
from reminders.models import ListedNumber
from reminders.robotalker.client import RobotalkerClient
from reminders.robotalker.errors import RobotalkerError
from reminders.robotalker.payloads import build_contact
from reminders.robotalker.responses import ContactStatus
from reminders.rules.backoff import doubled
from reminders.rules.reasons import ListReason
from reminders.sweeps.optout_differences import (
    EVIDENCE,
    FLAGS,
    find_unsent_changes,
    read_unsent_opt_ins,
    select_unsent_opt_ins,
)
from reminders.traffic.background_requests import limit_to_permits, should_continue_after
from reminders.traffic.client import make_client
from reminders.traffic.gate import count_success

PUSH_AT_ONCE = 100  # numbers in each round of a minute
RESERVED_FOR = timedelta(minutes=2)  # longer than a request: no other worker sends the number meanwhile
BACKOFF_BASE, BACKOFF_CAP = timedelta(minutes=2), timedelta(hours=12)


@dataclass(frozen=True)
class PushReport:
    """Numbers that were sent to Robotalker, and numbers that could not be sent this time."""

    sent: int = 0
    failed: int = 0


def push_contacts() -> PushReport:
    """One round: send Robotalker up to PUSH_AT_ONCE numbers, the longest-waiting first.

    Stops early when sending is paused, the gate closes, the rate is used up, or Robotalker fails.
    """
    numbers = list(_select_due()[:PUSH_AT_ONCE])
    sent = failed = 0
    if not numbers:
        return PushReport()
    ListedNumber.objects.bulk_create([ListedNumber(number_id=pk) for pk in numbers], ignore_conflicts=True)
    with make_client() as client:
        for number_id in limit_to_permits(numbers):
            if not _reserve(number_id):
                continue
            asked_at = read_database_clock()
            try:
                sent += _send(client, number_id, asked_at)
            except ValueError:
                failed += 1
                _record_failure(number_id, ListReason.NOT_A_NUMBER)
            except RobotalkerError as error:
                failed += 1
                _record_failure(number_id, error.code, error.detail)
                if not should_continue_after(error, asked_at):
                    break
    return PushReport(sent, failed)


def _select_due() -> "QuerySet[PhoneNumber, int]":
    """The ids of numbers that are to be sent to Robotalker now."""
    numbers = PhoneNumber.objects.alias(  # a number without a row has never been sent
        listed_voice=Coalesce("listed__calls_opted_out", False),
        listed_sms=Coalesce("listed__texts_opted_out", False),
    )
    no_calls, no_texts = Q(voice_opted_out_at__isnull=False), Q(sms_opted_out_at__isnull=False)
    differs = (
        (no_calls & Q(listed_voice=False))
        | (~no_calls & Q(listed_voice=True))
        | (no_texts & Q(listed_sms=False))
        | (~no_texts & Q(listed_sms=True))
    )
    return (
        numbers.filter(erased_at=None)
        .filter(differs | Q(pk__in=select_unsent_opt_ins().values("number")))
        .exclude(listed__next_attempt_at__gt=Now())
        .exclude(e164__in=read_own_numbers())
        .order_by(F("listed__next_attempt_at").asc(nulls_first=True), "pk")
        .values_list("pk", flat=True)
    )


def _reserve(number_id: int) -> bool:
    """Keep other workers from sending this number for a while; False when one of them has reserved it."""
    free = ListedNumber.objects.filter(number=number_id).exclude(next_attempt_at__gt=Now())
    return bool(free.update(next_attempt_at=Now() + RESERVED_FOR))


def _send(client: RobotalkerClient, number_id: int, asked_at: datetime) -> bool:
    """Send a reserved number; False when it no longer differs. Raises ValueError when it is no number."""
    number = PhoneNumber.objects.select_related("listed").get(pk=number_id)
    opted_in = read_unsent_opt_ins([number_id])[number_id]
    differences = find_unsent_changes(number, number.listed, opted_in)
    if not differences:
        in_step = {"told_at": asked_at, "next_attempt_at": None, "failures": 0, "error": "", "detail": ""}
        ListedNumber.objects.filter(number=number_id).update(**in_step)
        return False
    payload = build_contact(
        to=number.e164,
        voice_opted_out=differences.get(Channel.VOICE),
        sms_opted_out=differences.get(Channel.SMS),
    )
    answer = client.create_contact(payload)
    count_success(of_call=False)
    _record_answer(number, differences, answer, asked_at)
    return True


@transaction.atomic
def _record_answer(
    number: PhoneNumber, sent: Mapping[Channel, bool], answer: ContactStatus, asked_at: datetime
) -> None:
    """Record what Robotalker has now. An opt-out that we don't have, or have ended, is recorded here."""
    theirs = {Channel.VOICE: answer.voice_opted_out, Channel.SMS: answer.sms_opted_out}
    if not is_same_number(answer.to, number.e164, settings.PHONE_REGION) or any(
        opted_out and not theirs[channel] for channel, opted_out in sent.items()
    ):
        _record_failure(number.pk, ListReason.NOT_TAKEN_OVER)
        return
    for channel, opted_out in theirs.items():
        if opted_out and number.opted_out_at(channel) is None:
            record_optout(
                number.pk,
                scope=scope_of_optout(channel),
                source=ConsentEntry.Source.ROBOTALKER,
                at=asked_at,
                evidence=EVIDENCE,
            )
    ListedNumber.objects.filter(number=number).update(
        **{FLAGS[channel]: opted_out for channel, opted_out in theirs.items()},
        told_at=asked_at,
        failures=0,
        next_attempt_at=None,
        error="",
        detail="",
    )


def _record_failure(number_id: int, error: str, detail: str = "") -> None:
    """Send the number again after 2 minutes, doubling to 12 hours."""
    listed = ListedNumber.objects.get(number=number_id)
    pause = doubled(BACKOFF_BASE, listed.failures + 1, BACKOFF_CAP)
    ListedNumber.objects.filter(pk=listed.pk).update(
        failures=F("failures") + 1, next_attempt_at=Now() + pause, error=error, detail=detail[:200]
    )
