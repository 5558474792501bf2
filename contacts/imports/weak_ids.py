"""Ids of a file that don't identify anybody (product rules 42 and 52). Pure: no database.

An id that is none is dropped, and the row is matched by name and number. A patient id that several people
have is a household's account if they are one family, or no id at all if they are many; two people who have
neither name nor number in common are a conflict, and none of their rows is imported.
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from itertools import combinations

from django.utils.translation import gettext, gettext_noop

from contacts.imports.columns import Columns
from contacts.imports.files import Table
from contacts.imports.identity import (
    Identity,
    has_same_first,
    has_same_name,
    is_no_id,
    is_related,
    plain_id,
    shares_number,
)
from contacts.imports.people import describe_row
from contacts.imports.plan_notes import ID_WRITTEN_ANEW
from contacts.imports.problems import NOTE, REJECTED, Problem, clip, translate
from contacts.imports.rows import AppointmentRow, RowResult
from contacts.imports.status_words import CANCELLED

NO_PATIENT_ID = (
    gettext_noop("This isn't an id, so the patient is matched by name and number."),
    gettext_noop("Nothing to do if name and number are right."),
)
NO_APPOINTMENT_ID = (
    gettext_noop("This isn't an id, so the appointment is matched by patient, time and location."),
    gettext_noop("Enter an id in your practice system, so that a later change of time is recognised."),
)
HOUSEHOLD = (
    gettext_noop(
        "Several people have this patient id: an account that a household shares. Each is matched by name."
    ),
    gettext_noop(
        "Nothing to do if they are different people. If they are one, correct the name in your "
        "practice system."
    ),
)
SHARED_BY_MANY = (
    gettext_noop(
        "Many people have this patient id, so it identifies nobody. Each is matched by name and number."
    ),
    gettext_noop("Give each patient an id of their own in your practice system."),
)
TWO_PEOPLE = gettext_noop(
    "This patient id stands for two people who share neither name nor number: %(people)s."
)
CORRECT_ID = gettext_noop("Correct the id in your practice system and export again.")
TWO = 2
MOST_COMPARED = 100  # different people of one id: with more of them it is nobody's, whoever they are
ACCOUNT_WORDS = ("account", "acct", "family", "household", "guarantor", "responsible")


def is_household_header(header: str) -> bool:
    """Whether the header of the patient's id names an account rather than a person."""
    return any(word in header.casefold() for word in ACCOUNT_WORDS)


def settle_ids(results: Sequence[RowResult], columns: Columns) -> list[RowResult]:
    """Return the results without patient ids that several people have, and with conflicts rejected.

    `results`: without what is no id; all rows of a patient id among them.
    """
    groups: dict[str, list[RowResult]] = defaultdict(list)
    alike: dict[str, list[str]] = {}  # plain id -> the ids as they are written
    for result in results:
        if result.row and (written := result.row.patient_id):
            groups[written].append(result)
            ways = alike.setdefault(plain_id(written), [])
            if written not in ways:
                ways.append(written)
    changed: dict[int, RowResult] = {}
    for first, *others in (ways for ways in alike.values() if len(ways) > 1):
        for other in others:
            changed |= _join_ids(groups, first, other, columns)
    for group in groups.values():
        if len({_name(result) for result in group}) > 1:
            changed |= {each.line: each for each in _settle_group(group, columns)}
    return [changed.get(result.line, result) for result in results]


def _join_ids(
    groups: dict[str, list[RowResult]], first: str, other: str, columns: Columns
) -> dict[int, RowResult]:
    """Give the rows of an id that is written in another way the first one, if all are of one patient."""
    people = dict.fromkeys(describe_row(each.row) for each in groups[first] + groups[other] if each.row)
    if len(people) > MOST_COMPARED or not _is_each_pair(people, _is_same_person):
        return {}
    joined = [
        replace(
            each,
            row=replace(each.row, patient_id=first),
            problems=(
                *each.problems,
                _note(each, columns, "patient_id", f"{other}: {first}", ID_WRITTEN_ANEW),
            ),
        )
        for each in groups.pop(other)
        if each.row
    ]
    groups[first] += joined
    return {each.line: each for each in joined}


def find_damaged_fields(table: Table, columns: Columns) -> dict[int, frozenset[str]]:
    """The fields whose cells are damaged, by the lines that have any."""
    fields = {position: name for name, position in columns.positions.items()}
    by_line: dict[int, set[str]] = defaultdict(set)
    for line, position in table.damaged:
        if position in fields:
            by_line[line].add(fields[position])
    return {line: frozenset(names) for line, names in by_line.items()}


