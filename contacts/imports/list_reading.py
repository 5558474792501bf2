"""Read a list: bytes to rows, with the questions about what they mean."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace

from django.conf import settings
from django.utils import timezone
from django.utils.translation import gettext

from contacts.database.saving import ROWS_PER_STATEMENT, take_chunks
from contacts.imports.booked_days import KeptDays, count_kept_days
from contacts.imports.changed_events import ChangedEvents, add_events
from contacts.imports.column_values import LINK
from contacts.imports.columns import Columns, find_columns
from contacts.imports.csv_files import CsvReader
from contacts.imports.dates import DAY_FIRST, MONTH_FIRST, ORDER_KEY, DateOrder, ask_about_order, guess_order
from contacts.imports.doubts import IDS_KEY, MATCH_BY_TIME
from contacts.imports.file_content import FileContent
from contacts.imports.file_reading import RawFile, has_headers_of_mending, read_as_remembered, show_refused
from contacts.imports.files import LOOKED_AT, NO_CHOICES, RawRow, Table, TableReader
from contacts.imports.location_questions import choose_locations
from contacts.imports.mending import (
    AS_CHOSEN,
    ListReading,
    PartOfList,
    ask_source_of_part,
    may_be_to_mend,
    take_off_mending,
)
from contacts.imports.practice import (
    ImportOptions,
    KnownPractice,
    check_options,
    describe_locations,
    describe_unfinished,
    read_entered_hours,
    read_known_practice,
)
from contacts.imports.problems import Problem
from contacts.imports.questions import Question, find_open
from contacts.imports.reading.other_files import (
    CalendarReader,
    FhirReader,
    RefusingReader,
    WebPageReader,
    WorkbookReader,
)
from contacts.imports.remembered import EffectiveOptions, add_remembered, forget_numbered
from contacts.imports.renaming import read_present_names
from contacts.imports.repeats import find_repeats
from contacts.imports.row_blocks import RowBlocks
from contacts.imports.rows import ImportedLocation, Reading, RowResult, location_key, read_row
from contacts.imports.starts import StartTexts, split_start
from contacts.imports.times import ask_about_half, has_am_pm, is_like_time
from contacts.imports.understood import TWELVE, TWENTY_FOUR, FirstRows, Understood, code_order
from contacts.imports.weak_ids import drop_placeholders, find_damaged_fields, mark_damaged, settle_ids
from contacts.imports.words import ask_about_statuses
from contacts.imports.zone_questions import (
    ZonesOfRows,
    ask_about_night,
    find_header_zone,
    find_open_spans,
    note_header_zone,
)
from contacts.own_numbers import read_own_numbers

READERS: Sequence[TableReader] = (
    WorkbookReader(),
    WebPageReader(),
    CalendarReader(),
    FhirReader(),
    RefusingReader(),
    CsvReader(),
)


@dataclass(frozen=True)
class ListBlock:
    """Rows of a file that are judged together (row_blocks), and how many of them repeat another one."""

    results: list[RowResult]
    duplicates: int


@dataclass
class ReadList:
    """A file as rows, before it is compared with the appointments in the database.

    `reading`: how its dates and times are read; `is_part`: it has the rows of a list that were to be mended.
    `questions`: about the file, answered or not; `options`: with the answers remembered of the source, and
    the source that was answered; `understood`: how it was read, of which `dropped` was remembered, but
    doesn't fit. `rows`: none as long as a question is open that must be answered first; `changed_events`: of
    a calendar, the visits here that have other ids now.
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
    rows: RowBlocks = field(default_factory=RowBlocks)
    changed_events: ChangedEvents = field(default_factory=ChangedEvents)
    unknown_locations: list[str] = field(default_factory=list)
    notes: list[Problem] = field(default_factory=list)

    def read_blocks(self) -> Iterator[ListBlock]:
        """The rows in blocks, without ids of several people and without repeats."""
        id_header = self.columns.header_of("appointment_id")
        for results in self.rows:
            settled, duplicates = find_repeats(settle_ids(results, self.columns), id_header)
            yield ListBlock(settled, len(duplicates))


@dataclass(frozen=True)
class _OpenedFile:
    """A file as a table, of which the columns aren't known yet."""

    part: PartOfList
    understood: Understood
    effective: EffectiveOptions


def read_list(content: FileContent, file_name: str, options: ImportOptions) -> ReadList:
    """Read a file. If it isn't clear which columns are meant, its rows aren't read yet.

    Raises ImportRefused.
    """
    opened = _open_file(content, file_name, options)
    said = opened.part.source
    asked = ask_source_of_part(said, options.source)
    if asked and asked.find_answer(options.answers) != AS_CHOSEN:
        opened = _open_file(content, file_name, replace(options, source=said))
    found = _read_table(opened)
    found.questions[:0] = filter(None, [asked])
    return found


