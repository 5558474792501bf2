"""Questions about a list: asked by page and command, answered, remembered (product rules 43, 46 and 47)."""

import json
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.test import Client

from contacts.imports.errors import QuestionsOpen
from contacts.imports.importing import import_file, preview_file
from contacts.imports.practice import ImportOptions
from contacts.models import Appointment, Contact, ImportBatch, Location, SourceAnswers
from tests.contacts.imports.example_lists import AISHA, NOAH, make_downtown, run_waiting_imports, write_list
from tests.contacts.imports.test_import_pages import upload
from tests.people import make_user

pytestmark = pytest.mark.django_db
DELETED = write_list(AISHA | {"Deleted at": "2026-11-01"}, NOAH | {"Deleted at": ""})
KEY = "column:Deleted at"


@pytest.fixture
def desk(client: Client) -> Client:
    client.force_login(make_user())
    return client


def run(data: bytes, tmp_path: Path, *options: str) -> str:
    path = tmp_path / "list.csv"
    path.write_bytes(data)
    out = StringIO()
    call_command("import_appointments", str(path), *options, stdout=out)
    return out.getvalue()


def statuses() -> dict[str, str]:
    return dict(Appointment.objects.values_list("external_id", "status"))


def test_nothing_is_imported_while_a_question_is_open() -> None:
    make_downtown()
    with pytest.raises(QuestionsOpen) as caught:
        import_file(DELETED, "list.csv", ImportOptions())
    assert [question.key for question in caught.value.questions] == [KEY]
    assert not ImportBatch.objects.exists()
    assert not Contact.objects.exists()


def test_an_answer_that_is_none_of_the_choices_leaves_the_question_open() -> None:
    make_downtown()
    with pytest.raises(QuestionsOpen):
        import_file(DELETED, "list.csv", ImportOptions(answers={KEY: "whatever"}))


def test_answers_are_remembered_for_the_source_and_can_be_changed() -> None:
    make_downtown()
    import_file(DELETED, "list.csv", ImportOptions(source="dentrix", answers={KEY: "cancels"}))
    assert statuses() == {"A1": "cancelled", "A2": "booked"}
    again = preview_file(DELETED, "list.csv", ImportOptions(source="dentrix"))
    assert (again.open_questions, again.remembered) == ([], frozenset({KEY}))
    other = preview_file(DELETED, "list.csv", ImportOptions(source="another"))
    assert [question.key for question in other.open_questions] == [KEY]
    import_file(DELETED, "list.csv", ImportOptions(source="dentrix", answers={KEY: "ignore"}))
    assert SourceAnswers.objects.get().answers == {KEY: "ignore"}


def test_a_dry_run_remembers_nothing() -> None:
    make_downtown()
    preview_file(DELETED, "list.csv", ImportOptions(answers={KEY: "cancels"}))
    assert not SourceAnswers.objects.exists() or not SourceAnswers.objects.get().answers


def test_columns_chosen_by_hand_are_remembered_until_they_are_left_as_recognised() -> None:
    make_downtown()
    data = write_list(AISHA).replace(b"First Name", b"Vorname")
    import_file(data, "list.csv", ImportOptions(columns={"first_name": "Vorname"}))
    assert preview_file(data, "list.csv", ImportOptions()).chosen_columns == {"first_name": "Vorname"}
    plain = write_list(AISHA)
    assert preview_file(plain, "list.csv", ImportOptions()).counts["rejected"] == 0
    import_file(plain, "list.csv", ImportOptions(columns={"first_name": ""}))
    assert SourceAnswers.objects.get().columns == {}


def test_the_command_prints_each_question_with_the_options_that_answer_it(tmp_path: Path) -> None:
    make_downtown()
    out = StringIO()
    (tmp_path / "list.csv").write_bytes(DELETED)
    for options in ([], ["--dry-run"]):
        with pytest.raises(CommandError):
            call_command("import_appointments", str(tmp_path / "list.csv"), *options, stdout=out)
        assert f"--answer '{KEY}=cancels'" in out.getvalue()
    assert "Import" not in str(ImportBatch.objects.count())
    run(DELETED, tmp_path, "--answer", f"{KEY}=cancels")
    assert statuses() == {"A1": "cancelled", "A2": "booked"}


