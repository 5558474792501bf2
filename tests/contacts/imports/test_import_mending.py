"""Rejected rows come back as a file to be mended and uploaded again (product rules 46, 48, 51 and 54)."""

import csv
import io
from pathlib import Path
from typing import Any

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.core.management import call_command
from django.core.management.base import CommandError
from django.test import Client
from django.urls import reverse

from contacts.imports.doubts import IDS_KEY, MATCH_BY_TIME
from contacts.imports.errors import ImportRefused, QuestionsOpen
from contacts.imports.file_reading import RawFile, read_as_remembered
from contacts.imports.files import Table
from contacts.imports.importing import import_file, preview_file
from contacts.imports.mending import (
    AS_CHOSEN,
    AS_SAID,
    MISSING,
    SOURCE_OF_PART_KEY,
    ListReading,
    RowsToMend,
    RowToMend,
    read_rows_to_mend,
    take_off_mending,
    write_rows_to_mend,
)
from contacts.imports.practice import ImportOptions
from contacts.imports.remembered import EffectiveOptions
from contacts.imports.report import ImportReport
from contacts.imports.times import HALF_KEY, REJECTED_TIMES
from contacts.imports.understood import Understood
from contacts.mentions import erase_mentions, read_words
from contacts.models import Appointment, ImportBatch, RejectedRow, SourceAnswers
from tests.contacts.imports.example_lists import (
    AISHA,
    HEADERS,
    NOAH,
    import_rows,
    make_downtown,
    only_appointment,
    run_waiting_imports,
    write_list,
)
from tests.contacts.imports.reading_of_lists import read_bytes
from tests.contacts.imports.test_import_pages import upload as upload_by_page
from tests.people import make_contact, make_user

pytestmark = pytest.mark.django_db
NAMELESS = AISHA | {"first": "", "id": "A3", "patient": "P3", "mobile": "+1 (202) 555-0103"}


@pytest.fixture(autouse=True)
def downtown() -> None:
    make_downtown()


def read_file_to_mend() -> list[list[str]]:
    """The file of the last import, as a spreadsheet opens it."""
    to_mend = read_rows_to_mend(ImportBatch.objects.latest("pk"))
    assert to_mend
    return list(csv.reader(io.StringIO(write_rows_to_mend(to_mend))))


def save(table: list[list[str]], delimiter: str = ",", encoding: str = "utf-8-sig") -> bytes:
    out = io.StringIO(newline="")
    csv.writer(out, delimiter=delimiter).writerows(table)
    return out.getvalue().encode(encoding)


def upload(table: list[list[str]], **options: Any) -> ImportReport:
    return import_file(save(table, **options), "mended.csv", ImportOptions())


def mend(table: list[list[str]], **cells: str) -> list[list[str]]:
    """The file with these cells of its first row written anew, by the keys of HEADERS."""
    for key, value in cells.items():
        table[1][table[0].index(HEADERS[key])] = value
    return table


def test_the_file_has_the_own_headers_the_cells_and_the_problem_in_words() -> None:
    import_rows(NOAH, NAMELESS, AISHA | {"date": "02/30/2027"})
    header, nameless, no_such_day = read_file_to_mend()
    assert header == [*HEADERS.values(), "Line in the list", "Part of a list", "Problem"]
    assert nameless[:4] == ["A3", "P3", "Okafor", ""]
    assert (nameless[-3], no_such_day[-3]) == ("3", "4")
    assert nameless[-1].startswith("First Name: ")
    assert "This date doesn't exist." in no_such_day[-1]


def test_a_mended_row_is_imported_without_a_question_and_nothing_else_is_missed() -> None:
    import_rows(NOAH, NAMELESS)
    report = upload(mend(read_file_to_mend(), first="Ada"))
    assert (report.counts["added"], report.counts["rejected"], report.counts["missing"]) == (1, 0, 0)
    assert report.questions == ()
    assert [column.label for column in report.columns] == list(HEADERS.values())
    assert only_appointment("A3").contact.full_name == "Ada Okafor"


def test_a_row_that_is_uploaded_as_it_was_is_rejected_again_and_can_be_mended_then() -> None:
    import_rows(NOAH, NAMELESS)
    report = upload(read_file_to_mend())
    assert (report.counts["added"], report.counts["rejected"]) == (0, 1)
    upload(mend(read_file_to_mend(), first="Ada"))
    assert only_appointment("A3").contact.first_name == "Ada"


