"""The pages of an import: upload, preview, apply and report."""

import hashlib
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from contacts.imports.files import ReadChoices
from contacts.imports.importing import preview_stored
from contacts.imports.practice import ImportOptions
from contacts.imports.stored_files import (
    FileGone,
    delete_old_files,
    pack_content,
    queue_import,
    read_stored_file,
    save_options,
    store_file,
    unpack_options,
)
from contacts.models import Appointment, ImportBatch, ImportFile, Location
from contacts.views import imports
from tests.contacts.imports.example_lists import (
    AISHA,
    NOAH,
    import_rows,
    make_downtown,
    run_waiting_imports,
    write_list,
)
from tests.people import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk(client: Client) -> Client:
    client.force_login(make_user())
    return client


def upload(desk: Client, data: bytes, name: str = "list.csv", source: str = "csv") -> str:
    """Upload a file and return the address of its preview."""
    file = SimpleUploadedFile(name, data)
    response = desk.post(reverse("upload_import"), {"file": file, "new_source": source})
    assert response.status_code == 302, response.content.decode()
    return response["Location"]


def read(desk: Client, address: str, **query: str) -> str:
    response = desk.get(address, query)
    assert response.status_code == 200
    return unescape(response.content.decode())


def test_a_preview_shows_what_would_change_and_changes_nothing(desk: Client) -> None:
    make_downtown()
    preview = upload(desk, write_list(AISHA, NOAH | {"date": "02/30/2027"}))
    page = read(desk, preview)
    assert "Add 1 appointment" in page
    assert "This date doesn't exist." in page
    assert "02/30/2027" in page
    assert not Appointment.objects.exists()


def test_applying_an_upload_imports_the_list_and_shows_the_report(desk: Client) -> None:
    make_downtown()
    preview = upload(desk, write_list(AISHA, NOAH | {"date": "02/30/2027"}), source="elm-street")
    response = desk.post(preview, {"apply": ""}, follow=True)
    batch = ImportBatch.objects.get()
    assert response.redirect_chain == [(reverse("import_batch", args=[batch.pk]), 302)]
    assert "about to be imported" in response.content.decode()
    run_waiting_imports()
    assert "This date doesn't exist." in read(desk, reverse("import_batch", args=[batch.pk]))
    assert (batch.by, batch.source, batch.file_name) == (User.objects.get(), "elm-street", "list.csv")
    assert Appointment.objects.get().source == "elm-street"
    assert not ImportFile.objects.exists()


def test_the_time_zone_of_a_new_location_is_asked_for_and_stored(desk: Client) -> None:
    preview = upload(desk, write_list(AISHA | {"location": "Harbour"}))
    page = read(desk, preview)
    assert 'name="location" value="Harbour"' in page
    assert 'name="apply"' not in page
    chosen = {"location": "Harbour", "zone-0": "America/Denver"}
    checked = desk.post(preview, chosen | {"check": ""}).content.decode()
    assert "Add 1 appointment" in checked
    assert '<option value="America/Denver" selected>' in checked
    desk.post(preview, chosen | {"apply": ""})
    run_waiting_imports()
    assert Location.objects.get().time_zone == "America/Denver"
    assert Appointment.objects.get().starts_at.isoformat() == "2026-12-15T16:30:00+00:00"


def test_an_invalid_time_zone_is_reported_next_to_its_location(desk: Client) -> None:
    preview = upload(desk, write_list(AISHA | {"location": "Harbour"}))
    chosen = {"location": "Harbour", "zone-0": "Mars/Base", "apply": ""}
    response = desk.post(preview, chosen)
    assert "Mars/Base is not one of the available choices" in response.content.decode()
    assert ImportBatch.objects.get().state == "asking"


@pytest.mark.parametrize(
    ("data", "sentence"),
    [
        (b"PK\x03\x04...", "This workbook is damaged"),
        (b"just some words\r\n", "The file has a header but no rows."),
    ],
)
def test_the_reason_why_a_file_cant_be_read_is_shown_next_to_the_field(
    desk: Client, data: bytes, sentence: str
) -> None:
    preview = upload(desk, data, source="elm-street")
    response = desk.get(preview)
    assert response.status_code == 422
    page = unescape(response.content.decode())
    assert sentence in page
    assert 'value="elm-street"' in page


