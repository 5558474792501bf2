"""Record opt-outs and opt-ins of numbers. Only this module changes a number's opt-out flags.

The flags belong to the number, so neither deleting nor importing a contact removes an opt-out. Every
change of a flag adds an entry to the append-only consent ledger. The practice's own numbers are never opted
out (product rule 39).
"""

import logging
from collections.abc import Collection
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

from contacts.models import ConsentEntry, PhoneNumber
from contacts.models.people import Channel
from contacts.own_numbers import is_own_number, read_own_numbers

log = logging.getLogger(__name__)

Scope = ConsentEntry.Scope
# What belongs to each channel. None: nobody said which channel, so both.
SCOPE_BY_CHANNEL: dict[Channel | None, Scope] = {
    Channel.VOICE: Scope.VOICE,
    Channel.SMS: Scope.SMS,
    None: Scope.ALL,
}
FLAGS = {
    Scope.VOICE: ("voice_opted_out_at",),
    Scope.SMS: ("sms_opted_out_at",),
    Scope.ALL: ("voice_opted_out_at", "sms_opted_out_at"),
}


def scope_of_optout(channel: Channel | None) -> Scope:
    """What a "no" that came by this channel stops: everything, unless OPT_OUT_SCOPE is "channel".

    `channel` None: nobody said which, so both.
    """
    return SCOPE_BY_CHANNEL[channel if settings.OPT_OUT_SCOPE == "channel" else None]


@transaction.atomic
def record_optout(
    number_id: int, *, scope: str, source: str, at: datetime, evidence: str = "", by: User | None = None
) -> bool:
    """Opt a number out of `scope` since `at` (aware UTC); return True if anything changed.

    One of our own numbers is never opted out.
    """
    number = PhoneNumber.objects.select_for_update(no_key=True).get(pk=number_id)
    _date_latest_no(number, FLAGS[Scope(scope)], at)
    changed = [flag for flag in FLAGS[Scope(scope)] if getattr(number, flag) is None]
    if not changed:
        return False
    if is_own_number(number.e164):
        log.warning("an opt-out of one of our own numbers is not recorded")
        return False
    for flag in changed:
        setattr(number, flag, at)
    number.save(update_fields=changed)
    _add_to_ledger(number, ConsentEntry.What.OPT_OUT, scope, source, evidence, by, at)
    return True


def _date_latest_no(number: PhoneNumber, flags: Collection[str], at: datetime) -> None:
    """A repeated "no" counts from its own time, so that no START before it, come late, undoes it."""
    later = {flag: at for flag in flags if (since := getattr(number, flag)) is not None and since < at}
    if later:
        PhoneNumber.objects.filter(pk=number.pk).update(**later)


@transaction.atomic
def record_optouts(
    number_ids: Collection[int], *, scope: str, source: str, at: datetime, evidence: str = ""
) -> int:
    """Opt many numbers out with one statement per flag, but our own; return how many of them changed."""
    flags = FLAGS[Scope(scope)]
    lacking = Q(*((flag, None) for flag in flags), _connector=Q.OR)
    affected = PhoneNumber.objects.filter(lacking, pk__in=number_ids).exclude(e164__in=read_own_numbers())
    changed = list(affected.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True))
    for flag in flags:
        PhoneNumber.objects.filter(**{flag: None}, pk__in=changed).update(**{flag: at})
    ConsentEntry.objects.bulk_create(
        ConsentEntry(
            number_id=pk, what=ConsentEntry.What.OPT_OUT, scope=scope, source=source, evidence=evidence, at=at
        )
        for pk in changed
    )
    return len(changed)


@transaction.atomic
def record_optin(number_id: int, *, scope: str, evidence: str, by: User, at: datetime) -> bool:
    """Opt a number in again for staff, who must give a reason. Return True if anything changed."""
    number = PhoneNumber.objects.select_for_update(no_key=True).get(pk=number_id)
    changed = [flag for flag in FLAGS[Scope(scope)] if getattr(number, flag) is not None]
    if not changed:
        return False
    for flag in changed:
        setattr(number, flag, None)
    number.save(update_fields=changed)
    _add_to_ledger(number, ConsentEntry.What.OPT_IN, scope, ConsentEntry.Source.STAFF, evidence, by, at)
    return True


@transaction.atomic
def record_optin_by_text(number_id: int, *, at: datetime, evidence: str) -> bool:
    """Opt a number in to texts again because START came by text from it at `at`; whether it is.

    Only texts: a "no" to calls stays. A START that was written before the "no" changes nothing.
    """
    number = PhoneNumber.objects.select_for_update(no_key=True).get(pk=number_id)
    if number.sms_opted_out_at is None or number.sms_opted_out_at >= at:
        return False
    number.sms_opted_out_at = None
    number.save(update_fields=["sms_opted_out_at"])
    source = ConsentEntry.Source.SMS_REPLY
    _add_to_ledger(number, ConsentEntry.What.OPT_IN, Scope.SMS, source, evidence, None, at)
    return True


def _add_to_ledger(
    number: PhoneNumber, what: str, scope: str, source: str, evidence: str, by: User | None, at: datetime
) -> None:
    ConsentEntry.objects.create(
        number=number, what=what, scope=scope, source=source, evidence=evidence, by=by, at=at
    )
