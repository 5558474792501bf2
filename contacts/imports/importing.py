"""Preview and import a file; the command and the upload page both use this module."""

import logging
import time
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import PurePath

from django.conf import settings
from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils import timezone
from django.utils.translation import gettext

from contacts.imports.changes import ImportedChange, describe_appointment, list_changes
from contacts.imports.column_uses import describe_columns
from contacts.imports.column_values import LINK
from contacts.imports.columns import Columns, find_columns
from contacts.imports.contact_plans import describe_person_notes
from contacts.imports.csv_files import CsvReader
from contacts.imports.dates import ORDER_KEY, DateOrder, ask_about_order, guess_order
from contacts.imports.doubts import IDS_KEY, MATCH_BY_TIME, OTHER_SYSTEM, ask_ids, ask_source
from contacts.imports.errors import ImportRefused, QuestionsOpen
from contacts.imports.file_reading import READ_ANEW, RawFile, read_as_remembered, show_refused
from contacts.imports.files import NO_CHOICES, Table, TableReader
from contacts.imports.leases import (
    LeaseLost,
    ask_again,
    fail_batch,
    find_running,
    find_waiting,
    give_batch_back,
    keeping_lease,
    lease_batch,
    lock_import_writes,
    take_next_batch,
)
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
from contacts.imports.problems import NOTE, Problem, clip, translate
from contacts.imports.questions import Question, find_open
from contacts.imports.reading.descriptions import describe_lines
from contacts.imports.reading.other_files import (
    CalendarReader,
    FhirReader,
    RefusingReader,
    WebPageReader,
    WorkbookReader,
)
from contacts.imports.remembered import EffectiveOptions, add_remembered, remember_answers
from contacts.imports.repeats import find_repeats
from contacts.imports.report import ImportReport, count_outcomes
from contacts.imports.rows import ImportedLocation, Reading, RowResult, location_key, read_row
from contacts.imports.runs import ImportRun, PlannedFile, ZonesChanged, group_by_line
from contacts.imports.starts import split_start
from contacts.imports.stored_files import discard_file, read_stored_file, save_options, store_file
from contacts.imports.times import ask_about_half, has_am_pm, is_like_time
from contacts.imports.understood import (
    TWELVE,
    TWENTY_FOUR,
    FirstRows,
    Understood,
    code_order,
    take_first_rows,
)
from contacts.imports.visits_ahead import list_planned_anew
from contacts.imports.weak_ids import is_household_header, mark_damaged, settle_ids
from contacts.imports.words import ask_about_statuses
from contacts.models import ImportBatch
from contacts.worker_hints import hint_planning

READERS: Sequence[TableReader] = (
    WorkbookReader(),
    WebPageReader(),
    CalendarReader(),
    FhirReader(),
    RefusingReader(),
    CsvReader(),
)
WAIT_SECONDS = 0.2  # until the command looks again whether it is its turn
log = logging.getLogger(__name__)


@dataclass
class ReadFile:
    """A file as rows, before it is compared with the appointments in the database.

    `reading`: how its dates and times are read; `is_part`: it has the rows of a list that were to be mended.
    `questions`: about the file, answered or not; `options`: with the answers remembered of the source, and
    the source that was answered; `understood`: how it was read, of which `dropped` was remembered, but
    doesn't fit.
    """

    table: Table
    understood: Understood
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
    problems += _find_missing(file, plan)
    report = _report(file, _count(file, plan, problems), problems, list_changes(plan), file_name)
    return replace(report, planned_anew=list_planned_anew(plan, file.practice, file.described))


def show_refused_file(
    data: bytes, file_name: str, options: ImportOptions
) -> tuple[Understood, FirstRows] | None:
    """How a refused file was understood, and its first rows, so that a person can correct it. Writes nothing.

    None if no other way of reading it can help.
    """
    return show_refused(_take_file(data, file_name), add_remembered(options))


def _take_file(data: bytes, file_name: str) -> RawFile:
    return RawFile(file_name, data, settings.IMPORT_MAX_BYTES, READERS)


def import_file(
    data: bytes, file_name: str, options: ImportOptions, *, by: User | None = None
) -> ImportReport:
    """Import the file at once. Imports that are running, or were queued before, come first.

    Raises ImportRefused if the whole file can't be read, QuestionsOpen if staff must say first what it means;
    nothing is stored then. Rows with errors are in the report. After any other error, what is imported stays,
    and staff find the rest on the imports page, as an import that failed.
    """
    batch = _begin_in_turn(data, file_name, options, by)
    try:
        return run_import(batch)
    except ImportRefused as refused:
        ask_again(batch, str(refused))
        discard_file(batch)
        raise
    except Exception:
        fail_batch(batch)
        raise


