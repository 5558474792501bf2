"""Workbooks, web pages, calendars and FHIR become the same table of text as a CSV file."""

from datetime import date, datetime, time, timedelta

import pytest
import time_machine

from contacts.imports.errors import UnreadableFile
from contacts.imports.files import ReadChoices, Table
from contacts.imports.importing import import_file
from contacts.imports.practice import ImportOptions
from contacts.imports.reading.calendar_people import is_name
from contacts.imports.reading.calendars import parse_calendar
from contacts.imports.reading.fhir import parse_fhir
from contacts.imports.reading.web_pages import parse_web_page
from contacts.imports.reading.workbooks import render_cell
from contacts.models import Appointment
from tests.contacts.imports.example_lists import make_downtown
from tests.contacts.imports.reading_of_lists import LISTS, MARCH_2027, read_bytes, read_list

EVENT = """BEGIN:VCALENDAR
VERSION:2.0
BEGIN:VEVENT
UID:1
DTSTART:20270304T143000Z
{lines}
END:VEVENT
END:VCALENDAR
"""
APPOINTMENT = '{"resourceType": "Appointment", "id": "a1", "status": "%s", "start": "2027-03-04T14:30:00Z"}'


def wall(*parts: int) -> datetime:
    """Return a moment without a zone, as a spreadsheet has it."""
    return datetime(*parts)  # type: ignore[arg-type]  # noqa: DTZ001


def column(table: Table, header: str) -> list[str]:
    """Return the cells of a column."""
    return [row.cells[table.headers.index(header)] for row in table.rows]


@pytest.mark.parametrize(
    ("name", "clock", "yes"),
    [
        ("libreoffice.xlsx", "14:30", "true"),
        ("libreoffice.xls", "14:30", "true"),
        ("libreoffice.ods", "14:30", "1"),
        ("binary.xlsb", "14:30", "true"),
        ("libreoffice.html", "2:30 PM", "1"),
    ],
)
def test_a_workbook_is_read_as_a_person_sees_it(name: str, clock: str, yes: str) -> None:
    table = read_list(name)
    day = "3/4/2027" if name.endswith("html") else "2027-03-04"
    assert table.rows[0].cells == (
        "A1", "45", "Núñez", "Íñigo", "2025550111", day, clock, f"{day} {clock}", "30", "Dr. Chen", "Elm",
        yes, "Scheduled",
    )  # fmt: skip
    assert [row.line for row in table.rows] == ([2, 3] if name == "binary.xlsb" else [4, 5])
    assert table.questions == ()
    if name != "binary.xlsb":
        assert table.understood.header_line == 3
        assert [line.text for line in table.skipped] == ["Appointment list", "Total: 2"]


def test_of_several_sheets_with_a_list_a_person_chooses_one() -> None:
    table = read_list("two_sheets.xlsx")
    [question] = table.questions
    assert question.key == "sheet"
    assert [choice.value for choice in question.choices] == ["Monday", "Tuesday"]
    assert question.choices[1].sample.startswith("T1, Stone, Ruth")
    assert column(read_list("two_sheets.xlsx", sheet="Tuesday"), "Appt ID") == ["T1"]
    chosen = read_bytes((LISTS / "two_sheets.xlsx").read_bytes(), ReadChoices(sheet="Tuesday"))
    assert (column(chosen, "Appt ID"), chosen.questions, chosen.understood.sheet) == (["T1"], (), "Tuesday")
    with pytest.raises(UnreadableFile, match="no sheet “Friday”"):
        read_bytes((LISTS / "two_sheets.xlsx").read_bytes(), ReadChoices(sheet="Friday"))


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (45.0, "45"), (45.5, "45.5"), (2025550111.0, "2025550111"), (1.23457e17, "1.23457e+17"),
        (0.1 + 0.2, "0.3"),
        (True, "true"), (False, "false"), (7, "7"), ("Elm", "Elm"), (date(2027, 3, 4), "2027-03-04"),
        (time(14, 30), "14:30"), (time(9, 0, 5), "09:00:05"),
        (wall(2027, 3, 4, 14, 30), "2027-03-04 14:30"),
        (wall(2027, 3, 4), "2027-03-04"), (wall(2027, 3, 4, 14, 29, 59, 999_999), "2027-03-04 14:30"),
        (wall(1899, 12, 30, 14, 30), "14:30"), (timedelta(hours=1, minutes=30), "1:30"),
        (timedelta(hours=30), "30:00"),
    ],
)  # fmt: skip
def test_a_typed_cell_is_the_text_that_a_person_sees(value: object, text: str) -> None:
    assert render_cell(value) == text