# A cell that a spreadsheet would run, or take for a number; each comes back as it was.
GUARDED = ["+1 (202) 555-0103", "=HYPERLINK(1)", "-5", "@SUM(1)", "=1+1", "'+1202", "O'Hara", "'t Hooft"]
GUARDED += ["＝1+1", "＋1", "－1", "＠SUM(1)"]


@pytest.mark.parametrize("cell", GUARDED)
def test_a_cell_that_looks_like_a_formula_is_neutralised_and_comes_back(cell: str) -> None:
    to_mend = RowsToMend(("Name", "=Header"), (RowToMend(2, (cell, "x"), "=wrong"),), "dates month first")
    text = write_rows_to_mend(to_mend)
    assert not any(
        one.startswith(("=", "+", "-", "@", "＝", "＋", "－", "＠"))
        for row in csv.reader(io.StringIO(text))
        for one in row
    )
    part = take_off_mending(read_bytes(text.encode()))
    assert part.is_part
    assert part.table.headers[0] == "Name"
    [row] = part.table.rows
    assert row.cells == (cell.removeprefix("'") if cell == "'+1202" else cell, "x")


def test_a_number_with_a_plus_comes_back_right() -> None:
    import_rows(NOAH, NAMELESS)
    table = read_file_to_mend()
    assert "'+1 (202) 555-0103" in table[1]
    upload(mend(table, first="Ada"))
    number = only_appointment("A3").contact.phone
    assert number
    assert number.e164 == "+12025550103"


# The rest of the list shows how its dates and times are written; the one row that is left doesn't.
@pytest.mark.parametrize(
    ("rest", "row", "wall"),
    [
        ({"date": "27/03/2027"}, {"date": "03/04/2027"}, "2027-04-03 09:30"),
        ({"date": "03/27/2027"}, {"date": "03/04/2027"}, "2027-03-04 09:30"),
        # as Excel saves what it took for a date, where its country writes it so
        ({"date": "27/03/2027"}, {"date": "3/4/2027"}, "2027-04-03 09:30"),
        ({"date": "27/03/2027"}, {"date": "2027-04-03"}, "2027-04-03 09:30"),
        ({"date": "27/03/2027"}, {"date": "03-Apr-27"}, "2027-04-03 09:30"),
    ],
)
def test_a_date_is_read_as_in_the_whole_list(rest: dict[str, str], row: dict[str, str], wall: str) -> None:
    """(product rule 46)"""
    import_rows(NOAH | rest, NAMELESS | {"date": "03/04/2027"})
    report = upload(mend(read_file_to_mend(), first="Ada", **row))
    assert report.counts["added"] == 1, report.problems
    assert f"{only_appointment('A3').local_start:%Y-%m-%d %H:%M}" == wall


def test_a_time_without_am_and_pm_is_no_night_visit_where_the_list_had_them() -> None:
    """(product rule 46) What staff said of such times counts for the row that is left, too."""
    import_rows(NOAH, AISHA | {"id": "A3", "time": "1:15"}, answers={HALF_KEY: REJECTED_TIMES})
    assert upload(read_file_to_mend()).counts["rejected"] == 1
    assert not Appointment.objects.filter(external_id="A3").exists()
    upload(mend(read_file_to_mend(), time="1:15 PM"))
    assert only_appointment("A3").local_start.hour == 13


def test_a_time_without_am_and_pm_is_asked_about_where_the_list_had_them() -> None:
    import_rows(NOAH, NAMELESS)
    table = mend(read_file_to_mend(), first="Ada", time="9:15")
    assert any("times with AM and PM" in cell for cell in table[1])
    with pytest.raises(QuestionsOpen, match="no AM or PM"):
        upload(table)


def test_a_row_that_was_cut_off_stays_rejected_until_its_cells_are_filled_in() -> None:
    """(product rule 48)"""
    lines = write_list(NOAH, AISHA | {"id": "A3"}).decode().splitlines()
    lines[2] = lines[2].rsplit(",", 2)[0]
    import_file("\n".join(lines).encode(), "list.csv", ImportOptions())
    table = read_file_to_mend()
    assert table[1].count(MISSING) == 2
    assert upload(table).counts["rejected"] == 1
    assert not Appointment.objects.filter(external_id="A3").exists()
    upload(mend(read_file_to_mend(), kind="Cleaning", status="Scheduled"))
    assert only_appointment("A3").kind == "Cleaning"