def import_next() -> bool:
    """Import the file that has waited longest, or that a dead worker began; return whether there was one.

    A file with open questions goes back to staff. After any other error it is tried again in a while.
    """
    batch = take_next_batch()
    if batch is None:
        return False
    try:
        run_import(batch)
    except ImportRefused as refused:
        ask_again(batch, str(refused))
    except LeaseLost:
        log.warning("import %s: another worker has taken over", batch.pk)
    except Exception:
        log.exception("import %s stopped", batch.pk)
        if not connection.in_atomic_block:  # as in a test
            connection.close_if_unusable_or_obsolete()
        give_batch_back(batch)
    return True


def run_import(batch: ImportBatch) -> ImportReport:
    """Import the file of a batch that this worker has leased, or the rest of it; see ImportRun.

    Raises ImportRefused, QuestionsOpen, LeaseLost.
    """
    stored, run = read_stored_file(batch), ImportRun(batch)
    with keeping_lease(batch):
        while True:
            file, plan, problems = _plan(_read(stored.data, stored.file_name, stored.options))
            if still_open := find_open(file.questions, file.options.answers):
                raise QuestionsOpen(still_open)
            if batch.source != file.options.source:  # as it was answered; a second run doesn't ask again
                batch.source = file.options.source
                save_options(batch, replace(stored.options, source=batch.source))
            planned = PlannedFile(
                plan,
                file.practice,
                file.described,
                len(file.results),
                len(file.duplicates),
                group_by_line(problems),
                partial(_plan_lines, file),
            )
            try:
                run.write(planned)
                break
            except ZonesChanged:
                log.info("import %s: a time zone was corrected, so the file is read again", batch.pk)
        missing = _find_missing(file, plan, batch)
        run.finish(planned, missing, partial(_keep_for_later, file, batch))
    hint_planning()
    changes = sorted(run.changes, key=lambda each: each.line)
    return _report(file, batch.counts, run.problems, changes, stored.file_name, batch)


def _keep_for_later(file: ReadFile, batch: ImportBatch) -> None:
    """Remember what was answered for the next list, and keep the rejected rows to be mended."""
    remember_answers(
        file.options,
        file.questions,
        headers=file.table.headers,
        dropped=dict(file.understood.dropped) if READ_ANEW in file.options.answers else (),
    )
    if file.reading:
        store_rows_to_mend(batch, find_rows_to_mend(file.table, batch.problems.all(), file.reading))


def _begin_in_turn(data: bytes, file_name: str, options: ImportOptions, by: User | None) -> ImportBatch:
    """Store the file and lease its batch, as soon as no other import runs or waits."""
    while True:
        with transaction.atomic():
            lock_import_writes()
            if not find_running().exists() and not find_waiting().exists():
                return lease_batch(store_file(data, file_name, options, how=ImportBatch.How.COMMAND, by=by))
        if not import_next():
            time.sleep(WAIT_SECONDS)


def _read(data: bytes, file_name: str, options: ImportOptions) -> ReadFile:
    """Read the file. If it isn't clear which columns are meant, its rows aren't read yet."""
    effective = add_remembered(options)
    options = effective.options
    check_options(options)
    if is_to_mend(data):  # what was chosen for the lists of its source says nothing of this file
        options = replace(options, reading=NO_CHOICES)
        effective = replace(effective, options=options, kept=NO_CHOICES, kept_headers=())
    table, understood = read_as_remembered(_take_file(data, file_name), effective)
    understood = replace(understood, region=options.number_region)
    part = take_off_mending(table)
    table = part.table
    columns = find_columns(table.headers, effective.list_columns(table.headers), table.rows, options.answers)
    practice = read_known_practice()
    known = {key: location.name for key, location in practice.locations.items()}
    chosen = choose_locations(columns, table.rows, known, options.answers)
    questions = [*table.questions, *columns.questions, *chosen.questions]
    if find_open(questions, options.answers):
        return ReadFile(
            table,
            understood,
            columns,
            table.form,
            practice,
            questions,
            options,
            effective.remembered,
            part.is_part,
        )
    columns = chosen.columns
    names = _list_location_names(table, columns, chosen.only)
    described = describe_locations((name for _, name in names), practice, options)
    reading, asked = _prepare_reading(part, columns, described, chosen.only, options)
    results = mark_damaged([read_row(raw, reading) for raw in table.rows], table, columns)
    results, duplicates = find_repeats(settle_ids(results, columns), columns.header_of("appointment_id"))
    notes = [*describe_unfinished(names, practice, described), *_note_overruled(reading.order, columns)]
    return ReadFile(
        table,
        _add_rows_understood(understood, reading, table, names, effective),
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
        notes,
    )