def test_a_table_of_a_web_page_keeps_its_columns() -> None:
    page = """<table><caption>Today &amp; tomorrow</caption><tr><td colspan=2>Title</td><td>x
    <table><tr><td>in</td></tr></table></td></tr><tr><td>Ruth<br>Stone<td>&nbsp;<td>b<script>c()</script></table>"""
    [outer, inner] = parse_web_page(page.encode())
    assert outer.name == "Today & tomorrow"
    assert outer.rows == [(1, ["Title", "", "x in"]), (2, ["Ruth Stone", "", "b"])]
    assert inner.rows == [(1, ["in"])]


@time_machine.travel(MARCH_2027, tick=False)
def test_googles_form_of_a_calendar_is_read() -> None:
    table = read_list("google.ics")
    rows = [row.cells for row in table.rows]
    zone = "America/New_York"
    assert [cells[:6] for cells in rows] == [
        ("single@google.com", "Ruth Stone", "202-555-0111", "2027-03-04", "09:30", zone),
        ("series@google.com/20270308T143000Z", "Kofi Wood", "202-555-0112", "2027-03-08", "09:30", zone),
        ("series@google.com/20270315T133000Z", "Kofi Wood", "202-555-0112", "2027-03-16", "11:00", zone),
        ("series@google.com/20270322T133000Z", "Kofi Wood", "202-555-0112", "2027-03-22", "09:30", zone),
    ]
    assert column(table, "status") == ["confirmed", "confirmed", "confirmed", "cancelled"]
    assert column(table, "type") == ["Cleaning", "Therapy", "Therapy", "Therapy"]
    assert [(line.text, line.why.value) for line in table.skipped] == [("Vacation", "all_day")]
    assert table.notes == ("1 event is outside the time that is read: from yesterday to 400 days ahead.",)


@time_machine.travel(MARCH_2027, tick=False)
def test_microsofts_form_of_a_calendar_is_read() -> None:
    table = read_list("outlook.ics")
    assert column(table, "patient name") == ["Mei Hill", "Omar Lake", "Ruth Stone"]
    assert column(table, "mobile phone") == ["(202) 555-0113", "202-555-0117", "202-555-0111"]
    assert column(table, "time") == ["14:30", "16:30", "14:00"]  # 9:30 in New York, 9:30 at -0700, in UTC
    assert set(column(table, "start time zone")) == {"UTC"}
    assert column(table, "status") == ["", "", "cancelled"]
    assert column(table, "provider")[0] == "Dr. Chen"
    assert max(map(len, column(table, "appointment id"))) <= 120


