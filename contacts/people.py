"""Writing people and their numbers."""

from collections.abc import Iterable
from contextlib import suppress
from datetime import datetime

from django.conf import settings
from django.contrib.auth.models import User
from django.db import transaction

from contacts.appointments import lock_appointment
from contacts.database.clock import read_database_clock
from contacts.models import Appointment, Contact, PhoneNumber
from contacts.numbers import NotANumber, ParsedNumber, parse_number


def get_or_create_number(parsed: ParsedNumber) -> PhoneNumber:
    """The row of that number, made if it is new. Whoever shares it shares the row."""
    number, _ = PhoneNumber.objects.get_or_create(
        e164=parsed.e164, defaults={"time_zones": list(parsed.time_zones)}
    )
    return number


def get_or_create_written_number(raw: str, region: str) -> PhoneNumber:
    """The row of a number as somebody wrote it. Raises NotANumber with what to do."""
    return get_or_create_number(parse_number(raw, region))


def get_or_create_numbers(e164s: Iterable[str]) -> None:
    """Make the rows of many numbers where they are missing; but for what can be no number."""
    wanted = set(e164s)
    known = PhoneNumber.objects.filter(e164__in=wanted).values_list("e164", flat=True)
    rows = []
    for e164 in sorted(wanted.difference(known)):
        with suppress(NotANumber):
            parsed = parse_number(e164, settings.PHONE_REGION)
            rows.append(PhoneNumber(e164=parsed.e164, time_zones=list(parsed.time_zones)))
    PhoneNumber.objects.bulk_create(rows, ignore_conflicts=True)


@transaction.atomic
def change_phone(contact: Contact, phone: PhoneNumber | None, *, by: User | None = None) -> list[int]:
    """Give a person another number to be called on; the ids of the appointments that it revises.

    What is booked ahead is owed its reminders on the new number, so it gets a new revision, which
    keeps its answer: the person said it, not the number.
    """
    if contact.phone == phone:
        return []
    contact.phone = phone
    contact.save(update_fields=["phone", "updated_at"])
    now = read_database_clock()
    ahead = contact.appointments.filter(status=Appointment.Status.BOOKED, starts_at__gt=now).order_by("pk")
    return [_revise(pk, now) for pk in ahead.values_list("pk", flat=True)]


def _revise(appointment_id: int, now: datetime) -> int:
    appointment = lock_appointment(appointment_id)
    if appointment.answer_revision == appointment.revision:
        appointment.answer_revision = appointment.revision + 1
    appointment.revision += 1
    appointment.revised_at = now
    appointment.save(update_fields=["revision", "answer_revision", "revised_at", "updated_at"])
    return appointment.pk


def mark_number_unusable(number_id: int, reason: str, at: datetime) -> None:
    """Say that a number can't be reached at all, and why; the first reason stays."""
    PhoneNumber.objects.filter(pk=number_id, unusable_since=None).update(
        unusable_since=at, unusable_reason=reason
    )


def mark_numbers_usable(number_ids: Iterable[int]) -> None:
    """Take it back, when somebody has checked the numbers."""
    PhoneNumber.objects.filter(pk__in=number_ids).update(unusable_since=None, unusable_reason="")
