"""What was understood of a file, for staff, the command and its JSON; its first rows. Pure: no database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from django.utils.translation import gettext, gettext_lazy, pgettext

from contacts.imports.dates import DAY_FIRST, MONTH_FIRST, DateOrder
from contacts.imports.files import RawRow, SkippedLine, Skips, Table, TableReader
from contacts.imports.headers import label_headers
from contacts.imports.problems import clip
from contacts.imports.reading_options import code_choices, say_choice

ROWS_SHOWN = 10
ABOVE_SHOWN = 10
COLUMNS_SHOWN = 200
CELL_SHOWN = 80  # characters
ZONES_SHOWN = 10
SAMPLES, SAMPLES_LENGTH = 2, 40  # of a column in a list of all columns
KINDS = {
    "csv": gettext_lazy("Text with delimiters (CSV)"),
    "workbook": gettext_lazy("Workbook"),
    "web_page": gettext_lazy("Web page"),
    "calendar": gettext_lazy("Calendar"),
    "fhir": gettext_lazy("FHIR"),
}
CONTRADICTING, YEAR_FIRST = "contradicting", "year_first"  # orders of dates beside MONTH_FIRST and DAY_FIRST
TWELVE, TWENTY_FOUR = "12", "24"
USUAL_QUOTE = '"'


@dataclass(frozen=True)
class Understood:
    """How a file was read, as codes. `takes`: what a person can correct (see reading_options).

    `date_order`: "" if the rows weren't read yet; `date_proof`: why, for people; `clock`: "12" with AM and
    PM, "24", or "" if there is no time; `zones`: location and time zone; `chosen`: choices made for this
    file, by name; `remembered`: those made for an earlier list of the source; `dropped`: that don't fit.
    """

    kind: str
    takes: tuple[str, ...]
    delimiter: str = ""
    quote: str = ""
    escape: str = ""
    encoding: str = ""
    header_line: int = 0
    sheet: str = ""
    sheets: tuple[str, ...] = ()
    date_order: str = ""
    date_proof: str = ""
    clock: str = ""
    zones: tuple[tuple[str, str], ...] = ()
    region: str = ""
    time_zone: str = ""
    chosen: tuple[tuple[str, str], ...] = ()
    remembered: tuple[tuple[str, str], ...] = ()
    dropped: tuple[tuple[str, str], ...] = ()


@dataclass(frozen=True)
class UnderstoodLine:
    """One line for people. `is_chosen`: by a person, for this list; `is_remembered`: for an earlier one."""

    label: str
    value: str
    is_chosen: bool = False
    is_remembered: bool = False


@dataclass(frozen=True)
class FirstColumn:
    """A column of the first rows; `meaning`: what it is taken for, "" if it isn't used."""

    label: str
    meaning: str


@dataclass(frozen=True)
class FirstRows:
    """The first rows of a table, each with its line and a cell for each column; `above`: lines left out."""

    columns: tuple[FirstColumn, ...]
    rows: tuple[tuple[int, tuple[str, ...]], ...]
    above: tuple[SkippedLine, ...] = ()
    more_columns: int = 0

    @property
    def samples(self) -> dict[str, str]:
        """The first cells of each column that aren't empty, by its label."""
        cells = {
            column.label: dict.fromkeys(row[at] for _, row in self.rows if row[at])
            for at, column in enumerate(self.columns)
        }
        return {
            label: clip(", ".join(islice(found, SAMPLES)), SAMPLES_LENGTH) for label, found in cells.items()
        }


NO_ROWS = FirstRows((), ())


def describe_table(table: Table, reader: TableReader) -> Understood:
    """What was understood before any row was read."""
    codes = code_choices(table.understood)
    return Understood(
        kind=reader.kind,
        takes=reader.takes,
        delimiter=codes.get("delimiter", ""),
        quote=table.quote,
        escape=table.escape,
        encoding=table.understood.encoding,
        header_line=table.understood.header_line,
        sheet=table.understood.sheet,
        sheets=table.sheets,
    )


def code_order(order: DateOrder) -> str:
    """The order of day and month as a code."""
    if not order.numeric:
        return YEAR_FIRST
    return {True: MONTH_FIRST, False: DAY_FIRST, None: CONTRADICTING}[order.month_first]


