"""Read a file as a Table, as the importer does, for the tests of readers."""

from datetime import UTC, datetime
from pathlib import Path

from contacts.imports.file_content import pack_file
from contacts.imports.files import NO_CHOICES, ReadChoices, Table, read_table
from contacts.imports.list_reading import READERS

LISTS = Path(__file__).resolve().parents[2] / "data" / "lists"
MARCH_2027 = datetime(2027, 3, 1, 12, tzinfo=UTC)
LARGEST = 20 * 1024 * 1024  # bytes


def read_list(name: str, **answers: str) -> Table:
    """Read a file of tests/data/lists/. `answers`: by the key of the question."""
    return read_bytes((LISTS / name).read_bytes(), NO_CHOICES, **answers)


def read_bytes(data: bytes, choices: ReadChoices = NO_CHOICES, **answers: str) -> Table:
    """Read a file that has these bytes."""
    return read_table(
        "list", pack_file(data), largest=LARGEST, readers=READERS, choices=choices, answers=answers
    )


def read_rows(data: bytes | str, choices: ReadChoices = NO_CHOICES) -> list[tuple[str, ...]]:
    """Return the header and the rows of a file, as tuples of text."""
    table = read_bytes(data.encode() if isinstance(data, str) else data, choices)
    return [table.headers, *(row.cells for row in table.rows)]
