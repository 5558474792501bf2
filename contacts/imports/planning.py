"""Decide what importing a file would change. Writes nothing and makes no query."""

from collections import defaultdict
from collections.abc import Hashable, Mapping, Sequence
from dataclasses import replace
from functools import cached_property

from django.utils.translation import gettext, gettext_lazy

from contacts.imports.columns import Columns
from contacts.imports.contact_plans import plan_contact
from contacts.imports.described_contacts import describe_contact
from contacts.imports.identity import (
    has_same_first,
    has_same_last,
    is_related,
    may_be_the_patient,
    shares_number,
)
from contacts.imports.known import Known
from contacts.imports.people import PersonKey, describe_row, person_key
from contacts.imports.plan_notes import (
    BOOKED_HERE,
    BOTH_CHANGED,
    CANCELLED_ALL_THE_SAME,
    CANCELLED_HERE,
    MOVED_HERE,
    OLDER_VERSION,
    OTHER_PATIENT,
    OTHER_PERSON,
    RECORDED_AS_IT_WAS,
    STAYS_CANCELLED,
    VISIT_ALREADY_RECORDED,
    explain_written_anew,
)
from contacts.imports.plans import (
    NOTHING_BESIDE,
    VISIT_RECORDED,
    MatchedBy,
    Plan,
    PlannedRow,
    RefusedRow,
    RowOutcome,
    Status,
)
from contacts.imports.practice import KnownPractice
from contacts.imports.problems import REJECTED, Problem, clip, translate
from contacts.imports.reading.entry_versions import is_older, is_surely_older, leave_out_sequence
from contacts.imports.reading.event_ids import has_other_uid
from contacts.imports.repeats import DUPLICATE, ONE_APPOINTMENT
from contacts.imports.rows import AppointmentRow, RowResult, location_key
from contacts.imports.status_words import CANCELLED
from contacts.imports.three_way import (
    VERSION,
    FieldChoice,
    Said,
    choose,
    keep_version,
    leave_out_report,
    read_appointment_values,
    read_memory,
    read_row_values,
    remember,
    say_slot,
)
from contacts.models import Appointment, Contact

TITLES = {  # of the fields of an appointment that can be changed here and in the file
    "slot": gettext_lazy("time"),
    "minutes": gettext_lazy("duration"),
    "provider": gettext_lazy("provider"),
    "kind": gettext_lazy("kind"),
}

NO_MATCH = (None, MatchedBy.NOTHING)


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
    found = planner.match_all(rows)
    planned = [planner.plan(row, *match) for row, match in zip(rows, found, strict=True)]
    used = [each for each in planned if each.outcome != RowOutcome.REJECTED and not each.cancels_only]
    in_use = {person_key(each.row) for each in used if not each.is_outdated}
    contacts = {
        key: plan_contact(person, known, source) for key, person in known.people.items() if key in in_use
    }
    for key in in_use & {person_key(each.row) for each in used if each.is_outdated}:
        if contacts[key].contact:
            contacts[key].keep_only_wish()
    cancelled = [each for result in refused if (each := planner.plan_refused(result))]
    return Plan(planned, contacts, cancelled)


