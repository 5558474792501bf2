"""Decide what importing a file would change. Writes nothing and makes no query."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from enum import StrEnum

from contacts.imports.columns import Columns
from contacts.imports.identity import (
    has_same_first,
    has_same_last,
    is_related,
    may_be_the_patient,
    shares_number,
)
from contacts.imports.matching import Known, describe_contact
from contacts.imports.people import ImportedPerson, PersonKey, describe_row, person_key
from contacts.imports.practice import KnownPractice
from contacts.imports.problems import REJECTED, Problem, clip
from contacts.imports.rows import AppointmentRow, RowResult, location_key
from contacts.imports.three_way import (
    FieldChoice,
    Said,
    choose,
    read_appointment_values,
    read_contact_values,
    read_memory,
    read_person_values,
    read_row_values,
    remember,
    say_slot,
)
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
STAYS_CANCELLED = (
    "This appointment is cancelled here, and the file gives no status, so it stays cancelled.",
    "If the patient is expected, book it again here.",
)
BOOKED_HERE = (
    "Staff booked this appointment again here, so the older cancellation in the file isn't used.",
    "Book it again in your practice system too, or cancel it here.",
)
MOVED_HERE = (
    "Staff moved this appointment here, so the older time in the file isn't used.",
    "Move it in your practice system too.",
)
BOTH_CHANGED = (
    "This was changed here and in the file. What is here stays.",
    "Find out which is right, and correct it here or in your practice system.",
)
OTHER_PATIENT = (
    "Here this appointment belongs to another patient.",
    "Check whose appointment it is. If the file is right, cancel it here and book it again for this patient.",
)
OTHER_PERSON = (
    "Here this patient id belongs to somebody else: neither the name nor the number is the same.",
    "If the practice system has given the id to another patient, correct it there and export again.",
)
CANCELLED_ALL_THE_SAME = (
    "The appointment is cancelled, though its patient in the file differs from the one here.",
    "Check that the right appointment was cancelled.",
)
ONLY_CANCELLED = (
    "The appointment is cancelled, though the row has other errors.",
    "Correct them in your practice system.",
)
RELATIVE = (
    "Here a relative has this patient id, so it is taken for an account that a household shares.",
    "If they are one person, correct the first name here, then import the file again.",
)
WITHOUT_ZEROS = (
    "This id was matched with the one here that has zeros in front, because the patient is the same.",
    "Export again without opening the list in a spreadsheet, which removes the zeros.",
)
DAMAGED_NAME = (
    "Letters of this name are damaged in the file. The name recorded here stays.",
    "Export the list again as UTF-8.",
)
TITLES = {"slot": "time", "minutes": "duration", "preferred_channel": "reminded by", "phone": "number"}


@dataclass
class PlannedContact:
    """A patient of the file and their contact; `contact` is None if it must be created.

    `fields`: changes besides numbers. `kept_wish`: how the patient wants to be reminded by the record here,
    where the file says less; it is kept. `phone`, `other_phone`: the E.164 number to set, None for no change.
    `both`: fields that changed here and in the file, with both values. `said`: what to keep of the file,
    empty for what was kept before.
    """

    person: ImportedPerson
    contact: Contact | None
    fields: dict[str, str] = field(default_factory=dict)
    phone: str | None = None
    other_phone: str | None = None
    kept_wish: str = ""
    both: dict[str, tuple[str, str]] = field(default_factory=dict)
    said: Said = field(default_factory=dict)

    def leave_out(self) -> None:
        """Change nothing after all."""
        self.fields, self.phone, self.other_phone, self.said = {}, None, None, {}

    @property
    def outcome(self) -> RowOutcome:
        if self.contact is None:
            return RowOutcome.ADDED
        return RowOutcome.UPDATED if self.fields or self.phone or self.other_phone else RowOutcome.UNCHANGED


@dataclass
class PlannedRow:
    """A row, its outcome, and its existing appointment (None for a new one).

    `takes`: which of slot, minutes, provider and attendance change; `fields`: changes of kind and ids.
    `merges`: the appointment goes to another record of the patient; `cancels_only`: nothing else of the row
    counts. `said`: what to keep of the file, None for what was kept before. `notes`: problems to report.
    """

    row: AppointmentRow
    outcome: RowOutcome
    appointment: Appointment | None = None
    matched_by: MatchedBy = MatchedBy.NOTHING
    takes: set[str] = field(default_factory=set)
    fields: dict[str, str] = field(default_factory=dict)
    merges: bool = False
    cancels_only: bool = False
    said: Said | None = None
    notes: list[Problem] = field(default_factory=list)

    @property
    def starts_at(self) -> datetime:
        """The row's moment if it counts; else, or if it is at the wall time that is booked, exactly that one,
        even if it occurs twice.
        """
        booked = self.appointment
        if booked and ("slot" not in self.takes or self.row.local_start == booked.local_start):
            return booked.wall_start
        return self.row.starts_at

    @property
    def length(self) -> timedelta:
        """The length in the file if it counts, else the current length, else DEFAULT_MINUTES."""
        if self.appointment and ("minutes" not in self.takes or self.row.minutes is None):
            return self.appointment.ends_at - self.appointment.starts_at
        return timedelta(minutes=DEFAULT_MINUTES if self.row.minutes is None else self.row.minutes)

    @property
    def ends_at(self) -> datetime:
        """Aware UTC."""
        return self.starts_at.astimezone(UTC) + self.length

    def leave_out(self) -> None:
        """Change nothing after all."""
        self.outcome, self.takes, self.fields = RowOutcome.UNCHANGED, set(), {}
        self.merges, self.said = False, None


@dataclass
class RefusedRow:
    """A rejected row that cancels an appointment all the same (product rule 44).

    `file_values`: of the appointment from then on.
    """

    result: RowResult
    appointment: Appointment
    outcome: RowOutcome
    file_values: dict[str, Said]


@dataclass
class Plan:
    """All changes of a file: its rows, the patients who have at least one accepted row, and rejected rows
    that cancel.
    """

    rows: list[PlannedRow]
    contacts: dict[PersonKey, PlannedContact]
    refused: list[RefusedRow] = field(default_factory=list)

    @property
    def known_appointments(self) -> list[Appointment]:
        """Those that rows of the file are about."""
        refused = [each.appointment for each in self.refused]
        return [each.appointment for each in self.rows if each.appointment] + refused

    @property
    def outcomes(self) -> list[RowOutcome]:
        """Of each accepted row, and of each rejected row that cancels."""
        return [each.outcome for each in self.rows] + [each.outcome for each in self.refused]


def make_plan(
    known: Known,
    practice: KnownPractice,
    columns: Columns,
    *,
    source: str,
    refused: Sequence[RowResult] = (),
    ignore_ids: bool = False,
) -> Plan:
    """Decide on each row and patient. `refused`: rejected rows that cancel.

    `ignore_ids`: an appointment with another id may be the same, because the practice system changed them.
    """
    planner = _Planner(known, practice, columns, source, ignore_ids=ignore_ids)
    rows = sorted((row for person in known.people.values() for row in person.rows), key=lambda row: row.line)
    planned = [planner.plan(row) for row in rows]
    in_use = {
        person_key(each.row)
        for each in planned
        if each.outcome != RowOutcome.REJECTED and not each.cancels_only
    }
    contacts = {
        key: plan_contact(person, known, source) for key, person in known.people.items() if key in in_use
    }
    cancelled = [each for result in refused if (each := planner.plan_refused(result))]
    return Plan(planned, contacts, cancelled)


def _is_surely_of(row: AppointmentRow, contact: Contact) -> bool:
    """Whether a row is about that patient by more than a first name, which may be missing or frequent."""
    patient, owner = describe_row(row), describe_contact(contact)
    has_id = bool(row.patient_id) and row.patient_id == contact.external_id
    is_known = has_id or shares_number(patient, owner) or has_same_last(patient, owner)
    return is_known and may_be_the_patient(patient, owner)


class _Planner:
    def __init__(
        self, known: Known, practice: KnownPractice, columns: Columns, source: str, *, ignore_ids: bool
    ) -> None:
        self.known = known
        self.practice = practice
        self.columns = columns
        self.source = source
        self.ignore_ids = ignore_ids
        self.used: set[int] = {each.pk for each in known.by_id.values()}
        self.seen: set[str] = set()  # appointment ids of accepted rows

    def plan(self, row: AppointmentRow) -> PlannedRow:
        key = person_key(row)
        self.seen |= {row.appointment_id} - {""}
        appointment, matched_by = self._match(row)
        if key in self.known.conflicts:
            owner_of_id = self.known.conflicts[key]
            is_theirs = appointment is not None and appointment.contact_id == owner_of_id.pk
            return self._refuse(row, appointment, matched_by, OTHER_PERSON, may_cancel=is_theirs)
        if appointment is None:
            return self._add(row)
        planned = PlannedRow(row, RowOutcome.UNCHANGED, appointment, matched_by)
        contact = self.known.contacts.get(key)
        if contact is None or contact.pk != appointment.contact_id:
            identity, owner = self.known.people[key].identity, describe_contact(appointment.contact)
            if not (has_same_first(identity, owner) and has_same_last(identity, owner)):
                overlaps = has_same_first(identity, owner) or is_related(identity, owner)
                may_cancel = overlaps or is_same_slot(row, appointment)
                return self._refuse(row, appointment, matched_by, OTHER_PATIENT, may_cancel=may_cancel)
            planned.merges = row.status != CANCELLED
            planned.cancels_only = not planned.merges
        self._plan_known(planned, appointment)
        return planned

    def _add(self, row: AppointmentRow) -> PlannedRow:
        if row.status == CANCELLED and (booked := self._find_by_time(row)):
            planned = PlannedRow(row, RowOutcome.CANCELLED, booked, MatchedBy.SLOT, cancels_only=True)
            self.used.add(booked.pk)
            planned.notes.append(self._note(row, CANCELLED_ALL_THE_SAME, value=booked.contact.full_name))
            return planned
        return PlannedRow(row, RowOutcome.ADDED, said=read_row_values(row))

    def _plan_known(self, planned: PlannedRow, appointment: Appointment) -> None:
        row = planned.row
        before = read_memory(appointment, self.source)
        if before is None:
            before = self.known.recalled.get(appointment.pk, {})
        planned.notes += [self._note(row, reason) for reason in plan_appointment(planned, before)]
        if row.appointment_id in self.known.with_zeros:
            here = self.known.with_zeros[row.appointment_id]
            planned.notes.append(self._note(row, WITHOUT_ZEROS, value=f"{row.appointment_id}: {here}"))
        elif row.appointment_id and row.appointment_id != appointment.external_id:
            planned.fields |= {"source": self.source, "external_id": row.appointment_id}
        is_changed = planned.takes or planned.fields or planned.merges
        if planned.outcome == RowOutcome.UNCHANGED and is_changed:
            planned.outcome = RowOutcome.UPDATED

    def plan_refused(self, result: RowResult) -> RefusedRow | None:
        """Cancel the appointment of a rejected row, if it is known and no other row is about it."""
        if result.appointment_id in self.seen:
            return None
        if result.appointment_id in self.known.by_id:
            appointment = self.known.by_id[result.appointment_id]
            if result.partial and not self._may_be_about(result.partial, appointment):
                return None
        elif result.partial and (found := self._find_by_time(result.partial)):
            appointment = found
        else:
            return None
        if appointment.status not in (Status.BOOKED, Status.CANCELLED):
            return None
        before = read_memory(appointment, self.source) or self.known.recalled.get(appointment.pk, {})
        is_new = appointment.status == Status.BOOKED and before.get("status") != CANCELLED
        outcome = RowOutcome.CANCELLED if is_new else RowOutcome.UNCHANGED
        kept = appointment.file_values | {self.source: before | {"status": CANCELLED}}
        return RefusedRow(result, appointment, outcome, kept)

    def _may_be_about(self, row: AppointmentRow, appointment: Appointment) -> bool:
        """Whether at least one of name, number, patient id and time is the appointment's."""
        identity, owner = describe_row(row), describe_contact(appointment.contact)
        has_id = bool(row.patient_id) and row.patient_id == appointment.contact.external_id
        agrees = has_same_first(identity, owner) or is_related(identity, owner)
        return agrees or has_id or row.local_start == appointment.local_start

    def _find_by_time(self, row: AppointmentRow) -> Appointment | None:
        """What is booked for the row's patient at its time, wherever, if that is one appointment."""
        found = [
            each
            for each in self.known.by_time.get(row.local_start, [])
            if not (row.appointment_id and each.external_id)
            and each.pk not in self.used
            and _is_surely_of(row, each.contact)
        ]
        return found[0] if len(found) == 1 else None

    def _refuse(
        self,
        row: AppointmentRow,
        appointment: Appointment | None,
        matched_by: MatchedBy,
        reason: tuple[str, str],
        *,
        may_cancel: bool,
    ) -> PlannedRow:
        """Reject a row about somebody else, but for its cancellation if it may be about the appointment."""
        contact = appointment.contact if appointment else self.known.conflicts[person_key(row)]
        value = clip(f"{row.appointment_id or row.patient_id}: {describe_both_people(row, contact)}")
        planned = PlannedRow(row, RowOutcome.REJECTED, appointment, matched_by)
        if appointment and row.status == CANCELLED and may_cancel:
            planned.cancels_only = True
            planned.outcome = RowOutcome.UNCHANGED
            before = read_memory(appointment, self.source) or {}
            reasons = plan_appointment(planned, before)
            planned.notes = [self._note(row, each) for each in reasons]
            planned.notes.append(self._note(row, CANCELLED_ALL_THE_SAME, value=value))
            return planned
        planned.notes = [self._note(row, reason, REJECTED, value=value)]
        return planned

    def _match(self, row: AppointmentRow) -> tuple[Appointment | None, MatchedBy]:
        """Match by id, else by patient, time and location unless both have an id and the ids differ."""
        if row.appointment_id in self.known.by_id:
            return self.known.by_id[row.appointment_id], MatchedBy.ID
        contact = self.known.contacts.get(person_key(row))
        if contact is None:
            return None, MatchedBy.NOTHING
        for each in self.known.by_slot.get((contact.pk, say_slot(row.local_start, row.location)), []):
            has_other_id = row.appointment_id and each.external_id and not self.ignore_ids
            if each.pk not in self.used and not has_other_id:
                self.used.add(each.pk)
                return each, MatchedBy.SLOT
        return None, MatchedBy.NOTHING

    def _note(
        self, row: AppointmentRow, reason: tuple[str, str], weight: str = "note", *, value: str = ""
    ) -> Problem:
        header = self.columns.header_of("appointment_id")
        return Problem(row.line, header, value or row.appointment_id, *reason, weight)


