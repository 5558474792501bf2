"""Which column is which: told by headers and values, or asked (product rules 43 and 47)."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contacts.imports.columns import WORDS, Columns, find_columns
from contacts.imports.dates import guess_order
from contacts.imports.errors import MissingColumns
from contacts.imports.files import RawRow
from contacts.imports.headers import label_headers
from contacts.imports.rows import ImportedLocation, Reading, read_row

WHO = "First Name,Last Name,Phone,Location"
RUTH = "Ruth,Stone,2025550111,Elm"
AT_NINE = "3/4/2027,9:00 AM"


def find(header: str, *rows: str, **options: dict[str, str]) -> Columns:
    cells = [RawRow(line, tuple(row.split(","))) for line, row in enumerate(rows, 2)]
    return find_columns(header.split(","), options.get("given"), cells, options.get("answers"))


def used(columns: Columns) -> dict[str, str]:
    return {name: columns.labels[at] for name, at in columns.positions.items()}


FOUND = [  # header, a row, what some fields are
    (f"{WHO},Start Time", f"{RUTH},3/4/2027 9:00 AM", {"date": "Start Time", "time": None}),
    (f"{WHO},Start Date & Time", f"{RUTH},2027-03-04 09:00", {"date": "Start Date & Time", "time": None}),
    (f"{WHO},appointment_date,start_time", f"{RUTH},2027-03-04,2027-03-04 09:00:00",
     {"date": "appointment_date", "time": "start_time"}),
    (f"{WHO},Start Date,Start Time,End Date,End Time", f"{RUTH},{AT_NINE},3/4/2027,9:30 AM",
     {"date": "Start Date", "time": "Start Time"}),
    (f"{WHO},Day,Date,Time", f"{RUTH},Thu,{AT_NINE}", {"date": "Date", "weekday": "Day"}),
    (f"{WHO},Day,Time", f"{RUTH},{AT_NINE}", {"date": "Day", "weekday": None}),
    (f"{WHO},Date,Start", f"{RUTH},3/4/2027,3/4/2027 9:00 AM", {"date": "Date", "time": "Start"}),
    (f"{WHO},Date,Appt Date,Time", f"{RUTH},,{AT_NINE}", {"date": "Appt Date"}),  # the other one is empty
    (f"{WHO},Date,Appt Date,Time", f"{RUTH},3/4/2027,{AT_NINE}", {"date": "Date"}),  # both say the same
    ("Patient #,Appt #,Name,Phone #,Site,Date & Time", "P1,A1,Ruth Stone,2025550111,Elm,3/4/2027 9:00",
     {"patient_id": "Patient #", "appointment_id": "Appt #", "full_name": "Name", "mobile": "Phone #"}),
    ("Patient,Name,Phone,Location,Date,Time", f"11,Ruth Stone,2025550111,Elm,{AT_NINE}",
     {"full_name": "Name", "patient_id": None}),
    (f"Account Number,{WHO},Date,Time", f"5001,{RUTH},{AT_NINE}", {"patient_id": None}),
    (f"{WHO},Work Phone,Date,Time", f"{RUTH},2025550112,{AT_NINE}", {"work": "Work Phone"}),
    ("Patient Name (Last; First),Phone,Location,Date,Time", f"Ruth,2025550111,Elm,{AT_NINE}",
     {"full_name": "Patient Name (Last; First)"}),
]  # fmt: skip


@pytest.mark.parametrize(("header", "row", "expected"), FOUND)
def test_columns_are_told_by_header_and_values(
    header: str, row: str, expected: dict[str, str | None]
) -> None:
    columns = find(header, row)
    assert not columns.questions
    assert {name: used(columns).get(name) for name in expected} == expected


ASKED = [  # header, a row, the question, its choices
    (f"{WHO},Date,Time,Status,Appt Status", f"{RUTH},{AT_NINE},Active,Cancelled",
     "column:status", ["Status", "Appt Status", "none"]),
    (f"{WHO},Date,Time,Status,Status", f"{RUTH},{AT_NINE},Active,Cancelled",
     "column:status", ["Status (1)", "Status (2)", "none"]),
    (f"{WHO},Date,Appointment Date,Time", f"{RUTH},1/5/2027,{AT_NINE}",
     "column:date", ["Date", "Appointment Date", "none"]),
    (f"{WHO},Date,Start", f"{RUTH},1/5/2027,3/4/2027 9:00 AM", "column:date", ["Date", "Start", "none"]),
    (f"{WHO},When", f"{RUTH},3/4/2027 9:00 AM", "column:date", ["When", "none"]),
    (f"{WHO},Created,When", f"{RUTH},1/5/2027 8:00 AM,3/4/2027 9:00 AM",
     "column:date", ["Created", "When", "none"]),
    (f"{WHO},Date,When,Until", f"{RUTH},3/4/2027,9:00 AM,9:30 AM", "column:time", ["When", "Until", "none"]),
    ("Name,Phone,Clinic,Department,Date,Time", f"Ruth Stone,2025550111,Elm,Teeth,{AT_NINE}",
     "column:location", ["Clinic", "Department", "none"]),
    ("Patient ID,MRN,Name,Phone,Clinic,Date,Time", f"1,2,Ruth Stone,2025550111,Elm,{AT_NINE}",
     "column:patient_id", ["Patient ID", "MRN", "none"]),
]  # fmt: skip


@pytest.mark.parametrize(("header", "row", "key", "choices"), ASKED)
def test_where_two_columns_could_be_meant_a_person_chooses(
    header: str, row: str, key: str, choices: list[str]
) -> None:
    [question] = find(header, row).questions
    assert (question.key, [choice.value for choice in question.choices]) == (key, choices)
    assert all(choice.sample for choice in question.choices[:-1])
    name = key.partition(":")[2]
    assert name not in find(header, row).positions
    assert used(find(header, row, answers={key: choices[-2]}))[name] == choices[-2]


OFF = [  # header, its cell, whether it is asked about
    ("Deleted at", "2027-03-01", True),
    ("Cancelled at", "3/1/2027 8:00", True),
    ("Did not arrive", "Yes", True),
    ("Broken", "Y", True),
    ("No Show", "1", True),
    ("no_show", "1", True),
    ("NoShow", "true", True),
    ("Void", "x", True),
    ("Archived", "true", True),
    ("Inactive", "1", True),
    ("Active", "No", True),
    ("Canceled", "maybe", True),
    ("Notes", "CANCELLED - pt has flu", True),
    ("Provider", "Cancelled", True),
    ("Type", "No-show", True),
    ("Deceased", "Y", True),
    ("Date of death", "2027-01-02", True),
    ("Patient Status", "Deceased", True),
    ("Notes", "Patient passed away in May", True),
    ("Withdrawn", "Y", True),
    ("Declined", "Yes", True),
    ("Waitlist", "Y", True),
    ("On hold", "1", True),
    ("Tentative", "Y", True),
    ("Moved", "Yes", True),
    ("Replaced by", "A2", True),
    ("Blocked", "Y", True),
    ("Storno", "ja", True),
    ("Anulada", "Sí", True),
    ("Booked", "N", True),
    ("Attending", "No", True),
    ("Change Type", "Cancel", True),
    ("Action", "DELETE", True),
    ("Comment", "CX by phone", True),
    ("Deceased", "N", False),
    ("Booked", "Y", False),
    ("Confirmed", "No", False),
    ("Action", "Cancel if late", False),
    ("Type", "Annual exam", False),
    ("Deleted at", "", False),
    ("Deleted at", "0000-00-00 00:00:00", False),
    ("Did not arrive", "No", False),
    ("Broken", "0", False),
    ("Active", "Yes", False),
    ("Canceled", "true", False),  # certain
    ("Is cancelled?", "1", False),
    ("Notes", "was cancelled last year", False),
    ("Type", "Cancer screening", False),
]


@pytest.mark.parametrize(("header", "cell", "asked"), OFF)
def test_a_column_that_may_say_that_a_visit_is_off_is_asked_about(
    header: str, cell: str, asked: bool
) -> None:
    columns = find(f"{WHO},Date,Time,{header}", f"{RUTH},{AT_NINE},{cell}")
    assert [question.key for question in columns.questions] == ([f"column:{header}"] if asked else [])


def test_a_column_that_is_set_only_for_rows_that_are_cancelled_anyway_is_not_asked_about() -> None:
    header = f"{WHO},Date,Time,Status,Canceled By,Canceled"
    assert not find(header, f"{RUTH},{AT_NINE},Cancelled,Ruth,no").questions
    assert not find(header, f"{RUTH},{AT_NINE},Booked,Ruth,yes").questions
    assert find(header, f"{RUTH},{AT_NINE},Booked,Ruth,no").questions


def test_what_staff_said_about_such_a_column_holds() -> None:
    header, row = f"{WHO},Date,Time,Deleted at", f"{RUTH},{AT_NINE},2027-03-01"
    [cancels] = find(header, row, answers={"column:Deleted at": "cancels"}).cancelling
    assert cancels.is_set(row.split(","))
    assert not cancels.is_set(f"{RUTH},{AT_NINE},".split(","))
    assert not find(header, row, answers={"column:Deleted at": "ignore"}).cancelling


def test_the_columns_chosen_by_hand_count_more_than_headers() -> None:
    columns = find(f"{WHO},Date,Made on,Time", f"{RUTH},1/5/2027,{AT_NINE}", given={"date": "Made on"})
    assert used(columns)["date"] == "Made on"
    without = find(f"{WHO},Date,Time,Status", f"{RUTH},{AT_NINE},x", given={"status": "none"})
    assert "status" not in without.positions


def test_missing_columns_come_with_all_columns_to_choose_from() -> None:
    with pytest.raises(MissingColumns) as caught:
        find("Fecha,Paciente,Fecha", "4/3/2027,Ruth,5/3/2027")
    assert caught.value.labels == ("Fecha (1)", "Paciente", "Fecha (2)")


SOME_HEADERS = st.sampled_from([
    *(word for words in WORDS.values() for word in words[:2]), "Canceled", "Deleted at", "Notes", "", "When",
    "Status", "Status", "Location",
])  # fmt: skip
SOME_CELLS = st.one_of(
    st.sampled_from(["", "3/4/2027", "9:00 AM", "1:15", "3/4/2027 9:00", "Thu", "Ruth", "Stone, Ruth", "yes",
                     "%", "Cancelled", "https://zoom.us/j/1", "202-555-0111", "2026,,,,", "\u200b", "N/A",
                     "0:00"]),
    st.text(alphabet="aZ09 ,.:/-'%é\u200b\x00", max_size=12),
)  # fmt: skip


@settings(deadline=None, suppress_health_check=[HealthCheck.too_slow])  # a slow machine must not fail it
@given(st.data())
def test_no_list_raises_anything_but_a_reason(data: st.DataObject) -> None:
    headers = data.draw(st.lists(SOME_HEADERS, min_size=1, max_size=14))
    width = st.integers(0, len(headers) + 1)
    cells = data.draw(
        st.lists(width.flatmap(lambda n: st.lists(SOME_CELLS, min_size=n, max_size=n)), max_size=4)
    )
    rows = [RawRow(line, tuple(row)) for line, row in enumerate(cells, 2)]
    answers: dict[str, str] = {}
    try:
        columns = find_columns(headers, rows=rows)
        answers = {each.key: data.draw(st.sampled_from(each.choices)).value for each in columns.questions}
        columns = find_columns(headers, rows=rows, answers=answers)
    except MissingColumns:
        return
    positions = list(columns.positions.values())
    assert len(set(positions)) == len(positions)
    assert len({question.key for question in columns.questions}) == len(columns.questions)
    places = {key: ImportedLocation(ZoneInfo("America/New_York"), "US") for key in ["elm"]}
    reading = Reading(columns, guess_order([], "US"), True, places, "US", only_location="Elm")
    for row in rows:
        found = read_row(row, reading)
        assert found.row or any(each.weight == "rejected" for each in found.problems)


@pytest.mark.parametrize(
    ("headers", "labels"),
    [
        (["Date", "Status", "status"], ("Date", "Status (1)", "status (2)")),
        (["", "Date", ""], ("column 1", "Date", "column 3")),
        (["Status", "Status", "Status (1)"], ("Status (1)", "Status (2)", "Status (1), column 3")),
        (["column 2", ""], ("column 2", "column 2, column 2")),
        (["x" * 200, "y"], ("x" * 79 + "…", "y")),
    ],
)
def test_each_column_has_a_name_of_its_own(headers: list[str], labels: tuple[str, ...]) -> None:
    assert label_headers(headers) == labels


@pytest.mark.parametrize("headers", ["Date,Date", "Date (made on),DATE", "date,DATE,Date (visit)"])
def test_a_chosen_column_that_stands_twice_is_asked_about(headers: str) -> None:
    """(product rule 47)"""
    names = [*headers.split(","), "Time", "Name", "Mobile", "Location"]
    days = [f"2027-0{month}-01" for month in range(1, headers.count(",") + 2)]
    rows = [RawRow(2, (*days, "9:00", "Ada", "2025550101", "Elm"))]
    columns = find_columns(names, {"date": "Date"}, rows)
    [question] = columns.questions
    assert (question.key, "date" in columns.positions) == ("column:date", False)
    assert len(question.choices) == len(days) + 1
    told = find_columns(names, {"date": "Date"}, rows, {"column:date": question.choices[1].value})
    assert told.positions["date"] == 1
    alike = [RawRow(2, (*days[:1] * len(days), "9:00", "Ada", "2025550101", "Elm"))]
    assert find_columns(names, {"date": "Date"}, alike).questions == ()