def test_a_row_with_a_cell_too_many_stays_rejected_until_it_is_mended() -> None:
    lines = write_list(NOAH, AISHA | {"id": "A3"}).decode().splitlines()
    lines[2] = lines[2].replace("Okafor", "Okafor, Jr")
    import_file("\n".join(lines).encode(), "list.csv", ImportOptions())
    assert upload(read_file_to_mend()).counts["rejected"] == 1
    assert not Appointment.objects.filter(external_id="A3").exists()


@pytest.mark.parametrize("saved", [{"delimiter": ";"}, {"encoding": "cp1252"}, {"encoding": "utf-16"}])
def test_a_file_that_a_spreadsheet_has_saved_again_is_read(saved: dict[str, str]) -> None:
    import_rows(NOAH, NAMELESS | {"last": "Núñez"})
    report = upload(mend(read_file_to_mend(), first="Íñigo"), **saved)
    assert report.counts["added"] == 1, report.questions
    assert only_appointment("A3").contact.full_name == "Íñigo Núñez"


def test_answers_and_columns_of_the_source_count_for_it() -> None:
    options = ImportOptions(columns={"first_name": "Vorname"})
    data = write_list(NOAH, NAMELESS).replace(b"First Name", b"Vorname")
    import_file(data, "list.csv", options)
    table = read_file_to_mend()
    table[1][table[0].index("Vorname")] = "Ada"
    upload(table)
    assert only_appointment("A3").contact.first_name == "Ada"


def test_rows_of_a_calendar_are_mended_in_its_table() -> None:
    event = """BEGIN:VEVENT
UID:{uid}
DTSTART:20270304T143000Z
DTEND:20270304T150000Z
SUMMARY:{name}
LOCATION:Downtown
DESCRIPTION:Phone: 202-555-0101
END:VEVENT"""
    events = [event.format(uid="1", name="Aisha Okafor"), event.format(uid="2", name="")]
    data = "\n".join(["BEGIN:VCALENDAR", "VERSION:2.0", *events, "END:VCALENDAR", ""]).encode()
    report = import_file(data, "calendar.ics", ImportOptions(source="ics"))
    assert report.counts["rejected"] == 1, report.problems
    table = read_file_to_mend()
    at = next(at for at, header in enumerate(table[0]) if "name" in header.casefold() or header == "Patient")
    table[1][at] = "Noah Brown"
    mended = import_file(save(table), "mended.csv", ImportOptions(source="ics"))
    assert mended.counts["added"] == 1, mended.problems
    assert only_appointment("2").contact.full_name == "Noah Brown"


def test_a_list_without_rejected_rows_keeps_none() -> None:
    import_rows(AISHA, NOAH)
    assert read_rows_to_mend(ImportBatch.objects.get()) is None
    assert not RejectedRow.objects.exists()


def test_a_list_of_the_practice_with_a_column_named_problem_is_read_as_it_is() -> None:
    table = read_bytes(b"Name,Problem,Date\nAda,toothache,2027-03-04\n")
    assert take_off_mending(table).table == table


@pytest.mark.parametrize(
    ("reading", "words"),
    [
        (ListReading(True, am_pm=True), "dates month first, times with AM and PM"),
        (ListReading(False, am_pm=False), "dates day first"),
        (ListReading(None, am_pm=False), "dates in both orders"),
        (
            ListReading(True, am_pm=True, ids_changed=True),
            "dates month first, times with AM and PM, ids changed",
        ),
        (ListReading(False, am_pm=False, ids_changed=True), "dates day first, ids changed"),
    ],
)
def test_how_the_list_was_read_is_said_and_read_back(reading: ListReading, words: str) -> None:
    assert reading.words == words
    text = write_rows_to_mend(RowsToMend(("A", "B"), (RowToMend(2, ("x", "y"), "wrong"),), words))
    assert take_off_mending(read_bytes(text.encode())).reading == reading


def test_an_erased_person_is_not_in_the_kept_rows() -> None:
    """(product rule 64)"""
    import_rows(NOAH, NAMELESS | {"last": "Brightwater"}, NAMELESS | {"id": "A4"})
    erase_mentions(read_words(make_contact("Ada", last_name="Brightwater"), []))
    assert RejectedRow.objects.filter(line__gt=0, cells=[]).count() == 0, "only the whole name is looked for"
    erase_mentions(read_words(make_contact("", last_name="Brightwater"), []))
    assert [row[0] for row in read_file_to_mend()[1:]] == ["A4"]