def test_a_file_that_is_too_large_or_empty_or_missing_is_refused(desk: Client, settings: Settings) -> None:
    settings.IMPORT_MAX_BYTES = 10
    address = reverse("upload_import")
    for file, sentence in [
        (SimpleUploadedFile("list.csv", b"x" * 11), "The file is larger than 10 bytes."),
        (SimpleUploadedFile("list.csv", b""), "The file is empty."),
        ("", "Choose a file."),
    ]:
        response = desk.post(address, {"file": file, "source": "csv"})
        assert response.status_code == 422
        assert sentence in response.content.decode()


def test_a_file_that_two_people_confirm_is_imported_once_and_the_second_is_told(desk: Client) -> None:
    make_downtown()
    preview = upload(desk, write_list(AISHA))
    desk.post(preview, {"apply": ""})
    response = desk.post(preview, {"apply": ""}, follow=True)
    assert "This file was confirmed before." in response.content.decode()
    run_waiting_imports()
    assert "Imports" in desk.get(preview, follow=True).content.decode()
    assert Appointment.objects.count() == ImportBatch.objects.count() == 1


def test_another_member_of_staff_may_answer_and_import_an_upload(desk: Client) -> None:
    make_downtown()
    preview = upload(desk, write_list(AISHA))
    desk.force_login(make_user("another"))
    assert "Add 1 appointment" in read(desk, preview)
    desk.post(preview, {"apply": ""})
    assert ImportBatch.objects.get().by == User.objects.get(username="another")


def test_what_was_answered_is_kept_with_the_file(desk: Client) -> None:
    preview = upload(desk, write_list(AISHA | {"location": "Harbour"}))
    desk.post(preview, {"location": "Harbour", "zone-0": "America/Denver", "check": ""})
    desk.force_login(make_user("another"))
    assert "Add 1 appointment" in read(desk, preview)


def test_an_upload_that_cant_be_read_is_not_kept(desk: Client) -> None:
    desk.get(upload(desk, b"PK\x03\x04..."))
    assert not ImportBatch.objects.exists()


def test_a_file_that_nobody_confirmed_is_deleted_in_time(desk: Client) -> None:
    upload(desk, write_list(AISHA))
    options = ImportOptions()
    for how in ImportBatch.How:
        store_file(b"a", f"{how}.csv", options, how=how)
    for days, left in [(0, 5), (2, 2), (29, 2), (31, 0)]:
        ImportBatch.objects.update(made_at=timezone.now() - timedelta(days=days))
        delete_old_files()
        assert ImportBatch.objects.count() == ImportFile.objects.count() == left, days


def test_the_file_of_a_failed_import_is_deleted_after_a_month_and_its_batch_stays() -> None:
    batch = store_file(b"a", "list.csv", ImportOptions(), how=ImportBatch.How.PAGE)
    for days, left in [(29, 1), (31, 0)]:
        ImportBatch.objects.update(state="failed", made_at=timezone.now() - timedelta(days=days))
        delete_old_files()
        assert ImportFile.objects.count() == left
    with pytest.raises(FileGone):
        read_stored_file(batch)
    assert ImportBatch.objects.count() == 1


def test_a_stored_file_is_read_as_it_was_stored() -> None:
    data, long_name = bytes(range(256)), f"C:\\lists/{'x' * 400}\x00.csv"
    options = ImportOptions(
        source="pms",
        zones={"Elm": "America/Denver"},
        spoken_names={"Elm": "Elm Clinic"},
        callback_numbers={"Elm": "+12025550190"},
        time_zone="America/Chicago",
        region="MX",
        columns={"first_name": "Vorname"},
        answers={"status:❌": "cancelled"},
        reading=ReadChoices(delimiter=";", encoding="cp1252", header_line=3, sheet="May"),
    )
    batch = store_file(data, long_name, options, how=ImportBatch.How.FOLDER)
    stored = read_stored_file(ImportBatch.objects.get())
    assert (stored.content.read_whole(), stored.options) == (data, options)
    assert (batch.state, batch.how, batch.by, len(batch.file_name)) == ("asking", "folder", None, 255)


def test_characters_that_the_database_cant_store_are_left_out_of_answers(desk: Client) -> None:
    preview = upload(desk, write_list(AISHA))
    posted = {"question": ["a\0b", "c"], "answer-0": "d\0e"}
    assert desk.post(preview, posted | {"check": ""}).status_code == 200
    answers = read_stored_file(ImportBatch.objects.get()).options.answers
    assert answers["ab"] == "de"
    options = ImportOptions(answers={"c": "\ud800"})
    batch = store_file(b"a", "list.csv", options, how=ImportBatch.How.COMMAND)
    assert read_stored_file(batch).options.answers == {"c": "?"}