def describe_both_people(row: AppointmentRow, contact: Contact) -> str:
    """Both people of a conflict, by name."""
    there = f"{row.first_name} {row.last_name}".strip()
    return f"{there} in the file, {contact.full_name} here"


def plan_appointment(planned: PlannedRow, before: Said) -> list[tuple[str, str]]:
    """Set the outcome by comparing the row with the appointment and with what the file said before.

    Of a cancelled row nothing but the status counts: it moves nothing. Returns reasons why something isn't
    applied. A cancellation that is new in the file always counts.
    """
    row, appointment = planned.row, planned.appointment
    assert appointment is not None  # noqa: S101 - only matched rows get here
    said, held = read_row_values(row), read_appointment_values(appointment)
    if row.status == CANCELLED:
        return _plan_cancellation(planned, appointment, before)
    choices = {name: choose(name, said, before, held) for name in said}
    if appointment.status == Status.CANCELLED:
        if not row.has_status:
            return [STAYS_CANCELLED]
        if choices["status"] != FieldChoice.TAKE:
            return [CANCELLED_HERE]
        planned.outcome = RowOutcome.BOOKED_AGAIN
    elif appointment.status in VISIT_RECORDED and choices["slot"] != FieldChoice.SAME:
        return [] if choices["slot"] == FieldChoice.OURS else [VISIT_ALREADY_RECORDED]
    elif choices["slot"] == FieldChoice.TAKE:
        planned.outcome = RowOutcome.MOVED
    if appointment.status not in VISIT_RECORDED:
        timed = ("slot", "minutes", "provider")
        planned.takes = {name for name in timed if choices[name] == FieldChoice.TAKE}
        if row.status in VISIT_RECORDED and choices["status"] == FieldChoice.TAKE:
            planned.takes.add("attendance")
    if choices["kind"] == FieldChoice.TAKE:
        planned.fields["kind"] = row.kind
    planned.said = remember(said, before, held)
    reasons = [MOVED_HERE] if choices["slot"] == FieldChoice.OURS else []
    both = [name for name in ("slot", "minutes", "provider", "kind") if choices[name] == FieldChoice.BOTH]
    return reasons + [_describe_both(name, held[name], said[name]) for name in both]


