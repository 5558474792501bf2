"""A stray quotation mark never gives one appointment the cells of another (product rule 48)."""

import pytest

from contacts.imports.importing import import_file
from contacts.imports.practice import ImportOptions
from contacts.models import Appointment
from tests.contacts.imports.example_lists import AISHA, NOAH, import_rows, make_downtown, write_list
from tests.contacts.imports.reading_of_lists import read_rows

HEADER = "Appt ID,Last Name,First Name,Mobile,Date,Time,Location,Notes,Status\n"
ROW = "A{0},Stone{0},Ruth,202-555-011{0},03/04/2027,9:0{0} AM,Elm,{1},{2}\n"
WHOLE = ("A3", "Stone3", "Ruth", "202-555-0113", "03/04/2027", "9:03 AM", "Elm", "", "Booked")


def rows_of(first: str, second: str) -> list[tuple[str, ...]]:
    """The rows of three lines, of which the first two have these notes; the second is cancelled."""
    text = HEADER + ROW.format(1, first, "Booked") + ROW.format(2, second, "Cancelled")
    _header, *rows = read_rows(text + ROW.format(3, "", "Booked"))
    return rows


@pytest.mark.parametrize(("first", "second"), [('"5 ft tall', '6 ft tall"'), ('"says ""hi', 'bye"')])
def test_two_rows_that_a_quotation_mark_joins_are_incomplete(first: str, second: str) -> None:
    one, other, whole = rows_of(first, second)
    assert (one[0], len(one), len(other), whole) == ("A1", 7, 1, WHOLE)


def test_a_mark_that_is_never_closed_leaves_each_row_below_it_incomplete() -> None:
    one, *others = rows_of('"5 ft', "")
    assert len(one) == 7
    assert [len(row) for row in others] == [1, 1]


@pytest.mark.parametrize("column", range(9))
def test_it_does_so_in_every_column(column: int) -> None:
    lines = [ROW.format(at, "", "Booked").split(",") for at in (1, 2, 3)]
    lines[0][column] = '"' + lines[0][column]
    lines[1][column] = lines[1][column].strip("\n") + '"' + ("\n" if lines[1][column].endswith("\n") else "")
    _header, *rows = read_rows(HEADER + "".join(",".join(line) for line in lines))
    assert [len(row) < len(WHOLE) for row in rows] == [True, True, False]


@pytest.mark.parametrize(
    "note", ['"asthma, mild\nwalks, with a cane"', '"one\ntwo\nthree"', '"a, b, c, d"', "5' 7\""]
)
def test_a_note_of_several_lines_is_one_cell(note: str) -> None:
    rows = rows_of(note, "")
    assert [len(row) for row in rows] == [9, 9, 9]


@pytest.mark.django_db
def test_nothing_is_booked_moved_or_cancelled_by_joined_rows() -> None:
    make_downtown()
    import_rows(AISHA, NOAH)
    joined = write_list(AISHA, NOAH | {"status": "Cancelled"}).decode()
    joined = joined.replace("Okafor", '"Okafor').replace("Brown", 'Brown"')
    report = import_file(joined.encode(), "list.csv", ImportOptions())
    assert [report.counts[name] for name in ("rows", "rejected", "changed", "added")] == [2, 2, 0, 0]
    assert set(Appointment.objects.values_list("status", flat=True)) == {"booked"}
