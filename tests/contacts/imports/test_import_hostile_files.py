"""Broken, wrong and malicious files: each is refused with a clear message, and nothing is imported."""

import json
from io import StringIO
from pathlib import Path

import pytest
from django.core.management import CommandError, call_command
from pytest_django import Settings

from contacts.imports.importing import import_file
from contacts.imports.practice import ImportOptions
from contacts.models import Appointment, Contact, ImportBatch
from tests.contacts.imports.example_lists import AISHA, HEADERS, NOAH, import_rows, make_downtown, write_list

pytestmark = pytest.mark.django_db

HEADER = write_list()
GOOD = write_list(AISHA)
REFUSED = {
    "no bytes": (b"", "The file is empty."),
    "only spaces": (b" \r\n \r\n", "The file is empty."),
    "only a header": (HEADER, "The file has a header but no rows."),
    "a header and blank lines": (HEADER + b"\r\n,,,,\r\n", "The file has a header but no rows."),
    "binary": (bytes(range(256)) * 20, "This isn't a text file."),
    "binary without NUL": (bytes(range(1, 32)) * 200 + b"\xff", "This isn't a text file."),
    "NUL in a cell": (GOOD.replace(b"Okafor", b"Oka\0for"), "This isn't a text file."),
    "NUL in UTF-16": (write_list(AISHA | {"last": "a\0b"}, encoding="utf-16"), "This isn't a text file."),
    "half a UTF-16 character": (write_list(AISHA, encoding="utf-16") + b"\x00", "characters can't be read"),
    "Excel": (b"PK\x03\x04" + b"x" * 100, "This workbook is damaged"),
    "old Excel": (b"\xd0\xcf\x11\xe0" + b"x" * 100, "This workbook is damaged"),
    "calendar": (b"BEGIN:VCALENDAR\r\nEND:VCALENDAR", "no appointment between yesterday"),
    "PDF": (b"%PDF-1.7 ...", "This is a PDF."),
    "other columns": (
        b"Product,Price\r\nTea,3\r\n",
        "The file has no column for: date, location, first name",
    ),
    "one column": (b"just some words\r\nand some more\r\n", "The file has no column for: date"),
    "an enormous cell": (write_list(AISHA | {"kind": "x" * 200_000}), "has no end or is far too large"),
    "a large cell": (write_list(AISHA | {"kind": "x" * 40_000}), "line 2 has no end or is far too large"),
    "an open quotation mark": (HEADER + b'"A1' + b",x\r\n" * 50_000, "line 2 has no end"),
    "too many columns": (b",".join([b"Date"] * 500) + b"\r\nx\r\n", "more than 200 columns"),
}


@pytest.mark.parametrize(("data", "sentence"), REFUSED.values(), ids=REFUSED.keys())
def test_an_unreadable_file_is_refused_with_a_one_line_message(
    data: bytes, sentence: str, tmp_path: Path
) -> None:
    make_downtown()
    path = tmp_path / "list.csv"
    path.write_bytes(data)
    with pytest.raises(CommandError) as refused:
        call_command("import_appointments", str(path))
    assert sentence in str(refused.value)
    assert "\n" not in str(refused.value)
    assert not ImportBatch.objects.exists()


@pytest.mark.parametrize("size", [3 * 1024**2 + 1, 2 * 1024**3])
def test_a_file_over_the_size_limit_is_refused_unread(size: int, tmp_path: Path, settings: Settings) -> None:
    settings.IMPORT_MAX_BYTES = 3 * 1024 * 1024
    path = tmp_path / "list.csv"
    with path.open("wb") as file:
        file.truncate(size)  # a sparse file, which takes no room
    with pytest.raises(CommandError, match="The file is larger than 3 MB"):
        call_command("import_appointments", str(path))


def test_a_missing_file_is_named_in_the_message(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=r"list\.csv can't be read: No such file"):
        call_command("import_appointments", str(tmp_path / "list.csv"))


def test_with_json_a_refusal_is_printed_as_json(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(b"")
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("import_appointments", str(tmp_path / "list.csv"), "--json", stdout=out)
    assert "The file is empty." in json.loads(out.getvalue())["error"]


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        (["--time-zone", "Eastern"], "“Eastern” isn't a time zone"),
        (["--location-zone", "Downtown"], "“Downtown” is wrong for --location-zone"),
        (["--location-zone", "Downtown=Mars/Base"], "“Mars/Base” isn't a time zone"),
        (["--region", "ZZ"], "“ZZ” isn't a country code"),
        (["--column", "shoe=Size"], "“shoe” isn't a known field"),
        (["--source", ""], "The source must have"),
    ],
)
def test_an_invalid_option_is_refused(options: list[str], sentence: str, tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(GOOD)
    with pytest.raises(CommandError, match=sentence):
        call_command("import_appointments", str(tmp_path / "list.csv"), *options)


def test_the_command_fails_if_no_row_can_be_imported(tmp_path: Path) -> None:
    (tmp_path / "list.csv").write_bytes(GOOD)
    with pytest.raises(CommandError, match="No row of the file could be imported"):
        call_command("import_appointments", str(tmp_path / "list.csv"), stdout=StringIO())


@pytest.mark.parametrize("field", ["id", "patient", "last", "first", "provider", "location", "kind"])
def test_a_text_that_is_too_long_rejects_only_its_own_row(field: str) -> None:
    make_downtown()
    report = import_rows(AISHA | {field: "x" * 1000}, NOAH)
    assert (report.counts["added"], report.counts["rejected"]) == (1, 1)
    [problem] = report.problems
    assert (problem.line, problem.column) == (2, HEADERS[field])
    assert "longer than" in problem.problem
    assert len(problem.value) <= 300


@pytest.mark.parametrize("field", ["mobile", "home", "language", "minutes"])
def test_an_optional_value_that_is_too_long_is_ignored_with_a_note(field: str) -> None:
    make_downtown()
    report = import_rows(AISHA | {field: "9" * 1000})
    assert report.counts["added"] == 1
    assert [problem.column for problem in report.problems] == [HEADERS[field]]


def test_a_row_with_too_many_cells_is_rejected_because_its_columns_may_be_shifted() -> None:
    make_downtown()
    shifted = write_list(AISHA).replace(b"Okafor", b"Okafor,Jr.")
    report = import_file(shifted, "list.csv", ImportOptions())
    assert [each.problem for each in report.problems] == ["The row has 15 cells, but the header has 14."]
    assert not Appointment.objects.exists()


def test_control_characters_are_removed() -> None:
    make_downtown()
    import_rows(AISHA | {"first": "Ai\x1b[31msha\x07"})
    assert Contact.objects.get().first_name == "Ai[31msha"


def test_a_formula_in_a_cell_is_stored_as_text() -> None:
    make_downtown()
    import_rows(AISHA | {"first": "=cmd|'/c calc'!A1"})
    assert Contact.objects.get().first_name == "=cmd|'/c calc'!A1"
