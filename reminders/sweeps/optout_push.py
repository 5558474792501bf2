"""Keeping Robotalker's own list of contacts in step with our opt-outs, both ways. Our "no" always wins.

Push: a number whose flags differ from what Robotalker was last told is told by POST /contacts, and only of
the channel that differs, so that a "no" that only Robotalker knows is never wiped out. Pull: who has opted
out over there is opted out here; it never turns a flag off. An opt-in by staff that Robotalker wasn't told
of yet stands until it is; if Robotalker still says no after that, the no is theirs, and stands.
"""

import logging
import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from django.db import transaction
from django.db.models import F, Q, QuerySet, Value
from django.db.models.functions import Coalesce, Now

from contacts.database.clock import read_database_clock
from contacts.models import ConsentEntry, PhoneNumber
from contacts.models.people import Channel
from contacts.models.places import E164_PATTERN
from contacts.optouts import record_optout, record_optouts
from contacts.people import keep_e164s
from reminders.dispatch.submission import make_client
from reminders.health.heartbeats import PULL, beat
from reminders.models import Heartbeat, ListedNumber
from reminders.robotalker.answers import ContactStatus
from reminders.robotalker.client import RobotalkerClient
from reminders.robotalker.errors import RobotalkerError
from reminders.robotalker.payloads import build_contact
from reminders.rules.retries import doubled
from reminders.traffic.background_requests import as_they_may_begin, is_well_after, may_begin
from reminders.traffic.gate import record_success

log = logging.getLogger(__name__)

Scope = ConsentEntry.Scope
PUSH_AT_ONCE = 100  # each round of a minute
CHUNK = 1_000  # contacts of a pulled list per statement
IN_HAND = timedelta(minutes=2)  # longer than a request: nobody else tells of a number meanwhile
BACKOFF_BASE, BACKOFF_CAP = timedelta(minutes=2), timedelta(hours=12)
PULL_AT = time(3, 10)
EVIDENCE = "on Robotalker's list of contacts"
NEVER = datetime(1970, 1, 1, tzinfo=UTC)
FLAGS = {Channel.VOICE: "calls_opted_out", Channel.SMS: "texts_opted_out"}
SCOPES = {Channel.VOICE: Scope.VOICE, Channel.SMS: Scope.SMS}


@dataclass(frozen=True)
class PushReport:
    """Numbers Robotalker was told of, and those it could not be told of this time."""

    told: int = 0
    failed: int = 0


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
        for number_id in as_they_may_begin(numbers):
            if not _take_in_hand(number_id):
                continue
            asked_at = read_database_clock()
            try:
                told += _tell(client, number_id, asked_at)
            except (RobotalkerError, ValueError) as error:  # ValueError: a number that none can be
                failed += 1
                _put_off(number_id, str(error))
                if isinstance(error, RobotalkerError) and not is_well_after(error, asked_at):
                    break
    return PushReport(told, failed)


def pull_contacts() -> PullReport:
    """Tell Robotalker what it wasn't told yet, then opt out here who has opted out there.

    Done even while sending is paused: it places no call, and a restored database needs it before the first.
    Raises NotNow, or RobotalkerError when there is no list to be had.
    """
    push_contacts()
    if not may_begin(while_paused=True):
        raise NotNow
    asked_at = read_database_clock()
    with make_client() as client:
        try:
            contacts = client.get_contacts(opted_out=True)
        except RobotalkerError as error:
            is_well_after(error, asked_at)
            raise
    record_success(of_call=False)
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
    beat(PULL, str(report))
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


def _fresh_opt_ins() -> "QuerySet[ConsentEntry]":
    """Opt-ins that Robotalker wasn't told of; an opt-out of its own stands there whatever our row says."""
    entries = ConsentEntry.objects.alias(told_at=Coalesce("number__listed__told_at", Value(NEVER)))
    return entries.filter(what=ConsentEntry.What.OPT_IN, at__gt=F("told_at")).order_by()


def _read_opted_in(number_ids: Collection[int]) -> dict[int, set[Channel]]:
    """By number, the channels that were opted in again and Robotalker wasn't told of."""
    found: dict[int, set[Channel]] = {pk: set() for pk in number_ids}
    for number_id, scope in _fresh_opt_ins().filter(number__in=number_ids).values_list("number_id", "scope"):
        found[number_id] |= {channel for channel, its in SCOPES.items() if scope in (its, Scope.ALL)}
    return found


def _find_owed(
    number: PhoneNumber, listed: ListedNumber | None, opted_in: Collection[Channel]
) -> dict[Channel, bool]:
    """What Robotalker is still to be told of a number: opted out or not, by channel."""
    owed = {}
    for channel, flag in FLAGS.items():
        ours = number.opted_out_at(channel) is not None
        told = listed is not None and bool(getattr(listed, flag))
        if ours != told or (not ours and channel in opted_in):
            owed[channel] = ours
    return owed


def _take_in_hand(number_id: int) -> bool:
    free = ListedNumber.objects.filter(number=number_id).exclude(next_attempt_at__gt=Now())
    return bool(free.update(next_attempt_at=Now() + IN_HAND))


def _tell(client: RobotalkerClient, number_id: int, asked_at: datetime) -> bool:
    """Tell of one number that is in hand; False when there is nothing to tell any more."""
    number = PhoneNumber.objects.select_related("listed").get(pk=number_id)
    owed = _find_owed(number, number.listed, _read_opted_in([number_id])[number_id])
    if not owed:
        in_step = {"told_at": asked_at, "next_attempt_at": None, "failures": 0, "error": ""}
        ListedNumber.objects.filter(number=number_id).update(**in_step)
        return False
    payload = build_contact(
        to=number.e164, voice_opted_out=owed.get(Channel.VOICE), sms_opted_out=owed.get(Channel.SMS)
    )
    answer = client.create_contact(payload)
    record_success(of_call=False)
    _learn(number, owed, answer, asked_at)
    return True


@transaction.atomic
def _learn(
    number: PhoneNumber, owed: Mapping[Channel, bool], answer: ContactStatus, asked_at: datetime
) -> None:
    """Keep what Robotalker now says. A "no" that was news to us, or that outlived our yes, is taken over."""
    theirs = {Channel.VOICE: answer.voice_opted_out, Channel.SMS: answer.sms_opted_out}
    if answer.to != number.e164 or any(no and not theirs[channel] for channel, no in owed.items()):
        _put_off(number.pk, "Robotalker answered, but did not take it over")
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
    )


def _put_off(number_id: int, error: str) -> None:
    """It didn't work: again after 2 minutes, doubling to 12 hours."""
    listed = ListedNumber.objects.get(number=number_id)
    pause = doubled(BACKOFF_BASE, listed.failures + 1, BACKOFF_CAP)
    ListedNumber.objects.filter(pk=listed.pk).update(
        failures=F("failures") + 1, next_attempt_at=Now() + pause, error=error[:200]
    )


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
    keep_e164s(theirs)
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
