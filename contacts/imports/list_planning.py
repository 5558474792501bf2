"""Compare a list with the practice's records: what importing it would do, and what to say of it."""

from collections.abc import Collection, Mapping
from dataclasses import replace

from contacts.imports.changes import describe_appointment
from contacts.imports.columns import Columns
from contacts.imports.contact_plans import describe_person_notes
from contacts.imports.doubts import IDS_KEY, MATCH_BY_TIME, OTHER_SYSTEM, ask_ids, ask_source
from contacts.imports.list_reading import ReadList
from contacts.imports.matching import Known, find_known
from contacts.imports.missing import find_missing
from contacts.imports.people import (
    ImportedPerson,
    PersonKey,
    collect_people,
    describe_number_faults,
    find_differences,
)
from contacts.imports.plan_notes import ONLY_CANCELLED
from contacts.imports.planning import make_plan
from contacts.imports.plans import Plan, RowOutcome
from contacts.imports.problems import NOTE, Problem, clip, translate
from contacts.imports.reading.descriptions import describe_lines
from contacts.imports.weak_ids import is_household_header
from contacts.models import ImportBatch


def plan_list(file: ReadList) -> tuple[Plan, list[Problem]]:
    """Compare a list with what is here; return what to do, and the problems of its rows.

    Adds the questions that come of it to those of the list, and takes the source that was answered.
    """
    people = collect_people(result.row for result in file.results if result.row)
    _settle_source(file, people)
    options, columns = file.options, file.columns
    refused = [result for result in file.results if result.row is None and result.cancels]
    ignore_ids = options.answers.get(IDS_KEY) == MATCH_BY_TIME
    household = is_household_header(columns.header_of("patient_id"))
    known = find_known(people, options.source, refused=refused, household=household, ignore_ids=ignore_ids)
    plan = make_plan(
        known, file.practice, columns, source=options.source, refused=refused, ignore_ids=ignore_ids
    )
    if asked := ask_ids(plan, file.practice, options.source):
        file.questions.append(asked)
    problems = _describe_rows(file, plan)
    problems += _describe_people(plan, known, columns)
    return plan, problems


def plan_lines(file: ReadList, lines: Collection[int]) -> tuple[Plan, list[Problem]]:
    """Plan some lines again, against what is here now. Asks nothing: all was answered for the whole file."""
    some = replace(file, results=[result for result in file.results if result.line in lines], questions=[])
    plan, problems = plan_list(some)
    return plan, [each for each in problems if each.line in lines]


def find_missing_rows(file: ReadList, plan: Plan, batch: ImportBatch | None = None) -> list[Problem]:
    """What was booked for these days and isn't in the list; nothing for one of mended rows, which is a part.

    `batch`: what it has added itself isn't missing.
    """
    if file.is_part:
        return []
    header = file.columns.header_of("appointment_id")
    return find_missing(file.results, plan, source=file.options.source, id_header=header, added_by=batch)


def _settle_source(file: ReadList, people: Mapping[PersonKey, ImportedPerson]) -> None:
    """Ask whether the source is right, and take the one that was answered."""
    if asked := ask_source(people, file.options.source):
        file.questions.append(asked)
        answer = asked.find_answer(file.options.answers)
        if answer and answer != OTHER_SYSTEM:
            file.options = replace(file.options, source=answer)


def _describe_rows(file: ReadList, plan: Plan) -> list[Problem]:
    """The problems of each row. Where a rejected row cancels all the same, they are notes."""
    cancelling = {each.result.line for each in plan.refused}
    problems = [*describe_lines(file.table), *file.notes]
    for result in file.results:
        found = result.problems
        if result.line in cancelling:
            found = tuple(replace(each, weight=NOTE) for each in found)
        problems += found
    header = file.columns.header_of("status")
    for each in plan.refused:
        if each.outcome == RowOutcome.CANCELLED:
            about = clip(describe_appointment(each.appointment))
            each.cancelled_note = Problem(each.result.line, header, about, *translate(ONLY_CANCELLED))
            problems.append(each.cancelled_note)
    return problems + [note for each in plan.rows for note in each.notes]


def _describe_people(plan: Plan, known: Known, columns: Columns) -> list[Problem]:
    notes: list[Problem] = []
    for planned in plan.contacts.values():
        held = planned.contact.phone.e164 if planned.contact and planned.contact.phone else ""
        notes += describe_number_faults(planned.person, held, columns.header_of("mobile"))
        notes += find_differences(planned.person, columns.header_of("patient_id"))
        notes += describe_person_notes(planned, known, columns)
    return notes
