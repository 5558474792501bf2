"""How a list was read is shown, corrected by hand, and remembered for its source; by page and command.

(product rules 46, 47 and 52)
"""

import json
import re
from html import unescape
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.conf import settings
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils.datastructures import MultiValueDict
from pytest_django import DjangoAssertNumQueries

from contacts.forms.reading import BUTTONS, list_posted
from contacts.imports.errors import QuestionsOpen, WrongChoice
from contacts.imports.importing import import_file, preview_file
from contacts.imports.practice import ImportOptions
from contacts.imports.reading_options import choose_reading
from contacts.imports.report import ImportReport
from contacts.models import Appointment, Contact, ImportBatch, SourceAnswers
from contacts.roles import AUDITOR
from tests.contacts.imports.example_lists import AISHA, NOAH, make_downtown, run_waiting_imports, write_list
from tests.contacts.imports.test_import_pages import upload
from tests.people import make_user

pytestmark = pytest.mark.django_db
LIST = write_list(AISHA, NOAH)
TITLES = b"Elm Street Clinic\nPrinted by desk\n\n"
EITHER_WAY = [AISHA | {"date": "03/04/2027"}, NOAH | {"date": "03/05/2027"}]


@pytest.fixture
def desk(client: Client) -> Client:
    make_downtown()
    client.force_login(make_user())
    return client


def given(source: str = "dentrix", **codes: str) -> ImportOptions:
    answers = {"reading": codes.pop("reading")} if "reading" in codes else {}
    return choose_reading(ImportOptions(source=source, answers=answers), codes)


def preview(data: bytes, **codes: str) -> ImportReport:
    return preview_file(data, "list.csv", given(**codes))


def post(desk: Client, address: str, **posted: str) -> str:
    response = desk.post(address, {"check": ""} | posted)
    return unescape(response.content.decode())


def make_workbook(**sheets: list[list[str]]) -> bytes:
    """A web page with a table for each sheet: it is read as a workbook is."""
    cells = "".join(
        f"<table id={name}>"
        + "".join("<tr>" + "".join(f"<td>{cell}</td>" for cell in row) + "</tr>" for row in rows)
        + "</table>"
        for name, rows in sheets.items()
    )
    return f"<html><body>{cells}</body></html>".encode()


def test_the_preview_shows_what_was_understood_and_the_first_rows(desk: Client) -> None:
    data = TITLES + write_list(*EITHER_WAY, delimiter=";").replace(b"Status", b"Shoe size")
    page = unescape(desk.get(upload(desk, data)).content.decode())
    for words in (
        "How the file was read",
        "semicolon",
        "Unicode (UTF-8)",
        "line 4",
        "12 hours, with AM and PM",
    ):
        assert words in page
    assert "the month first, as is usual for US" in page
    assert "Downtown: America/New_York" in page
    assert "Printed by desk" in page
    assert 'class="unused"' in page
    assert "The first 2 rows, under their headers" in page
    assert "(202) 555-0101" in page


