"""Record opt-outs and opt-ins of numbers. Only this module changes a number's opt-out flags.

The flags belong to the number, so neither deleting nor importing a contact removes an opt-out. Every
change of a flag, of its time too, adds an entry to the append-only consent ledger, and the flags are what the
ledger comes to (contacts/consent_fold.py). The practice's own numbers are never opted out (product rule 39).
"""

import logging
from collections.abc import Collection
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import F, Q, Value
from django.db.models.functions import Greatest

from contacts.consent_fold import FLAGS, add_line, read_state
from contacts.consent_ledger import add_entry
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


def scope_of_optout(channel: Channel | None) -> Scope:
    """What a "no" that came by this channel stops: everything, unless OPT_OUT_SCOPE is "channel".

    `channel` None: nobody said which, so both.
    """
    return SCOPE_BY_CHANNEL[channel if settings.OPT_OUT_SCOPE == "channel" else None]


@transaction.atomic
def record_optout(
    number_id: int, *, scope: str, source: str, at: datetime, evidence: str = "", by: User | None = None
) -> bool:
    """Opt a number out of `scope` since `at` (aware UTC); return True if it wasn't before.

    A repeated "no" counts from its own time, so that no START before it, come late, undoes it. One of our own
    numbers is never opted out.
    """
    number = _lock(number_id)
    entry = ConsentEntry(
        number=number,
        what=ConsentEntry.What.OPT_OUT,
        scope=scope,
        source=source,
        evidence=evidence,
        by=by,
        at=at,
    )
    if add_line(read_state(number), entry) == read_state(number):
        return False
    if is_own_number(number.e164):
        log.warning("an opt-out of one of our own numbers is not recorded")
        return False
    is_new = any(getattr(number, flag) is None for flag in FLAGS[scope])
    add_entry(number, entry)
    return is_new


@transaction.atomic
def record_optouts(
    number_ids: Collection[int], *, scope: str, source: str, at: datetime, evidence: str = ""
) -> int:
    """Opt many numbers out with one statement, but our own; return how many of them weren't before."""
    flags = FLAGS[scope]
    lacking = Q(*((flag, None) for flag in flags), _connector=Q.OR)
    affected = PhoneNumber.objects.filter(lacking, pk__in=number_ids).exclude(e164__in=read_own_numbers())
    changed = list(affected.order_by("pk").select_for_update(no_key=True).values_list("pk", flat=True))
    latest = {flag: Greatest(F(flag), Value(at)) for flag in flags}  # as in consent_fold; NULL is passed over
    PhoneNumber.objects.filter(pk__in=changed).update(**latest)
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
    number = _lock(number_id)
    entry = ConsentEntry(
        number=number,
        what=ConsentEntry.What.OPT_IN,
        scope=scope,
        source=ConsentEntry.Source.STAFF,
        evidence=evidence,
        by=by,
        at=at,
    )
    return add_entry(number, entry)


@transaction.atomic
def record_optin_by_text(number_id: int, *, at: datetime, evidence: str) -> bool:
    """Opt a number in to texts again because START came by text from it at `at`; whether it is.

    Only texts: a "no" to calls stays. A START that was written before the "no" changes nothing.
    """
    number = _lock(number_id)
    if number.sms_opted_out_at is None or number.sms_opted_out_at >= at:
        return False
    entry = ConsentEntry(
        number=number,
        what=ConsentEntry.What.OPT_IN,
        scope=Scope.SMS,
        source=ConsentEntry.Source.SMS_REPLY,
        evidence=evidence,
        at=at,
    )
    return add_entry(number, entry)


def _lock(number_id: int) -> PhoneNumber:
    return PhoneNumber.objects.select_for_update(no_key=True).get(pk=number_id)
