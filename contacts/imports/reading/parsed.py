"""What the parser process hands back: rows of text, or why the file is refused. Knows no Django."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from contacts.imports.packed_lists import PackedList

MOST_TEXT = 60_000_000  # characters of a file's cells together
MOST_ROWS_PARSED = 201_000  # rows with the lines that aren't rows; files.MOST_ROWS is checked later
MOST_COLUMNS_PARSED = 1000
ParsedRow = tuple[int, list[str]]  # line and cells


class ParserRefusal(Exception):
    """The file can't be read. `code`: one of REFUSALS in other_files.py."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class ParsedSheet:
    """One table of a file. `rows`: pairs of line number and cells; `skipped`: line, text, a code of Skips."""

    name: str = ""
    rows: PackedList[ParsedRow] = field(default_factory=PackedList)
    skipped: list[tuple[int, str, str]] = field(default_factory=list)
    notes: dict[str, int] = field(default_factory=dict)  # code of a note -> count

    def list_values(self) -> Iterator[Any]:
        """The sheet as values for JSON: first how many rows it has and all besides them, then each row."""
        yield {"name": self.name, "rows": len(self.rows), "skipped": self.skipped, "notes": self.notes}
        yield from self.rows


class Budget:
    """Counts what has been read, and refuses what is too much."""

    def __init__(self) -> None:
        self.text = 0
        self.rows = 0

    def take(self, cells: list[str]) -> None:
        """Count one row. Raises ParserRefusal."""
        self.rows += 1
        self.text += sum(map(len, cells))
        if len(cells) > MOST_COLUMNS_PARSED:
            raise ParserRefusal("too_many_columns")
        if self.rows > MOST_ROWS_PARSED:
            raise ParserRefusal("too_many_rows")
        if self.text > MOST_TEXT:
            raise ParserRefusal("too_large")
