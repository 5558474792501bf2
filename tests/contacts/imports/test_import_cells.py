"""How cells are parsed, and which are refused."""

import csv
import io
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from contacts.csv_cells import guard_cell
from contacts.imports.columns import find_columns
from contacts.imports.csv_files import CsvReader
from contacts.imports.dates import guess_order, read_date
from contacts.imports.errors import MissingColumns
from contacts.imports.file_content import pack_file
from contacts.imports.problems import CellFault
from contacts.imports.reading.cells import clean_cell
from contacts.imports.times import place_in_zone, read_time, split_date_and_time
from contacts.imports.words import read_language, read_minutes, read_status
from contacts.names import split_full_name
from tests.contacts.imports.example_lists import AISHA, write_list


@pytest.mark.parametrize(
    ("column", "region", "expected"),
    [
        (["01/02/2026", "12/19/2026"], "GB", date(2026, 1, 2)),  # the second shows that the month is first
        (["01/02/2026", "19/12/2026"], "US", date(2026, 2, 1)),  # and here that the day is first
        (["01/02/2026"], "US", date(2026, 1, 2)),  # neither order is shown
        (["01/02/2026"], "GB", date(2026, 2, 1)),
        (["1/2/26"], "US", date(2026, 1, 2)),
        (["01.02.2026"], "US", date(2026, 2, 1)),  # with dots the day is first everywhere
        (["2026-01-02", "12/19/2026"], "US", date(2026, 1, 2)),
        (["2026/1/2"], "GB", date(2026, 1, 2)),
        (["Jan 2, 2026"], "GB", date(2026, 1, 2)),
        (["2 January 2026"], "US", date(2026, 1, 2)),
        (["Fri 2nd Jan 2026"], "US", date(2026, 1, 2)),
        (["02/29/2028"], "US", date(2028, 2, 29)),
        (["01/02/2026", "02/30/2026"], "US", date(2026, 1, 2)),  # an impossible date shows nothing
    ],
)
def test_the_whole_column_decides_the_order_of_day_and_month(
    column: list[str], region: str, expected: date
) -> None:
    assert read_date(column[0], guess_order(enumerate(column, 2), region)) == expected


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "The date is missing."),
        ("02/30/2027", "This date doesn't exist."),
        ("02/29/2027", "This date doesn't exist."),
        ("soon", "This isn't a date."),
        ("12/19", "This isn't a date."),
        ("46000", "This isn't a date."),
        ("12/19/1926", "The year is wrong."),
        ("2026-13-01", "This date doesn't exist."),
        ("9999999999/1/1", "This isn't a date."),
    ],
)
def test_an_invalid_date_is_refused_with_a_reason(value: str, problem: str) -> None:
    with pytest.raises(CellFault) as caught:
        read_date(value, guess_order([], "US"))
    assert caught.value.problem == problem
    assert caught.value.remedy


def test_in_a_file_with_both_orders_only_ambiguous_dates_are_refused() -> None:
    column = ["12/19/2026", "19/12/2026", "01/02/2026"]
    order = guess_order(enumerate(column, 2), "US")
    assert read_date(column[0], order) == read_date(column[1], order) == date(2026, 12, 19)
    with pytest.raises(CellFault, match="line 2 has the month first, line 3 the day"):
        read_date(column[2], order)


@pytest.mark.parametrize(
    ("value", "am_pm", "expected"),
    [
        ("4:15 PM", True, time(16, 15)),
        ("4:15PM", True, time(16, 15)),
        ("4:15 p.m.", True, time(16, 15)),
        ("12:05 AM", True, time(0, 5)),
        ("12:30 PM", True, time(12, 30)),
        ("9 am", True, time(9, 0)),
        ("14:30", True, time(14, 30)),
        ("9:30", False, time(9, 30)),
        ("09:30:00", False, time(9, 30)),
        ("9.30", False, time(9, 30)),
        ("9h30", False, time(9, 30)),
    ],
)
def test_times_are_parsed_with_and_without_am_and_pm(value: str, am_pm: bool, expected: time) -> None:
    assert read_time(value, am_pm=am_pm) == expected


@pytest.mark.parametrize(
    ("value", "am_pm", "problem"),
    [
        ("", True, "The time is missing."),
        ("1:15", True, "It isn't clear whether this is AM or PM."),
        ("12:15", True, "It isn't clear whether this is AM or PM."),
        ("1:15", False, "It isn't clear whether this is AM or PM."),
        ("00:30", True, "It isn't clear whether this is AM or PM."),
        ("0:00", False, "0:00 means that the file has no time for this appointment."),
        ("12:00:00 AM", True, "0:00 means that the file has no time for this appointment."),
        ("13:15 PM", True, "This time doesn't exist with AM or PM."),
        ("25:00", False, "This time doesn't exist."),
        ("9:75", False, "This time doesn't exist."),
        ("9", False, "This isn't a time."),
        ("noon", False, "This isn't a time."),
    ],
)
def test_an_invalid_time_is_refused_with_a_reason(value: str, am_pm: bool, problem: str) -> None:
    with pytest.raises(CellFault) as caught:
        read_time(value, am_pm=am_pm)
    assert caught.value.problem == problem


