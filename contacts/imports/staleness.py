"""Rows and patients that somebody changed here after their plan was made.

The desk, the API, a sweep or an undo may change any of them before their part of the file is written. Such a
part is planned again, against what is here now. What changes once more, before that can be written, is left
out and said to be, so that the same file is let in again.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, replace

from django.utils.translation import gettext, gettext_noop

from contacts.database.arrays import is_among, is_any
from contacts.imports.overwriting import read_record_values
from contacts.imports.people import person_key
from contacts.imports.plans import Plan, PlannedContact, PlannedRow, RefusedRow, RowOutcome
from contacts.imports.problems import NOTE, REJECTED, Problem, clip, translate
from contacts.imports.three_way import say_slot
from contacts.models import Appointment, Contact
from contacts.models.local_times import LocalDateTimeField

EDITED_MEANWHILE = (
    gettext_noop("Somebody changed this patient here while the file was being imported."),
    gettext_noop("Import the file again."),
)
CLOSED_MEANWHILE = (
    gettext_noop("Somebody changed this appointment here while the file was being imported."),
    gettext_noop("Import the file again."),
)
BOOKED_MEANWHILE = (
    gettext_noop("Somebody booked this patient here at this time while the file was being imported."),
    gettext_noop("Import the file again."),
)
_REJECTED = RowOutcome.REJECTED


class PlanStale(Exception):
    """Something that the plan is about was changed here since it was made. Nothing is written: plan again."""


class ContactGone(PlanStale):
    """A patient of the plan was merged or erased since it was made."""


@dataclass(frozen=True)
class RowLeftOut:
    """A row or patient that isn't written. `problem` says so; `withdrawn`: what the plan said of the row that
    is no longer true; `instead`: what is said of it in place of that.
    """

    problem: Problem
    withdrawn: Collection[Problem] = ()
    instead: Collection[Problem] = ()


def settle_changes(plan: Plan, source: str) -> list[RowLeftOut]:
    """Compare what the plan is about with what is here. The patients (lock_patients()) and the appointments
    are locked; contacts are locked here.

    What files said of the records is brought up to date, so that nothing another source said is lost. Raises
    PlanStale; of a fresh plan, what was changed is left out and returned, and it raises only ContactGone.
    """
    visits = _find_changed_appointments(plan, source)
    people = _find_changed_contacts(plan, source)
    booked = _find_booked_meanwhile(plan)
    if (visits or people or booked) and not plan.is_fresh:
        raise PlanStale
    left_out = [_leave_out_row(row) for row in plan.rows if _is_of(row, visits) and row.outcome != _REJECTED]
    left_out += [_leave_out_row(row, BOOKED_MEANWHILE) for row in booked]
    left_out += [_leave_out_refused(row) for row in plan.refused if _is_of(row, visits)]
    if left_out:
        _drop_people_without_rows(plan)
    for each in plan.contacts.values():
        if each.contact and each.contact.pk in people:
            left_out.append(_leave_out_person(each))
    return left_out


def correct_problems(problems: Iterable[Problem], left_out: Collection[RowLeftOut]) -> list[Problem]:
    """The problems of a part as they are after something of it was left out."""
    said = list(problems)
    for each in left_out:
        said = [one for one in said if one not in each.withdrawn] + [*each.instead, each.problem]
    return said


def _is_of(row: PlannedRow | RefusedRow, visits: Collection[int]) -> bool:
    return row.appointment is not None and row.appointment.pk in visits


def _find_changed_appointments(plan: Plan, source: str) -> set[int]:
    """Those that aren't as planned, or are gone. All that a row can change is compared."""
    planned = plan.known_appointments
    rows = Appointment.objects.filter(is_any("pk", {each.pk for each in planned})).order_by()
    now = {each.pk: each for each in rows} if planned else {}
    changed = set()
    for each in planned:
        held = now.get(each.pk)
        if held is None or _describe(held, source) != _describe(each, source):
            changed.add(each.pk)
        else:
            each.file_values = held.file_values
    return changed


def _describe(appointment: Appointment, source: str) -> tuple[object, ...]:
    return appointment.revision, appointment.starts_at, read_record_values(appointment, source)


def _find_booked_meanwhile(plan: Plan) -> list[PlannedRow]:
    """The rows that add an appointment beside one that their patient got since they were planned."""
    adding = [
        (row, contact.pk)
        for row in plan.rows
        if row.outcome == RowOutcome.ADDED and (contact := plan.contacts[person_key(row.row)].contact)
    ]
    if not adding:
        return []
    here: dict[tuple[int, str], set[int]] = defaultdict(set)
    starts = {row.row.local_start for row, _ in adding}
    there = Appointment.objects.filter(
        is_any("contact", {pk for _, pk in adding}), is_among("local_start", starts, LocalDateTimeField())
    )
    for each in there.select_related("location").order_by():
        here[each.contact_id, say_slot(each.local_start, each.location.name)].add(each.pk)
    known = {each.pk for each in plan.known_appointments}
    return [
        row
        for row, pk in adding
        if here[pk, say_slot(row.row.local_start, row.row.location)] - known - row.beside
    ]


def _find_changed_contacts(plan: Plan, source: str) -> set[int]:
    """Lock the contacts; return those that aren't as planned. Raises ContactGone."""
    planned = [each.contact for each in plan.contacts.values() if each.contact]
    ids = {each.pk for each in planned}
    if not ids:
        return set()
    rows = Contact.objects.filter(is_any("pk", ids)).order_by("pk").select_for_update(no_key=True)
    now = {each.pk: each for each in rows.filter(erased_at=None).defer("search_text")}
    if now.keys() != ids:
        raise ContactGone
    changed = set()
    for each in planned:
        held = now[each.pk]
        if read_record_values(held, source) != read_record_values(each, source):
            changed.add(each.pk)
        else:
            each.file_values = held.file_values
    return changed


def _leave_out_row(row: PlannedRow, why: tuple[str, str] = CLOSED_MEANWHILE) -> RowLeftOut:
    withdrawn = row.notes
    row.leave_out()
    said = row.row
    return RowLeftOut(_say_changed(said.line, said.appointment_id, why), withdrawn)


def _leave_out_refused(row: RefusedRow) -> RowLeftOut:
    """It was to cancel all the same (product rule 44): say that it doesn't, and why it is refused."""
    line, problems = row.result.line, row.result.problems
    row.outcome = RowOutcome.REJECTED
    notes = [replace(each, weight=NOTE) for each in problems]
    return RowLeftOut(
        _say_changed(line, row.result.appointment_id),
        [*notes, *([row.cancelled_note] if row.cancelled_note else [])],
        problems,
    )


def _leave_out_person(planned: PlannedContact) -> RowLeftOut:
    planned.leave_out()
    line, name = planned.person.rows[-1].line, clip(planned.person.full_name)
    return RowLeftOut(Problem(line, gettext("Row"), name, *translate(EDITED_MEANWHILE)))


def _say_changed(line: int, appointment_id: str, why: tuple[str, str] = CLOSED_MEANWHILE) -> Problem:
    return Problem(line, gettext("Row"), appointment_id, *translate(why), REJECTED)


def _drop_people_without_rows(plan: Plan) -> None:
    """Of a patient without an accepted row nothing is written, as in make_plan()."""
    used = {person_key(row.row) for row in plan.rows if row.outcome != _REJECTED and not row.cancels_only}
    plan.contacts = {key: each for key, each in plan.contacts.items() if key in used}
