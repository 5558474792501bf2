"""Booking several visits at once: one person every week, or a household one after the other."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db import transaction

from contacts.booking_locks import lock_patients, lock_providers
from contacts.database.clock import read_database_clock
from contacts.models import Appointment, AppointmentChange, Contact, Location, Provider
from reminders.desk.booking_questions import BookingQuestion, WantedSlot, find_questions_of_slots
from reminders.desk.bookings import book_and_plan

JUST_NOW = timedelta(seconds=30)


@dataclass(frozen=True)
class WantedVisit:
    """One of several visits. `wall_start`: by the location's clock (naive).

    `starts_at`, `ends_at`: aware, None if the clocks skip that time on that day.
    """

    contact: Contact
    wall_start: datetime
    starts_at: datetime | None
    ends_at: datetime | None

    @property
    def key(self) -> str:
        """What names it in a form."""
        return f"{self.contact.pk}-{self.wall_start:%Y%m%d}"


def ask_about_visits(
    visits: Sequence[WantedVisit], location: Location, provider: Provider | None, now: datetime
) -> dict[str, list[BookingQuestion]]:
    """What to ask about each, by its key. Three queries; a time that doesn't exist isn't asked about."""
    slots = {
        visit.key: WantedSlot(visit.contact.pk, visit.starts_at, visit.ends_at)
        for visit in visits
        if visit.starts_at and visit.ends_at
    }
    if not slots:
        return {}
    found = find_questions_of_slots(list(slots.values()), location, provider, now)
    return dict(zip(slots, found, strict=True))


@transaction.atomic
def book_visits(
    visits: Sequence[WantedVisit],
    *,
    location: Location,
    provider: Provider | None,
    kind: str,
    by: User,
    confirmed: Mapping[str, Collection[str]],
) -> list[Appointment]:
    """Book all of them and plan their reminders, or none.

    `confirmed`: by each visit's key, what was asked about it and confirmed. Raises BookingQuestionsOpen.
    """
    lock_patients({visit.contact.pk for visit in visits})
    lock_providers([provider.pk] if provider else [])
    return [
        book_and_plan(
            contact=visit.contact,
            location=location,
            provider=provider,
            starts_at=visit.starts_at,
            ends_at=visit.ends_at,
            kind=kind,
            by=by,
            confirmed=confirmed.get(visit.key, ()),
        )
        for visit in visits
        if visit.starts_at
    ]


def find_just_booked(
    visits: Sequence[WantedVisit], *, location: Location, provider: Provider | None, kind: str, by: User
) -> list[Appointment]:
    """These visits, if `by` booked each of them a moment ago: the form came twice, as by a double click.

    An empty list if one of them wasn't.
    """
    found = Appointment.objects.filter(
        contact__in={visit.contact.pk for visit in visits},
        location=location,
        provider=provider,
        kind=kind,
        status=Appointment.Status.BOOKED,
        booked_at__gt=read_database_clock() - JUST_NOW,
        changes__what=AppointmentChange.What.BOOKED,
        changes__by=by,
    )
    booked = {(one.contact_id, one.starts_at, one.ends_at): one for one in found}
    again = [
        booked[key]
        for visit in visits
        if visit.starts_at
        and visit.ends_at
        and (key := (visit.contact.pk, visit.starts_at, visit.ends_at)) in booked
    ]
    return again if len(again) == len(visits) else []
