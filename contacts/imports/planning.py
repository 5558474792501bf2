"""Decide what importing a file would change. Writes nothing and makes no query."""

from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from contacts.imports.columns import Columns
from contacts.imports.matching import HandChanges, Known
from contacts.imports.people import ImportedPerson, PersonKey, person_key
from contacts.imports.practice import KnownPractice
from contacts.imports.problems import REJECTED, Problem
from contacts.imports.rows import AppointmentRow, location_key
from contacts.imports.words import CANCELLED, is_stricter
from contacts.models import Appointment, Contact
from contacts.models.people import Preference

DEFAULT_MINUTES = 30
WISH_COLUMNS = ("prefers", "no_contact", "no_calls", "texts_ok")
Status = Appointment.Status
VISIT_RECORDED = (Status.ARRIVED, Status.NO_SHOW)


class RowOutcome(StrEnum):
    """The result of importing a row; every row of a file has exactly one."""

    ADDED = "added"
    MOVED = "moved"
    CANCELLED = "cancelled"
    BOOKED_AGAIN = "booked_again"
    UPDATED = "updated"
    UNCHANGED = "unchanged"
    DUPLICATE = "duplicate"
    REJECTED = "rejected"


class MatchedBy(StrEnum):
    """How the existing appointment of a row was found."""

    ID = "id"
    SLOT = "patient, time and location"
    NOTHING = "nothing"


VISIT_ALREADY_RECORDED = (
    "The visit is already recorded here, so the appointment isn't changed.",
    "If the recorded visit is wrong, correct it here.",
)
CANCELLED_HERE = (
    "Staff cancelled this appointment here, so it stays cancelled.",
    "Book it again here, or cancel it in your practice system too.",
)
MOVED_HERE = (
    "Staff moved this appointment here, so the older time in the file isn't used.",
    "Move it in your practice system too.",
)
OTHER_PATIENT = (
    "Here this appointment belongs to another patient.",
    "Check whose appointment it is. If the file is right, cancel it here and book it again for this patient.",
)


@dataclass
class PlannedContact:
    """A patient of the file and their contact; `contact` is None if it must be created.

    `fields`: changes besides numbers. `kept_wish`: how the patient wants to be reminded by the record here,
    where the file says less; it is kept. `phone`, `other_phone`: the E.164 number to set, None for no change.
    """

    person: ImportedPerson
    contact: Contact | None
    fields: dict[str, str] = field(default_factory=dict)
    phone: str | None = None
    other_phone: str | None = None
    kept_wish: str = ""

    @property
    def outcome(self) -> RowOutcome:
        if self.contact is None:
            return RowOutcome.ADDED
        return RowOutcome.UPDATED if self.fields or self.phone or self.other_phone else RowOutcome.UNCHANGED


@dataclass
class PlannedRow:
    """A row, its outcome, and its existing appointment (None for a new one).

    `fields`: changes besides time, location and status. `note`: a problem to report.
    """

    row: AppointmentRow
    outcome: RowOutcome
    appointment: Appointment | None = None
    matched_by: MatchedBy = MatchedBy.NOTHING
    fields: dict[str, str] = field(default_factory=dict)
    note: Problem | None = None

    @property
    def starts_at(self) -> datetime:
        """The row's moment; for the wall time that is booked, exactly that one, even if it occurs twice."""
        booked = self.appointment
        return booked.wall_start if booked and _is_same_slot(self.row, booked) else self.row.starts_at

    @property
    def length(self) -> timedelta:
        """The length in the file, else the current length, else DEFAULT_MINUTES."""
        if self.row.minutes is None and self.appointment:
            return self.appointment.ends_at - self.appointment.starts_at
        return timedelta(minutes=DEFAULT_MINUTES if self.row.minutes is None else self.row.minutes)

    @property
    def ends_at(self) -> datetime:
        """Aware UTC."""
        return self.starts_at.astimezone(UTC) + self.length

    @property
    def has_new_length_or_provider(self) -> bool:
        """Whether a booked appointment gets a new end or provider; an empty cell changes nothing."""
        booked = self.appointment
        if booked is None or booked.status != Status.BOOKED:
            return False
        provider = location_key(booked.provider.name) if booked.provider else ""
        has_new_length = self.length != booked.ends_at - booked.starts_at
        return has_new_length or location_key(self.row.provider) not in ("", provider)

    @property
    def has_new_attendance(self) -> bool:
        """Whether the file says arrived or no-show, and no visit is recorded here yet."""
        closed = self.appointment is not None and self.appointment.status in VISIT_RECORDED
        return self.row.status in VISIT_RECORDED and not closed


@dataclass
class Plan:
    """All changes of a file: its rows, and the patients who have at least one accepted row."""

    rows: list[PlannedRow]
    contacts: dict[PersonKey, PlannedContact]


def make_plan(
    people: dict[PersonKey, ImportedPerson],
    known: Known,
    practice: KnownPractice,
    *,
    source: str,
    id_header: str,
) -> Plan:
    """Decide on each row and patient. `id_header`: header of the appointment id, for notes."""
    rows = sorted((row for person in people.values() for row in person.rows), key=lambda row: row.line)
    planner = _Planner(known, practice, source, id_header)
    planned = [planner.plan(row) for row in rows]
    in_use = {person_key(each.row) for each in planned if each.outcome != RowOutcome.REJECTED}
    contacts = {key: plan_contact(person, known, source) for key, person in people.items() if key in in_use}
    return Plan(planned, contacts)