def is_surely_of(row: AppointmentRow, contact: Contact) -> bool:
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
        self.without_id: dict[Hashable, int] = {}  # the first line of each visit whose row has no id

    def plan(self, row: AppointmentRow, appointment: Appointment | None, matched_by: MatchedBy) -> PlannedRow:
        """Decide on a row that was matched with that appointment, as all rows were before."""
        key = person_key(row)
        self.seen |= {row.appointment_id} - {""}
        if appointment and matched_by == MatchedBy.ID and self._is_outdated(row, appointment):
            note = self._note(row, OLDER_VERSION)
            return PlannedRow(
                row, RowOutcome.UNCHANGED, appointment, matched_by, notes=(note,), is_outdated=True
            )
        if key in self.known.conflicts:
            owner_of_id = self.known.conflicts[key]
            is_theirs = appointment is not None and appointment.contact_id == owner_of_id.pk
            return self._refuse(row, appointment, matched_by, OTHER_PERSON, may_cancel=is_theirs)
        first_line = self._find_first_line(row)
        if appointment is None:
            return self._add(row) if first_line == row.line else self._pass_over(row, first_line)
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

    def _is_outdated(self, row: AppointmentRow | RowResult, appointment: Appointment) -> bool:
        known = (read_memory(appointment, self.source) or {}).get(VERSION, "")
        version = row.version
        if self._is_of_other_event(row.appointment_id, appointment):
            version, known = leave_out_sequence(version), leave_out_sequence(known)
        cancels = row.cancels if isinstance(row, RowResult) else row.status == CANCELLED
        return (is_surely_older if cancels else is_older)(version, known)

    def _is_of_other_event(self, given_id: str, appointment: Appointment) -> bool:
        """Whether the visit was of another event of a calendar, which numbered its versions for itself."""
        is_same_id = not given_id or given_id in self.known.written_anew
        return not is_same_id and has_other_uid(given_id, appointment.external_id)

    def _read_before(self, given_id: str, appointment: Appointment) -> Said | None:
        """What the file said last of an appointment that a row with that id is about."""
        before = read_memory(appointment, self.source)
        if before and VERSION in before and self._is_of_other_event(given_id, appointment):
            return before | {VERSION: leave_out_sequence(before[VERSION])}
        return before

    def _find_first_line(self, row: AppointmentRow) -> int:
        """The first line of the visit of a row without an id, if their patient is found to be one."""
        visit = (person_key(row), row.local_start, location_key(row.location), row.status)
        return row.line if row.appointment_id else self.without_id.setdefault(visit, row.line)

    def _pass_over(self, row: AppointmentRow, first_line: int) -> PlannedRow:
        """Skip a row about the visit of another one, though patient id, name or number differ."""
        note = self._note(row, (DUPLICATE, ONE_APPOINTMENT))
        note = replace(note, problem=note.problem % {"first": first_line})
        return PlannedRow(row, RowOutcome.DUPLICATE, notes=(note,))

    def _add(self, row: AppointmentRow) -> PlannedRow:
        if row.status == CANCELLED and (visit := self._find_by_time(row)):
            self.used.add(visit.pk)
            return self._only_cancel(row, visit, MatchedBy.SLOT, visit.contact.full_name)
        return PlannedRow(row, RowOutcome.ADDED, beside=self._find_beside(row))

    def _only_cancel(
        self, row: AppointmentRow, appointment: Appointment, matched_by: MatchedBy, value: str
    ) -> PlannedRow:
        """Cancel an appointment though the row is about somebody else, or it isn't sure about whom."""
        planned = PlannedRow(row, RowOutcome.UNCHANGED, appointment, matched_by, cancels_only=True)
        reasons = plan_appointment(planned, self._read_before(row.appointment_id, appointment) or {})
        planned.notes = tuple(self._note(row, each) for each in reasons)
        if not reasons:
            planned.notes = (self._note(row, CANCELLED_ALL_THE_SAME, value=value),)
        return planned

    def _find_beside(self, row: AppointmentRow) -> frozenset[int]:
        """What its patient has at that time and location, though it isn't what the row is about."""
        contact = self.known.contacts.get(person_key(row))
        if contact is None:
            return NOTHING_BESIDE
        slot = contact.pk, say_slot(row.local_start, row.location)
        found = [*self.known.by_slot.get(slot, []), *self._by_id_at.get(slot, [])]
        return frozenset(each.pk for each in found) or NOTHING_BESIDE

    @cached_property
    def _by_id_at(self) -> dict[tuple[int, str], list[Appointment]]:
        """The appointments that rows have by id, by patient and slot."""
        found: dict[tuple[int, str], list[Appointment]] = defaultdict(list)
        for each in self.known.by_id.values():
            found[each.contact_id, say_slot(each.local_start, each.location.name)].append(each)
        return found

    def _plan_known(self, planned: PlannedRow, appointment: Appointment) -> None:
        row = planned.row
        before = self._read_before(row.appointment_id, appointment)
        if before is None:
            before = self.known.recalled.get(appointment.pk, {})
        planned.notes += tuple(self._note(row, reason) for reason in plan_appointment(planned, before))
        if planned.kept == read_memory(appointment, self.source):
            planned.kept = None
        if row.appointment_id in self.known.written_anew:
            here = self.known.written_anew[row.appointment_id]
            why = explain_written_anew(row.appointment_id, here)
            planned.notes += (self._note(row, why, value=f"{row.appointment_id}: {here}"),)
        elif row.appointment_id and row.appointment_id != appointment.external_id:
            ids = {"source": self.source, "external_id": row.appointment_id}
            planned.fields = {**planned.fields, **ids}
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
        before = self._read_before(result.appointment_id, appointment)
        before = before or self.known.recalled.get(appointment.pk, {})
        if self._is_outdated(result, appointment):
            return RefusedRow(result, appointment, RowOutcome.UNCHANGED, dict(before), is_outdated=True)
        is_new = appointment.status == Status.BOOKED and before.get("status") != CANCELLED
        outcome = RowOutcome.CANCELLED if is_new else RowOutcome.UNCHANGED
        kept = keep_version(leave_out_report(before) | {"status": CANCELLED}, result.version, before)
        return RefusedRow(result, appointment, outcome, kept)

    def _may_be_about(self, row: AppointmentRow, appointment: Appointment) -> bool:
        """Whether at least one of name, number, patient id and time is the appointment's."""
        identity, owner = describe_row(row), describe_contact(appointment.contact)
        has_id = bool(row.patient_id) and row.patient_id == appointment.contact.external_id
        agrees = has_same_first(identity, owner) or is_related(identity, owner)
        return agrees or has_id or row.local_start == appointment.local_start

    def _find_by_time(self, row: AppointmentRow) -> Appointment | None:
        """What is booked for the row's patient at its time, at its place or else wherever, if that is one
        appointment; first what lists of this source have booked, then what they have cancelled already, so
        that the same row cancels nothing else.
        """
        found = [
            each
            for each in self.known.by_time.get(row.local_start, [])
            if not (row.appointment_id and each.external_id)
            and each.pk not in self.used
            and is_surely_of(row, each.contact)
        ]
        found = [each for each in found if is_same_slot(row, each)] or found
        said = {each.pk: (read_memory(each, self.source) or {}).get("status") for each in found}
        booked = [each for each in found if each.status == Status.BOOKED]
        by_lists = [each for each in booked if said[each.pk] not in (None, CANCELLED)]
        cancelled = [each for each in found if said[each.pk] == CANCELLED]
        if len(by_lists) == 1:
            return by_lists[0]
        if cancelled:
            return cancelled[0]
        return booked[0] if len(booked) == 1 else None

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
        if appointment and row.status == CANCELLED and may_cancel:
            return self._only_cancel(row, appointment, matched_by, value)
        planned = PlannedRow(row, RowOutcome.REJECTED, appointment, matched_by)
        planned.notes = (self._note(row, reason, REJECTED, value=value),)
        return planned

    def match_all(self, rows: Sequence[AppointmentRow]) -> list[tuple[Appointment | None, MatchedBy]]:
        """The appointment of each row, if it is here. A visit that is left of a contact who is taken for
        another person of the file may be of the one who might be them too: it goes there.
        """
        once = (row for row in rows if self._find_first_line(row) == row.line)
        # what is cancelled comes last: of a cancelled row and a booked one at one time the booked one goes on
        # and of two rows the one without an id is about the visit that has none
        in_turn = sorted(once, key=lambda row: (row.status == CANCELLED, row.appointment_id != ""))
        found: dict[int, tuple[Appointment | None, MatchedBy]] = {}  # by line
        for contacts in (self.known.contacts, self.known.rivals):
            for row in in_turn:
                if found.get(row.line, NO_MATCH) == NO_MATCH:
                    found[row.line] = self._match(row, contacts)
        return [found.get(row.line, NO_MATCH) for row in rows]

    def _match(
        self, row: AppointmentRow, contacts: Mapping[PersonKey, Contact]
    ) -> tuple[Appointment | None, MatchedBy]:
        """Match by id, else by patient, time and location unless both have an id and the ids differ."""
        if row.appointment_id in self.known.by_id:
            return self.known.by_id[row.appointment_id], MatchedBy.ID
        contact = contacts.get(person_key(row))
        if contact is None:
            return NO_MATCH
        free = [
            each
            for each in self.known.by_slot.get((contact.pk, say_slot(row.local_start, row.location)), [])
            if each.pk not in self.used
            and not (row.appointment_id and each.external_id and not self.ignore_ids)
        ]
        if not free:
            return NO_MATCH
        match = min(free, key=lambda each: self._rank(row, each))
        self.used.add(match.pk)
        return match, MatchedBy.SLOT

    def _rank(self, row: AppointmentRow, visit: Appointment) -> int:
        """How unlikely the row is about that one of several visits at its time: by what the file said of it
        last, since staff may have cancelled it or booked another; else by what it is.
        """
        before = read_memory(visit, self.source) or self.known.recalled.get(visit.pk, {})
        said = before.get("status")
        if row.status == CANCELLED:
            return 0 if said == CANCELLED else 1 if visit.status == Status.BOOKED else 2
        return 0 if said not in (None, CANCELLED) else 1 if visit.status != Status.CANCELLED else 2

    def _note(
        self, row: AppointmentRow, reason: tuple[str, str], weight: str = "note", *, value: str = ""
    ) -> Problem:
        header = self.columns.header_of("appointment_id")
        return Problem(row.line, header, value or row.appointment_id, *translate(reason), weight)


