"""Rows that are wrong: what is still known, and what is left out (product rules 44, 48, 49 and 50)."""

from zoneinfo import ZoneInfo

import pytest

from contacts.imports.columns import find_columns
from contacts.imports.dates import guess_order
from contacts.imports.files import RawRow
from contacts.imports.rows import ImportedLocation, Reading, RowResult, read_row

HEADERS = [
    "Appt ID", "First Name", "Preferred Name", "Last Name", "Patient Name", "Mobile", "Home Phone",
    "Work Phone", "Date", "Time", "Location", "Status", "Canceled",
]  # fmt: skip
GOOD = {
    "Appt ID": "A1", "First Name": "Ruth", "Last Name": "Stone", "Mobile": "202-555-0111",
    "Date": "3/4/2027", "Time": "9:00 AM", "Location": "Elm", "Status": "Scheduled", "Canceled": "false",
}  # fmt: skip


def read(cells: dict[str, str], *, answers: dict[str, str] | None = None, cut: int = 0) -> RowResult:
    """Read one row, GOOD but for these cells. `cut`: how many cells are missing at its end."""
    given = GOOD | cells
    values = tuple(given.get(header, "") for header in HEADERS)
    raw = RawRow(2, values[: len(values) - cut])
    columns = find_columns(HEADERS, rows=[RawRow(2, values)], answers=answers)
    places = {"elm": ImportedLocation(ZoneInfo("America/New_York"), "US")}
    order = guess_order([], "US")
    return read_row(raw, Reading(columns, order, True, places, "US", answers=answers or {}))


CANCELLED = [
    {"Status": "Cancelled"},
    {"Status": "CANCELED by patient"},
    {"Status": "Cancelled: flu"},
    {"Canceled": "true"},
    {"Canceled": "1"},
    {"Status": "Limbo", "Canceled": "Y"},
    {"Status": "Completed", "Canceled": "yes"},
]
WRONG = [
    {},
    {"Date": "02/30/2027"},
    {"Date": ""},
    {"Time": "soon"},
    {"First Name": ""},
    {"First Name": "N/A"},
    {"First Name": "x" * 500},
    {"Last Name": "'-"},
    {"Location": "https://zoom.us/j/1"},
    {"Mobile": "none"},
]


@pytest.mark.parametrize("wrong", WRONG, ids=str)
@pytest.mark.parametrize("cancelled", CANCELLED, ids=str)
def test_a_row_that_cancels_is_known_to_whatever_else_is_wrong_with_it(
    cancelled: dict[str, str], wrong: dict[str, str]
) -> None:
    found = read(cancelled | wrong)
    assert (found.appointment_id, found.cancels) == ("A1", True)


@pytest.mark.parametrize("status", ["", "Scheduled", "%", "Limbo", "Not cancelled"])
def test_a_row_that_does_not_say_so_cancels_nothing(status: str) -> None:
    assert not read({"Status": status}).cancels


def test_what_staff_said_about_an_unknown_status_cancels_too() -> None:
    assert read({"Status": "Limbo"}, answers={"status:limbo": "cancelled"}).cancels
    assert not read({"Status": "Limbo"}, answers={"status:limbo": "reject"}).cancels


@pytest.mark.parametrize("cut", [1, 2, 8, 12])
def test_a_row_with_fewer_cells_than_the_header_is_rejected(cut: int) -> None:
    """What its last cells say isn't known, so it cancels nothing either."""
    found = read({"Status": "Cancelled"}, cut=cut)
    assert (found.row, found.cancels) == (None, False)
    assert [each.problem for each in found.problems] == [
        f"The row has {len(HEADERS) - cut} cells, but the header has {len(HEADERS)}."
    ]


NAMES = [  # cells; first and last name, or what is wrong
    ({"First Name": "Ruth", "Preferred Name": ""}, ("Ruth", "Stone")),
    ({"First Name": "Ruth", "Preferred Name": "Ruthie"}, ("Ruthie", "Stone")),
    ({"First Name": "Ruth", "Preferred Name": "N/A"}, ("Ruth", "Stone")),
    ({"First Name": "", "Patient Name": "Dr. Ruth Stone, Jr."}, ("Ruth", "Stone")),
    ({"First Name": "N/A", "Patient Name": "Ruth Stone"}, ("Ruth", "Stone")),
    ({"First Name": "", "Last Name": "", "Patient Name": "Stone, Ruth"}, ("Ruth", "Stone")),
    ({"First Name": "Dr. Ruth", "Last Name": "N/A"}, ("Ruth", "")),
    ({"First Name": "Ru\u200bth", "Last Name": "Sto\x00ne"}, ("Ruth", "Stone")),
]


@pytest.mark.parametrize(("cells", "name"), NAMES)
def test_a_name_is_taken_from_the_columns_that_have_one(cells: dict[str, str], name: tuple[str, str]) -> None:
    found = read(cells)
    assert found.row, found.problems
    assert (found.row.first_name, found.row.last_name) == name
    assert [each.column for each in found.problems] == ([] if name[1] else ["Last Name"])


NUMBERS = [  # mobile, home, work; the number to call and the other one, by their last digits
    ("202-555-0111", "202-555-0112", "202-555-0113", "0111", "0112"),
    ("000-000-0000", "202-555-0112", "", "None", "0112"),
    ("", "", "202-555-0113", "None", "0113"),
    ("123-456-7890", "999-999-9999", "202-555-0113", "None", "0113"),
    ("202-555-0111", "555-0100 (202)", "", "0111", "None"),
    ("'+12025550111", "", "", "0111", "None"),
]


@pytest.mark.parametrize(("mobile", "home", "work", "first", "second"), NUMBERS)
def test_a_number_that_can_be_called_takes_the_place_of_one_that_cannot(
    mobile: str, home: str, work: str, first: str, second: str
) -> None:
    row = read({"Mobile": mobile, "Home Phone": home, "Work Phone": work}).row
    assert row
    assert [str(number and number.e164)[-4:] for number in (row.mobile, row.home)] == [first, second]


@pytest.mark.parametrize(
    ("cells", "problem"),
    [
        ({"First Name": ""}, "The first name is missing. Calls greet the patient by first name."),
        ({"First Name": "xxx"}, "This is a placeholder, not a name. Calls greet the patient by first name."),
        ({"First Name": "Mrs."}, "This is a title, not a first name. Calls greet the patient by first name."),
        ({"First Name": "", "Patient Name": "Mr. Stone"}, "The first name is missing."),
    ],
)
def test_without_a_first_name_the_row_says_why(cells: dict[str, str], problem: str) -> None:
    [found] = [each for each in read(cells).problems if each.column == "First Name"]
    assert found.problem.startswith(problem)
    assert found.weight == "rejected"
