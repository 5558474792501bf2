"""The rows that weren't imported as a file: to be mended, and uploaded again.

It has the file's own headers and cells, and three more columns: “Line in the list”, “Part of a list”,
“Problem”. The last says what is wrong. “Part of a list” says that the file is only a part, so that nothing
is missed that isn't in it. It also says what the few rows that are left may not show: how the dates and times
of the whole list were read, whether its ids were changed, and its source, since under another one everybody
would be added again (product rule 53). All three are taken off again when the file is read. Of a row that had
too few cells, those that are missing say so, and it stays rejected as long as they do (product rule 48).
"""

import csv
import io
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

from django.utils.translation import gettext

from contacts.csv_cells import guard_cell
from contacts.database.saving import ROWS_PER_STATEMENT
from contacts.imports.errors import ImportRefused
from contacts.imports.files import RawRow, Table
from contacts.imports.headers import PART
from contacts.imports.packed_lists import PackedList
from contacts.imports.problems import REJECTED, AnyProblem, clip
from contacts.imports.questions import Choice, Question
from contacts.imports.reading.cells import clean_source_name
from contacts.models import ImportBatch, RejectedRow

PROBLEM, LINE = "Problem", "Line in the list"
MISSING = "(missing cell of this row: fill it in)"  # so long that no list has such a cell of its own
# What a cell of PART says; parts of it are looked for, in any case.
ORDERS = {True: "dates month first", False: "dates day first", None: "dates in both orders"}
WITH_AM_PM = "times with AM and PM"
IDS_CHANGED = "ids changed"
OF_SOURCE = "source: "  # the last part
SOURCE_OF_PART_KEY = "source_of_part"
AS_SAID, AS_CHOSEN = "as_said", "as_chosen"


@dataclass(frozen=True)
class ListReading:
    """How the dates and times of a whole list were read. `month_first`: None if in both orders.

    `ids_changed`: its rows were matched by patient, time and location, since their ids are new.
    """

    month_first: bool | None
    am_pm: bool
    ids_changed: bool = False

    @property
    def words(self) -> str:
        """The same as a cell of the file to mend."""
        more = {WITH_AM_PM: self.am_pm, IDS_CHANGED: self.ids_changed}
        return ", ".join([ORDERS[self.month_first], *(words for words, holds in more.items() if holds)])


@dataclass(frozen=True)
class RowToMend:
    """A rejected row: its line, its cells, and what is wrong in words."""

    line: int
    cells: tuple[str, ...]
    problem: str


@dataclass(frozen=True)
class RowsToMend:
    """The rejected rows of a list. `reading`: ListReading.words; `source`: of the list."""

    headers: tuple[str, ...]
    rows: tuple[RowToMend, ...]
    reading: str
    source: str = ""

    @property
    def part(self) -> str:
        """What stands in the column “Part of a list”."""
        return f"{self.reading}, {OF_SOURCE}{self.source}" if self.source else self.reading


@dataclass(frozen=True)
class PartOfList:
    """A table without the columns that were added for mending. `reading`: None if they don't say it.

    `source`: of the list; "" if they don't say it, as those of older files.
    """

    table: Table
    is_part: bool = False
    reading: ListReading | None = None
    source: str = ""

    @property
    def ids_changed(self) -> bool:
        return bool(self.reading and self.reading.ids_changed)


def find_rows_to_mend(
    table: Table, problems: Iterable[AnyProblem], reading: ListReading, source: str
) -> RowsToMend:
    """The rows of which a problem says that they weren't imported, in the order of the file."""
    wrong: dict[int, list[str]] = {}
    for each in problems:
        if each.weight == REJECTED:
            wrong.setdefault(each.line, []).append(f"{each.column}: {each.problem} {each.remedy}")
    rows = tuple(
        RowToMend(row.line, row.cells, " ".join(wrong[row.line]))
        for row in (table.rows if wrong else ())
        if row.line in wrong
    )
    return RowsToMend(table.headers, rows, reading.words, source)


def store_rows_to_mend(batch: ImportBatch, to_mend: RowsToMend) -> None:
    """Keep the rows with their batch, if there are any."""
    if not to_mend.rows:
        return
    rows = [RejectedRow(batch=batch, line=0, cells=list(to_mend.headers), problem=to_mend.reading)]
    rows += [
        RejectedRow(batch=batch, line=row.line, cells=list(row.cells), problem=row.problem)
        for row in to_mend.rows
    ]
    RejectedRow.objects.bulk_create(rows, batch_size=ROWS_PER_STATEMENT)


