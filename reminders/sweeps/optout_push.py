"""Keeping Robotalker's own list of contacts in step with our opt-outs, both ways. Our "no" always wins.

Push: a number whose flags differ from what Robotalker was last told is told by POST /contacts, and only of
the channel that differs, so that a "no" that only Robotalker knows is never wiped out. Pull: who has opted
out over there is opted out here; it never turns a flag off. An opt-in by staff that Robotalker wasn't told
of yet stands until it is; if Robotalker still says no after that, the no is theirs, and stands.
"""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Coalesce, Now

from contacts.database.clock import read_database_clock
from contacts.models import ConsentEntry, PhoneNumber
from contacts.models.people import Channel
from contacts.optouts import record_optout
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
    SCOPES,
    _find_owed,
    _fresh_opt_ins,
    _read_opted_in,
)
from reminders.traffic.background_requests import limit_to_permits, should_continue_after
from reminders.traffic.client import make_client
from reminders.traffic.gate import count_success

log = logging.getLogger(__name__)

PUSH_AT_ONCE = 100  # each round of a minute
IN_HAND = timedelta(minutes=2)  # longer than a request: nobody else tells of a number meanwhile
BACKOFF_BASE, BACKOFF_CAP = timedelta(minutes=2), timedelta(hours=12)


@dataclass(frozen=True)
class PushReport:
    """Numbers Robotalker was told of, and those it could not be told of this time."""

    told: int = 0
    failed: int = 0


def push_contacts() -> PushReport:
    """One round: tell Robotalker of up to PUSH_AT_ONCE numbers, the longest-waiting first.

    Stops early when sending is paused, the gate closes, the rate is used up, or Robotalker isn't well.
    """
    numbers = list(_find_owing()[:PUSH_AT_ONCE])
    told = failed = 0
    if not numbers:
        return PushReport()
    ListedNumber.objects.bulk_create([ListedNumber(number_id=pk) for pk in numbers], ignore_conflicts=True)
    with make_client() as client:
        for number_id in limit_to_permits(numbers):
            if not _take_in_hand(number_id):
                continue
            asked_at = read_database_clock()
            try:
                told += _tell(client, number_id, asked_at)
            except ValueError:
                failed += 1
                _put_off(number_id, ListReason.NOT_A_NUMBER)
            except RobotalkerError as error:
                failed += 1
                _put_off(number_id, error.code, error.detail)
                if not should_continue_after(error, asked_at):
                    break
    return PushReport(told, failed)


def _find_owing() -> "QuerySet[PhoneNumber, int]":
    """The ids of numbers that Robotalker is to be told of now."""
    # told, as far as there is a row that says so
    numbers = PhoneNumber.objects.alias(
        told_voice=Coalesce("listed__calls_opted_out", False),
        told_sms=Coalesce("listed__texts_opted_out", False),
    )
    no_calls, no_texts = Q(voice_opted_out_at__isnull=False), Q(sms_opted_out_at__isnull=False)
    differs = (
        (no_calls & Q(told_voice=False))
        | (~no_calls & Q(told_voice=True))
        | (no_texts & Q(told_sms=False))
        | (~no_texts & Q(told_sms=True))
    )
    return (
        numbers.filter(differs | Q(pk__in=_fresh_opt_ins().values("number")))
        .exclude(listed__next_attempt_at__gt=Now())
        .order_by(F("listed__next_attempt_at").asc(nulls_first=True), "pk")
        .values_list("pk", flat=True)
    )


def _take_in_hand(number_id: int) -> bool:
    free = ListedNumber.objects.filter(number=number_id).exclude(next_attempt_at__gt=Now())
    return bool(free.update(next_attempt_at=Now() + IN_HAND))


def _tell(client: RobotalkerClient, number_id: int, asked_at: datetime) -> bool:
    """Tell of one number that is in hand; False when there is nothing to tell any more."""
    number = PhoneNumber.objects.select_related("listed").get(pk=number_id)
    owed = _find_owed(number, number.listed, _read_opted_in([number_id])[number_id])
    if not owed:
        in_step = {"told_at": asked_at, "next_attempt_at": None, "failures": 0, "error": "", "detail": ""}
        ListedNumber.objects.filter(number=number_id).update(**in_step)
        return False
    payload = build_contact(
        to=number.e164, voice_opted_out=owed.get(Channel.VOICE), sms_opted_out=owed.get(Channel.SMS)
    )
    answer = client.create_contact(payload)
    count_success(of_call=False)
    _learn(number, owed, answer, asked_at)
    return True


@transaction.atomic
def _learn(
    number: PhoneNumber, owed: Mapping[Channel, bool], answer: ContactStatus, asked_at: datetime
) -> None:
    """Keep what Robotalker now says. A "no" that was news to us, or that outlived our yes, is taken over."""
    theirs = {Channel.VOICE: answer.voice_opted_out, Channel.SMS: answer.sms_opted_out}
    if answer.to != number.e164 or any(no and not theirs[channel] for channel, no in owed.items()):
        _put_off(number.pk, ListReason.NOT_TAKEN_OVER)
        return
    for channel, no in theirs.items():
        if no and number.opted_out_at(channel) is None:
            record_optout(
                number.pk,
                scope=SCOPES[channel],
                source=ConsentEntry.Source.ROBOTALKER,
                at=asked_at,
                evidence=EVIDENCE,
            )
    ListedNumber.objects.filter(number=number).update(
        **{FLAGS[channel]: no for channel, no in theirs.items()},
        told_at=asked_at,
        failures=0,
        next_attempt_at=None,
        error="",
        detail="",
    )


def _put_off(number_id: int, error: str, detail: str = "") -> None:
    """It didn't work: again after 2 minutes, doubling to 12 hours."""
    listed = ListedNumber.objects.get(number=number_id)
    pause = doubled(BACKOFF_BASE, listed.failures + 1, BACKOFF_CAP)
    ListedNumber.objects.filter(pk=listed.pk).update(
        failures=F("failures") + 1, next_attempt_at=Now() + pause, error=error, detail=detail[:200]
    )
