"""The consent ledger, people and numbers: what of them nothing rests on any more."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from itertools import groupby
from typing import TypeVar

from django.conf import settings
from django.db.models import Exists, Model, OuterRef, QuerySet

from contacts.consent_fold import fold_ledger
from contacts.database.clock import read_database_clock
from contacts.database.saving import take_chunks
from contacts.models import ConsentEntry, Contact, ContactId, ContactMerge, DistinctPair, PhoneNumber
from contacts.models.people import FORBIDDING
from reminders.models import OptOutConfirmation

RowT = TypeVar("RowT", bound=Model)
NOT_SENT_YET = (OptOutConfirmation.State.WAITING, OptOutConfirmation.State.SUBMITTING)
GOES_WITH_A_CONTACT = (ContactId, ContactMerge, DistinctPair)
COUNTED_AT_ONCE = 200  # numbers


def find_numbers_with_old_entries(before: datetime) -> QuerySet[PhoneNumber]:
    """Numbers whose ledger has a line that old; which of it goes delete_entries() decides."""
    return PhoneNumber.objects.filter(
        Exists(ConsentEntry.objects.filter(number=OuterRef("pk"), at__lt=before))
    )


def delete_entries(ids: Sequence[int]) -> int:
    """Delete the old entries of these numbers, locked, where all the others come to the same without them.

    So whatever an opt-out or a consent in force rests on stays, and so does all before it.
    """
    entries = list_needless_entries(ids)
    OptOutConfirmation.objects.filter(entry__in=entries).delete()
    return ConsentEntry.objects.filter(pk__in=entries).delete()[0]


def list_needless_entries(number_ids: Sequence[int]) -> list[int]:
    """The old entries that nothing rests on, by id."""
    before = read_database_clock() - timedelta(days=settings.KEEP_CONSENT_DAYS)
    lines = ConsentEntry.objects.filter(number__in=number_ids).order_by("number_id", "pk")
    unsent = set(
        OptOutConfirmation.objects.filter(entry__number__in=number_ids, state__in=NOT_SENT_YET).values_list(
            "entry", flat=True
        )
    )
    needless: list[int] = []
    for _number, ledger in groupby(lines, key=lambda line: line.number_id):
        whole = list(ledger)
        old = [line for line in whole if line.at < before and line.pk not in unsent]
        gone = {line.pk for line in old}
        if fold_ledger(whole) == fold_ledger(line for line in whole if line.pk not in gone):
            needless += gone
    return needless


def count_needless_entries(before: datetime) -> int:
    """How many entries would go."""
    numbers = list(find_numbers_with_old_entries(before).order_by("pk").values_list("pk", flat=True))
    return sum(len(list_needless_entries(part)) for part in take_chunks(numbers, COUNTED_AT_ONCE))


def find_old_contacts(before: datetime) -> QuerySet[Contact]:
    """Those who were neither made nor changed since, whom nothing else that is kept names."""
    old = Contact.objects.filter(created_at__lt=before, updated_at__lt=before)
    free = old.filter(erased_at=None).exclude(preferred_channel__in=FORBIDDING) | old.exclude(erased_at=None)
    return _without_references(free, Contact, besides=GOES_WITH_A_CONTACT)


def delete_contacts(ids: Sequence[int]) -> int:
    """Delete them with what is kept of whoever was merged with them; how many contacts."""
    ContactMerge.objects.filter(survivor__in=ids).delete()
    return Contact.objects.filter(pk__in=ids).delete()[1].get("contacts.Contact", 0)


def find_old_numbers(before: datetime) -> QuerySet[PhoneNumber]:
    """Those that nobody has, with no “no” and no entry in the ledger."""
    old = PhoneNumber.objects.filter(
        created_at__lt=before,
        voice_opted_out_at=None,
        sms_opted_out_at=None,
        verified_at=None,
        consent_basis=PhoneNumber.ConsentBasis.GIVEN_FOR_CARE,
    )
    return _without_references(old, PhoneNumber)


def _without_references(
    rows: QuerySet[RowT], model: type[RowT], *, besides: Sequence[type[Model]] = ()
) -> QuerySet[RowT]:
    for relation in model._meta.related_objects:
        if relation.related_model not in besides:
            naming = relation.related_model._default_manager.filter(**{relation.field.name: OuterRef("pk")})
            rows = rows.filter(~Exists(naming))
    return rows