def test_the_page_and_the_preview_offer_the_rows(client: Client) -> None:
    client.force_login(make_user())
    preview = upload_by_page(client, write_list(NOAH, NAMELESS))
    assert "Download the 1 row to mend" in client.get(preview).content.decode()
    early = client.post(preview, {"download_rejected": ""}).content.decode()
    assert not RejectedRow.objects.exists()
    report = client.post(preview, {"apply": ""})["Location"]
    run_waiting_imports()
    assert "Download the 1 row to mend" in client.get(report).content.decode()
    later = client.get(reverse("import_rejected", args=[ImportBatch.objects.get().pk]))
    assert later["Content-Disposition"].startswith("attachment")
    assert later.content.decode() == early
    import_rows(NOAH)
    without = client.get(reverse("import_rejected", args=[ImportBatch.objects.latest("pk").pk]))
    assert without.status_code == 404


def test_the_command_writes_the_rows(tmp_path: Path) -> None:
    listed, rejected = tmp_path / "list.csv", tmp_path / "rejected.csv"
    listed.write_bytes(write_list(NOAH, NAMELESS))
    call_command("import_appointments", str(listed), "--rejected", str(rejected), stdout=io.StringIO())
    assert rejected.stat().st_mode & 0o077 == 0
    table = list(csv.reader(io.StringIO(rejected.read_text("utf-8-sig"))))
    rejected.write_bytes(save(mend(table, first="Ada")))
    call_command("import_appointments", str(rejected), stdout=io.StringIO())
    assert only_appointment("A3").contact.first_name == "Ada"


def test_a_preview_keeps_nothing() -> None:
    report = preview_file(write_list(NOAH, NAMELESS), "list.csv", ImportOptions())
    assert report.to_mend
    assert [row.line for row in report.to_mend.rows] == [3]
    assert not RejectedRow.objects.exists()


# Rows whose cells say something else to a reader that has to find out how a file is written.
TROUBLESOME: list[list[tuple[str, ...]]] = [
    [('room 4\\"b, left', "x"), ("y", "z")],
    [("C:\\", "x"), ('\\"', "z")],
    [("'t Hooft", "x"), ("'s Gravesande", "y")],
    [("(missing cell)", "x"), ("x", "(missing cell)")],
    [("a;b;c", "d;e;f"), ("g;h;i", "j;k;l")],
]


@pytest.mark.parametrize("delimiter", [",", ";"])
@pytest.mark.parametrize("cells", TROUBLESOME)
def test_every_cell_comes_back_as_it_was(cells: list[tuple[str, ...]], delimiter: str) -> None:
    """(product rule 48) Also if a spreadsheet saved the rows with another delimiter."""
    rows = tuple(RowToMend(line, row, "wrong") for line, row in enumerate(cells, 2))
    text = write_rows_to_mend(RowsToMend(("Name", "Note"), rows, "dates month first"))
    saved = save(list(csv.reader(io.StringIO(text))), delimiter)
    assert [row.cells for row in take_off_mending(read_bytes(saved)).table.rows] == cells


def test_a_file_without_its_problem_column_is_still_a_part() -> None:
    rows = (RowToMend(2, ("Ada", "x"), "wrong"),)
    text = write_rows_to_mend(RowsToMend(("Name", "Note"), rows, "dates day first"))
    table = [line[:-1] for line in csv.reader(io.StringIO(text))]
    part = take_off_mending(read_bytes(save(table)))
    assert (part.is_part, part.table.headers, part.reading) == (
        True,
        ("Name", "Note"),
        ListReading(False, False),
    )


# --- whose rows they are ------------------------------------------------------------------------------


def import_of(source: str, *rows: dict[str, str]) -> ImportReport:
    return import_file(write_list(*rows), "list.csv", ImportOptions(source=source))


def reject_of_dentrix() -> list[list[str]]:
    """Import a list of “aaa” and one of “dentrix”; the file to mend of the second, with its row mended."""
    import_of("aaa", AISHA | {"id": "Z1", "patient": "Z1", "first": "Zed", "mobile": "202-555-0177"})
    import_of("dentrix", NOAH, NAMELESS)
    return mend(read_file_to_mend(), first="Ada")


def list_sources_of_visits() -> list[tuple[str, str]]:
    return sorted(Appointment.objects.values_list("external_id", "source"))


IN_DENTRIX = [("A2", "dentrix"), ("A3", "dentrix"), ("Z1", "aaa")]