def _open_file(content: FileContent, file_name: str, options: ImportOptions) -> _OpenedFile:
    """Read the table of a file as one of this source, and take off what was added for mending."""
    effective = add_remembered(options)
    options = effective.options
    check_options(options)
    raw = _take_file(content, file_name)
    if may_be_to_mend(content.read_start(LOOKED_AT)) and has_headers_of_mending(raw, options):
        # what was chosen for the lists of its source says nothing of this file
        effective = replace(effective, kept=NO_CHOICES, kept_headers=())
    table, understood = read_as_remembered(raw, effective)
    understood = replace(understood, region=options.number_region)
    part = take_off_mending(table)
    return _OpenedFile(part, understood, forget_numbered(effective, part.table.headers))


def _read_table(opened: _OpenedFile) -> ReadList:
    """Find the columns of a table, and read its rows unless a question about them is open."""
    table, effective = opened.part.table, opened.effective
    options = effective.options
    columns = find_columns(table.headers, effective.list_columns(table.headers), table.rows, options.answers)
    practice = read_known_practice()
    known = {key: location.name for key, location in practice.locations.items()}
    chosen = choose_locations(columns, table.rows, known, options.answers)
    questions = [*table.questions, *columns.questions, *chosen.questions]
    found = ReadList(
        table=table,
        understood=opened.understood,
        columns=columns,
        form=table.form,
        practice=practice,
        questions=questions,
        options=options,
        remembered=effective.remembered,
        is_part=opened.part.is_part,
    )
    if find_open(questions, options.answers):
        return found
    found.columns = chosen.columns
    names = read_present_names(options.answers, practice)
    found.table = names.rename_cells(table, chosen.columns)
    part = replace(opened.part, table=found.table)
    _read_rows(found, part, effective, names.name_location(chosen.only))
    return found


def _read_rows(found: ReadList, part: PartOfList, effective: EffectiveOptions, only_location: str) -> None:
    """Read the rows of a list of which the columns are known, and add what they say and ask to it."""
    table, columns, practice = found.table, found.columns, found.practice
    names = _list_location_names(table, columns, only_location)
    found.described = describe_locations((name for _, name in names), practice, found.options)
    reading, asked = _prepare_reading(part, columns, found.described, only_location, found.options)
    found.notes = _note_overruled(reading.order, columns) + note_header_zone(
        table, columns, reading.header_zone
    )
    if ORDER_KEY in effective.remembered and reading.order.either_way:
        asked = _check_remembered_order(found, reading.order, asked)
    damaged = find_damaged_fields(table, columns)
    results = (
        drop_placeholders(mark_damaged(read_row(raw, reading), damaged), columns) for raw in table.rows
    )
    if found.understood.kind == CalendarReader.kind:
        options = found.options
        found.changed_events = add_events(found.rows, results, options.source, options.answers)
        asked += filter(None, [found.changed_events.question])
    else:
        for result in results:
            found.rows.add(result)
    found.rows.divide()
    found.notes += describe_unfinished(names, practice, found.described)
    found.questions += asked
    found.understood = _add_rows_understood(found.understood, reading, table, names, effective)
    found.form = f"{table.form}, {_describe_order(reading.order)}"
    ids_changed = found.options.answers.get(IDS_KEY) == MATCH_BY_TIME or part.ids_changed
    found.reading = ListReading(reading.order.month_first, reading.am_pm, ids_changed)
    found.unknown_locations = _find_unknown((name for _, name in names), found.described)


def _check_remembered_order(found: ReadList, order: DateOrder, asked: list[Question]) -> list[Question]:
    """Compare an order of dates that is only remembered with the booked days; return the questions then.

    If more days are kept by the other order, it is asked about again; if none is kept, a note says so.
    """
    code = MONTH_FIRST if order.month_first else DAY_FIRST
    kept = KeptDays()
    for rows in take_chunks(found.table.rows, ROWS_PER_STATEMENT):
        some = count_kept_days(_list_days(rows, found.columns), found.options.source, code)
        kept = KeptDays(kept.same + some.same, kept.other + some.other)
    if kept.other > kept.same:
        answers = {key: value for key, value in found.options.answers.items() if key != ORDER_KEY}
        found.options = replace(found.options, answers=answers)
        found.remembered -= {ORDER_KEY}
        return _doubt_order(asked, kept)
    if not kept.same:
        found.notes += _note_unproven(order, found.columns)
    return asked


