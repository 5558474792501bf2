"""Create numbers, change a contact's number, and mark numbers as usable or not."""

from collections.abc import Collection, Iterable
from contextlib import suppress
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Case, F, IntegerField, When

from contacts.appointments import lock_appointments, lock_zones
from contacts.audit.trail import record_deed
from contacts.database.arrays import is_any, is_any_external_id
from contacts.database.clock import read_database_clock
from contacts.erased_numbers import bring_back, find_erased
from contacts.models import Appointment, Contact, ContactId, PhoneNumber, UnusableReason
from contacts.number_faults import NotANumber
from contacts.numbers import ParsedNumber, parse_number
from contacts.worker_hints import hint_planning

BATCH_SIZE = 2000  # rows in one INSERT
# KEY SHARE is what a row that refers to them takes too: it stops nobody but who erases or deletes them.
_HOLD_NUMBERS = "SELECT * FROM contacts_phonenumber WHERE e164 = ANY(%s) ORDER BY id FOR KEY SHARE"


@transaction.atomic
def create_numbers(parsed: Iterable[ParsedNumber]) -> dict[str, PhoneNumber]:
    """The rows of these numbers by E.164, creating those that are new: the only place that creates any.

    Contacts who share a number share the row. A number that comes back after it was erased gets its “no”
    back (product rule 64). The rows can't be erased until the caller's transaction ends.
    """
    wanted = {number.e164: number for number in parsed}
    found = _hold_numbers(wanted)
    missing = sorted(
        wanted.keys() - found.keys()
    )  # in order: two transactions that add the same can't deadlock
    if missing:
        rows = [PhoneNumber(e164=e164, time_zones=list(wanted[e164].time_zones)) for e164 in missing]
        PhoneNumber.objects.bulk_create(rows, ignore_conflicts=True, batch_size=BATCH_SIZE)
        added = _hold_numbers(missing)
        erased = find_erased(missing)
        for e164, digest in sorted(erased.items()):
            bring_back(added[e164], digest)
        found |= _hold_numbers(erased) if erased else {}
        found = added | found
    return found


def _hold_numbers(e164s: Collection[str]) -> dict[str, PhoneNumber]:
    """Their rows by E.164, kept from being erased until the transaction ends; others can hold them too."""
    rows = PhoneNumber.objects.raw(_HOLD_NUMBERS, [sorted(e164s)])
    return {number.e164: number for number in rows}


def get_or_create_number(parsed: ParsedNumber) -> PhoneNumber:
    """Return the row of that number, creating it if it is new."""
    return create_numbers([parsed])[parsed.e164]


def get_or_create_written_number(raw: str, region: str) -> PhoneNumber:
    """Return the row of a number of any kind, for an opt-out. Raises NotANumber, which says what to do."""
    return get_or_create_number(parse_number(raw, region, any_kind=True))


def get_or_create_numbers(e164s: Iterable[str]) -> None:
    """Create the missing rows of many numbers of any kind, for opt-outs; text that isn't one is skipped.

    So is a number that was erased and whose “no” is kept: it would only be stored again.
    """
    wanted = set(e164s)
    missing = wanted.difference(PhoneNumber.objects.filter(e164__in=wanted).values_list("e164", flat=True))
    parsed = []
    for e164 in missing.difference(find_erased(missing)):
        with suppress(NotANumber):
            parsed.append(parse_number(e164, settings.PHONE_REGION, any_kind=True))
    create_numbers(parsed)


