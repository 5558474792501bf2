"""CSV that is opened in a spreadsheet: UTF-8 with its mark, and no cell that is taken for a formula."""

import csv
import unicodedata
from collections.abc import Iterable, Iterator

from contacts.imports.reading.cells import INVISIBLE, JOINER

BYTE_ORDER_MARK = "\ufeff"  # by which spreadsheets know that it is UTF-8
# A spreadsheet takes such a cell for a formula, in wide letters too, and whatever it drops before them.
FORMULA_BEGINS = frozenset("=+-@")
DROPPED = frozenset("\t\r\n")


def write_lines(rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """The lines of the file, one at a time, with the byte order mark before the first."""
    writer = csv.writer(_Echo())
    begin = BYTE_ORDER_MARK
    for row in rows:
        yield begin + writer.writerow([guard_cell(cell) for cell in row])
        begin = ""


def guard_cell(cell: object) -> str:
    """A cell as text that no spreadsheet takes for a formula (OWASP: CSV injection); None as ""."""
    text = "" if cell is None else str(cell)
    first = text[:1]
    if not first or (first.isascii() and first.isalnum()):
        return text
    return f"'{text}" if first in DROPPED or _first_visible(text) in FORMULA_BEGINS else text


def _first_visible(text: str) -> str:
    """The first character that is seen, in its usual width: "=" for a wide one after a zero-width space."""
    shown = JOINER.sub("", INVISIBLE.sub("", text))
    seen = (char for char in shown if unicodedata.category(char)[0] not in "CZ")
    return unicodedata.normalize("NFKC", next(seen, ""))[:1]


class _Echo:
    """A file for csv.writer that hands back each line instead of keeping it."""

    def write(self, line: str) -> str:
        return line