@pytest.mark.parametrize(
    ("lines", "patient", "phone", "kind"),
    [
        ("SUMMARY:Ruth Stone 202-555-0111", "Ruth Stone", "202-555-0111", ""),
        ("SUMMARY:Cleaning - Ruth Stone", "Ruth Stone", "", "Cleaning"),
        ("SUMMARY:Ruth Stone (Cleaning)", "Ruth Stone", "", "Cleaning"),
        ("SUMMARY:Appointment with Ruth O'Brien", "Ruth O'Brien", "", "Appointment"),
        ("SUMMARY:Dental Cleaning", "", "", "Dental Cleaning"),
        ("SUMMARY:Lunch", "", "", "Lunch"),
        ("SUMMARY:Busy", "", "", "Busy"),
        ("SUMMARY:Ruth", "", "", "Ruth"),
        ("SUMMARY:Ruth 202-555-0111", "Ruth", "202-555-0111", ""),
        (
            "SUMMARY:Exam\nDESCRIPTION:Patient: Ruth Stone\\nPhone: (202) 555-0111",
            "Ruth Stone", "(202) 555-0111", "Exam",
        ),
        ("SUMMARY:Exam\nDESCRIPTION:Join by phone\\n+1 646-555-0188", "", "", "Exam"),
        ("SUMMARY:Exam\nDESCRIPTION:Name: New patient\\nTel: 202-555-0111", "", "202-555-0111", "Exam"),
        ("SUMMARY:Exam\nATTENDEE;CN=Ruth Stone:mailto:r@example.org", "Ruth Stone", "", "Exam"),
        ("SUMMARY:Exam\nATTENDEE;CN=Ruth Stone:tel:+12025550111", "Ruth Stone", "+12025550111", "Exam"),
        (
            "SUMMARY:Exam\nORGANIZER;CN=Ann Chen:mailto:c@a.org\nATTENDEE;CN=Ann Chen:mailto:c@a.org",
            "", "", "Exam",
        ),
        (
            "SUMMARY:Exam\nATTENDEE;CN=Ruth Stone:mailto:r@a.org\nATTENDEE;CN=Kofi Wood:mailto:k@a.org",
            "", "", "Exam",
        ),
        ("SUMMARY:Exam\nATTENDEE;CN=r@example.org:mailto:r@example.org", "", "", "Exam"),
    ],
)  # fmt: skip
def test_who_is_meant_is_found_by_the_documented_rules_or_stays_empty(
    lines: str, patient: str, phone: str, kind: str
) -> None:
    sheet = parse_calendar(EVENT.format(lines=lines).encode(), MARCH_2027)
    cells = dict(zip(sheet.rows[0][1], sheet.rows[1][1], strict=True))
    assert (cells["patient name"], cells["mobile phone"], cells["type"]) == (patient, phone, kind)


@pytest.mark.parametrize(
    ("name", "whether"),
    [
        ("Ruth Stone", True),
        ("Mei", True),
        ("Íñigo de la Cruz", True),
        ("O’Brien, Aoife", True),
        ("Dr. Chen", False),
        ("new patient", False),
        ("Root canal", False),
        ("202-555-0111", False),
        ("a b", False),
    ],
)
def test_words_for_a_kind_of_visit_are_no_names(name: str, whether: bool) -> None:
    assert is_name(name) == whether


@pytest.mark.parametrize(
    ("lines", "times"),
    [
        ("DTSTART;TZID=Eastern Standard Time:20270304T093000", [("09:30", "America/New_York")]),
        ("DTSTART;TZID=Europe/Berlin:20270304T093000", [("09:30", "Europe/Berlin")]),
        ("DTSTART:20270304T093000", [("09:30", "")]),
        ("DTSTART;TZID=Nowhere:20270304T093000", [("09:30", "Nowhere")]),
        ("DTSTART:20270304T093000Z", [("09:30", "UTC")]),
        ("DTSTART:20270304T093000Z\nRRULE:FREQ=DAILY;COUNT=3", [("09:30", "UTC")] * 3),
        (
            "DTSTART:20270304T093000Z\nRRULE:FREQ=DAILY;COUNT=3\nEXDATE:20270305T093000Z",
            [("09:30", "UTC")] * 2,
        ),
        ("DTSTART:20270304T093000Z\nRDATE:20270306T100000Z", [("09:30", "UTC"), ("10:00", "UTC")]),
        (  # the wall time stays when the clocks change
            "DTSTART;TZID=America/New_York:20270310T093000\nRRULE:FREQ=WEEKLY;COUNT=2",
            [("09:30", "America/New_York")] * 2,
        ),
    ],
)
def test_times_are_the_wall_times_of_the_events_own_zone(lines: str, times: list[tuple[str, str]]) -> None:
    data = EVENT.replace("DTSTART:20270304T143000Z\n", "").format(lines=lines).encode()
    rows = parse_calendar(data, MARCH_2027).rows[1:]
    assert [(cells[4], cells[5]) for _, cells in rows] == times
    assert len({cells[0] for _, cells in rows}) == len(rows)