class _Planner:
    def __init__(self, known: Known, practice: KnownPractice, source: str, id_header: str) -> None:
        self.known = known
        self.practice = practice
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
        """Match by id, else by patient, time and location unless both have an id and the ids differ."""
        if row.appointment_id in self.known.by_id:
            return self.known.by_id[row.appointment_id], MatchedBy.ID
        contact = self.known.contacts.get(person_key(row))
        location = self.practice.locations.get(location_key(row.location))
        if contact is None or location is None:
            return None, MatchedBy.NOTHING
        there = self.known.by_slot.get((contact.pk, row.local_start, location.pk), [])
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
    """Set the outcome by comparing row and appointment; return a reason if the row isn't applied.

    A cancellation in the file always counts. Apart from that, changes made by staff are kept until the file
    has a time that the appointment didn't have before.
    """
    row, appointment = planned.row, planned.appointment
    assert appointment is not None  # noqa: S101 - only matched rows get here
    if row.status == CANCELLED:
        return _plan_cancellation(planned, appointment)
    stale = row.local_start in hand.moved_from
    if appointment.status == Status.CANCELLED:
        if hand.cancelled and (stale or row.local_start == appointment.local_start):
            return CANCELLED_HERE
        planned.outcome = RowOutcome.BOOKED_AGAIN
        return None
    if appointment.status in VISIT_RECORDED:
        return None if _is_same_slot(row, appointment) else VISIT_ALREADY_RECORDED
    if not _is_same_slot(row, appointment):
        if stale:
            return MOVED_HERE
        planned.outcome = RowOutcome.MOVED
    elif planned.has_new_length_or_provider or planned.has_new_attendance:
        planned.outcome = RowOutcome.UPDATED
    return None


def _plan_cancellation(planned: PlannedRow, appointment: Appointment) -> tuple[str, str] | None:
    if appointment.status == Status.BOOKED:
        planned.outcome = RowOutcome.CANCELLED
    return VISIT_ALREADY_RECORDED if appointment.status in VISIT_RECORDED else None


def _is_same_slot(row: AppointmentRow, appointment: Appointment) -> bool:
    """Whether they are at the same location and wall time. The moments may differ: a correction of the
    location's zone, or new clock rules, move the moment of what is booked, never its wall time.
    """
    same_location = location_key(row.location) == location_key(appointment.location.name)
    return same_location and row.local_start == appointment.local_start


def plan_contact(person: ImportedPerson, known: Known, source: str) -> PlannedContact:
    """Decide what changes in a patient's contact. An empty cell never removes a recorded value."""
    contact = known.contacts.get(person.key)
    phone = person.phone.e164 if person.phone else None
    other = person.other_phone.e164 if person.other_phone else None
    if contact is None:
        return PlannedContact(person, None, phone=phone, other_phone=other)
    given = {"first_name": person.first_name, "last_name": person.last_name, "language": person.language}
    if is_found_by_other_id(person, contact, source):
        given, phone, other = {}, None, None
    fields = {name: value for name, value in given.items() if value and value != getattr(contact, name)}
    if person.patient_id and not contact.external_id:
        fields |= {"source": source, "external_id": person.patient_id}
    kept_wish = ""
    if person.preference and not is_stricter(person.preference, contact.preferred_channel):
        kept_wish = contact.preferred_channel
    elif person.preference and person.preference != contact.preferred_channel:
        fields["preferred_channel"] = person.preference
    held = contact.phone
    # Staff replaced the file's number, which can't be reached, with one that works.
    if held and not held.unusable_since and phone in known.unusable:
        phone = other = None
    return PlannedContact(
        person,
        contact,
        fields,
        phone if not held or held.e164 != phone else None,
        other if not contact.other_phone or contact.other_phone.e164 != other else None,
        kept_wish,
    )


def is_found_by_other_id(person: ImportedPerson, contact: Contact, source: str) -> bool:
    """Whether the file's id is that of a contact who was merged with this one.

    Then the file changes their appointments, and makes their wish stricter, but changes no name, language or
    number: of two rows of one person, that of their own id counts, in whatever order they come.
    """
    return bool(person.patient_id and contact.external_id) and (
        (contact.source, contact.external_id) != (source, person.patient_id)
    )


def describe_kept_wish(planned: PlannedContact, columns: Columns) -> Problem:
    """Return a note that what the patient wants never to get, by the record here, stays as it is."""
    header = next((name for name in WISH_COLUMNS if name in columns.positions), WISH_COLUMNS[0])
    wish = Preference(planned.kept_wish).label
    return Problem(
        planned.person.rows[-1].line,
        columns.header_of(header),
        str(Preference(planned.person.preference).label),
        f"Here this patient's wish is “{wish}”, which forbids more than the file. It stays.",
        "If it is no longer their wish, change it on the patient's page.",
    )
