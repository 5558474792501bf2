"""Read CSV files with any usual delimiter. Pure: no database."""

import csv
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import islice

from django.utils.translation import gettext

from contacts.imports.errors import UnreadableFile, WrongChoice
from contacts.imports.file_content import FileContent
from contacts.imports.files import (
    LARGEST_CELL,
    MOST_COLUMNS,
    MOST_ROWS,
    NO_ANSWERS,
    NO_CHOICES,
    RawRow,
    ReadChoices,
    Table,
    describe_too_many_columns,
    describe_too_many_rows,
)
from contacts.imports.packed_lists import PackedList
from contacts.imports.reading.cell_mending import CellMender
from contacts.imports.reading.cells import clean_cell
from contacts.imports.reading.dialects import (
    CsvDialect,
    drop_text_formulas,
    find_dialect,
    is_delimiter,
    name_delimiter,
    read_separator_line,
    split_records,
)
from contacts.imports.reading.layout import check_header_line, lay_out
from contacts.imports.reading.letters import DecodedText, decode_file, name_encoding
from contacts.imports.reading.open_quotes import divide_swallowed

__all__ = ["CsvReader", "clean_cell"]

MOST_OTHER_LINES = 1000  # titles and totals, beside MOST_ROWS


class CsvReader:
    """Reads text with a delimiter; accepts every file, so it stands behind the readers of other kinds."""

    kind = "csv"
    takes = ("delimiter", "encoding", "header_line")

    def is_mine(self, file_name: str, start: bytes) -> bool:
        return True

    def read(
        self,
        content: FileContent,
        choices: ReadChoices = NO_CHOICES,
        answers: Mapping[str, str] = NO_ANSWERS,
    ) -> Table:
        if choices.delimiter and not is_delimiter(choices.delimiter):
            raise WrongChoice("delimiter", gettext("“%s” can't be a delimiter.") % choices.delimiter[:20])
        decoded = decode_file(content, choices.encoding, answers)
        stated, has_separator_line = read_separator_line(decoded)
        lines = _CsvLines(decoded, skipped=int(has_separator_line))
        dialect = find_dialect(lines, choices.delimiter or stated)
        cells = CellMender()
        records = _read_records(lines, dialect, cells)
        layout = lay_out(records, choices.header_line)
        if choices.header_line:
            check_header_line(layout, choices.header_line, records[-1].line if records else 0)
        return Table(
            headers=layout.headers,
            rows=layout.rows,
            form=f"{name_encoding(decoded.encoding)}, {name_delimiter(dialect.delimiter)}",
            understood=ReadChoices(dialect.delimiter, decoded.encoding, layout.header_line),
            skipped=layout.skipped,
            questions=(decoded.question,) if decoded.question else (),
            damaged=frozenset(cells.damaged),
            notes=cells.describe_repairs(),
            quote=dialect.quote,
            escape=dialect.escape,
        )


@dataclass(frozen=True)
class _CsvLines:
    """The lines of a text but for those `skipped` at its start, read anew each time."""

    decoded: DecodedText
    skipped: int

    def __iter__(self) -> Iterator[str]:
        return map(drop_text_formulas, islice(self.decoded, self.skipped, None))


def _read_records(lines: _CsvLines, dialect: CsvDialect, mender: CellMender) -> PackedList[RawRow]:
    """Return each record that isn't blank. Raises UnreadableFile."""
    records: PackedList[RawRow] = PackedList()
    line = lines.skipped
    try:
        for line_below, cells in _split_rows(lines, dialect):
            line = line_below + lines.skipped
            if len(cells) > MOST_COLUMNS:
                raise UnreadableFile(describe_too_many_columns())
            if any(len(cell) > LARGEST_CELL for cell in cells):
                raise UnreadableFile(_describe_broken(line))
            row = mender.mend_row(cells, line)
            if any(row):
                records.append(RawRow(line, row))
            if len(records) > MOST_ROWS + MOST_OTHER_LINES:
                raise UnreadableFile(describe_too_many_rows())
    except csv.Error:
        raise UnreadableFile(_describe_broken(line + 1)) from None
    records.pack()
    return records


def _split_rows(lines: Iterable[str], dialect: CsvDialect) -> Iterator[tuple[int, Sequence[str]]]:
    """Yield the line and the cells of each row. Raises csv.Error."""
    width = 0
    for line, cells in split_records(lines, dialect):
        width = max(width, len(cells))
        yield from divide_swallowed(line, cells, dialect.delimiter, width)


def _describe_broken(line: int) -> str:
    return gettext(
        "The cell that starts in line %(line)d has no end or is far too large. "
        "Check that line for a quotation mark that isn't closed."
    ) % {"line": line}