@pytest.mark.parametrize(
    ("lines", "why"),
    [
        ("RRULE:FREQ=SECONDLY", "too_often"),
        ("RRULE:FREQ=MINUTELY;INTERVAL=5", "too_often"),
        ("RRULE:FREQ=DAILY;BYHOUR=9,10,11", "too_often"),
        ("RRULE:FREQ=DAILY;BYSECOND=1,2,3", "too_often"),
        ("RRULE:FREQ=DAILY;INTERVAL=0", "broken_series"),
        ("RRULE:FREQ=DAILY;INTERVAL=-1", "broken_series"),
        ("RRULE:FREQ=NONSENSE", "broken_series"),
        ("RRULE:INTERVAL=2", "broken_series"),
        ("RRULE:FREQ=YEARLY;BYDAY=99MO", "broken_series"),
        ("EXDATE:garbage", "broken_series"),
    ],
)
def test_what_recurs_too_often_or_in_no_sensible_way_is_left_out_with_a_reason(lines: str, why: str) -> None:
    sheet = parse_calendar(EVENT.format(lines=f"SUMMARY:bomb\n{lines}").encode(), MARCH_2027)
    assert [skipped[1:] for skipped in sheet.skipped] == [("bomb", why)]
    assert len(sheet.rows) == 1


@pytest.mark.parametrize(
    "line", ["DTEND:garbage", "SEQUENCE:x", "DURATION:-PT5M", "UID:2", "DTSTART:20270305T143000Z"]
)
def test_a_broken_or_repeated_property_that_is_not_needed_is_passed_over(line: str) -> None:
    rows = parse_calendar(EVENT.format(lines=line).encode(), MARCH_2027).rows
    assert [cells[0] for _, cells in rows[1:]] == ["1"]


@pytest.mark.parametrize(
    ("method", "lines", "status"),
    [
        ("PUBLISH", "STATUS:CONFIRMED", "confirmed"),
        ("PUBLISH", "STATUS:TENTATIVE", "pending"),
        ("PUBLISH", "STATUS:CANCELLED", "cancelled"),
        ("CANCEL", "STATUS:CONFIRMED", "cancelled"),
        ("PUBLISH", "SUMMARY:Canceled: Exam with Ruth Stone", "cancelled"),
        ("PUBLISH", "STATUS:DRAFT", "draft"),
    ],
)
def test_every_way_in_which_a_calendar_cancels_is_heard(method: str, lines: str, status: str) -> None:
    """(product rule 43)"""
    data = EVENT.format(lines=lines).replace("VERSION:2.0", f"METHOD:{method}").encode()
    assert parse_calendar(data, MARCH_2027).rows[1][1][-1] == status


def test_of_two_versions_of_an_event_the_newer_counts() -> None:
    event = EVENT.partition("BEGIN:VEVENT")[2].partition("END:VEVENT")[0]
    newer = event.format(lines="SEQUENCE:2\nSTATUS:CANCELLED\nSUMMARY:new")
    data = EVENT.format(lines=f"SEQUENCE:1\nSUMMARY:old\nEND:VEVENT\nBEGIN:VEVENT{newer}").encode()
    sheet = parse_calendar(data, MARCH_2027)
    assert [cells[-1] for _, cells in sheet.rows[1:]] == ["cancelled"]
    assert [text for _, text, _ in sheet.skipped] == ["old"]