def take_first_rows(table: Table, meanings: Mapping[int, str]) -> FirstRows:
    """The first rows under their headers; `meanings`: position of a column -> what it is taken for.

    A row may have more cells than the header, if another row is the header.
    """
    rows = table.rows[:ROWS_SHOWN]
    width = max((len(table.headers), *(_filled_width(row.cells) for row in rows)), default=0)
    shown = min(width, COLUMNS_SHOWN)
    labels = label_headers([*table.headers, *[""] * (width - len(table.headers))])
    return FirstRows(
        tuple(FirstColumn(labels[at], meanings.get(at, "")) for at in range(shown)),
        tuple((row.line, _cells_of(row, shown)) for row in rows),
        tuple(each for each in table.skipped if each.why == Skips.ABOVE)[:ABOVE_SHOWN],
        width - shown,
    )


def _filled_width(cells: Sequence[str]) -> int:
    return max((at for at, cell in enumerate(cells, 1) if cell), default=0)


def _cells_of(row: RawRow, shown: int) -> tuple[str, ...]:
    cells = [clip(cell, CELL_SHOWN) for cell in row.cells[:shown]]
    return (*cells, *[""] * (shown - len(cells)))


def list_understood(understood: Understood) -> list[UnderstoodLine]:
    """What was understood, in words: for the page and the command."""
    chosen, remembered = dict(understood.chosen), dict(understood.remembered)

    def line(name: str, label: str, value: str) -> UnderstoodLine:
        return UnderstoodLine(label, value, name in chosen, name in remembered)

    lines = [UnderstoodLine(gettext("Kind of file"), str(KINDS.get(understood.kind, understood.kind)))]
    if understood.delimiter:
        lines.append(line("delimiter", gettext("Delimiter"), say_choice("delimiter", understood.delimiter)))
    if understood.quote and understood.quote != USUAL_QUOTE:
        lines.append(UnderstoodLine(gettext("Marks around cells"), understood.quote))
    if understood.escape:
        lines.append(UnderstoodLine(gettext("Mark before a quotation mark"), understood.escape))
    if understood.encoding:
        lines.append(line("encoding", gettext("Letters"), say_choice("encoding", understood.encoding)))
    if understood.header_line:
        place = gettext("line %(line)d") % {"line": understood.header_line}
        lines.append(line("header_line", pgettext("of a table", "Header"), place))
    if understood.sheet and len(understood.sheets) > 1:
        lines.append(line("sheet", gettext("Sheet"), understood.sheet))
    return [*lines, *_list_of_rows(understood, remembered, chosen)]


def _list_of_rows(
    understood: Understood, remembered: Mapping[str, str], chosen: Mapping[str, str]
) -> list[UnderstoodLine]:
    """What was understood of dates, times and numbers; nothing as long as the rows weren't read."""
    lines = []
    orders = {
        MONTH_FIRST: gettext("the month first, %(proof)s"),
        DAY_FIRST: gettext("the day first, %(proof)s"),
        CONTRADICTING: gettext("contradicting each other: %(proof)s"),
        YEAR_FIRST: gettext("with the month's name or the year first, so that they are clear"),
    }
    clocks = {TWELVE: gettext("12 hours, with AM and PM"), TWENTY_FOUR: gettext("24 hours")}
    if understood.date_order:
        value = orders[understood.date_order] % {"proof": understood.date_proof}
        is_remembered, is_chosen = "date_order" in remembered, "date_order" in chosen
        lines.append(UnderstoodLine(gettext("Dates"), value, is_chosen, is_remembered))
    if understood.clock:
        lines.append(UnderstoodLine(gettext("Times"), clocks[understood.clock]))
    if understood.zones:
        more = len(understood.zones) - ZONES_SHOWN
        named = [f"{name}: {zone}" for name, zone in understood.zones[:ZONES_SHOWN]]
        named += [gettext("and %(count)d more") % {"count": more}] if more > 0 else []
        lines.append(UnderstoodLine(gettext("Time zones"), ", ".join(named)))
    if understood.time_zone:
        marks = ("time_zone" in chosen, "time_zone" in remembered)
        lines.append(UnderstoodLine(gettext("Time zone of new locations"), understood.time_zone, *marks))
    if understood.region:
        marks = ("region" in chosen, "region" in remembered)
        country = say_choice("region", understood.region)
        lines.append(UnderstoodLine(gettext("Numbers without a country code"), country, *marks))
    return lines


def understood_as_lines(understood: Understood) -> list[str]:
    """What was understood, as the command prints it."""
    lines = []
    for each in list_understood(understood):
        mark = gettext(" (as for earlier lists)") if each.is_remembered else ""
        mark = mark or (gettext(" (as chosen)") if each.is_chosen else "")
        lines.append(f"  {each.label}: {each.value}{mark}")
    return lines