def mark_damaged(result: RowResult, damaged: Mapping[int, frozenset[str]]) -> RowResult:
    """Return the result; a row with damaged cells knows of which fields."""
    if result.row is None or result.line not in damaged:
        return result
    return replace(result, row=replace(result.row, damaged=damaged[result.line]))


def drop_placeholders(result: RowResult, columns: Columns) -> RowResult:
    """Drop what is no id from a result, its rejected row included, each with a note."""
    notes = []
    row = result.row or result.partial
    if result.appointment_id and is_no_id(result.appointment_id):
        notes.append(_note(result, columns, "appointment_id", result.appointment_id, NO_APPOINTMENT_ID))
        result = replace(result, appointment_id="")
        row = row and replace(row, appointment_id="")
    if row and row.patient_id and is_no_id(row.patient_id):
        notes.append(_note(result, columns, "patient_id", row.patient_id, NO_PATIENT_ID))
        row = replace(row, patient_id="")
    if not notes:
        return result
    if result.row is None:
        return replace(result, partial=row)
    return replace(result, row=row, problems=(*result.problems, *notes))


def _note(
    result: RowResult, columns: Columns, field: str, value: str, reason: tuple[str, str], weight: str = NOTE
) -> Problem:
    problem, remedy = translate(reason)
    return Problem(result.line, columns.header_of(field), clip(value), clip(problem), remedy, weight)


def _name(result: RowResult) -> tuple[str, str]:
    return (result.row.first_name, result.row.last_name) if result.row else ("", "")


def _settle_group(group: Sequence[RowResult], columns: Columns) -> Iterable[RowResult]:
    """Settle the rows of one patient id whose names differ."""
    identities = list(dict.fromkeys(describe_row(each.row) for each in group if each.row))
    families = 0
    if len(identities) <= MOST_COMPARED:
        if _is_each_pair(identities, has_same_first):
            return group
        families = len(_join(identities, _is_one_family))
    if families == TWO and not is_household_header(columns.header_of("patient_id")):
        return _reject_conflict(group, columns)
    reason = HOUSEHOLD if families in (1, TWO) else SHARED_BY_MANY
    return [_drop_patient_id(each, each.row, columns, reason) for each in group if each.row]


def _is_each_pair(people: Iterable[Identity], belong: Callable[[Identity, Identity], bool]) -> bool:
    """Whether all belong together, each with each: who fits two others doesn't make these two one."""
    return all(belong(one, other) for one, other in combinations(people, 2))


def _is_same_person(one: Identity, other: Identity) -> bool:
    return has_same_name(one, other) and shares_number(one, other)


def _is_one_family(one: Identity, other: Identity) -> bool:
    return has_same_first(one, other) or is_related(one, other)


def _drop_patient_id(
    result: RowResult, row: AppointmentRow, columns: Columns, reason: tuple[str, str]
) -> RowResult:
    note = _note(result, columns, "patient_id", row.patient_id, reason)
    return replace(result, row=replace(row, patient_id=""), problems=(*result.problems, note))


def _reject_conflict(group: Sequence[RowResult], columns: Columns) -> Iterable[RowResult]:
    first_lines: dict[str, int] = {}
    for each in group:
        first_lines.setdefault(" ".join(filter(None, _name(each))), each.line)
    people = ", ".join(
        gettext("%(name)s (line %(line)d)") % {"name": name, "line": line}
        for name, line in list(first_lines.items())[:4]
    )
    reason = (gettext(TWO_PEOPLE) % {"people": people}, CORRECT_ID)
    for each in group:
        row = each.row
        if row:
            problem = _note(each, columns, "patient_id", row.patient_id, reason, REJECTED)
            cancels = row.status == CANCELLED
            yield replace(each, row=None, problems=(problem,), cancels=cancels, partial=row)


def _join(people: Sequence[Identity], belongs: Callable[[Identity, Identity], bool]) -> list[list[Identity]]:
    """Group people so that each is in one group with all to whom `belongs` leads from them."""
    groups: list[list[Identity]] = []
    for person in people:
        touching = [group for group in groups if any(belongs(person, other) for other in group)]
        groups = [group for group in groups if group not in touching]
        groups.append([person, *(other for group in touching for other in group)])
    return groups