@pytest.mark.parametrize(
    ("wall", "zone", "expected", "occurs_twice"),
    [
        ("2026-12-01T09:00", "America/New_York", "2026-12-01T14:00", False),
        ("2026-11-01T01:30", "America/New_York", "2026-11-01T05:30", True),
        ("2026-11-01T02:00", "America/New_York", "2026-11-01T07:00", False),
        ("2026-10-25T02:30", "Europe/Berlin", "2026-10-25T00:30", True),
        ("2026-03-08T02:30", "America/Phoenix", "2026-03-08T09:30", False),
        ("2026-04-05T01:45", "Australia/Lord_Howe", "2026-04-04T14:45", True),
    ],
)
def test_a_wall_time_is_converted_by_the_locations_time_zone(
    wall: str, zone: str, expected: str, occurs_twice: bool
) -> None:
    moment, twice = place_in_zone(datetime.fromisoformat(wall), ZoneInfo(zone))
    assert (moment, twice) == (datetime.fromisoformat(expected).replace(tzinfo=UTC), occurs_twice)


@pytest.mark.parametrize(
    ("wall", "zone"),
    [
        ("2026-03-08T02:30", "America/New_York"),
        ("2026-03-29T02:30", "Europe/Berlin"),
        ("2026-10-04T02:15", "Australia/Lord_Howe"),
    ],
)
def test_a_wall_time_that_the_clocks_skip_is_refused(wall: str, zone: str) -> None:
    with pytest.raises(CellFault, match="clocks go forward"):
        place_in_zone(datetime.fromisoformat(wall), ZoneInfo(zone))


@pytest.mark.parametrize(
    ("value", "parts"),
    [
        ("2026-12-11 14:30", ("2026-12-11", "14:30")),
        ("2026-12-11T14:30:00", ("2026-12-11", "14:30:00")),
        ("12/11/2026 2:30 PM", ("12/11/2026", "2:30 PM")),
        ("Dec 11, 2026, 2:30 PM", ("Dec 11, 2026", "2:30 PM")),
        ("2026-12-11", ("2026-12-11", "")),
    ],
)
def test_date_and_time_in_one_cell_are_split(value: str, parts: tuple[str, str]) -> None:
    assert split_date_and_time(value) == parts


@pytest.mark.parametrize(
    ("value", "status"),
    [
        ("", "booked"),
        ("Scheduled", "booked"),
        ("CANCELED", "cancelled"),
        ("Cancelled by patient", "cancelled"),
        ("No-Show", "no_show"),
        ("Checked In", "arrived"),
    ],
)
def test_statuses_are_recognised(value: str, status: str) -> None:
    assert read_status(value) == status


def test_an_unknown_status_is_refused() -> None:
    with pytest.raises(CellFault, match="status is unknown"):
        read_status("Deleted")


@pytest.mark.parametrize(
    ("value", "code"),
    [("English", "en"), ("en", "en"), ("ES", "es"), ("Español", "es"), ("fr-CA", "fr"), ("", "")],
)
def test_languages_are_recognised_by_name_and_by_code(value: str, code: str) -> None:
    assert read_language(value) == code


@pytest.mark.parametrize(
    ("value", "minutes"), [("45", 45), ("45.0", 45), ("45 min", 45), ("1:30", 90), ("", None)]
)
def test_lengths_are_converted_to_minutes(value: str, minutes: int | None) -> None:
    assert read_minutes(value) == minutes


@pytest.mark.parametrize("value", ["0", "-15", "9999", "half an hour", "45.5"])
def test_an_invalid_length_is_refused(value: str) -> None:
    with pytest.raises(CellFault):
        read_minutes(value)


@pytest.mark.parametrize(
    ("value", "names"),
    [
        ("Okafor, Aisha", ("Aisha", "Okafor")),
        ("Aisha de la Cruz", ("Aisha", "de la Cruz")),
        ("Aisha", ("Aisha", "")),
    ],
)
def test_a_full_name_is_split_into_first_and_last_name(value: str, names: tuple[str, str]) -> None:
    assert split_full_name(value) == names


@pytest.mark.parametrize(
    "headers",
    [
        "AptNum,PatNum,LName,FName,Wireless Phone,Hm Phone,Appointment Date,Appointment Time,Clinic",
        "Appointment ID,MRN,Patient Name,Cell Phone,Visit Date,Start Time,Facility,Visit Type",
        "patient,phone,start,location",
        "APPT DATE;APPT_TIME;First Name;Last Name;Primary Phone;Office",
    ],
)
def test_the_headers_of_several_systems_are_recognised(headers: str) -> None:
    columns = find_columns(headers.replace(";", ",").split(","))
    assert {"date", "location"} <= columns.positions.keys()
    assert len(set(columns.positions.values())) == len(columns.positions)