def lock_people(contact_ids: Iterable[int]) -> dict[int, Contact]:
    """Lock contacts with all their appointments; the contacts by id, as they are now.

    In the order of all locks: zones of the locations, appointments, then contacts; numbers follow. Nobody can
    book anything for them until the transaction ends. One who is gone meanwhile is missing.
    """
    ids = sorted(set(contact_ids))
    theirs = Appointment.objects.filter(is_any("contact", ids)).order_by("pk")
    lock_zones(theirs.order_by().values_list("location", flat=True).distinct())
    lock_appointments(locked := list(theirs.values_list("pk", flat=True)))
    rows = Contact.objects.select_for_update(of=("self",)).select_related("phone", "other_phone")
    found = {contact.pk: contact for contact in rows.filter(is_any("pk", ids)).order_by("pk")}
    lock_appointments(theirs.exclude(is_any("pk", locked)).values_list("pk", flat=True))  # booked in between
    return found


@transaction.atomic
def change_phone(contact: Contact, phone: PhoneNumber | None, *, by: User | None = None) -> list[int]:
    """Change the number a contact is called on; return the ids of the appointments that were revised.

    Reminders of future booked appointments must go to the new number, so each gets a new revision. It
    keeps its answer, because the patient gave the answer, whatever the number.
    """
    if contact.phone == phone:
        return []
    lock_people([contact.pk])
    contact.phone = phone
    contact.save(update_fields=["phone", "updated_at"])
    return revise_upcoming([contact.pk], read_database_clock())


def revise_appointments(appointment_ids: Iterable[int], now: datetime) -> list[int]:
    """Give booked appointments a new revision, since their reminders go to another number; their ids.

    An answer is kept. To be called with them locked.
    """
    hint_planning()
    ids = sorted(appointment_ids)
    kept_answer = When(answer_revision=F("revision"), then=F("revision") + 1)
    Appointment.objects.filter(is_any("pk", ids)).update(
        answer_revision=Case(kept_answer, default=F("answer_revision"), output_field=IntegerField()),
        revision=F("revision") + 1,
        revised_at=now,
        updated_at=now,
    )
    return ids


def revise_upcoming(contact_ids: Iterable[int], now: datetime) -> list[int]:
    """Give the booked appointments after `now` of these contacts a new revision; their ids.

    To be called in a transaction.
    """
    ahead = Appointment.objects.filter(
        is_any("contact", contact_ids), status=Appointment.Status.BOOKED, starts_at__gt=now
    )
    ids = list(ahead.order_by("pk").values_list("pk", flat=True))
    lock_appointments(ids)
    return revise_appointments(ids, now)


def find_by_external_ids(source: str, external_ids: Collection[str]) -> dict[str, Contact]:
    """Contacts by their ids in that system, also by those of contacts who were merged with them.

    With their numbers; of a contact with two of the ids there is one object.
    """
    contacts = Contact.objects.select_related("phone", "other_phone")
    are_asked = is_any_external_id(external_ids)
    own = {one.external_id: one for one in contacts.filter(are_asked, source=source)}
    others = ContactId.objects.filter(are_asked, source=source)
    keys = dict(others.values_list("external_id", "contact_id"))
    by_key = contacts.in_bulk(set(keys.values())) | {one.pk: one for one in own.values()}
    return {external_id: by_key[key] for external_id, key in keys.items()} | own


def mark_number_unusable(number_id: int, reason: UnusableReason, at: datetime, *, detail: str = "") -> None:
    """Record that a number can't be reached at all, and why; an earlier reason is kept.

    `detail` is Robotalker's own message, of which the first 200 characters are stored.
    """
    PhoneNumber.objects.filter(pk=number_id, unusable_since=None).update(
        unusable_since=at, unusable_reason=reason, unusable_detail=detail[:200]
    )


@transaction.atomic
def mark_numbers_usable(number_ids: Iterable[int], *, by: User | None) -> None:
    """Mark the numbers as usable again, after staff (`by`) have checked them, or because one was reached."""
    numbers = PhoneNumber.objects.filter(pk__in=number_ids)
    if by is not None:
        for number in numbers.exclude(unusable_since=None):
            record_deed(
                "number_usable",
                by=by,
                about=number,
                changes={"unusable_reason": (number.unusable_reason, "")},
            )
    numbers.update(unusable_since=None, unusable_reason="", unusable_detail="")
