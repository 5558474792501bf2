"""Reading the opt-outs on Robotalker's list of contacts, once a night, and recording them here.

A pull never ends an opt-out. An opt-in by staff that Robotalker has not been sent yet is kept. When the list
still has an opt-out after the opt-in was sent, it is Robotalker's own, and it counts.
"""

import logging
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q

from contacts.database.arrays import is_any_text
from contacts.database.clock import read_database_clock
from contacts.database.saving import take_chunks
from contacts.models import ConsentEntry, PhoneNumber
from contacts.models.people import Channel
from contacts.numbers import read_reported_number
from contacts.optouts import record_optouts, scope_of_optout
from contacts.own_numbers import read_own_numbers
from contacts.people import get_or_create_numbers
from reminders.health.heartbeats import AHEAD_ALLOWED, PULL, record_heartbeat
from reminders.models import Heartbeat, ListedNumber
from reminders.robotalker.errors import RobotalkerError
from reminders.robotalker.responses import ContactStatus
from reminders.sweeps.optout_differences import (
    EVIDENCE,
    FLAGS,
    find_unsent_changes,
    read_unsent_opt_ins,
)
from reminders.sweeps.optout_push import push_contacts
from reminders.traffic.background_requests import should_continue_after, take_request_permit
from reminders.traffic.client import make_client
from reminders.traffic.gate import count_success

log = logging.getLogger(__name__)

CHUNK = 1_000  # contacts of a pulled list per statement
PULL_AT = time(3, 10)  # UTC


@dataclass(frozen=True)
class PullReport:
    """Counts of a pull.

    `listed`: numbers on Robotalker's list. `opted_out`: of these, newly opted out here. `unreadable`: entries
    that have no valid number, or no opt-outs. `missing`: our opt-outs that were sent and are not on the list
    any more. `is_whole`: whether the list had no further pages, which we can't read.
    """

    listed: int
    opted_out: int
    unreadable: int
    missing: int
    is_whole: bool = True

    def __str__(self) -> str:
        return (
            f"{self.listed} on Robotalker's list, {self.opted_out} newly opted out here, "
            f"{self.unreadable} entries that can't be read, {self.missing} to be sent again"
            f"{'' if self.is_whole else ', the list has further pages that were not read'}"
        )


class NotNow(Exception):
    """The gate is closed, or the rate is used up: ask a little later."""

    def __init__(self) -> None:
        super().__init__("Robotalker asked to slow down, or the rate is used up; try again in a minute")


def pull_contacts() -> PullReport:
    """Send Robotalker what it has not been sent yet, then opt out here the numbers on its list.

    Done even while sending is paused: it places no call, and a restored database needs it before its first
    call. Raises NotNow, or RobotalkerError when the list can't be read.
    """
    push_contacts()
    if not take_request_permit(while_paused=True):
        raise NotNow
    asked_at = read_database_clock()
    with make_client() as client:
        try:
            found = client.get_contacts(opted_out=True)
        except RobotalkerError as error:
            should_continue_after(error, asked_at)
            raise
    count_success(of_call=False)
    theirs, unreadable = _merge(found.contacts)
    e164s = list(theirs)
    chunks = [e164s[start : start + CHUNK] for start in range(0, len(e164s), CHUNK)]
    opted_out = sum(_record_opt_outs({e164: theirs[e164] for e164 in chunk}, asked_at) for chunk in chunks)
    report = PullReport(
        listed=len(theirs),
        opted_out=opted_out,
        unreadable=unreadable + found.unreadable,
        missing=_mark_missing_as_unsent(theirs, asked_at) if found.is_whole else 0,
        is_whole=found.is_whole,
    )
    if report.unreadable or not report.is_whole:
        log.warning("Robotalker's list of contacts could be read only in part: %s", report)
    record_heartbeat(PULL, str(report))
    return report