def _describe_both(name: str, held: str, said: str) -> tuple[str, str]:
    title = TITLES.get(name, name.replace("_", " "))
    values = {"title": title, "held": _say_value(held), "said": _say_value(said)}
    problem = "The {title} was changed here and in the file. Here it stays “{held}”; the file says “{said}”."
    return clip(problem.format(**values)), BOTH_CHANGED[1]


def _say_value(value: str) -> str:
    """A value for people; of a slot the date, the time without seconds, and the place."""
    moment, at, place = value.partition("@")
    return f"{moment.replace('T', ' ')[:16]}, {place}" if at else value


def _plan_cancellation(planned: PlannedRow, appointment: Appointment, before: Said) -> list[tuple[str, str]]:
    if appointment.status in VISIT_RECORDED:
        return [VISIT_ALREADY_RECORDED]
    if appointment.status == Status.BOOKED:
        if before.get("status") == CANCELLED:
            return [BOOKED_HERE]
        planned.outcome = RowOutcome.CANCELLED
    planned.said = before | {"status": CANCELLED}
    return []


def is_same_slot(row: AppointmentRow, appointment: Appointment) -> bool:
    """Whether they are at the same location and wall time. The moments may differ: a correction of the
    location's zone, or new clock rules, move the moment of what is booked, never its wall time.
    """
    same_location = location_key(row.location) == location_key(appointment.location.name)
    return same_location and row.local_start == appointment.local_start


