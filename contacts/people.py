"""Create numbers, change a contact's number, and mark numbers as usable or not."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from contacts.appointments import lock_appointment
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
    now = read_database_clock()
    ahead = contact.appointments.filter(status=Appointment.Status.BOOKED, starts_at__gt=now).order_by("pk")
    hint_planning()
    return [_revise(pk, now) for pk in ahead.values_list("pk", flat=True)]


def _revise(appointment_id: int, now: datetime) -> int:
    appointment = lock_appointment(appointment_id)
    if appointment.answer_revision == appointment.revision:
        appointment.answer_revision = appointment.revision + 1
    appointment.revision += 1
    appointment.revised_at = now
    appointment.save(update_fields=["revision", "answer_revision", "revised_at", "updated_at"])
    return appointment.pk


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
