"""Rows that a stray quotation mark has swallowed: the text up to the next mark is one cell (product rule 48).

`A1,"5 ft tall,Booked` and `A2,6 ft tall",Cancelled` in the next line are one record with the usual number of
cells: the id of one appointment with the status of another. Pure: no database.
"""

import re
from collections.abc import Iterator, Sequence

LINE_BREAK = re.compile(r"\r\n|\r|\n")
FEWEST_CELLS = 5  # of a record; in a narrower table a line of a note may have as many commas as a row


def divide_swallowed(
    line: int, cells: Sequence[str], delimiter: str, width: int
) -> Iterator[tuple[int, Sequence[str]]]:
    """Yield the record with its line; in place of one that has swallowed rows, the incomplete rest of each.

    They are rejected, since nobody knows where the mark should be. `width`: cells of a usual record.
    """
    found = next((at for at, cell in enumerate(cells) if _has_swallowed(cells, at, delimiter, width)), None)
    if found is None:
        yield line, cells
        return
    first, *others = LINE_BREAK.split(cells[found])
    yield line, cells[:found] or [first]
    for at, part in enumerate(others, 1):
        yield line + at, [part]


def _has_swallowed(cells: Sequence[str], at: int, delimiter: str, width: int) -> bool:
    """Whether a cell goes from its own row into the same column of a later one, or to the end of the file."""
    if "\n" not in cells[at] and "\r" not in cells[at]:
        return False
    counts = [part.count(delimiter) for part in LINE_BREAK.split(cells[at])]
    if len(cells) < width:
        return width >= FEWEST_CELLS and width - 1 in counts[1:]
    return len(cells) >= FEWEST_CELLS and (counts[0], counts[-1]) == (len(cells) - 1 - at, at)