def plan_contact(person: ImportedPerson, known: Known, source: str) -> PlannedContact:
    """Decide what changes in a patient's contact. An empty cell never removes a recorded value."""
    contact = known.contacts.get(person.key)
    said = read_person_values(person)
    phone, other = said["phone"] or None, said["other_phone"] or None
    if contact is None:
        return PlannedContact(person, None, phone=phone, other_phone=other, said=said)
    if person.key in known.merged:
        return _plan_merged(person, contact)
    before, held = read_memory(contact, source) or {}, read_contact_values(contact)
    choices = {name: choose(name, said, before, held) for name in said}
    taken = {name: said[name] for name, choice in choices.items() if choice == FieldChoice.TAKE}
    planned = PlannedContact(person, contact, said=remember(said, before, held))
    planned.both = {
        name: (held[name], said[name]) for name, choice in choices.items() if choice == FieldChoice.BOTH
    }
    if person.preference and not is_stricter(person.preference, contact.preferred_channel):
        planned.kept_wish = contact.preferred_channel
        taken.pop("preferred_channel", None)
        planned.both.pop("preferred_channel", None)
    # Staff replaced the file's number, which can't be reached, with one that works.
    if contact.phone and not contact.phone.unusable_since and phone in known.unusable:
        taken.pop("phone", None)
        taken.pop("other_phone", None)
    planned.phone, planned.other_phone = taken.pop("phone", None), taken.pop("other_phone", None)
    # A list without ids names somebody who has two numbers once by each; neither is lost for the other.
    if not planned.other_phone and contact.other_phone and planned.phone == contact.other_phone.e164:
        planned.phone = None
    if not planned.phone and contact.phone and planned.other_phone == contact.phone.e164:
        planned.other_phone = None
    planned.fields = taken | _find_new_id(person, contact, known, source)
    return planned