def test_rows_of_another_source_are_asked_about_and_nobody_is_added_twice() -> None:
    """(product rule 53)"""
    table = reject_of_dentrix()
    assert any(cell.endswith(", source: dentrix") for cell in table[1])
    with pytest.raises(QuestionsOpen, match="left out of a list of the source “dentrix”"):
        import_file(save(table), "mended.csv", ImportOptions(source="aaa"))
    assert list_sources_of_visits() == [("A2", "dentrix"), ("Z1", "aaa")]
    options = ImportOptions(source="aaa", answers={SOURCE_OF_PART_KEY: AS_SAID})
    report = import_file(save(table), "mended.csv", options)
    assert (report.source, report.counts["added"]) == ("dentrix", 1)
    assert list_sources_of_visits() == IN_DENTRIX
    assert ImportBatch.objects.latest("pk").source == "dentrix"
    report = import_of("dentrix", NOAH, NAMELESS | {"first": "Ada"})
    assert (report.counts["added"], report.counts["unchanged"]) == (0, 2)
    assert not SourceAnswers.objects.exists()


def test_the_source_that_the_file_says_is_taken_if_it_is_chosen() -> None:
    report = import_file(save(reject_of_dentrix()), "mended.csv", ImportOptions(source="dentrix"))
    assert (report.questions, report.counts["added"]) == ((), 1)
    assert list_sources_of_visits() == IN_DENTRIX


def test_somebody_may_say_that_they_are_of_the_other_source_after_all() -> None:
    options = ImportOptions(source="aaa", answers={SOURCE_OF_PART_KEY: AS_CHOSEN})
    import_file(save(reject_of_dentrix()), "mended.csv", options)
    assert ("A3", "aaa") in list_sources_of_visits()


def test_a_file_that_does_not_say_its_source_is_of_the_one_that_was_chosen() -> None:
    """As those that were downloaded before it did."""
    table = [[cell.replace(", source: dentrix", "") for cell in row] for row in reject_of_dentrix()]
    report = import_file(save(table), "mended.csv", ImportOptions(source="dentrix"))
    assert (report.questions, report.counts["added"]) == ((), 1)


def test_rows_of_two_sources_in_one_file_are_refused() -> None:
    table = reject_of_dentrix()
    table.append([cell.replace("dentrix", "aaa") for cell in table[1]])
    for source in ("aaa", "dentrix"):
        with pytest.raises(ImportRefused, match=r"several sources \(aaa, dentrix\)"):
            import_file(save(table), "mended.csv", ImportOptions(source=source))


def test_what_is_remembered_of_the_source_of_the_rows_counts_and_not_that_of_the_chosen_one() -> None:
    import_of("aaa", AISHA)
    data = write_list(NOAH, NAMELESS).replace(b"First Name", b"Vorname")
    import_file(data, "list.csv", ImportOptions(source="dentrix", columns={"first_name": "Vorname"}))
    table = read_file_to_mend()
    table[1][table[0].index("Vorname")] = "Ada"
    report = preview_file(save(table), "mended.csv", ImportOptions(source="aaa"))
    assert [one.key for one in report.open_questions] == [SOURCE_OF_PART_KEY]
    options = ImportOptions(source="aaa", answers={SOURCE_OF_PART_KEY: AS_SAID})
    import_file(save(table), "mended.csv", options)
    assert ("A3", "dentrix") in list_sources_of_visits()


@pytest.mark.parametrize("chosen", [{}, {"source": "eaglesoft"}, {"new_source": "aaa"}], ids=str)
def test_the_page_takes_the_source_of_the_rows_unless_another_was_chosen(
    client: Client, chosen: dict[str, str]
) -> None:
    table = reject_of_dentrix()
    import_of("eaglesoft", AISHA | {"id": "E1", "patient": "E1", "first": "Eve", "mobile": "202-555-0178"})
    client.force_login(make_user())
    offered = client.get(reverse("upload_import")).context["form"]["source"].initial
    assert offered == "aaa"
    data = {"file": SimpleUploadedFile("mended.csv", save(table)), "source": offered, **chosen}
    preview = client.post(reverse("upload_import"), data)["Location"]
    page = client.get(preview)
    assert page.context["report"].source == "dentrix"
    assert [one.key for one in page.context["report"].open_questions] == [SOURCE_OF_PART_KEY] * bool(chosen)
    posted = {"question": SOURCE_OF_PART_KEY, "answer-0": AS_SAID}
    client.post(preview, posted | {"check": ""})
    shown = client.get(preview).context["shown"]
    client.post(preview, posted | {"apply": "", "shown": shown})
    run_waiting_imports()
    assert ("A3", "dentrix") in list_sources_of_visits()


