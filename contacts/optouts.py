"""Record opt-outs and opt-ins of numbers. Only this module changes a number's opt-out flags.

The flags belong to the number, so neither deleting nor importing a contact removes an opt-out. Every
change of a flag adds an entry to the append-only consent ledger.
"""

from collections.abc import Collection
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

from contacts.models import ConsentEntry, PhoneNumber
from contacts.models.people import Channel

Scope = ConsentEntry.Scope
# None: nobody said which channel, so both.
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


@transaction.atomic
def record_optout(
    number_id: int, *, scope: str, source: str, at: datetime, evidence: str = "", by: User | None = None
) -> bool:
    """Opt a number out of `scope` since `at` (aware UTC); return True if anything changed."""
    number = PhoneNumber.objects.select_for_update(no_key=True).get(pk=number_id)
    changed = [flag for flag in FLAGS[Scope(scope)] if getattr(number, flag) is None]
    if not changed:
        return False
    for flag in changed:
        setattr(number, flag, at)
    number.save(update_fields=changed)
    _add_to_ledger(number, ConsentEntry.What.OPT_OUT, scope, source, evidence, by, at)
    return True


@transaction.atomic
def record_optouts(
    number_ids: Collection[int], *, scope: str, source: str, at: datetime, evidence: str = ""
) -> int:
    """Opt many numbers out with one statement per flag; return how many of them changed."""
    flags = FLAGS[Scope(scope)]
    lacking = Q(*((flag, None) for flag in flags), _connector=Q.OR)
    affected = PhoneNumber.objects.filter(lacking, pk__in=number_ids).order_by("pk")
    changed = list(affected.select_for_update(no_key=True).values_list("pk", flat=True))
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
    """Opt a number in again; only staff can, and must give a reason. Return True if anything changed."""
    number = PhoneNumber.objects.select_for_update(no_key=True).get(pk=number_id)
    changed = [flag for flag in FLAGS[Scope(scope)] if getattr(number, flag) is not None]
    if not changed:
        return False
    for flag in changed:
        setattr(number, flag, None)
    number.save(update_fields=changed)
    _add_to_ledger(number, ConsentEntry.What.OPT_IN, scope, ConsentEntry.Source.STAFF, evidence, by, at)
    return True


def _add_to_ledger(
    number: PhoneNumber, what: str, scope: str, source: str, evidence: str, by: User | None, at: datetime
) -> None:
    ConsentEntry.objects.create(
        number=number, what=what, scope=scope, source=source, evidence=evidence, by=by, at=at
    )
