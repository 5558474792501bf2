"""Preview and import a file; the command and the upload page both use this module."""

import hashlib
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import PurePath

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone

from contacts.appointments import lock_zones
from contacts.imports.apply import store_problems, write_plan
from contacts.imports.changes import ImportedChange, describe_appointment, list_changes
from contacts.imports.column_uses import describe_columns
from contacts.imports.column_values import LINK
from contacts.imports.columns import Columns, find_columns
from contacts.imports.contact_plans import describe_person_notes
from contacts.imports.csv_files import CsvReader, clean_cell
from contacts.imports.dates import DateOrder, guess_order
from contacts.imports.doubts import IDS_KEY, MATCH_BY_TIME, OTHER_SYSTEM, ask_ids, ask_source
from contacts.imports.errors import QuestionsOpen
from contacts.imports.files import NO_CHOICES, Table, TableReader, read_table
from contacts.imports.location_questions import choose_locations
from contacts.imports.matching import Known, find_known
from contacts.imports.mending import (
    ListReading,
    PartOfList,
    find_rows_to_mend,
    is_to_mend,
    store_rows_to_mend,
    take_off_mending,
)
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
from contacts.imports.practice import (
    ImportOptions,
    KnownPractice,
    check_options,
    describe_locations,
    describe_unfinished,
    read_known_practice,
)
from contacts.imports.problems import NOTE, Problem, clip
from contacts.imports.questions import Question, find_open
from contacts.imports.reading.descriptions import describe_lines
from contacts.imports.reading.other_files import (
    CalendarReader,
    FhirReader,
    RefusingReader,
    WebPageReader,
    WorkbookReader,
)
from contacts.imports.remembered import add_remembered, remember_answers
from contacts.imports.repeats import find_repeats
from contacts.imports.report import ImportReport, count_outcomes
from contacts.imports.rows import ImportedLocation, Reading, RowResult, location_key, read_row
from contacts.imports.starts import split_start
from contacts.imports.times import ask_about_half, has_am_pm
from contacts.imports.visits_ahead import list_planned_anew
from contacts.imports.weak_ids import is_household_header, mark_damaged, settle_ids
from contacts.imports.words import ask_about_statuses
from contacts.models import ImportBatch, Location
from contacts.worker_hints import hint_planning

READERS: Sequence[TableReader] = (
    WorkbookReader(),
    WebPageReader(),
    CalendarReader(),
    FhirReader(),
    RefusingReader(),
    CsvReader(),
)
ONE_AT_A_TIME = 7_305_022_011  # key of the advisory lock that lets only one import run at a time


@dataclass
class ReadFile:
    """A file as rows, before it is compared with the appointments in the database.

    `reading`: how its dates and times are read; `is_part`: it has the rows of a list that were to be mended.
    `questions`: about the file, answered or not; `options`: with the answers remembered of the source, and
    the source that was answered.
    """

    table: Table
    columns: Columns
    form: str
    practice: KnownPractice
    questions: list[Question]
    options: ImportOptions
    remembered: frozenset[str]
    is_part: bool = False
    reading: ListReading | None = None
    described: dict[str, ImportedLocation] = field(default_factory=dict)
    results: list[RowResult] = field(default_factory=list)
    duplicates: set[int] = field(default_factory=set)
    unknown_locations: list[str] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)


def preview_file(data: bytes, file_name: str, options: ImportOptions) -> ImportReport:
    """Report what importing the file would change, and what must be answered first. Writes nothing.

    Raises ImportRefused.
    """
    file, plan, problems = _plan(_read(data, file_name, options))
    report = _report(file, plan, problems, list_changes(plan), file_name)
    return replace(report, planned_anew=list_planned_anew(plan, file.practice, file.described))


