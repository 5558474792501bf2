"""Queries for contacts: everything shown on a contact's page. Search: contacts/contact_search.py."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from contacts.models import Appointment, ConsentEntry, Contact, ContactId, Location, PhoneNumber
from contacts.models.people import Channel
from contacts.paired_numbers import find_paired_number

PAST_SHOWN = 50


@dataclass(frozen=True)
class NumberOnFile:
    """One of a contact's numbers, with its consent ledger and the other contacts who share it.

    `is_stopped_by_other`: the other number of a pair has opted out of something (contacts/paired_numbers.py).
    """

    number: PhoneNumber
    is_main: bool
    entries: list[ConsentEntry]
    shared_with: list[Contact]
    is_stopped_by_other: bool


@dataclass(frozen=True)
class PersonOnFile:
    """What a contact's page shows. `ahead`: soonest first; `past`: latest first, at most PAST_SHOWN.

    `other_ids`: left by contacts who were merged with this one. `location`: its time zone is used for times
    that belong to no appointment; None if there is none yet.
    """

    contact: Contact
    numbers: list[NumberOnFile]
    ahead: list[Appointment]
    past: list[Appointment]
    location: Location | None
    other_ids: list[ContactId]


def read_next_appointments(contact_ids: Collection[int], now: datetime) -> dict[int, Appointment]:
    """Return the next booked appointment after `now` (aware) of each contact who has one, by contact id."""
    soonest = (
        Appointment.objects.filter(
            contact__in=contact_ids, status=Appointment.Status.BOOKED, starts_at__gt=now
        )
        .select_related("location")
        .order_by("contact_id", "starts_at", "id")
        .distinct("contact_id")
    )
    return {appointment.contact_id: appointment for appointment in soonest}


def read_person(contact_id: int, now: datetime) -> PersonOnFile:
    """Return everything shown on a contact's page. Raises Contact.DoesNotExist."""
    contact = Contact.objects.select_related("phone", "other_phone").get(pk=contact_id)
    appointments = contact.appointments.select_related("location", "provider")
    ahead = list(appointments.filter(starts_at__gt=now).order_by("starts_at", "id"))
    past = list(appointments.filter(starts_at__lte=now).order_by("-starts_at", "-id")[:PAST_SHOWN])
    visited = [appointment.location for appointment in ahead + past]
    location = visited[0] if visited else Location.objects.first()
    return PersonOnFile(contact, _read_numbers(contact), ahead, past, location, list(contact.other_ids.all()))


def _read_numbers(contact: Contact) -> list[NumberOnFile]:
    numbers = [number for number in (contact.phone, contact.other_phone) if number]
    # "confirmation" is the text that confirmed an opt-out. Known here by name only, since contacts doesn't
    # know reminders.
    entries = list(ConsentEntry.objects.filter(number__in=numbers).select_related("by", "confirmation"))
    sharing = list(find_household(contact, numbers))
    is_pair = find_paired_number(contact) is not None
    said_no = {number for number in numbers for channel in Channel if number.opted_out_at(channel)}
    return [
        NumberOnFile(
            number=number,
            is_main=number == contact.phone,
            entries=[entry for entry in entries if entry.number_id == number.pk],
            shared_with=[
                person for person in sharing if number.pk in (person.phone_id, person.other_phone_id)
            ],
            is_stopped_by_other=is_pair and bool(said_no - {number}),
        )
        for number in dict.fromkeys(numbers)
    ]


def find_household(contact: Contact, numbers: Collection[PhoneNumber]) -> QuerySet[Contact]:
    """Return the other contacts who can be called on any of `numbers`."""
    shared = Q(phone__in=numbers) | Q(other_phone__in=numbers)
    return Contact.objects.filter(shared).exclude(pk=contact.pk).order_by("last_name", "first_name", "id")