# Each file is guessed wrongly, or could be; what a person chooses counts. Fault -> bytes, choice, first name.
FAULTS = {
    "a comma in each name of a file with semicolons": (
        write_list(AISHA | {"last": "Okafor, Dr."}, delimiter=";"),
        {"reading-delimiter": "semicolon"},
        "Aisha",
    ),
    "a line sep= that lies": (
        b"sep=,\n" + write_list(AISHA, delimiter=";"), {"reading-delimiter": "semicolon"}, "Aisha",
    ),
    "a rare delimiter": (write_list(AISHA, delimiter="^"), {"reading-delimiter": "caret"}, "Aisha"),
    "letters of DOS that are names in Windows too": (
        write_list(AISHA | {"first": "Zoë"}, encoding="cp850"), {"reading-encoding": "cp850"}, "Zoë",
    ),
    "letters of a Mac": (
        write_list(AISHA | {"first": "Zoë"}, encoding="mac_roman"), {"reading-encoding": "mac_roman"}, "Zoë",
    ),
    "UTF-16 without a mark": (
        write_list(AISHA, encoding="utf-16-le"), {"reading-encoding": "utf-16"}, "Aisha",
    ),
    "a title line that looks like a header": (
        b"Name,Date,Time,Location,Status,Type,Provider,First Name,Last Name,Mobile\n\n" + LIST,
        {"reading-header_line": "3"},
        "Aisha",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_choice_on_the_page_beats_every_guess(fault: str, desk: Client) -> None:
    data, choice, first_name = FAULTS[fault]
    address = upload(desk, data)
    page = post(desk, address, **choice)
    assert "chosen for this list" in page
    assert f"<td>{first_name}</td>" in page
    desk.post(address, {"apply": ""} | choice)
    run_waiting_imports()
    assert Contact.objects.filter(first_name=first_name).exists()
    [name] = choice
    assert SourceAnswers.objects.get().reading[name.removeprefix("reading-")] == choice[name]


def test_the_sheet_is_chosen_on_the_page(desk: Client) -> None:
    rows = [line.split(",") for line in LIST.decode().splitlines()]
    other = [[cell.replace("Aisha", "Amina") for cell in row] for row in rows]
    address = upload(desk, make_workbook(one=rows, two=other), name="list.xls")
    page = unescape(desk.get(address).content.decode())
    names = page.split('name="reading-sheet"')[1].split("</select>")[0]
    second = names.split('<option value="')[3].split('"')[0]
    assert "<td>Amina</td>" in post(desk, address, **{"reading-sheet": second})


@pytest.mark.parametrize(
    ("choice", "sentence"),
    [
        ({"reading-header_line": "99"}, "Line 99 can't be the header"),
        ({"reading-header_line": "3"}, "Below line 3, which was chosen as the header"),
        ({"reading-header_line": "two"}, "isn't the number of a line"),
        ({"reading-encoding": "utf-16"}, "aren't stored as UTF-16"),
        ({"reading-encoding": "klingon"}, "aren't letters that can be read"),
        ({"reading-delimiter": "x"}, "can't be a delimiter"),
        ({"reading-region": "Mars"}, "isn't a country code"),
    ],
)
def test_a_wrong_choice_says_why_and_loses_nothing(
    choice: dict[str, str], sentence: str, desk: Client
) -> None:
    address = upload(desk, LIST)
    others = {"question": "status:limbo", "answer-0": "booked", "columns": "1", "column-kind": "Type"}
    response = desk.post(address, {"check": ""} | others | choice)
    page = unescape(response.content.decode())
    assert response.status_code == 422
    assert sentence in page
    assert "<td>Aisha</td>" in page
    for name, value in others.items():
        assert f'<input type="hidden" name="{name}" value="{value}">' in page
    assert "Add 2 appointments" in post(desk, address)


def test_a_wrong_delimiter_shows_the_one_column_that_it_makes(desk: Client) -> None:
    page = post(desk, upload(desk, LIST), **{"reading-delimiter": "bar"})
    assert "The file has no column for" in page
    assert "How the file was read" in page
    assert "A1,P1,Okafor" in page


def test_fields_that_were_left_as_they_were_shown_are_no_choices(desk: Client) -> None:
    address = upload(desk, LIST)
    shown = {"reading-delimiter": "", "was-delimiter": "", "reading-header_line": "1", "was-header_line": "1"}
    assert "chosen for this list" not in post(desk, address, **shown)
    desk.post(address, {"apply": ""} | shown)
    run_waiting_imports()
    assert SourceAnswers.objects.count() == 0


def test_no_button_of_the_preview_is_posted_again_by_the_next_one() -> None:
    folder = Path(settings.BASE_DIR) / "templates"
    page = (folder / "contacts/imports/preview.html").read_text()
    included = re.findall(r'{% include "([^"]+)"', page)
    pages = [page, *((folder / name).read_text() for name in included)]
    names = {name for each in pages for name in re.findall(r'<button[^>]*\bname="([^"]+)"', each)}
    assert sorted(names) == sorted(BUTTONS)
    data = MultiValueDict[str, Any]({name: [""] for name in names} | {"answer-status": ["booked"]})
    assert list_posted(data) == [("answer-status", "booked")]


def test_a_choice_of_an_earlier_page_of_the_upload_stays(desk: Client) -> None:
    again = {"reading-delimiter": "comma", "was-delimiter": "comma", "reading-given": "delimiter"}
    assert "chosen for this list" in post(desk, upload(desk, LIST), **again)


def test_choices_are_remembered_shown_and_taken_back(desk: Client) -> None:
    import_file(TITLES + LIST, "list.csv", given(header_line="4", delimiter="comma", region="CA"))
    kept = SourceAnswers.objects.get().reading
    assert {name: kept[name] for name in ("header_line", "delimiter", "region")} == {
        "header_line": "4", "delimiter": "comma", "region": "CA",
    }  # fmt: skip
    address = upload(desk, TITLES + LIST, source="dentrix")
    page = unescape(desk.get(address).content.decode())
    assert page.count("remembered from an earlier list") == 3
    taken_back = {"reading-delimiter": "", "was-delimiter": "comma", "reading-region": "", "was-region": "CA"}
    for button in ("check", "apply"):
        desk.post(address, {button: ""} | taken_back)
    run_waiting_imports()
    kept = SourceAnswers.objects.get().reading
    assert ("delimiter" in kept, "region" in kept, kept["header_line"]) == (False, False, "4")
    other = preview_file(TITLES + LIST, "list.csv", ImportOptions(source="another"))
    assert other.understood
    assert other.understood.remembered == ()


def test_a_header_that_moved_is_found_and_said() -> None:
    make_downtown()
    import_file(TITLES + LIST, "list.csv", given(header_line="4"))
    report = preview(LIST)
    assert report.understood
    assert (report.understood.header_line, report.understood.dropped) == (1, (("header_line", "4"),))
    assert report.open_questions == []
    assert [each for each in report.problems if "doesn't fit this file" in each.problem]


def test_remembered_choices_that_give_other_columns_are_asked_about_and_forgotten() -> None:
    make_downtown()
    import_file(TITLES + LIST, "list.csv", given(header_line="4"))
    words = {b"Appt ID": b"Visit ID", b"Last Name": b"Surname", b"First Name": b"Forename"}
    words |= {b"Mobile": b"Cell", b"Date,": b"Appt Date,", b"Time,": b"Appt Time,", b"Status": b"Appt Status"}
    words |= {b"Provider": b"Doctor", b"Location": b"Clinic", b"Type": b"Reason", b"Language": b"Lang"}
    other = LIST
    for before, now in words.items():
        other = other.replace(before, now)
    with pytest.raises(QuestionsOpen, match="Its columns are: Visit ID"):
        import_file(other, "list.csv", given())
    import_file(other, "list.csv", given(reading="yes"))
    assert SourceAnswers.objects.get().reading == {}


def test_the_page_asks_until_somebody_says_that_a_changed_list_is_read_right(desk: Client) -> None:
    SourceAnswers.objects.create(source="dentrix", reading={"header_line": "4", "headers": ["Slot", "Who"]})
    address = upload(desk, LIST, source="dentrix")
    page = unescape(desk.get(address).content.decode())
    assert "doesn't fit this file (Line of the header: 4)" in page
    assert 'name="apply"' not in page
    as_shown = {
        "reading-header_line": "1",
        "was-header_line": "1",
        "reading-delimiter": "",
        "was-delimiter": "",
    }
    assert 'name="apply"' not in post(desk, address, **as_shown)
    answered = {"question": "reading", "answer-0": "yes"}
    assert "Add 2 appointments" in post(desk, address, **as_shown, **answered)
    assert "Add 2 appointments" in post(desk, address, **{"reading-header_line": "", "was-header_line": "4"})


def test_the_zone_of_new_locations_holds_for_one_list_only(tmp_path: Path) -> None:
    """(product rule 47) The next new location may be anywhere, so it is asked about."""
    make_downtown()
    run(write_list(AISHA | {"location": "Harbour"}), tmp_path, "--time-zone=America/Denver")
    assert not SourceAnswers.objects.exists()
    for source in ("csv", "dentrix"):  # as it was remembered before
        SourceAnswers.objects.create(source=source, reading={"time_zone": "America/Denver"})
    both = write_list(NOAH | {"location": "Quay"}, AISHA | {"id": "A3"})
    assert "Give each new location its time zone" in run(both, tmp_path, "--dry-run")


@pytest.mark.parametrize(
    ("moved", "is_asked"), [({}, True), ({"id": "A8"}, True), ({"date": "05/03/2027"}, False)]
)
def test_a_remembered_order_that_moves_the_known_appointments_is_asked_about(
    moved: dict[str, str], is_asked: bool
) -> None:
    """(product rules 46 and 47) By most of the days that are booked; a tie proves nothing."""
    make_downtown()
    import_file(write_list(*EITHER_WAY), "list.csv", given())
    SourceAnswers.objects.create(source="dentrix", answers={"date_order": "day_first"})
    report = preview(write_list(EITHER_WAY[0], EITHER_WAY[1] | moved))
    assert bool(report.open_questions) is is_asked
    if is_asked:
        assert "read the other way" in report.open_questions[0].text
    assert preview(write_list(*EITHER_WAY), date_order="month-first").counts["unchanged"] == 2


def test_a_remembered_order_that_nothing_proves_holds_with_a_note() -> None:
    make_downtown()
    SourceAnswers.objects.create(source="dentrix", answers={"date_order": "day_first"})
    report = import_file(write_list(*EITHER_WAY), "list.csv", given())
    assert {each.local_start.month for each in Appointment.objects.all()} == {4, 5}
    assert [each for each in report.problems if "taken from earlier lists" in each.problem]
    again = preview(write_list(*EITHER_WAY))
    assert (again.counts["unchanged"], again.open_questions) == (2, [])
    assert not [each for each in again.problems if "taken from earlier lists" in each.problem]


def test_remembered_letters_that_the_bytes_disprove_are_not_forced() -> None:
    make_downtown()
    import_file(write_list(AISHA | {"first": "Zoë"}, encoding="cp850"), "list.csv", given(encoding="cp850"))
    report = preview(write_list(AISHA | {"first": "Zoë"}))
    assert report.understood
    assert (report.understood.encoding, report.counts["unchanged"]) == ("utf-8", 1)
    assert dict(report.understood.dropped) == {"encoding": "cp850"}


@pytest.mark.parametrize(
    ("encoding", "last", "read_as"),
    [
        ("cp1252", "Lefèvre", "cp1252"),
        ("cp1252", "Müller", "cp1252"),
        ("utf-16", "Lefèvre", "utf-16"),
        ("cp850", "Lefèvre", "cp850"),
        ("ascii", "Stone", "cp850"),
    ],
)
def test_remembered_letters_never_garble_a_name(encoding: str, last: str, read_as: str) -> None:
    """(product rule 52) They count where the file's own letters agree, or can't be found out."""
    make_downtown()
    kept = LIST.decode().splitlines()[0].split(",")
    SourceAnswers.objects.create(source="dentrix", reading={"encoding": "cp850", "headers": kept})
    report = preview(write_list(AISHA | {"last": last}, encoding=encoding))
    assert report.understood
    assert report.understood.encoding[:6] == read_as[:6]
    assert bool(report.understood.dropped) == (read_as != "cp850")
    assert report.first_rows
    assert any(last in cells for _, cells in report.first_rows.rows)


def test_a_remembered_sheet_that_is_not_there_is_not_forced() -> None:
    make_downtown()
    rows = [line.split(",") for line in LIST.decode().splitlines()]
    SourceAnswers.objects.create(
        source="dentrix", reading={"sheet": "March", "headers": LIST.decode().splitlines()[0].split(",")}
    )
    report = preview_file(make_workbook(one=rows), "list.xls", given())
    assert report.understood
    assert (dict(report.understood.dropped), report.open_questions) == ({"sheet": "March"}, [])


def test_memory_of_a_delimiter_does_not_hinder_a_workbook() -> None:
    make_downtown()
    import_file(LIST, "list.csv", given(delimiter="comma"))
    rows = [line.split(",") for line in LIST.decode().splitlines()]
    report = preview_file(make_workbook(one=rows), "list.xls", given())
    assert report.understood
    assert (report.understood.dropped, report.counts["unchanged"]) == ((), 2)


def test_the_order_of_dates_is_remembered_unless_a_line_proves_another() -> None:
    make_downtown()
    import_file(write_list(*EITHER_WAY), "list.csv", given(date_order="day-first"))
    assert {each.local_start.month for each in Appointment.objects.all()} == {4, 5}
    again = preview(write_list(*EITHER_WAY))
    assert (again.counts["unchanged"], again.remembered) == (2, frozenset({"date_order"}))
    proven = preview(write_list(AISHA | {"id": "A9", "date": "03/25/2027"}))
    assert [each.problem for each in proven.problems if each.column == "Date"] == [
        "Line 2 has the month first, so the order that was chosen doesn't hold for this file."
    ]
    import_file(write_list(*EITHER_WAY), "list.csv", given(date_order="auto"))
    assert SourceAnswers.objects.get().answers == {}


def run(data: bytes, tmp_path: Path, *options: str) -> str:
    path = tmp_path / "list.csv"
    path.write_bytes(data)
    out = StringIO()
    call_command("import_appointments", str(path), *options, stdout=out)
    return out.getvalue()


def test_the_command_takes_the_same_choices_and_prints_what_was_understood(tmp_path: Path) -> None:
    make_downtown()
    data = TITLES + write_list(*EITHER_WAY, delimiter="^")
    choices = ["--delimiter=caret", "--letters=windows-1252", "--header-row=4", "--date-order=day-first"]
    printed = run(data, tmp_path, "--dry-run", *choices)
    assert "Delimiter: caret (^) (as chosen)" in printed
    assert "Letters: Windows (Western Europe) (as chosen)" in printed
    assert "Header: line 4 (as chosen)" in printed
    assert "Dates: the day first, as was chosen" in printed
    understood: dict[str, Any] = json.loads(run(data, tmp_path, "--json", *choices))["understood"]
    assert (understood["delimiter"], understood["header_line"], understood["date_order"]) == (
        "caret", 4, "day_first",
    )  # fmt: skip
    assert "(as for earlier lists)" in run(data, tmp_path, "--dry-run")
    assert "first_rows" not in printed


@pytest.mark.parametrize(
    ("option", "sentence"),
    [
        ("--delimiter=x", "can't be a delimiter"),
        ("--encoding=klingon", "aren't letters that can be read"),
        ("--letters=utf-16", "aren't stored as UTF-16"),
        ("--header-row=99", "Line 99 can't be the header"),
        ("--header-row=-1", "isn't the number of a line"),
        ("--sheet=Desk", "has no sheets"),
        ("--date-order=year-first", "isn't an order of dates"),
        ("--region=Mars", "isn't a country code"),
        ("--time-zone=Mars/Base", "isn't a time zone"),
    ],
)
def test_the_command_refuses_a_wrong_choice_in_a_sentence(option: str, sentence: str, tmp_path: Path) -> None:
    with pytest.raises(CommandError, match=sentence):
        run(LIST, tmp_path, option)
    assert not ImportBatch.objects.exists()


def test_the_columns_to_choose_from_have_samples_beside_them(desk: Client) -> None:
    data = LIST.replace(b"First Name", b"Vorname")
    page = unescape(desk.get(upload(desk, data)).content.decode())
    assert '<option value="Vorname">Vorname: Aisha, Noah</option>' in page
    assert "Sprache: English" in post(desk, upload(desk, LIST.replace(b"Language", b"Sprache")))


def test_correcting_needs_the_permission_to_import(desk: Client) -> None:
    address = upload(desk, LIST)
    desk.force_login(make_user("auditor", role=AUDITOR))
    response = desk.post(address, {"reading-header_line": "2"})
    assert response.status_code == 403


def test_a_hundred_columns_and_cells_of_thousands_of_letters_make_a_small_page_and_no_query_more(
    desk: Client, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    wide = AISHA | {f"Extra {at}": "x" * 3000 for at in range(100)}
    small, large = upload(desk, LIST), upload(desk, write_list(wide))
    with CaptureQueriesContext(connection) as queries:
        desk.get(small)
    with django_assert_num_queries(len(queries)):
        page = desk.get(large)
    assert len(page.content) < 500_000


def test_text_of_a_file_is_escaped_among_its_first_rows(desk: Client) -> None:
    data = LIST.replace(b"Cleaning", b"<script>alert(1)</script>").replace(b"Type", b"<b>Type</b>")
    page = desk.get(upload(desk, data)).content
    assert b"<script>alert" not in page
    assert b"<b>Type" not in page


def test_a_wrong_choice_is_an_error_of_its_own_kind() -> None:
    with pytest.raises(WrongChoice):
        import_file(LIST, "list.csv", given(sheet="Desk"))