@transaction.atomic
def import_file(
    data: bytes, file_name: str, options: ImportOptions, *, by: User | None = None
) -> ImportReport:
    """Import the file in one transaction and store its problems. A second import waits for the first.

    Raises ImportRefused if the whole file can't be read, QuestionsOpen if staff must say first what it means;
    rows with errors are in the report.
    """
    _wait_for_other_imports()
    lock_zones(Location.objects.values_list("pk", flat=True))  # those by which the file's times are read
    file, plan, problems = _plan(_read(data, file_name, options))
    if still_open := find_open(file.questions, file.options.answers):
        raise QuestionsOpen(still_open)
    batch = ImportBatch.objects.create(
        file_name=clip(clean_cell(PurePath(file_name).name), 255),
        sha256=hashlib.sha256(data).hexdigest(),
        source=file.options.source,
        by=by,
        applied_at=timezone.now(),
    )
    notes, changes = write_plan(plan, file.practice, file.described, batch, by)
    report = _report(file, plan, problems + notes, changes, file_name, batch)
    store_problems(batch, report.problems)
    if report.to_mend:
        store_rows_to_mend(batch, report.to_mend)
    batch.counts = report.counts
    batch.save(update_fields=["counts"])
    remember_answers(file.options, file.questions)
    hint_planning()
    return report