def read_rows_to_mend(batch: ImportBatch) -> RowsToMend | None:
    """The rows that are kept with a batch; None if there are none."""
    kept = list(batch.rejected_rows.order_by("line", "pk"))
    if len(kept) < 2 or kept[0].line:
        return None
    header, *rows = kept
    return RowsToMend(
        tuple(header.cells),
        tuple(RowToMend(row.line, tuple(row.cells), row.problem) for row in rows if row.cells),
        header.problem,
        batch.source,
    )


def write_rows_to_mend(to_mend: RowsToMend) -> str:
    """The rows as CSV, in which no cell is run as a formula; a reader takes its protection off again."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    width = max((at for at, header in enumerate(to_mend.headers, 1) if header), default=0)
    width = max(width, len(to_mend.headers))
    writer.writerow([*map(guard_cell, to_mend.headers), LINE, PART, PROBLEM])
    for row in to_mend.rows:
        lacking = [MISSING] * (width - len(row.cells))
        cells = [
            *row.cells[:width],
            *lacking,
            str(row.line),
            to_mend.part,
            row.problem,
            *row.cells[width:],
        ]
        writer.writerow([guard_cell(cell) for cell in cells])
    return out.getvalue()


def may_be_to_mend(start: bytes) -> bool:
    """Whether a text file with these first bytes may be one of rows to mend; its header tells."""
    return PART.encode() in start or PART.encode("utf-16-le")[:-1] in start


def take_off_mending(table: Table) -> PartOfList:
    """Take the added columns off a table that has them; of any other, the table as it is.

    Raises ImportRefused if its rows are of several sources.
    """
    names = {name.casefold(): name for name in (LINE, PART, PROBLEM)}
    added = {names[name.casefold()]: at for at, name in enumerate(table.headers) if name.casefold() in names}
    if PART not in added:
        return PartOfList(table)
    off = frozenset(added.values())
    rows = PackedList(RawRow(row.line, _cut_missing(_without(row.cells, off))) for row in table.rows)
    width = max(len(table.headers), max((len(row.cells) for row in table.rows), default=0))
    kept = [at for at in range(width) if at not in off]
    place = {was: now for now, was in enumerate(kept)}
    damaged = frozenset((line, place[at]) for line, at in table.damaged if at in place)
    bare = replace(table, headers=_without(table.headers, off), rows=rows, damaged=damaged)
    said = list(dict.fromkeys(row.cells[added[PART]] for row in table.rows if added[PART] < len(row.cells)))
    return PartOfList(bare, is_part=True, reading=_read_words(said), source=_read_source(said))


def ask_source_of_part(said: str, chosen: str) -> Question | None:
    """Ask if rows to mend are of a list of another source than was chosen for them."""
    if not said or said == clean_source_name(chosen):
        return None
    words = {"said": said, "chosen": chosen}
    text = gettext(
        "These rows were left out of a list of the source “%(said)s”, and this file is to be imported as one "
        "of “%(chosen)s”. Which source are they of?"
    )
    return Question(
        SOURCE_OF_PART_KEY,
        text % words,
        (
            Choice(AS_SAID, gettext("“%(said)s”, as the file says") % words),
            Choice(AS_CHOSEN, gettext("“%(chosen)s”, whose ids they have") % words),
        ),
        once=True,
    )


def _without(cells: Sequence[str], off: Collection[int]) -> tuple[str, ...]:
    return tuple(cell for at, cell in enumerate(cells) if at not in off)


def _cut_missing(cells: tuple[str, ...]) -> tuple[str, ...]:
    """The cells up to the first that is missing: the row is as incomplete as it was."""
    return cells[: cells.index(MISSING)] if MISSING in cells else cells


def _read_words(cells: Iterable[str]) -> ListReading | None:
    """What the first cell that can be read says."""
    by_words: Mapping[str, bool | None] = {words: first for first, words in ORDERS.items()}
    for cell in cells:
        order, _, more = _split_source(cell)[0].casefold().partition(",")
        if order.strip() in by_words:
            has_am_pm, ids_changed = (each.casefold() in more for each in (WITH_AM_PM, IDS_CHANGED))
            return ListReading(by_words[order.strip()], has_am_pm, ids_changed)
    return None


def _read_source(cells: Iterable[str]) -> str:
    """The source that the cells name; "" if none does. Raises ImportRefused if they name several."""
    named = sorted({_split_source(cell)[1] for cell in cells} - {""})
    if len(named) > 1:
        raise ImportRefused(
            gettext(
                "The rows of this file are of lists of several sources (%(sources)s). Import those of each "
                "source as a file of its own."
            )
            % {"sources": clip(", ".join(named), 120)}
        )
    return named[0] if named else ""


def _split_source(cell: str) -> tuple[str, str]:
    """What a cell says of how the list was read, and the source that it names."""
    at = cell.casefold().find(OF_SOURCE)
    return (cell, "") if at < 0 else (cell[:at], clean_source_name(cell[at + len(OF_SOURCE) :]))