def test_options_that_another_version_stored_are_read() -> None:
    packed = {"source": "pms", "colour": "red", "reading": {"delimiter": ";", "sheets": 2}}
    assert unpack_options(packed) == ImportOptions(source="pms", reading=ReadChoices(delimiter=";"))
    assert unpack_options({"reading": None}) == ImportOptions()


def test_of_two_people_who_confirm_a_file_the_second_is_told() -> None:
    batch = store_file(b"a", "list.csv", ImportOptions(), how=ImportBatch.How.PAGE, by=make_user())
    other = make_user("another")
    assert queue_import(batch, by=other, options=ImportOptions(source="pms"))
    assert not queue_import(ImportBatch.objects.get(), by=make_user("third"))
    assert (batch.state, batch.by, read_stored_file(batch).options.source) == ("waiting", other, "pms")


def test_what_a_person_did_not_see_is_not_imported(desk: Client) -> None:
    """Newer content took the place of the list whose preview was open."""
    make_downtown()
    preview = upload(desk, write_list(AISHA))
    seen = ImportBatch.objects.get().sha256
    assert f'name="content" value="{seen}"' in read(desk, preview)
    newer = write_list(AISHA, NOAH)
    ImportBatch.objects.update(sha256=hashlib.sha256(newer).hexdigest())
    ImportFile.objects.update(**pack_content(newer))
    for button in ("apply", "check", "download_changes"):
        posted = {button: "", "content": seen, "question": "a", "answer-0": "b"}
        response = desk.post(preview, posted, follow=True)
        page = unescape(response.content.decode())
        assert "A newer list has taken the place of the one that you saw." in page
        assert "Add 2 appointments" in page
    batch = ImportBatch.objects.get()
    assert (batch.state, read_stored_file(batch).options.answers) == ("asking", {})
    desk.post(preview, {"apply": "", "content": batch.sha256})
    assert ImportBatch.objects.get().state == "waiting"


def test_what_another_person_answers_during_a_preview_is_kept(
    desk: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_downtown()
    preview, look = upload(desk, write_list(AISHA)), preview_stored
    batch = ImportBatch.objects.get()
    save_options(batch, ImportOptions(answers={"a": "old", "b": "old"}))

    def look_while_another_answers(*args: Any) -> Any:
        save_options(batch, ImportOptions(answers={"a": "theirs", "b": "old", "c": "theirs"}))
        return look(*args)

    monkeypatch.setattr(imports, "preview_stored", look_while_another_answers)
    posted = {"check": "", "question": ["a", "b"], "answer-0": "old", "answer-1": "mine"}
    assert desk.post(preview, posted).status_code == 200
    answers = read_stored_file(batch).options.answers
    assert answers == {"a": "theirs", "b": "mine", "c": "theirs"}


def test_the_list_of_imports_shows_each_import(desk: Client) -> None:
    assert "No list has been imported yet" in read(desk, reverse("imports"))
    make_downtown()
    import_rows(AISHA, NOAH | {"time": ""})
    page = read(desk, reverse("imports"))
    assert "list.csv" in page
    assert reverse("import_batch", args=[ImportBatch.objects.get().pk]) in page


def test_the_downloaded_problems_contain_no_formula(desk: Client) -> None:
    make_downtown()
    batch_id = import_rows(
        AISHA | {"first": "", "last": "x", "mobile": "1", "date": "=cmd|'/c calc'!A1"}
    ).batch_id
    response = desk.get(reverse("import_problems", args=[batch_id]))
    text = response.content.decode("utf-8-sig")
    assert response["Content-Type"] == "text/csv; charset=utf-8"
    assert text.splitlines()[0] == "Line,Imported,Column,Value,What is wrong,What to do"
    assert "2,no,Date,'=cmd|'/c calc'!A1,This isn't a date." in text


def test_text_from_a_file_is_escaped_in_html(desk: Client) -> None:
    make_downtown()
    batch_id = import_rows(AISHA | {"date": "<script>alert(1)</script>"}).batch_id
    assert b"<script>alert" not in desk.get(reverse("import_batch", args=[batch_id])).content


@pytest.mark.parametrize("name", ["imports", "upload_import"])
def test_the_pages_need_a_login(client: Client, name: str) -> None:
    assert client.get(reverse(name)).status_code == 302
