"""Which reader turns a file into a table. docs/importing.md tells how to add one."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from contacts.imports.errors import UnreadableFile

EMPTY = "The file is empty. Export the list again and upload that."
EXCEL = "This is an Excel workbook. Save it as “CSV UTF-8” and upload that."
CALENDAR = "This is a calendar file. Export the list as CSV and upload that."
PDF = "This is a PDF. Export the list as CSV and upload that."
OTHER_KINDS = (
    (b"PK\x03\x04", EXCEL),
    (b"\xd0\xcf\x11\xe0", EXCEL),
    (b"BEGIN:VCALENDAR", CALENDAR),
    (b"%PDF", PDF),
)


@dataclass(frozen=True)
class RawRow:
    """One record as text. `line` is where it starts in the file; the header is usually line 1."""

    line: int
    cells: tuple[str, ...]


@dataclass(frozen=True)
class Table:
    """A file as rows of text. `form` says in words how it was read: “Windows-1252, commas”."""

    headers: tuple[str, ...]
    rows: tuple[RawRow, ...]
    form: str


class TableReader(Protocol):
    """Reads one kind of file. Needs no database and keeps no state."""

    def is_mine(self, file_name: str, data: bytes) -> bool:
        """Whether this reader should read it; looks at the first bytes rather than the name."""
        ...

    def read(self, data: bytes) -> Table:
        """The table in it. Raises UnreadableFile with a sentence for staff."""
        ...


def read_table(file_name: str, data: bytes, *, largest: int, readers: Sequence[TableReader]) -> Table:
    """The file's table, by the first reader that takes it. `largest`: bytes.

    Raises UnreadableFile when it is empty, larger than that, or of a kind that no reader takes.
    """
    if not data.strip():
        raise UnreadableFile(EMPTY)
    if len(data) > largest:
        raise UnreadableFile(describe_too_large(largest))
    for reader in readers:
        if reader.is_mine(file_name, data):
            return reader.read(data)
    raise UnreadableFile(next(text for start, text in (*OTHER_KINDS, (b"", EMPTY)) if data.startswith(start)))


def describe_too_large(largest: int) -> str:
    """The sentence for a file of more than `largest` bytes."""
    size = f"{largest / 1024**2:g} MB" if largest >= 1024**2 else f"{largest} bytes"
    return f"The file is larger than {size}. Export a shorter span of days."