def pull_if_due() -> PullReport | None:
    """Pull once a night, from PULL_AT on; None when tonight's pull is done, or isn't possible just now."""
    now = read_database_clock().astimezone(UTC)
    tonight = datetime.combine(now.date(), PULL_AT, tzinfo=UTC)
    last_due = tonight if tonight <= now else tonight - timedelta(days=1)
    # a heartbeat that lies ahead is from before the clock was set back, and says nothing of tonight
    if Heartbeat.objects.filter(name=PULL, at__gte=last_due, at__lte=now + AHEAD_ALLOWED).exists():
        return None
    try:
        return pull_contacts()
    except (NotNow, RobotalkerError) as error:
        log.warning("Robotalker's list of contacts could not be read: %s", error)
        return None


def _merge(contacts: Iterable[ContactStatus]) -> tuple[dict[str, set[Channel]], int]:
    """The channels that each number has opted out of, and how many entries are no number.

    A number that may be read in several ways counts as each of those that are known here, else as the
    likeliest. Our own numbers are left out (product rule 39).
    """
    merged: dict[str, set[Channel]] = {}
    own = read_own_numbers()
    read = [(contact, read_reported_number(contact.to, [settings.PHONE_REGION])) for contact in contacts]
    known = _find_known_numbers({form for _contact, forms in read for form in forms})
    for contact, forms in read:
        if forms and own.isdisjoint(forms):
            for form in known.intersection(forms) or forms[:1]:
                channels = merged.setdefault(form, set())
                channels |= {Channel.VOICE} if contact.voice_opted_out else set()
                channels |= {Channel.SMS} if contact.sms_opted_out else set()
    return merged, len({contact.to for contact, forms in read if not forms})


def _find_known_numbers(e164s: Collection[str]) -> set[str]:
    known: set[str] = set()
    for part in take_chunks(sorted(e164s), CHUNK):
        known.update(PhoneNumber.objects.filter(is_any_text("e164", part)).values_list("e164", flat=True))
    return known


@transaction.atomic
def _record_opt_outs(theirs: Mapping[str, Collection[Channel]], asked_at: datetime) -> int:
    """Opt out the numbers on the list, and note what the list says; how many were newly opted out."""
    get_or_create_numbers(theirs)
    numbers = list(PhoneNumber.objects.filter(e164__in=theirs).select_related("listed"))
    opted_in = read_unsent_opt_ins([number.pk for number in numbers])
    new_by_scope: dict[ConsentEntry.Scope, list[int]] = {}
    rows = []
    for number in numbers:
        listed: ListedNumber | None = getattr(number, "listed", None)
        if listed and listed.told_at and listed.told_at >= asked_at:
            continue  # sent since the list was read, so the list is out of date for it
        differences = find_unsent_changes(number, listed, opted_in[number.pk])
        counting = {channel for channel in theirs[number.e164] if differences.get(channel) is not False}
        if new := {channel for channel in counting if number.opted_out_at(channel) is None}:
            scope = scope_of_optout(None if len(new) > 1 else new.pop())
            new_by_scope.setdefault(scope, []).append(number.pk)
        flags = {flag: channel in theirs[number.e164] for channel, flag in FLAGS.items()}
        if listed is None or flags != {flag: getattr(listed, flag) for flag in flags}:
            rows.append(ListedNumber(number=number, **flags))
    for scope, number_ids in new_by_scope.items():
        record_optouts(
            number_ids, scope=scope, source=ConsentEntry.Source.ROBOTALKER, at=asked_at, evidence=EVIDENCE
        )
    ListedNumber.objects.bulk_create(
        rows, update_conflicts=True, unique_fields=["number"], update_fields=list(FLAGS.values())
    )
    return sum(map(len, new_by_scope.values()))


def _mark_missing_as_unsent(theirs: Collection[str], asked_at: datetime) -> int:
    """Opt-outs that were sent and are not on the list are to be sent again; how many numbers."""
    sent = ListedNumber.objects.filter(Q(calls_opted_out=True) | Q(texts_opted_out=True)).exclude(
        told_at__gte=asked_at
    )
    missing = [pk for pk, e164 in sent.values_list("pk", "number__e164") if e164 not in theirs]
    for start in range(0, len(missing), CHUNK):
        rows = ListedNumber.objects.filter(pk__in=missing[start : start + CHUNK])
        rows.update(calls_opted_out=False, texts_opted_out=False)
    return len(missing)