def test_with_json_the_questions_are_printed_as_json(tmp_path: Path) -> None:
    make_downtown()
    (tmp_path / "list.csv").write_bytes(DELETED)
    out = StringIO()
    with pytest.raises(CommandError):
        call_command("import_appointments", str(tmp_path / "list.csv"), "--json", stdout=out)
    printed: dict[str, Any] = json.loads(out.getvalue())
    assert [question["key"] for question in printed["questions"]] == [KEY]


def test_columns_that_are_not_used_are_named(tmp_path: Path, desk: Client) -> None:
    make_downtown()
    data = write_list(AISHA | {"Insurance": "Acme", "Shoe size": ""})
    report = preview_file(data, "list.csv", ImportOptions())
    assert [(column.label, column.samples) for column in report.unused_columns] == [
        ("Insurance", ("Acme",)),
        ("Shoe size", ()),
    ]
    assert "Insurance: Acme" in run(data, tmp_path, "--dry-run")
    page = desk.get(upload(desk, data)).content.decode()
    assert "Insurance" in page
    assert "2 columns aren't used" in page.replace("&#x27;", "'")


def test_the_page_asks_shows_what_is_remembered_and_imports_when_it_is_answered(desk: Client) -> None:
    make_downtown()
    address = upload(desk, DELETED)
    page = desk.get(address).content.decode()
    assert "to be answered" in page
    assert 'name="apply"' not in page
    assert f'name="question" value="{KEY}"' in page
    refused = desk.post(address, {"question": KEY, "apply": ""})
    run_waiting_imports()
    page = desk.get(refused["Location"]).content.decode()
    assert "Answer this first." in page
    assert f'href="{address}"' in page
    assert ImportBatch.objects.get().state == "asking"
    answered = {"question": KEY, "answer-0": "cancels"}
    checked = desk.post(address, answered | {"check": ""}).content.decode()
    assert 'value="cancels" checked' in checked
    assert 'name="apply"' in checked
    desk.post(address, answered | {"apply": ""})
    run_waiting_imports()
    assert statuses() == {"A1": "cancelled", "A2": "booked"}
    again = desk.get(upload(desk, DELETED)).content.decode()
    assert "answered for an earlier list" in again


def test_a_file_with_unknown_headers_is_mapped_by_hand_on_the_page(desk: Client) -> None:
    make_downtown()
    data = write_list(AISHA).replace(b"First Name", b"Vorname")
    address = upload(desk, data)
    page = desk.get(address)
    assert page.status_code == 422
    assert "The file has no column for: first name" in page.content.decode()
    chosen = {"columns": "1", "column-first_name": "Vorname"}
    assert "Add 1 appointment" in desk.post(address, chosen | {"check": ""}).content.decode()
    desk.post(address, chosen | {"apply": ""})
    run_waiting_imports()
    assert Contact.objects.get().first_name == "Aisha"


def test_an_unknown_status_is_listed_once_with_its_count_and_can_be_answered() -> None:
    make_downtown()
    rows = [AISHA | {"id": f"A{number}", "status": "❌"} for number in range(3)]
    report = preview_file(write_list(*rows, NOAH | {"status": "Limbo"}), "list.csv", ImportOptions())
    assert report.counts["rejected"] == 4
    assert not report.open_questions
    assert [question.key for question in report.questions] == ["status:❌", "status:limbo"]
    assert "3 rows" in report.questions[0].text
    answers = {"status:❌": "cancelled", "status:limbo": "booked"}
    import_file(write_list(rows[0], NOAH | {"status": "Limbo"}), "list.csv", ImportOptions(answers=answers))
    assert statuses() == {"A0": "cancelled", "A2": "booked"}


LINKS = [AISHA | {"id": f"L{at}", "location": f"https://zoom.us/j/{at}"} for at in range(400)]
PLACES = [AISHA | {"id": f"L{at}", "location": f"Room {at}"} for at in range(400)]


@pytest.mark.parametrize("rows", [LINKS, PLACES], ids=["links", "places"])
def test_hundreds_of_new_locations_are_a_question_and_never_a_page_of_selects(
    rows: list[dict[str, str]], desk: Client
) -> None:
    data = write_list(*rows)
    page = desk.get(upload(desk, data))
    assert len(page.content) < 100_000
    with pytest.raises(QuestionsOpen):
        import_file(data, "list.csv", ImportOptions(time_zone="America/New_York"))
    answers = {"locations": "none", "location": "Elm"}
    report = import_file(data, "list.csv", ImportOptions(time_zone="America/New_York", answers=answers))
    assert report.counts["rejected"] == 0
    assert [location.name for location in Location.objects.all()] == ["Elm"]


