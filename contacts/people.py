"""Create numbers, change a contact's number, and mark numbers as usable or not."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Case, F, IntegerField, When

from contacts.appointments import lock_appointments
from contacts.database.arrays import is_any
from contacts.database.clock import read_database_clock
from contacts.models import Appointment, Contact, PhoneNumber, UnusableReason
from contacts.numbers import NotANumber, ParsedNumber, parse_number
from contacts.worker_hints import hint_planning


def get_or_create_number(parsed: ParsedNumber) -> PhoneNumber:
    """Return the row of that number, creating it if it is new. Contacts who share a number share the row."""
    number, _ = PhoneNumber.objects.get_or_create(
        e164=parsed.e164, defaults={"time_zones": list(parsed.time_zones)}
    )
    return number


def get_or_create_written_number(raw: str, region: str) -> PhoneNumber:
    """Return the row of a number of any kind, for an opt-out. Raises NotANumber, which says what to do."""
    return get_or_create_number(parse_number(raw, region, any_kind=True))


def get_or_create_numbers(e164s: Iterable[str]) -> None:
    """Create the missing rows of many numbers of any kind, for opt-outs; text that isn't one is skipped."""
    wanted = set(e164s)
    known = PhoneNumber.objects.filter(e164__in=wanted).values_list("e164", flat=True)
    rows = []
    for e164 in sorted(wanted.difference(known)):
        with suppress(NotANumber):
            parsed = parse_number(e164, settings.PHONE_REGION, any_kind=True)
            rows.append(PhoneNumber(e164=parsed.e164, time_zones=list(parsed.time_zones)))
    PhoneNumber.objects.bulk_create(rows, ignore_conflicts=True)


@transaction.atomic
def change_phone(contact: Contact, phone: PhoneNumber | None, *, by: User | None = None) -> list[int]:
    """Change the number a contact is called on; return the ids of the appointments that were revised.

    Reminders of future booked appointments must go to the new number, so each gets a new revision. It
    keeps its answer, because the patient gave the answer, whatever the number.
    """
    if contact.phone == phone:
        return []
    contact.phone = phone
    contact.save(update_fields=["phone", "updated_at"])
    hint_planning()
    return revise_upcoming([contact.pk], read_database_clock())


def revise_upcoming(contact_ids: Iterable[int], now: datetime) -> list[int]:
    """Give the booked appointments after `now` of these contacts a new revision, which keeps the answer.

    Returns their ids. To be called in a transaction.
    """
    ahead = Appointment.objects.filter(
        is_any("contact", contact_ids), status=Appointment.Status.BOOKED, starts_at__gt=now
    )
    ids = list(ahead.order_by("pk").values_list("pk", flat=True))
    lock_appointments(ids)
    kept_answer = When(answer_revision=F("revision"), then=F("revision") + 1)
    Appointment.objects.filter(is_any("pk", ids)).update(
        answer_revision=Case(kept_answer, default=F("answer_revision"), output_field=IntegerField()),
        revision=F("revision") + 1,
        revised_at=now,
        updated_at=now,
    )
    return ids


def mark_number_unusable(number_id: int, reason: UnusableReason, at: datetime, *, detail: str = "") -> None:
    """Record that a number can't be reached at all, and why; an earlier reason is kept.

    `detail` is Robotalker's own message, of which the first 200 characters are stored.
    """
    PhoneNumber.objects.filter(pk=number_id, unusable_since=None).update(
        unusable_since=at, unusable_reason=reason, unusable_detail=detail[:200]
    )


def mark_numbers_usable(number_ids: Iterable[int]) -> None:
    """Mark the numbers as usable again, after staff have checked them."""
    numbers = PhoneNumber.objects.filter(pk__in=number_ids)
    numbers.update(unusable_since=None, unusable_reason="", unusable_detail="")
