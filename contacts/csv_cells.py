"""CSV that is opened in a spreadsheet: UTF-8 with its mark, and no cell that is taken for a formula."""

import csv
import re
import unicodedata
from collections.abc import Iterable, Iterator

from contacts.imports.reading.cells import INVISIBLE, JOINER

BYTE_ORDER_MARK = "\ufeff"  # by which spreadsheets know that it is UTF-8
# A spreadsheet takes such a cell for a formula, in wide letters too, and whatever it drops before them.
FORMULA_BEGINS = frozenset("=+-@")
DROPPED = ("\t", "\r", "\n")
CELL_ENDS = re.compile(r"(?<=[;\t\r\n])")  # after what may end a cell elsewhere, whatever the quotes say


def write_lines(rows: Iterable[Iterable[object]]) -> Iterator[str]:
    """The lines of the file, one at a time, with the byte order mark before the first."""
    writer = csv.writer(_Echo())
    begin = BYTE_ORDER_MARK
    for row in rows:
        yield begin + writer.writerow([guard_cell(cell) for cell in row])
        begin = ""


def guard_cell(cell: object) -> str:
    """A cell as text that no spreadsheet takes for a formula (OWASP: CSV injection); None as "".

    Nor a part of it: where the comma stands in numbers, as in Spain, spreadsheets end a cell at a semicolon.
    """
    first, *rest = CELL_ENDS.split("" if cell is None else str(cell))
    guard = "'" if first[:1] in DROPPED else ""
    return guard + (first if guard else _guard_part(first)) + "".join(map(_guard_part, rest))


def _guard_part(text: str) -> str:
    begin = text[:1]
    is_plain = not begin or (begin.isascii() and begin.isalnum())
    return text if is_plain or _first_visible(text) not in FORMULA_BEGINS else f"'{text}"


def _first_visible(text: str) -> str:
    """The first character that is seen, in its usual width: "=" for a wide one after a zero-width space."""
    shown = JOINER.sub("", INVISIBLE.sub("", text))
    seen = (char for char in shown if unicodedata.category(char)[0] not in "CZ")
    return unicodedata.normalize("NFKC", next(seen, ""))[:1]


class _Echo:
    """A file for csv.writer that hands back each line instead of keeping it."""

    def write(self, line: str) -> str:
        return line