def _wait_for_other_imports() -> None:
    """Lock until the transaction ends, so that two imports can't both add the same appointment."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_xact_lock(%s)", [ONE_AT_A_TIME])


def _read(data: bytes, file_name: str, options: ImportOptions) -> ReadFile:
    """Read the file. If it isn't clear which columns are meant, its rows aren't read yet."""
    effective = add_remembered(options)
    options = effective.options
    check_options(options)
    part = take_off_mending(
        read_table(
            file_name,
            data,
            largest=settings.IMPORT_MAX_BYTES,
            readers=READERS,
            choices=NO_CHOICES if is_to_mend(data) else options.reading,
            answers=options.answers,
        )
    )
    table = part.table
    columns = find_columns(table.headers, effective.list_columns(table.headers), table.rows, options.answers)
    practice = read_known_practice()
    known = {key: location.name for key, location in practice.locations.items()}
    chosen = choose_locations(columns, table.rows, known, options.answers)
    questions = [*table.questions, *columns.questions, *chosen.questions]
    if find_open(questions, options.answers):
        return ReadFile(
            table, columns, table.form, practice, questions, options, effective.remembered, part.is_part
        )
    columns = chosen.columns
    names = _list_location_names(table, columns, chosen.only)
    described = describe_locations((name for _, name in names), practice, options)
    reading, asked = _prepare_reading(part, columns, described, chosen.only, options)
    results = mark_damaged([read_row(raw, reading) for raw in table.rows], table, columns)
    results, duplicates = find_repeats(settle_ids(results, columns), columns.header_of("appointment_id"))
    return ReadFile(
        table,
        columns,
        f"{table.form}, {_describe_order(reading.order)}",
        practice,
        [*questions, *asked],
        options,
        effective.remembered,
        part.is_part,
        ListReading(reading.order.month_first, reading.am_pm),
        described,
        results,
        duplicates,
        _find_unknown((name for _, name in names), described),
        describe_unfinished(names, practice, described),
    )


def _prepare_reading(
    part: PartOfList,
    columns: Columns,
    described: dict[str, ImportedLocation],
    only_location: str,
    options: ImportOptions,
) -> tuple[Reading, list[Question]]:
    """Find out from whole columns how their cells are read; return that, and the questions about them.

    Rows that were to be mended are read as those of their list.
    """
    table = part.table
    starts = [(row.line, split_start(row.cells, columns.positions)) for row in table.rows]
    days = [(line, day) for line, texts in starts for day in (texts.day, texts.other_day) if day]
    order = guess_order(days, options.number_region, timezone.now().date())
    times = [(line, texts.time) for line, texts in starts]
    am_pm = has_am_pm(time for _, time in times)
    if part.reading:
        order = replace(order, month_first=part.reading.month_first, proof="as in the whole list")
        am_pm = am_pm or part.reading.am_pm
    half = ask_about_half(times, am_pm=am_pm)
    questions = [*([half] if half else []), *ask_about_statuses(_read_column(table, columns, "status"))]
    answer = half.find_answer(options.answers) if half else None
    return (
        Reading(
            columns,
            order,
            am_pm,
            described,
            options.number_region,
            answer or "",
            only_location,
            options.answers,
        ),
        questions,
    )


def _describe_order(order: DateOrder) -> str:
    day_and_month = {True: "month first", False: "day first", None: "in both orders"}[order.month_first]
    return f"dates {day_and_month} ({order.proof})"


def _list_location_names(table: Table, columns: Columns, only: str) -> list[tuple[int, str]]:
    """The line and location of each row; links to meetings are none."""
    if only:
        return [(row.line, only) for row in table.rows[:1]]
    return [
        (line, name) for line, name in _read_column(table, columns, "location") if not LINK.fullmatch(name)
    ]


def _read_column(table: Table, columns: Columns, name: str) -> list[tuple[int, str]]:
    position = columns.positions.get(name)
    if position is None:
        return []
    return [(row.line, row.cells[position]) for row in table.rows if position < len(row.cells)]


def _find_unknown(names: Iterable[str], described: dict[str, ImportedLocation]) -> list[str]:
    """Return the locations without a time zone, each once, as the file first spells it."""
    spellings = {location_key(name): name for name in reversed(list(names)) if name}
    return sorted(name for key, name in spellings.items() if described[key].zone is None)


def _plan(file: ReadFile) -> tuple[ReadFile, Plan, list[Problem]]:
    """Compare the file with what is here, and add the questions that come of it."""
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
    id_header = columns.header_of("appointment_id")
    if not file.is_part:
        problems += find_missing(file.results, plan, source=options.source, id_header=id_header)
    return file, plan, problems


def _settle_source(file: ReadFile, people: Mapping[PersonKey, ImportedPerson]) -> None:
    """Ask whether the source is right, and take the one that was answered."""
    if asked := ask_source(people, file.options.source):
        file.questions.append(asked)
        answer = asked.find_answer(file.options.answers)
        if answer and answer != OTHER_SYSTEM:
            file.options = replace(file.options, source=answer)


def _describe_rows(file: ReadFile, plan: Plan) -> list[Problem]:
    """The problems of each row. Where a rejected row cancels all the same, they are notes."""
    cancelling = {each.result.line for each in plan.refused}
    problems = [*describe_lines(file.table), *file.notes]
    for result in file.results:
        found = result.problems
        if result.line in cancelling:
            found = tuple(replace(each, weight=NOTE) for each in found)
        problems += found
    header = file.columns.header_of("status")
    problems += [
        Problem(each.result.line, header, clip(describe_appointment(each.appointment)), *ONLY_CANCELLED)
        for each in plan.refused
        if each.outcome == RowOutcome.CANCELLED
    ]
    return problems + [note for each in plan.rows for note in each.notes]


def _describe_people(plan: Plan, known: Known, columns: Columns) -> list[Problem]:
    notes: list[Problem] = []
    for planned in plan.contacts.values():
        held = planned.contact.phone.e164 if planned.contact and planned.contact.phone else ""
        notes += describe_number_faults(planned.person, held, columns.header_of("mobile"))
        notes += find_differences(planned.person, columns.header_of("patient_id"))
        notes += describe_person_notes(planned, known, columns)
    return notes


def _report(
    file: ReadFile,
    plan: Plan,
    problems: Sequence[Problem],
    changes: Sequence[ImportedChange],
    file_name: str,
    batch: ImportBatch | None = None,
) -> ImportReport:
    outcomes = Counter(plan.outcomes)
    outcomes[RowOutcome.DUPLICATE] = len(file.duplicates)
    outcomes[RowOutcome.REJECTED] = len(file.results) - sum(
        count for outcome, count in outcomes.items() if outcome != RowOutcome.REJECTED
    )
    to_mend = find_rows_to_mend(file.table, problems, file.reading) if file.reading else None
    return ImportReport(
        file_name=PurePath(file_name).name,
        source=file.options.source,
        form=file.form,
        counts=count_outcomes(outcomes, plan, problems),
        problems=tuple(sorted(problems, key=lambda each: (each.weight != "rejected", each.line))),
        changes=tuple(changes),
        unknown_locations=tuple(file.unknown_locations),
        batch_id=batch.pk if batch else None,
        questions=tuple(file.questions),
        answers=dict(file.options.answers),
        remembered=file.remembered,
        columns=describe_columns(file.columns, file.table.rows),
        chosen_columns={name: label for name, label in file.options.columns.items() if label},
        to_mend=to_mend if to_mend and to_mend.rows else None,
    )
