"""Choose the reader for a file. docs/importing.md says how to add a reader."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from contacts.imports.errors import UnreadableFile

EMPTY = "The file is empty. Export the list again and upload the new file."
EXCEL = "This is an Excel workbook. Save it as “CSV UTF-8” and upload the CSV file."
CALENDAR = "This is a calendar file. Export the list as CSV and upload the CSV file."
PDF = "This is a PDF. Export the list as CSV and upload the CSV file."
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
    """A file as rows of text. `form` says how it was read, such as “Windows-1252, commas”.

    `damaged`: cells (line, column from 0) that lost letters on the way.
    """

    headers: tuple[str, ...]
    rows: tuple[RawRow, ...]
    form: str
    damaged: frozenset[tuple[int, int]] = frozenset()


class TableReader(Protocol):
    """Reads one kind of file. Needs no database and keeps no state."""

    def is_mine(self, file_name: str, data: bytes) -> bool:
        """Whether this reader can read the file, judging by its first bytes rather than its name."""
        ...

    def read(self, data: bytes) -> Table:
        """Return the file's table. Raises UnreadableFile with a message for staff."""
        ...


def read_table(file_name: str, data: bytes, *, largest: int, readers: Sequence[TableReader]) -> Table:
    """Return the file's table, read by the first reader that accepts it. `largest`: in bytes.

    Raises UnreadableFile if the file is empty, larger than that, or of a kind that no reader accepts.
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
    """Return the message for a file of more than `largest` bytes."""
    size = f"{largest / 1024**2:g} MB" if largest >= 1024**2 else f"{largest} bytes"
    return f"The file is larger than {size}. Export fewer days at a time."
