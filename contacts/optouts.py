"""Opting a number out and in again: the only writers of its flags.

The flag belongs to the number, so neither deleting nor importing a person brings a number back.
Behind each flag stands a line of the append-only ledger.
"""

from collections.abc import Collection
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q

from contacts.models import ConsentEntry, PhoneNumber

Scope = ConsentEntry.Scope
FLAGS = {
    Scope.VOICE: ("voice_opted_out_at",),
    Scope.SMS: ("sms_opted_out_at",),
    Scope.ALL: ("voice_opted_out_at", "sms_opted_out_at"),
}


@transaction.atomic
def record_optout(
    number_id: int, *, scope: str, source: str, at: datetime, evidence: str = "", by: User | None = None
) -> bool:
    """Opt a number out of `scope` since `at` (aware UTC); True if that was news."""
    number = PhoneNumber.objects.select_for_update(no_key=True).get(pk=number_id)
    news = [flag for flag in FLAGS[Scope(scope)] if getattr(number, flag) is None]
    if not news:
        return False
    for flag in news:
        setattr(number, flag, at)
    number.save(update_fields=news)
    _enter(number, ConsentEntry.What.OPT_OUT, scope, source, evidence, by, at)
    return True


@transaction.atomic
def record_optouts(
    number_ids: Collection[int], *, scope: str, source: str, at: datetime, evidence: str = ""
) -> int:
    """The same for many numbers, set-wise; how many it was news for."""
    flags = FLAGS[Scope(scope)]
    lacking = Q(*((flag, None) for flag in flags), _connector=Q.OR)
    held = PhoneNumber.objects.filter(lacking, pk__in=number_ids).order_by("pk")
    news = list(held.select_for_update(no_key=True).values_list("pk", flat=True))
    for flag in flags:
        PhoneNumber.objects.filter(**{flag: None}, pk__in=news).update(**{flag: at})
    ConsentEntry.objects.bulk_create(
        ConsentEntry(
            number_id=pk, what=ConsentEntry.What.OPT_OUT, scope=scope, source=source, evidence=evidence, at=at
        )
        for pk in news
    )
    return len(news)


@transaction.atomic
def record_optin(number_id: int, *, scope: str, evidence: str, by: User, at: datetime) -> bool:
    """Opt a number in again: only by a person of the staff, who says why. True if that was news."""
    number = PhoneNumber.objects.select_for_update(no_key=True).get(pk=number_id)
    news = [flag for flag in FLAGS[Scope(scope)] if getattr(number, flag) is not None]
    if not news:
        return False
    for flag in news:
        setattr(number, flag, None)
    number.save(update_fields=news)
    _enter(number, ConsentEntry.What.OPT_IN, scope, ConsentEntry.Source.STAFF, evidence, by, at)
    return True


def _enter(
    number: PhoneNumber, what: str, scope: str, source: str, evidence: str, by: User | None, at: datetime
) -> None:
    ConsentEntry.objects.create(
        number=number, what=what, scope=scope, source=source, evidence=evidence, by=by, at=at
    )
