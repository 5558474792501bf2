"""Find the contacts and appointments of a file that exist in the database already, in a few queries."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q, QuerySet

from contacts.imports.people import ImportedPerson, PersonKey
from contacts.imports.rows import AppointmentRow
from contacts.models import Appointment, AppointmentChange, Contact, PhoneNumber, Way
from contacts.people import find_by_external_ids

What = AppointmentChange.What


@dataclass(frozen=True)
class HandChanges:
    """Changes staff made to an appointment here, which an older file must not undo.

    `moved_from`: the wall times (naive) it had before staff moved it; `cancelled`: staff cancelled it.
    """

    cancelled: bool = False
    moved_from: frozenset[datetime] = frozenset()


@dataclass
class Known:
    """What exists already. `by_slot`: (contact, wall time, location) -> appointments not found by id."""

    by_id: dict[str, Appointment] = field(default_factory=dict)
    by_slot: dict[tuple[int, datetime, int], list[Appointment]] = field(default_factory=dict)
    contacts: dict[PersonKey, Contact] = field(default_factory=dict)
    hand: dict[int, HandChanges] = field(default_factory=dict)
    unusable: frozenset[str] = frozenset()


def find_known(people: dict[PersonKey, ImportedPerson], source: str) -> Known:
    """Match the file's patients and appointments with those in the database."""
    rows = [row for person in people.values() for row in person.rows]
    by_id = _find_by_id(rows, source)
    contacts = _find_contacts(people, by_id, source)
    by_slot = _find_by_slot(rows, contacts, by_id)
    matched = {each.pk for each in by_id.values()} | {each.pk for group in by_slot.values() for each in group}
    return Known(by_id, by_slot, contacts, _read_hand_changes(matched), _find_unusable(people.values()))


def _appointments() -> QuerySet[Appointment]:
    return Appointment.objects.select_related(
        "contact__phone", "contact__other_phone", "location", "provider"
    )


def _find_by_id(rows: Sequence[AppointmentRow], source: str) -> dict[str, Appointment]:
    ids = {row.appointment_id for row in rows if row.appointment_id}
    return {each.external_id: each for each in _appointments().filter(source=source, external_id__in=ids)}


def _find_contacts(
    people: dict[PersonKey, ImportedPerson], by_id: dict[str, Appointment], source: str
) -> dict[PersonKey, Contact]:
    """Match by the patient's id, else by name with the contact of the same appointment or number."""
    ids = {person.patient_id for person in people.values() if person.patient_id}
    known = find_by_external_ids(source, ids)
    found = {key: known[each.patient_id] for key, each in people.items() if each.patient_id in known}
    others = [person for key, person in people.items() if key not in found]
    for person in others:
        if contact := _find_by_appointment(person, by_id):
            found[person.key] = contact
    return found | _find_by_name([person for person in others if person.key not in found])


def _find_by_appointment(person: ImportedPerson, by_id: dict[str, Appointment]) -> Contact | None:
    for row in person.rows:
        appointment = by_id.get(row.appointment_id)
        if appointment and may_be(person, appointment.contact):
            return appointment.contact
    return None


def _find_by_name(people: Sequence[ImportedPerson]) -> dict[PersonKey, Contact]:
    """Match contacts of the same name and number, or of the same name if neither has a number."""
    numbers = {person.phone.e164 for person in people if person.phone}
    names = {person.last_name for person in people if not person.phone}
    candidates = (
        Contact.objects.filter(
            Q(phone__e164__in=numbers) | Q(other_phone__e164__in=numbers) | Q(phone=None, last_name__in=names)
        )
        .select_related("phone", "other_phone")
        .order_by("-pk")
    )
    by_name: dict[tuple[str, str], Contact] = {}
    for contact in candidates:
        for number in (contact.phone, contact.other_phone):
            by_name[_name(contact), number.e164 if number else ""] = contact
    found = {}
    for person in people:
        match = by_name.get((_name(person), person.phone.e164 if person.phone else ""))
        if match and may_be(person, match):
            found[person.key] = match
    return found


def _name(who: ImportedPerson | Contact) -> str:
    return f"{who.first_name}\n{who.last_name}".casefold()


def may_be(person: ImportedPerson, contact: Contact) -> bool:
    """Whether a contact found without its id can be that patient: same name, and not both have an id."""
    return _name(person) == _name(contact) and not (person.patient_id and contact.external_id)


def _find_by_slot(
    rows: Sequence[AppointmentRow], contacts: dict[PersonKey, Contact], by_id: dict[str, Appointment]
) -> dict[tuple[int, datetime, int], list[Appointment]]:
    starts = {row.local_start for row in rows if row.appointment_id not in by_id}
    people = {contact.pk for contact in contacts.values()}
    taken = {each.pk for each in by_id.values()}
    slots: dict[tuple[int, datetime, int], list[Appointment]] = defaultdict(list)
    # Appointments without an id come first, because one with another id is less likely to be the same.
    found = _appointments().filter(contact__in=people, local_start__in=starts).exclude(pk__in=taken)
    for each in found.order_by("external_id", "pk"):
        slots[each.contact_id, each.local_start, each.location_id].append(each)
    return slots


def _read_hand_changes(appointment_ids: Iterable[int]) -> dict[int, HandChanges]:
    """Return what staff changed since the last import that moved, cancelled or re-booked the appointment."""
    found: dict[int, HandChanges] = {}
    changes = AppointmentChange.objects.filter(
        appointment__in=set(appointment_ids), what__in=[What.MOVED, What.CANCELLED, What.REINSTATED]
    ).order_by("pk")
    for change in changes:
        before = found.get(change.appointment_id, HandChanges())
        found[change.appointment_id] = _add_change(before, change)
    return found


def _add_change(before: HandChanges, change: AppointmentChange) -> HandChanges:
    by_hand = change.how != Way.IMPORT
    if change.what != What.MOVED:
        return HandChanges(by_hand and change.what == What.CANCELLED, before.moved_from)
    if not by_hand or change.local_before is None:
        return HandChanges(before.cancelled)
    return HandChanges(before.cancelled, before.moved_from | {change.local_before})


def _find_unusable(people: Iterable[ImportedPerson]) -> frozenset[str]:
    numbers = {person.phone.e164 for person in people if person.phone}
    unusable = PhoneNumber.objects.filter(e164__in=numbers).exclude(unusable_since=None)
    return frozenset(unusable.values_list("e164", flat=True))