def test_a_single_phone_column_is_read_as_the_mobile_phone() -> None:
    assert find_columns(["Name", "Phone", "Date", "Time", "Location"]).positions["mobile"] == 1
    beside = find_columns(["Name", "Phone", "Mobile", "Date", "Time", "Location"]).positions
    assert (beside["mobile"], beside["home"]) == (2, 1)


def test_missing_columns_are_named_together_with_the_files_headers() -> None:
    with pytest.raises(MissingColumns) as caught:
        find_columns(["Vorname", "Mobile", "Date", "Location"])
    assert str(caught.value).startswith(
        "The file has no column for: first name, time. Its columns are: Vorname, Mobile, Date, Location."
    )


def test_the_header_of_a_field_can_be_given() -> None:
    headers = ["Vorname", "Mobile", "Date", "Time", "Location"]
    assert find_columns(headers, {"first_name": "vorname"}).positions["first_name"] == 0
    with pytest.raises(MissingColumns, match="The file has no column “Nachname”"):
        find_columns(headers, {"last_name": "Nachname"})


@pytest.mark.parametrize("delimiter", [",", ";", "\t", "|"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16", "cp1252"])
def test_a_list_is_read_in_every_usual_encoding_with_every_usual_delimiter(
    encoding: str, delimiter: str
) -> None:
    zoe = AISHA | {"first": "Zoë", "last": "O'Brien, Müller", "provider": 'N. "Nan" Brooks, NP'}
    table = CsvReader().read(pack_file(write_list(zoe, zoe, encoding=encoding, delimiter=delimiter)))
    assert len(table.headers) == 14
    assert [row.line for row in table.rows] == [2, 3]
    assert table.rows[0].cells[2:4] == ("O'Brien, Müller", "Zoë")
    assert table.rows[0].cells[10] == 'N. "Nan" Brooks, NP'


def test_lines_are_counted_as_a_text_editor_counts_them() -> None:
    data = b'sep=,\r\nName,Date\r\n"two\r\nlines",1\r\n\r\nthird,2\r\n'
    assert [(row.line, row.cells[0]) for row in CsvReader().read(pack_file(data)).rows] == [
        (3, "two lines"),
        (6, "third"),
    ]


@pytest.mark.parametrize("cell", ["=1+1", "+1", "-1", "@SUM(A1)"])
def test_a_formula_is_marked_as_text(cell: str) -> None:
    assert guard_cell(cell) == f"'{cell}"


def test_a_cell_without_a_formula_is_unchanged() -> None:
    assert guard_cell("02/30/2027") == "02/30/2027"


@pytest.mark.parametrize(
    "value", ["%", "?", "!", "❌", "—", "-", "Limbo", "Not cancelled", "Cancelled, reinstated"]
)
def test_a_status_that_is_unknown_or_a_symbol_is_refused(value: str) -> None:
    """(product rule 43)"""
    with pytest.raises(CellFault, match="status is unknown"):
        read_status(value)


@pytest.mark.parametrize(
    "value", ["Cancelled: flu", "LATE CANCELLED - patient", "canceled by office", "Storniert"]
)
def test_a_cancellation_with_its_reason_is_one(value: str) -> None:
    assert read_status(value) == "cancelled"


@pytest.mark.parametrize("cell", ["\tMilo", "\r\nMilo", "\u200b=1+1", "\u00a0＝1+1", "\t=1", " +1202", "＠x"])
def test_what_our_files_guard_is_read_as_what_it_was(cell: str) -> None:
    assert guard_cell(cell).startswith("'")
    assert clean_cell(guard_cell(cell)) == clean_cell(cell)


@pytest.mark.parametrize(
    "cell", ["Lind;=1+1", "a;b; ＝1;+2", "call\n+1 202-555-0111;-", "x;\t@y", "it's; fine"]
)
def test_what_they_guard_within_a_cell_is_read_as_what_it_was(cell: str) -> None:
    guarded = guard_cell(cell)
    assert clean_cell(guarded) == clean_cell(cell)
    lines = io.StringIO()
    csv.writer(lines).writerows([["Name", "Date"], [guarded, "1"]])
    assert CsvReader().read(pack_file(lines.getvalue().encode())).rows[0].cells[0] == clean_cell(cell)
    ends_at_semicolon = next(csv.reader([guarded.partition("\n")[0]], delimiter=";"))
    assert not any(part.strip()[:1] in ("=", "+", "-", "@", "＝") for part in ends_at_semicolon[1:] if part)
