"""What a file would change in the book. Decides and writes nothing; needs no further query."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from contacts.imports.matching import HandChanges, Known
from contacts.imports.people import ImportedPerson, PersonKey, person_key
from contacts.imports.places import KnownPlaces
from contacts.imports.problems import REJECTED, Problem
from contacts.imports.rows import AppointmentRow, location_key
from contacts.imports.words import CANCELLED
from contacts.models import Appointment, Contact

DEFAULT_MINUTES = 30
Status = Appointment.Status
VISIT_RECORDED = (Status.ARRIVED, Status.NO_SHOW)


class RowOutcome(StrEnum):
    """What becomes of a row; every row of a file has exactly one."""

    ADDED = "added"
    MOVED = "moved"
    CANCELLED = "cancelled"
    BOOKED_AGAIN = "booked_again"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


class MatchedBy(StrEnum):
    """How a row's appointment was recognised."""

    ID = "id"
    SLOT = "patient, time and location"
    NOTHING = "nothing"


VISITED = (
    "The visit is already recorded here, so it stays as it is.",
    "Correct the visit here if it is wrong.",
)
CANCELLED_HERE = (
    "It was cancelled here by hand, so it stays cancelled.",
    "Book it again here, or cancel it in your practice system.",
)
MOVED_HERE = (
    "It was moved here by hand, so the older time in the file is left out.",
    "Move it in your practice system too.",
)
OTHER_PATIENT = (
    "This appointment belongs to another patient here.",
    "Check whose it is; cancel it here and book it by hand if the file is right.",
)


@dataclass
class PlannedContact:
    """A person of the file and their contact; `contact` is None for one to be made.

    `fields`: what changes besides numbers. `phone`, `other_phone`: E.164 to set, None: leave as it is.
    """

    person: ImportedPerson
    contact: Contact | None
    fields: dict[str, str] = field(default_factory=dict)
    phone: str | None = None
    other_phone: str | None = None

    @property
    def outcome(self) -> RowOutcome:
        if self.contact is None:
            return RowOutcome.ADDED
        return RowOutcome.UPDATED if self.fields or self.phone or self.other_phone else RowOutcome.UNCHANGED


@dataclass
class PlannedRow:
    """A row, what becomes of it, and which appointment it is (None: a new one).

    `fields`: what is written besides time, place and status.
    """

    row: AppointmentRow
    outcome: RowOutcome
    appointment: Appointment | None = None
    matched_by: MatchedBy = MatchedBy.NOTHING
    fields: dict[str, str] = field(default_factory=dict)
    note: Problem | None = None

    @property
    def ends_at(self) -> datetime:
        """Start plus the file's length; where it gives none, the length so far or DEFAULT_MINUTES."""
        if self.row.minutes is not None:
            return self.row.starts_at + timedelta(minutes=self.row.minutes)
        if self.appointment:
            return self.row.starts_at + (self.appointment.ends_at - self.appointment.starts_at)
        return self.row.starts_at + timedelta(minutes=DEFAULT_MINUTES)

    @property
    def has_new_length_or_provider(self) -> bool:
        """Whether a booked appointment gets another end or provider; an empty cell changes nothing."""
        booked = self.appointment
        if booked is None or booked.status != Status.BOOKED:
            return False
        provider = location_key(booked.provider.name) if booked.provider else ""
        return self.ends_at != booked.ends_at or location_key(self.row.provider) not in ("", provider)

    @property
    def has_new_attendance(self) -> bool:
        """Whether the file says that the patient came or didn't, and the book doesn't say yet."""
        closed = self.appointment is not None and self.appointment.status in VISIT_RECORDED
        return self.row.status in VISIT_RECORDED and not closed


@dataclass
class Plan:
    """All of a file's changes: its accepted rows, and the people who have at least one of them."""

    rows: list[PlannedRow]
    contacts: dict[PersonKey, PlannedContact]


def make_plan(
    people: dict[PersonKey, ImportedPerson], known: Known, places: KnownPlaces, *, source: str, id_header: str
) -> Plan:
    """Decide for each row and person. `id_header`: the column that names an appointment in a note."""
    rows = sorted((row for person in people.values() for row in person.rows), key=lambda row: row.line)
    planner = _Planner(known, places, source, id_header)
    planned = [planner.plan(row) for row in rows]
    in_use = {person_key(each.row) for each in planned if each.outcome != RowOutcome.REJECTED}
    contacts = {key: plan_contact(person, known, source) for key, person in people.items() if key in in_use}
    return Plan(planned, contacts)


