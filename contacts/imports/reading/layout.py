"""Rows of text to a table: lines above the header, between the rows, and below them. Pure: no database."""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import islice

from django.utils.translation import gettext

from contacts.imports.columns import WORDS
from contacts.imports.errors import WrongChoice
from contacts.imports.files import RawRow, SkippedLine, Skips
from contacts.imports.headers import has_mended_rows
from contacts.imports.packed_lists import PackedList
from contacts.imports.reading.cells import drop_guard_before_letter, has_guard_before_letter

HEADER_WITHIN = 60  # records from the start of the file
KNOWN_HEADERS = frozenset("".join(word.split()) for words in WORDS.values() for word in words)
FEW_KNOWN = 2  # headers that a row must have, to be taken for the header because of them
MOST_CELLS_OF_A_TOTAL = 3
THINGS = r"(?:appointments?|records?|rows?|patients?|visits?)"
# What a line below the rows, or at the end of a printed page, starts with.
TOTAL = re.compile(
    r"(?:(?:grand|sub|page|report)[\s-]*)?(?:totals?|summe|suma|total général)\b|"
    rf"(?:number|count|no\.?) of {THINGS}\b|"
    rf"{THINGS}(?: (?:listed|found|printed|total|count))?\s*:\s*\d+$|"
    rf"\(?\d+ {THINGS}\b|"
    r"end of (?:report|list|file|document)|\*+\s*end\b|"
    r"(?:printed|generated|exported|created|run|report (?:date|run)|date printed|print date|as of)\b"
    r"(?: (?:on|by|at|date|from|for))?\s*:?\s|"
    r"page\s*:?\s*\d+|copyright\b|©|confidential\b|rows? \d+ ?(?:-|to) ?\d+",
    re.IGNORECASE,
)
RULE = re.compile(r"[-=_*+─━ ]{2,}")


@dataclass(frozen=True)
class Layout:
    """The parts of a list. `header_line`: 0 if there is no row at all."""

    headers: tuple[str, ...]
    header_line: int
    rows: Sequence[RawRow]
    skipped: tuple[SkippedLine, ...]


def lay_out(records: Sequence[RawRow], header_line: int = 0) -> Layout:
    """Tell header, rows and other lines apart. `header_line`: chosen by a person, else it is found out.

    `records`: without blank ones. A row is left out only if it can't be an appointment: a line above the
    header, the header again, a line of dashes, a total or a footer of at most three cells.
    """
    at = _find_header(records, header_line)
    if at is None:
        return Layout((), 0, (), ())
    header = records[at]
    skipped = [_skip(record, Skips.ABOVE) for record in records[:at]]
    rows: PackedList[RawRow] = PackedList()
    for record in islice(records, at + 1, None):
        reason = _find_reason(record, header.cells)
        if reason:
            skipped.append(_skip(record, reason))
        else:
            rows.append(record)
    if not has_mended_rows(header.cells):  # those have guards before what looks like a formula only
        rows = _drop_guards(rows)
    rows.pack()
    return Layout(header.cells, header.line, rows, tuple(skipped))


def check_header_line(layout: Layout, chosen: int, last_line: int) -> None:
    """Raise WrongChoice if the line that a person chose can't be the header. `last_line`: of the file."""
    if chosen and layout.header_line != chosen:
        raise WrongChoice(
            "header_line",
            gettext(
                "Line %(line)d can't be the header: it is empty, a part of the row above, or not in the "
                "file. The last row is in line %(last)d."
            )
            % {"line": chosen, "last": last_line},
        )


def count_known_headers(cells: Iterable[str]) -> int:
    """Count the cells that are headers of appointment lists."""
    return sum("".join(char for char in cell.casefold() if char.isalnum()) in KNOWN_HEADERS for cell in cells)


def _find_header(records: Sequence[RawRow], header_line: int) -> int | None:
    if header_line:
        return next((at for at, record in enumerate(records) if record.line == header_line), None)
    if not records:
        return None
    first = records[:HEADER_WITHIN]
    usual = Counter(_count_filled(record) for record in islice(records, 2000)).most_common(1)[0][0]
    wide = [at for at, record in enumerate(first) if _count_filled(record) * 5 >= usual * 3]
    start = wide[0] if wide else 0
    known = [count_known_headers(record.cells) for record in first]
    best = known.index(max(known))
    return best if known[best] >= max(FEW_KNOWN, known[start] + 1) else start


def _count_filled(record: RawRow) -> int:
    return sum(map(bool, record.cells))


def _find_reason(record: RawRow, headers: Sequence[str]) -> Skips | None:
    if record.cells[: len(headers)] == tuple(headers):
        return Skips.HEADER_AGAIN
    filled = [cell for cell in record.cells if cell]
    if all(RULE.fullmatch(cell) for cell in filled):
        return Skips.DASHES
    few = len(filled) <= min(MOST_CELLS_OF_A_TOTAL, (len(headers) + 1) // 2)
    return Skips.TOTAL if few and TOTAL.match(filled[0]) else None


def _skip(record: RawRow, why: Skips) -> SkippedLine:
    return SkippedLine(record.line, ", ".join(filter(None, record.cells))[:200], why)


def _drop_guards(rows: PackedList[RawRow]) -> PackedList[RawRow]:
    """Take a guard off letters ('Stone) in a column with two cells or more, if each of them has it."""
    guarded = {
        at
        for row in rows
        for at, cell in enumerate(row.cells)
        if cell[:1] == "'" and has_guard_before_letter(cell)
    }
    filled: Counter[int] = Counter()
    for row in rows if guarded else ():
        cells = {at: row.cells[at] for at in guarded if at < len(row.cells) and row.cells[at]}
        filled.update(cells.keys())
        guarded -= {at for at, cell in cells.items() if not has_guard_before_letter(cell)}
    guarded = {at for at in guarded if filled[at] >= 2}
    if not guarded:
        return rows
    return PackedList(
        RawRow(
            row.line,
            tuple(
                drop_guard_before_letter(cell) if at in guarded else cell for at, cell in enumerate(row.cells)
            ),
        )
        for row in rows
    )