def _find_new_id(person: ImportedPerson, contact: Contact, known: Known, source: str) -> dict[str, str]:
    """The patient's id for a contact that has none, or that the practice system gave a new one."""
    is_of_source = contact.source == source or not contact.external_id
    has_it = person.patient_id in ("", contact.external_id) or person.key in known.by_other_id
    if has_it or not is_of_source or person.patient_id in known.with_zeros:
        return {}
    return {"source": source, "external_id": person.patient_id}


def describe_person_notes(planned: PlannedContact, known: Known, columns: Columns) -> list[Problem]:
    """Return notes of what was kept against the file, and of ids that weren't taken as they are."""
    person, line = planned.person, planned.person.rows[-1].line
    notes = [describe_kept_wish(planned, columns)] if planned.kept_wish else []
    for name, (held, said) in planned.both.items():
        header = columns.header_of("mobile" if name == "phone" else name)
        value = clip(f"{person.full_name}: “{held}” here, “{said}” in the file")
        notes.append(Problem(line, header, value, *BOTH_CHANGED))
    if person.damaged and planned.contact:
        notes.append(Problem(line, columns.header_of("last_name"), person.full_name, *DAMAGED_NAME))
    ids = columns.header_of("patient_id")
    if person.patient_id in known.with_zeros:
        here = known.with_zeros[person.patient_id]
        notes.append(Problem(line, ids, clip(f"{person.patient_id}: {here}"), *WITHOUT_ZEROS))
    if person.key in known.relatives:
        here = known.relatives[person.key].full_name
        notes.append(Problem(line, ids, clip(f"{person.full_name} in the file, {here} here"), *RELATIVE))
    return notes


def _plan_merged(person: ImportedPerson, contact: Contact) -> PlannedContact:
    """A row with the id of a contact who was merged with this one changes their appointments, and makes their
    wish stricter, but no name, language or number: of two rows of one person, that of their own id counts, in
    whatever order they come.
    """
    planned = PlannedContact(person, contact)
    if person.preference in ("", contact.preferred_channel):
        return planned
    if is_stricter(person.preference, contact.preferred_channel):
        planned.fields = {"preferred_channel": person.preference}
    else:
        planned.kept_wish = contact.preferred_channel
    return planned


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