class _Planner:
    def __init__(self, known: Known, places: KnownPlaces, source: str, id_header: str) -> None:
        self.known = known
        self.places = places
        self.source = source
        self.id_header = id_header

    def plan(self, row: AppointmentRow) -> PlannedRow:
        appointment, matched_by = self._match(row)
        if appointment is None:
            return PlannedRow(row, RowOutcome.ADDED)
        contact = self.known.contacts.get(person_key(row))
        if contact is None or contact.pk != appointment.contact_id:
            note = self._note(row, OTHER_PATIENT, REJECTED)
            return PlannedRow(row, RowOutcome.REJECTED, appointment, matched_by, note=note)
        planned = PlannedRow(row, RowOutcome.UNCHANGED, appointment, matched_by)
        reason = plan_appointment(planned, self.known.hand.get(appointment.pk, HandChanges()))
        if reason:
            planned.note = self._note(row, reason)
            return planned
        planned.fields = self._find_new_details(row, appointment)
        if planned.outcome == RowOutcome.UNCHANGED and planned.fields:
            planned.outcome = RowOutcome.UPDATED
        return planned

    def _match(self, row: AppointmentRow) -> tuple[Appointment | None, MatchedBy]:
        """By id, else by patient, time and location (rule: an id of another appointment bars that)."""
        if row.appointment_id in self.known.by_id:
            return self.known.by_id[row.appointment_id], MatchedBy.ID
        contact = self.known.contacts.get(person_key(row))
        location = self.places.locations.get(location_key(row.location))
        if contact is None or location is None:
            return None, MatchedBy.NOTHING
        there = self.known.by_slot.get((contact.pk, row.starts_at, location.pk), [])
        for each in list(there):
            if not (row.appointment_id and each.external_id):
                there.remove(each)
                return each, MatchedBy.SLOT
        return None, MatchedBy.NOTHING

    def _find_new_details(self, row: AppointmentRow, appointment: Appointment) -> dict[str, str]:
        fields = {}
        if row.kind and row.kind != appointment.kind:
            fields["kind"] = row.kind
        if row.appointment_id and not appointment.external_id:
            fields |= {"source": self.source, "external_id": row.appointment_id}
        return fields

    def _note(self, row: AppointmentRow, reason: tuple[str, str], weight: str = "note") -> Problem:
        return Problem(row.line, self.id_header, row.appointment_id, *reason, weight)


def plan_appointment(planned: PlannedRow, hand: HandChanges) -> tuple[str, str] | None:
    """Set the outcome by comparing row and appointment; the reason when the book's side stays.

    A cancellation in the file always counts. Apart from that, what staff did by hand stays until the
    file brings a time that it didn't have before.
    """
    row, appointment = planned.row, planned.appointment
    assert appointment is not None  # noqa: S101 - only matched rows are judged
    if row.status == CANCELLED:
        return _judge_cancelled(planned, appointment)
    stale = row.starts_at in hand.moved_from
    if appointment.status == Status.CANCELLED:
        if hand.cancelled and (stale or row.starts_at == appointment.starts_at):
            return CANCELLED_HERE
        planned.outcome = RowOutcome.BOOKED_AGAIN
        return None
    if appointment.status in VISIT_RECORDED:
        return None if _is_same_slot(row, appointment) else VISITED
    if not _is_same_slot(row, appointment):
        if stale:
            return MOVED_HERE
        planned.outcome = RowOutcome.MOVED
    elif planned.has_new_length_or_provider or planned.has_new_attendance:
        planned.outcome = RowOutcome.UPDATED
    return None


def _judge_cancelled(planned: PlannedRow, appointment: Appointment) -> tuple[str, str] | None:
    if appointment.status == Status.BOOKED:
        planned.outcome = RowOutcome.CANCELLED
    return VISITED if appointment.status in VISIT_RECORDED else None


def _is_same_slot(row: AppointmentRow, appointment: Appointment) -> bool:
    same_place = location_key(row.location) == location_key(appointment.location.name)
    return same_place and row.starts_at == appointment.starts_at


def plan_contact(person: ImportedPerson, known: Known, source: str) -> PlannedContact:
    """What a person's contact gets. An empty cell never takes away what the book has."""
    contact = known.contacts.get(person.key)
    phone = person.phone.e164 if person.phone else None
    other = person.other_phone.e164 if person.other_phone else None
    if contact is None:
        return PlannedContact(person, None, phone=phone, other_phone=other)
    given = {"first_name": person.first_name, "last_name": person.last_name, "language": person.language}
    fields = {name: value for name, value in given.items() if value and value != getattr(contact, name)}
    if person.patient_id and not contact.external_id:
        fields |= {"source": source, "external_id": person.patient_id}
    held = contact.phone
    # Staff have put a number that works in place of the file's, which can't be reached.
    if held and not held.unusable_since and phone in known.unusable:
        phone = other = None
    return PlannedContact(
        person,
        contact,
        fields,
        phone if not held or held.e164 != phone else None,
        other if not contact.other_phone or contact.other_phone.e164 != other else None,
    )
