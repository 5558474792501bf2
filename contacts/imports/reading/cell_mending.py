"""The cells of a table: cleaned, repaired where that is certain, marked where letters were lost. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from django.utils.translation import ngettext
from ftfy import fix_encoding
from ftfy.badness import is_bad

from contacts.imports.reading.cells import clean_cell, lost_letters
from contacts.imports.reading.letters import mend_cell

JOINED = "~"
# What a row of printable ASCII holds if a cell of it has to be looked at: guards, spaces, lost letters.
TO_BE_MENDED = ("  ", "?", f"{JOINED}'", f"{JOINED}=", f"{JOINED} ", f" {JOINED}", ";'")


@dataclass
class CellMender:
    """Cleans cells; collects those whose letters are lost, and those whose letters could be repaired."""

    damaged: set[tuple[int, int]] = field(default_factory=set)
    repaired: list[tuple[str, str]] = field(default_factory=list)

    def mend_row(self, cells: Sequence[str], line: int) -> tuple[str, ...]:
        """Return the cells as text that was meant; most rows need nothing, as one look at the row tells."""
        row = f"{JOINED}{JOINED.join(cells)}{JOINED}"
        if row.isascii() and row.isprintable() and not any(mark in row for mark in TO_BE_MENDED):
            return tuple(cells)
        return tuple(
            clean_cell(cell) if cell.isascii() and "?" not in cell else self._mend(cell, line, at)
            for at, cell in enumerate(cells)
        )

    def _mend(self, cell: str, line: int, position: int) -> str:
        if not cell.isascii():
            cell, lost = mend_cell(cell)
            if is_bad(cell):
                cell = self._repair(cell)
                lost = lost or is_bad(cell)
            if lost:
                self.damaged.add((line, position))
        if lost_letters(cell):
            self.damaged.add((line, position))
        return clean_cell(cell)

    def _repair(self, cell: str) -> str:
        mended = fix_encoding(cell)
        if mended != cell:
            self.repaired.append((cell, mended))
        return mended

    def describe_repairs(self) -> tuple[str, ...]:
        """Return a sentence about the cells that were repaired, if there are any."""
        if not self.repaired:
            return ()
        was, mended = self.repaired[0]
        count = len(self.repaired)
        text = ngettext(
            "The letters of %(count)d cell were repaired: “%(was)s” is read as “%(mended)s”.",
            "The letters of %(count)d cells were repaired, such as “%(was)s”, which is read as “%(mended)s”.",
            count,
        )
        return (text % {"count": count, "was": clean_cell(was)[:60], "mended": clean_cell(mended)[:60]},)
