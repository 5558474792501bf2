"""Read CSV files with any usual delimiter. Pure: no database."""

import csv
import io
import re
import unicodedata
from collections.abc import Iterator

from contacts.imports.decoding import decode_text
from contacts.imports.errors import UnreadableFile
from contacts.imports.files import OTHER_KINDS, RawRow, Table

DELIMITERS = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "bars"}
ENCODINGS = {"utf-8": "UTF-8", "utf-16": "UTF-16", "cp1252": "Windows-1252", "mac_roman": "Mac Roman"}
SAMPLE = 8192  # characters
MOST_ROWS = 200_000
MOST_COLUMNS = 200
LARGEST_CELL = 32_767  # characters; the most a spreadsheet's cell can hold
# Excel adds this first line to say which delimiter it used: sep=;
SEPARATOR_LINE = re.compile(r"sep=(.)\r?\n")
ONLY_HEADER = "The file has a header but no rows. Export the list again and choose the days you need."
TOO_MANY_ROWS = f"The file has more than {MOST_ROWS:,} rows. Export fewer days at a time."
TOO_MANY_COLUMNS = f"The file has more than {MOST_COLUMNS} columns. Export only the appointment list."


class CsvReader:
    """Reads text with a delimiter; accepts every file that isn't of another known kind."""

    def is_mine(self, file_name: str, data: bytes) -> bool:
        return not any(data.startswith(start) for start, _ in OTHER_KINDS)

    def read(self, data: bytes) -> Table:
        text, encoding = decode_text(data)
        text, delimiter, skipped = _find_delimiter(text)
        rows = [RawRow(row.line + skipped, row.cells) for row in _read_records(text, delimiter)]
        if len(rows) < 2:
            raise UnreadableFile(ONLY_HEADER)
        form = f"{ENCODINGS.get(encoding, encoding)}, {DELIMITERS.get(delimiter, delimiter)}"
        return Table(headers=rows[0].cells, rows=tuple(rows[1:]), form=form)


def _find_delimiter(text: str) -> tuple[str, str, int]:
    """Return the text without Excel's "sep=" line, the delimiter, and the number of lines removed."""
    stated = SEPARATOR_LINE.match(text)
    if stated:
        return text[stated.end() :], stated[1], 1
    return text, _guess_delimiter(text), 0


def _guess_delimiter(text: str) -> str:
    """Return what csv.Sniffer finds, if the header contains it, else the header's most frequent delimiter."""
    header = next(iter(text.lstrip()[:SAMPLE].splitlines()), "")
    try:
        found = csv.Sniffer().sniff(text[:SAMPLE], "".join(DELIMITERS)).delimiter
    except csv.Error:
        found = ""
    return found if found and found in header else max(DELIMITERS, key=header.count)


def _read_records(text: str, delimiter: str) -> Iterator[RawRow]:
    """Yield each record that isn't blank, the header first. Raises UnreadableFile."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    before, count = 0, 0
    try:
        for cells in reader:
            line, before = before + 1, reader.line_num
            row = RawRow(line, tuple(clean_cell(cell) for cell in cells))
            _check_size(row, count)
            if any(row.cells):
                count += 1
                yield row
    except csv.Error:
        raise UnreadableFile(_describe_broken(before + 1)) from None


def _check_size(row: RawRow, count: int) -> None:
    if count > MOST_ROWS:
        raise UnreadableFile(TOO_MANY_ROWS)
    if len(row.cells) > MOST_COLUMNS:
        raise UnreadableFile(TOO_MANY_COLUMNS)
    if any(len(cell) > LARGEST_CELL for cell in row.cells):
        raise UnreadableFile(_describe_broken(row.line))


def _describe_broken(line: int) -> str:
    return (
        f"The cell that starts in line {line} has no end or is far too large. "
        "Check that line for a quotation mark that isn't closed."
    )


def clean_cell(cell: str) -> str:
    """Return the text in composed form (NFC), with single spaces and without control characters."""
    if cell.isascii() and cell.isprintable() and "  " not in cell:
        return cell.strip()
    text = " ".join(unicodedata.normalize("NFC", cell).split())
    return "".join(char for char in text if unicodedata.category(char) != "Cc")
