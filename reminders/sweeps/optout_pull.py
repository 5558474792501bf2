"""Taking over opt-outs from Robotalker's list of contacts, once a night."""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from django.db import transaction
from django.db.models import Q

from contacts.database.clock import read_database_clock
from contacts.models import ConsentEntry, PhoneNumber
from contacts.models.people import Channel
from contacts.numbers import E164_PATTERN
from contacts.optouts import record_optouts
from contacts.people import get_or_create_numbers
from reminders.health.heartbeats import PULL, record_heartbeat
from reminders.models import Heartbeat, ListedNumber
from reminders.robotalker.errors import RobotalkerError
from reminders.robotalker.responses import ContactStatus
from reminders.sweeps.optout_differences import (
    EVIDENCE,
    FLAGS,
    SCOPES,
    Scope,
    _find_owed,
    _read_opted_in,
)
from reminders.sweeps.optout_push import log, push_contacts
from reminders.traffic.background_requests import should_continue_after, take_request_permit
from reminders.traffic.client import make_client
from reminders.traffic.gate import count_success

CHUNK = 1_000  # contacts of a pulled list per statement


PULL_AT = time(3, 10)


@dataclass(frozen=True)
class PullReport:
    """Numbers on Robotalker's list; of these news to us, no numbers; and ours that it lacks."""

    listed: int
    opted_out: int
    unreadable: int
    missing: int

    def __str__(self) -> str:
        return (
            f"{self.listed} opted out there, {self.opted_out} of them news, "
            f"{self.unreadable} no numbers, {self.missing} to be told again"
        )


class NotNow(Exception):
    """The gate is closed, or the rate used up: ask a little later."""

    def __init__(self) -> None:
        super().__init__("Robotalker asked to slow down, or the rate is used up; try again in a minute")


def pull_contacts() -> PullReport:
    """Tell Robotalker what it wasn't told yet, then opt out here who has opted out there.

    Done even while sending is paused: it places no call, and a restored database needs it before the first.
    Raises NotNow, or RobotalkerError when there is no list to be had.
    """
    push_contacts()
    if not take_request_permit(while_paused=True):
        raise NotNow
    asked_at = read_database_clock()
    with make_client() as client:
        try:
            contacts = client.get_contacts(opted_out=True)
        except RobotalkerError as error:
            should_continue_after(error, asked_at)
            raise
    count_success(of_call=False)
    theirs = _merge(contacts)
    e164s = list(theirs)
    chunks = [e164s[start : start + CHUNK] for start in range(0, len(e164s), CHUNK)]
    opted_out = sum(_take_over({e164: theirs[e164] for e164 in chunk}, asked_at) for chunk in chunks)
    report = PullReport(
        listed=len(theirs),
        opted_out=opted_out,
        unreadable=len({contact.to for contact in contacts}) - len(theirs),
        missing=_forget_missing(theirs, asked_at),
    )
    record_heartbeat(PULL, str(report))
    return report


def pull_if_due() -> PullReport | None:
    """Pull once a night, from PULL_AT (UTC) on; None when that is done, or isn't possible just now."""
    now = read_database_clock().astimezone(UTC)
    tonight = datetime.combine(now.date(), PULL_AT, tzinfo=UTC)
    last_due = tonight if tonight <= now else tonight - timedelta(days=1)
    if Heartbeat.objects.filter(name=PULL, at__gte=last_due).exists():
        return None
    try:
        return pull_contacts()
    except (NotNow, RobotalkerError) as error:
        log.warning("Robotalker's list of contacts could not be had: %s", error)
        return None


def _merge(contacts: Iterable[ContactStatus]) -> dict[str, set[Channel]]:
    """The channels each number has opted out of; without what is no E.164."""
    merged: dict[str, set[Channel]] = {}
    for contact in contacts:
        if re.fullmatch(E164_PATTERN, contact.to):
            channels = merged.setdefault(contact.to, set())
            channels |= {Channel.VOICE} if contact.voice_opted_out else set()
            channels |= {Channel.SMS} if contact.sms_opted_out else set()
    return merged


@transaction.atomic
def _take_over(theirs: Mapping[str, Collection[Channel]], asked_at: datetime) -> int:
    """Take over the opt-outs of numbers on the list; how many numbers it was news for."""
    get_or_create_numbers(theirs)
    numbers = list(PhoneNumber.objects.filter(e164__in=theirs).select_related("listed"))
    opted_in = _read_opted_in([number.pk for number in numbers])
    news: dict[str, list[int]] = {}
    rows = []
    for number in numbers:
        listed: ListedNumber | None = getattr(number, "listed", None)
        if listed and listed.told_at and listed.told_at >= asked_at:
            continue  # it was told of since the list was read, which is old news then
        owed = _find_owed(number, listed, opted_in[number.pk])
        taken = {channel for channel in theirs[number.e164] if owed.get(channel) is not False}
        if scope := _name_scope(channel for channel in taken if number.opted_out_at(channel) is None):
            news.setdefault(scope, []).append(number.pk)
        stands = {flag: channel in theirs[number.e164] for channel, flag in FLAGS.items()}
        if listed is None or stands != {flag: getattr(listed, flag) for flag in stands}:
            rows.append(ListedNumber(number=number, **stands))
    for scope, number_ids in news.items():
        record_optouts(
            number_ids, scope=scope, source=ConsentEntry.Source.ROBOTALKER, at=asked_at, evidence=EVIDENCE
        )
    ListedNumber.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["number"], update_fields=list(FLAGS.values())
    )
    return sum(map(len, news.values()))


def _name_scope(channels: Iterable[Channel]) -> str:
    """The scope that these channels are, "" for none."""
    found = set(channels)
    return Scope.ALL if len(found) > 1 else next((SCOPES[channel] for channel in found), "")


def _forget_missing(theirs: Collection[str], asked_at: datetime) -> int:
    """What was told and isn't on the list (any more) is told again; how many numbers."""
    told = ListedNumber.objects.filter(Q(calls_opted_out=True) | Q(texts_opted_out=True)).exclude(
        told_at__gte=asked_at
    )
    missing = [pk for pk, e164 in told.values_list("pk", "number__e164") if e164 not in theirs]
    for start in range(0, len(missing), CHUNK):
        rows = ListedNumber.objects.filter(pk__in=missing[start : start + CHUNK])
        rows.update(calls_opted_out=False, texts_opted_out=False)
    return len(missing)