def describe_both_people(row: AppointmentRow, contact: Contact) -> str:
    """Both people of a conflict, by name."""
    there = f"{row.first_name} {row.last_name}".strip()
    return gettext("%(there)s in the file, %(here)s here") % {"there": there, "here": contact.full_name}


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
    is_recorded = appointment.status in VISIT_RECORDED
    if appointment.status == Status.CANCELLED:
        if not row.has_status:
            return [STAYS_CANCELLED]
        if choices["status"] != FieldChoice.TAKE:
            return [CANCELLED_HERE]
        planned.outcome = RowOutcome.BOOKED_AGAIN
    elif is_recorded and choices["slot"] != FieldChoice.SAME:
        return [] if choices["slot"] == FieldChoice.OURS else [VISIT_ALREADY_RECORDED]
    elif choices["slot"] == FieldChoice.TAKE:
        planned.outcome = RowOutcome.MOVED
    if not is_recorded:
        timed = ("slot", "minutes", "provider")
        planned.takes = frozenset(name for name in timed if choices[name] == FieldChoice.TAKE)
    if _takes_attendance(row, appointment, choices["status"], before):
        planned.takes |= {"attendance"}
    if choices["kind"] == FieldChoice.TAKE:
        planned.fields = {**planned.fields, "kind": row.kind}
    planned.kept = keep_version(remember(said, before, held), row.version, before)
    reasons = [MOVED_HERE] if choices["slot"] == FieldChoice.OURS else []
    is_new = choices["status"] in (FieldChoice.TAKE, FieldChoice.BOTH) and "status" in before
    if is_new and is_recorded and "attendance" not in planned.takes:
        planned.kept["status"] = before["status"]  # said again with the next list, until they agree
        reasons.append(VISIT_ALREADY_RECORDED)
    elif is_recorded and FieldChoice.TAKE in (choices["minutes"], choices["provider"]):
        reasons.append(RECORDED_AS_IT_WAS)
    both = [name for name in ("slot", "minutes", "provider", "kind") if choices[name] == FieldChoice.BOTH]
    return reasons + [_describe_both(name, held[name], said[name]) for name in both]


def _takes_attendance(
    row: AppointmentRow, appointment: Appointment, choice: FieldChoice, before: Said
) -> bool:
    """Whether what the file says of attendance counts: it is new, or corrects what the file said itself."""
    is_open = appointment.status not in VISIT_RECORDED or before.get("status") == appointment.status
    return row.status in VISIT_RECORDED and choice == FieldChoice.TAKE and is_open


def _describe_both(name: str, held: str, said: str) -> tuple[str, str]:
    values = {"title": TITLES[name], "held": _say_value(held), "said": _say_value(said)}
    problem = gettext(
        "The %(title)s was changed here and in the file. Here it stays “%(held)s”; the file says “%(said)s”."
    )
    return clip(problem % values), BOTH_CHANGED[1]


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
    planned.kept = keep_version(leave_out_report(before) | {"status": CANCELLED}, planned.row.version, before)
    return []


def is_same_slot(row: AppointmentRow, appointment: Appointment) -> bool:
    """Whether they are at the same location and wall time. The moments may differ: a correction of the
    location's zone, or new clock rules, move the moment of what is booked, never its wall time.
    """
    same_location = location_key(row.location) == location_key(appointment.location.name)
    return same_location and row.local_start == appointment.local_start