# Names of a source that would be read as another one if they were cleaned once more.
ODD_SOURCES = ['\'=T("x")', '=T("x")', '="=T(""x"")"', "''5", "' '5", "a\u200d\u0301", "a \x01 b", "x" * 61]


@pytest.mark.parametrize("source", ODD_SOURCES)
def test_a_file_is_read_again_for_its_source_once_at_most(
    source: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However often its name has to be cleaned to be the same as before."""
    files = []

    def count_files(file: RawFile, effective: EffectiveOptions) -> tuple[Table, Understood]:
        files.append(file.name)
        return read_as_remembered(file, effective)

    monkeypatch.setattr("contacts.imports.list_reading.read_as_remembered", count_files)
    data = write_list(AISHA | {"Part of a list": f"dates month first, source: {source}"})
    if len(source) > 60:
        with pytest.raises(ImportRefused, match="1 to 60 characters"):
            preview_file(data, "mended.csv", ImportOptions())
    else:
        report = preview_file(data, "mended.csv", ImportOptions())
        assert [one.key for one in report.open_questions] == [SOURCE_OF_PART_KEY]
        options = ImportOptions(answers={SOURCE_OF_PART_KEY: AS_SAID})
        said = import_file(data, "mended.csv", options).source
        assert preview_file(data, "mended.csv", ImportOptions(source=said)).questions == ()
    assert len(files) <= 5


@pytest.mark.parametrize("source", [*ODD_SOURCES[:-1], "a  b"])
def test_whatever_its_name_the_source_of_a_list_is_that_of_its_rejected_rows(source: str) -> None:
    import_of(source, NOAH, NAMELESS)
    mended = save(mend(read_file_to_mend(), first="Ada"))
    report = import_file(mended, "mended.csv", ImportOptions(source=source))
    assert (report.questions, report.counts["added"], report.source) == ((), 1, source)


def test_the_command_asks_and_takes_the_answer(tmp_path: Path) -> None:
    mended, out = tmp_path / "mended.csv", io.StringIO()
    mended.write_bytes(save(reject_of_dentrix()))
    with pytest.raises(CommandError, match="Nothing was imported"):
        call_command("import_appointments", str(mended), "--source", "aaa", stdout=out)
    assert "source_of_part=as_said" in out.getvalue()
    answer = ("--answer", "source_of_part=as_said")
    call_command("import_appointments", str(mended), "--source", "aaa", *answer, stdout=out)
    assert list_sources_of_visits() == IN_DENTRIX


# --- what is asked about a whole list -------------------------------------------------------------------


def list_rejected(ids: str) -> list[dict[str, str]]:
    """Four visits that are known, and three without a first name; the ids begin with these letters."""
    known = [
        AISHA | {"id": f"{ids}{at}", "patient": f"Q{at}", "first": name, "mobile": f"202-555-012{at}"}
        for at, name in enumerate(("Kara", "Lena", "Mona", "Nora"))
    ]
    without_name = [
        AISHA
        | {
            "id": f"{ids}{at}",
            "patient": f"R{at}",
            "first": "",
            "mobile": f"202-555-014{at}",
            "time": "3:00 PM",
        }
        for at in (5, 6, 7)
    ]
    return known + without_name


def name_all(table: list[list[str]]) -> list[list[str]]:
    at = table[0].index(HEADERS["first"])
    for row, name in zip(table[1:], ("Ana", "Ben", "Carl"), strict=True):
        row[at] = name
    return table


def test_rows_of_which_none_is_known_are_no_reason_to_ask_about_the_ids() -> None:
    """(product rule 51) They were rejected, so none of them can be known."""
    import_rows(*list_rejected("K"))
    report = upload(name_all(read_file_to_mend()))
    assert (report.questions, report.counts["added"]) == ((), 3)


def test_rows_of_a_list_whose_ids_were_changed_are_matched_as_the_list_was() -> None:
    rows = list_rejected("K")
    named = zip(rows[4:], ("Ana", "Ben", "Carl"), strict=True)
    import_rows(*rows[:4], *(row | {"first": name} for row, name in named))
    changed = [row | {"id": row["id"].replace("K", "N"), "patient": f"X{row['patient']}"} for row in rows]
    import_rows(*changed, answers={IDS_KEY: MATCH_BY_TIME})
    report = upload(name_all(read_file_to_mend()))
    assert (report.counts["added"], report.counts["matched_by_slot"]) == (0, 3)
    assert Appointment.objects.count() == 7
    assert set(Appointment.objects.values_list("external_id", flat=True)) == {row["id"] for row in changed}