def test_a_series_that_was_called_off_is_cancelled_as_a_whole() -> None:
    event = EVENT.partition("BEGIN:VEVENT")[2].partition("END:VEVENT")[0]
    newer = event.format(lines="SEQUENCE:2\nSTATUS:CANCELLED")
    data = EVENT.format(lines=f"RRULE:FREQ=DAILY;COUNT=3\nEND:VEVENT\nBEGIN:VEVENT{newer}").encode()
    assert [cells[-1] for _, cells in parse_calendar(data, MARCH_2027).rows[1:]] == ["cancelled"] * 3


def test_a_bundle_of_hl7s_example_form_is_read() -> None:
    table = read_list("bundle.json")
    assert [row.cells for row in table.rows] == [
        (
            "example", "example", "Chalmers, Peter James", "(202) 555-0111", "(202) 555-0112", "es", "",
            "2027-03-04", "14:00", "UTC", "30", "Dr Adam Careful", "Elm",
            "A follow up visit from a previous appointment", "", "booked",
        ),
        (
            "2docs", "", "Mei Hill", "202-555-0113", "", "", "yes", "2027-03-05", "14:15", "UTC", "15", "",
            "Elm", "", "", "cancelled",
        ),
    ]  # fmt: skip
    assert [(line.text, line.why.value) for line in table.skipped] == [("examplereq", "no_start")]


@pytest.mark.parametrize(
    ("status", "word"),
    [
        ("booked", "booked"), ("pending", "pending"), ("arrived", "arrived"), ("checked-in", "checked in"),
        ("fulfilled", "fulfilled"), ("cancelled", "cancelled"), ("noshow", "no show"),
        ("entered-in-error", "cancelled"), ("waitlist", "waitlist"),
        ("proposed", "proposed"), ("", "no status"),
    ],
)  # fmt: skip
def test_fhirs_statuses_are_told_in_the_words_of_lists(status: str, word: str) -> None:
    assert parse_fhir((APPOINTMENT % status).encode(), MARCH_2027).rows[1][1][-1] == word


def test_a_bulk_export_has_one_resource_a_line() -> None:
    lines = [APPOINTMENT % "booked", '{"resourceType": "Patient", "id": "p"}', APPOINTMENT % "cancelled"]
    assert [cells[-1] for _, cells in parse_fhir("\n".join(lines).encode(), MARCH_2027).rows[1:]] == [
        "booked",
        "cancelled",
    ]


@pytest.mark.django_db
@time_machine.travel(MARCH_2027, tick=False)
def test_a_moment_of_another_zone_is_imported_as_that_moment() -> None:
    make_downtown()
    lines = "SUMMARY:Ruth Stone 202-555-0111\nLOCATION:Downtown"
    data = EVENT.replace(":20270304T143000Z", ";TZID=America/Denver:20270304T143000").format(lines=lines)
    report = import_file(data.encode(), "list.ics", ImportOptions())
    assert report.counts["added"] == 1
    appointment = Appointment.objects.get(external_id="1")
    assert appointment.starts_at.isoformat() == "2027-03-04T21:30:00+00:00"


@pytest.mark.django_db
def test_lines_left_out_and_damaged_cells_are_in_the_report() -> None:
    make_downtown(name="Elm")
    report = import_file((LISTS / "c12_preamble.csv").read_bytes(), "list.csv", ImportOptions())
    assert [(each.line, each.value) for each in report.problems] == [
        (1, "Appointment List"), (2, "Printed: 3/1/2027 Page 1"), (6, "Total appointments: 1"),
    ]  # fmt: skip
    report = import_file((LISTS / "j2_utf8_one_bad_byte.csv").read_bytes(), "list.csv", ImportOptions())
    assert (4, "First Name", "Kofi") in [(each.line, each.column, each.value) for each in report.problems]