def test_a_meeting_link_is_no_location() -> None:
    make_downtown()
    report = import_file(
        write_list(AISHA, AISHA | {"id": "A3"}, NOAH | {"location": "https://meet.google.com/abc-defg"}),
        "list.csv",
        ImportOptions(time_zone="America/New_York"),
    )
    assert [(each.line, each.problem) for each in report.problems if each.weight == "rejected"] == [
        (4, "This is the link of a meeting, not a location.")
    ]
    assert Location.objects.count() == 1


def test_a_location_made_without_what_calls_say_is_paused_and_the_report_says_so() -> None:
    report = import_file(
        write_list(AISHA | {"location": "Harbour"}),
        "list.csv",
        ImportOptions(zones={"Harbour": "America/Denver"}),
    )
    location = Location.objects.get()
    assert location.paused_at
    assert "spoken name" in location.pause_reason
    assert [(each.line, each.value) for each in report.problems if "are held" in each.problem] == [
        (2, "Harbour")
    ]


def test_a_location_made_with_what_calls_say_is_whole(tmp_path: Path) -> None:
    options = [
        "--location-zone=Harbour=America/Denver",
        "--location-name=Harbour=Harbour Clinic",
        "--location-number=Harbour=202 555 0190",
    ]
    printed = run(write_list(AISHA | {"location": "Harbour"}), tmp_path, *options)
    location = Location.objects.get()
    assert (location.spoken_name, location.callback_number) == ("Harbour Clinic", "+12025550190")
    assert location.paused_at is None
    assert "are held" not in printed


def test_a_wrong_callback_number_is_refused(tmp_path: Path) -> None:
    with pytest.raises(CommandError, match="The callback number of “Harbour” is wrong"):
        run(write_list(AISHA), tmp_path, "--location-number=Harbour=12")


def test_the_page_offers_the_zones_of_the_country_and_makes_the_location_whole(desk: Client) -> None:
    data = write_list(AISHA | {"location": "Harbour"})
    address = upload(desk, data)
    page = desk.get(address).content.decode()
    assert '<option value="America/Denver">' in page
    assert "Europe/Paris" not in page
    made = {"location": "Harbour", "zone-0": "America/Denver", "spoken-0": "Harbour Clinic"}
    made |= {"number-0": "202 555 0190"}
    for button in ("check", "apply"):
        desk.post(address, made | {button: ""})
    run_waiting_imports()
    location = Location.objects.get()
    assert (location.spoken_name, location.callback_number) == ("Harbour Clinic", "+12025550190")
    assert location.paused_at is None


def test_the_one_location_of_a_file_may_be_new_and_is_made_whole_on_the_same_page(desk: Client) -> None:
    """(product rule 47)"""
    make_downtown()
    data = write_list(AISHA).replace(b",Location,", b",Where,")
    address = upload(desk, data)
    page = desk.get(address).content.decode()
    assert "Where are all its appointments?" in page
    assert 'value="Downtown"' in page
    answered = {"question": "location", "other-0": "Harbour"}
    checked = desk.post(address, answered | {"check": ""}).content.decode()
    assert 'name="location" value="Harbour"' in checked
    made = {"location": "Harbour", "zone-0": "America/Denver", "spoken-0": "Harbour Clinic"}
    for button in ("check", "apply"):
        desk.post(address, answered | made | {"number-0": "202 555 0190", button: ""})
    run_waiting_imports()
    assert Appointment.objects.get().location.name == "Harbour"


def test_the_command_says_which_column_cancels_beside_the_status(tmp_path: Path) -> None:
    """(product rule 43)"""
    make_downtown()
    data = write_list(AISHA | {"Canceled": "true"}, NOAH | {"Canceled": "false"})
    assert "Canceled: cancels the appointment when set" in run(data, tmp_path)
    assert statuses() == {"A1": "cancelled", "A2": "booked"}


def test_an_answer_on_the_page_is_shown_as_text(desk: Client) -> None:
    header = "<script>alert(1)</script> deleted"
    make_downtown()
    data = write_list(AISHA | {header: "<b>x</b>"})
    page = desk.get(upload(desk, data)).content.decode()
    assert "&lt;script&gt;alert(1)" in page
    assert "<script>alert" not in page
    assert "<b>x" not in page
