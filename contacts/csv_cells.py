"""CSV that is opened in a spreadsheet: UTF-8 with its mark, and no cell that is taken for a formula."""

import csv
from collections.abc import Iterable, Iterator

BYTE_ORDER_MARK = "\ufeff"  # by which spreadsheets know that it is UTF-8
# A spreadsheet takes such a cell for a formula, or drops the first character and then does.
FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r", "\n")


def write_lines(rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """The lines of the file, one at a time, with the byte order mark before the first."""
    writer = csv.writer(_Echo())
    begin = BYTE_ORDER_MARK
    for row in rows:
        yield begin + writer.writerow([guard_cell(cell) for cell in row])
        begin = ""


def guard_cell(cell: object) -> str:
    """A cell as text that no spreadsheet takes for a formula; None as ""."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(FORMULA_BEGINS) else text


class _Echo:
    """A file for csv.writer that hands back each line instead of keeping it."""

    def write(self, line: str) -> str:
        return line