def show_refused_file(
    content: FileContent, file_name: str, options: ImportOptions
) -> tuple[Understood, FirstRows] | None:
    """How a refused file was understood, and its first rows, so that a person can correct it. Writes nothing.

    None if no other way of reading it can help.
    """
    return show_refused(_take_file(content, file_name), add_remembered(options))


def _take_file(content: FileContent, file_name: str) -> RawFile:
    return RawFile(file_name, content, settings.IMPORT_MAX_BYTES, READERS)


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


def _list_days(rows: Iterable[RawRow], columns: Columns) -> dict[str, str]:
    """The date of each row that has an id, by the id."""
    at = columns.positions.get("appointment_id")
    if at is None:
        return {}
    return {
        row.cells[at]: split_start(row.cells, columns.positions).day for row in rows if at < len(row.cells)
    }


def _doubt_order(asked: Iterable[Question], kept: KeptDays) -> list[Question]:
    """The questions, of which the one about the order of dates waits for an answer, and says why."""
    why = gettext(
        "Read as for earlier lists, %(same)d of the known appointments keep their day; read the other way, "
        "%(other)d do."
    ) % {"same": kept.same, "other": kept.other}
    return [
        replace(each, text=f"{each.text} {why}", standard="") if each.key == ORDER_KEY else each
        for each in asked
    ]


def _note_unproven(order: DateOrder, columns: Columns) -> list[Problem]:
    """A note that the order of dates was only remembered, on the first line that can be read in two ways."""
    line, text = order.either_way[0]
    problem = gettext(
        "The order of day and month is taken from earlier lists; nothing in this file or among the "
        "appointments here shows it."
    )
    remedy = gettext("Check the dates of this file.")
    return [Problem(line, columns.header_of("date"), text, problem, remedy)]


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
    region = options.number_region
    header_zone = find_header_zone(columns, region)

    def read_starts() -> Iterator[tuple[int, StartTexts]]:
        return ((row.line, split_start(row.cells, columns.positions)) for row in table.rows)

    days = ((line, day) for line, texts in read_starts() for day in (texts.day, texts.other_day) if day)
    order = guess_order(days, region, timezone.now().date(), options.answers.get(ORDER_KEY, ""))
    am_pm = has_am_pm(texts.time for _, texts in read_starts())
    if part.reading:
        order = replace(order, month_first=part.reading.month_first, proof=gettext("as in the whole list"))
        order = replace(order, either_way=(), overruled=False)
        am_pm = am_pm or part.reading.am_pm
    zones = ZonesOfRows(columns, described, only_location, header_zone)
    hours = read_entered_hours()
    open_on = find_open_spans(table.rows, zones, order, hours)
    half = ask_about_half(_list_unstated(table, zones, am_pm=am_pm), am_pm=am_pm, open_on=open_on)
    night = ask_about_night(table.rows, zones, order)
    statuses = ask_about_statuses(_read_column(table, columns, "status"))
    questions = [*filter(None, (ask_about_order(order, region), half, night)), *statuses]
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
            header_zone,
            hours,
            read_own_numbers() | {one.callback_number for one in described.values()},
        ),
        questions,
    )


def _list_unstated(table: Table, zones: ZonesOfRows, *, am_pm: bool) -> Iterator[tuple[int, str]]:
    """Line and time of each row that may mean two times: where the zone is stated, it means one."""
    for row in table.rows:
        if am_pm or not zones.name_stated(row):
            yield row.line, split_start(row.cells, zones.columns.positions).time


def _describe_order(order: DateOrder) -> str:
    words = {
        True: gettext("dates month first (%(proof)s)"),
        False: gettext("dates day first (%(proof)s)"),
        None: gettext("dates in both orders (%(proof)s)"),
    }
    return words[order.month_first] % {"proof": order.proof}


def _list_location_names(table: Table, columns: Columns, only: str) -> list[tuple[int, str]]:
    """Each location as the file spells it, with the first line that does; links to meetings are none."""
    if only:
        return [(row.line, only) for row in table.rows[:1]]
    first: dict[str, int] = {}
    for line, name in _read_column(table, columns, "location"):
        first.setdefault(name, line)
    return [(line, name) for name, line in first.items() if not LINK.fullmatch(name)]


def _read_column(table: Table, columns: Columns, name: str) -> Iterator[tuple[int, str]]:
    position = columns.positions.get(name)
    if position is None:
        return
    for row in table.rows:
        if position < len(row.cells):
            yield row.line, row.cells[position]


def _find_unknown(names: Iterable[str], described: dict[str, ImportedLocation]) -> list[str]:
    """Return the locations without a time zone, each once, as the file first spells it."""
    spellings = {location_key(name): name for name in reversed(list(names)) if name}
    return sorted(name for key, name in spellings.items() if described[key].zone is None)