def _add_rows_understood(
    understood: Understood,
    reading: Reading,
    table: Table,
    names: Sequence[tuple[int, str]],
    effective: EffectiveOptions,
) -> Understood:
    """Add how dates, times and numbers are read, and in which time zones."""
    positions = reading.columns.positions
    has_time = reading.am_pm or any(
        is_like_time(split_start(row.cells, positions).time) for row in table.rows
    )
    zones = {
        name: str(reading.locations[location_key(name)].zone)
        for _, name in reversed(names)
        if name and reading.locations[location_key(name)].zone
    }
    remembered = dict(understood.remembered)
    if ORDER_KEY in effective.remembered and reading.order.either_way:
        remembered["date_order"] = effective.options.answers[ORDER_KEY]
    return replace(
        understood,
        date_order=code_order(reading.order),
        date_proof=reading.order.proof,
        clock=TWELVE if reading.am_pm else TWENTY_FOUR if has_time else "",
        zones=tuple(sorted(zones.items())),
        time_zone=effective.options.time_zone,
        remembered=tuple(sorted(remembered.items())),
    )


def _note_overruled(order: DateOrder, columns: Columns) -> list[Problem]:
    """A note, if a person said another order of dates than a line of the file proves."""
    if not order.overruled:
        return []
    said = gettext("the month first") if order.month_first else gettext("the day first")
    problem = gettext("Line %(line)d has %(order)s, so the order that was chosen doesn't hold for this file.")
    return [
        Problem(
            order.proven_by,
            columns.header_of("date"),
            "",
            problem % {"line": order.proven_by, "order": said},
            gettext("Check the dates of this file."),
        )
    ]


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
    region = options.number_region
    order = guess_order(days, region, timezone.now().date(), options.answers.get(ORDER_KEY, ""))
    times = [(line, texts.time) for line, texts in starts]
    am_pm = has_am_pm(time for _, time in times)
    if part.reading:
        order = replace(order, month_first=part.reading.month_first, proof=gettext("as in the whole list"))
        order = replace(order, either_way=(), overruled=False)
        am_pm = am_pm or part.reading.am_pm
    half = ask_about_half(times, am_pm=am_pm)
    statuses = ask_about_statuses(_read_column(table, columns, "status"))
    questions = [*filter(None, (ask_about_order(order, region), half)), *statuses]
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
    words = {
        True: gettext("dates month first (%(proof)s)"),
        False: gettext("dates day first (%(proof)s)"),
        None: gettext("dates in both orders (%(proof)s)"),
    }
    return words[order.month_first] % {"proof": order.proof}


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
    return file, plan, problems


def _plan_lines(file: ReadFile, lines: Collection[int]) -> tuple[Plan, list[Problem]]:
    """Plan some lines again, against what is here now. Asks nothing: all was answered for the whole file."""
    some = replace(file, results=[result for result in file.results if result.line in lines], questions=[])
    _, plan, problems = _plan(some)
    return plan, [each for each in problems if each.line in lines]


def _find_missing(file: ReadFile, plan: Plan, batch: ImportBatch | None = None) -> list[Problem]:
    if file.is_part:
        return []
    header = file.columns.header_of("appointment_id")
    return find_missing(file.results, plan, source=file.options.source, id_header=header, added_by=batch)


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
        Problem(
            each.result.line, header, clip(describe_appointment(each.appointment)), *translate(ONLY_CANCELLED)
        )
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


def _count(file: ReadFile, plan: Plan, problems: Sequence[Problem]) -> dict[str, int]:
    outcomes = Counter(plan.outcomes)
    outcomes[RowOutcome.DUPLICATE] = len(file.duplicates)
    outcomes[RowOutcome.REJECTED] = len(file.results) - sum(
        count for outcome, count in outcomes.items() if outcome != RowOutcome.REJECTED
    )
    return count_outcomes(outcomes, plan, problems)


def _report(
    file: ReadFile,
    counts: dict[str, int],
    problems: Sequence[Problem],
    changes: Sequence[ImportedChange],
    file_name: str,
    batch: ImportBatch | None = None,
) -> ImportReport:
    to_mend = find_rows_to_mend(file.table, problems, file.reading) if file.reading else None
    return ImportReport(
        file_name=PurePath(file_name).name,
        source=file.options.source,
        form=file.form,
        counts=counts,
        problems=tuple(sorted(problems, key=lambda each: (each.weight != "rejected", each.line))),
        changes=tuple(changes),
        unknown_locations=tuple(file.unknown_locations),
        batch_id=batch.pk if batch else None,
        questions=tuple(file.questions),
        answers=dict(file.options.answers),
        remembered=file.remembered,
        columns=(uses := describe_columns(file.columns, file.table.rows)),
        understood=file.understood,
        first_rows=take_first_rows(file.table, {at: use.meaning for at, use in enumerate(uses)}),
        chosen_columns={name: label for name, label in file.options.columns.items() if label},
        to_mend=to_mend if to_mend and to_mend.rows else None,
    )
