"""The pages of an import: upload, preview, apply and report."""

import os
from datetime import timedelta
from html import unescape
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import pytest
from django.contrib.auth.models import User
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from contacts.models import Appointment, ImportBatch, Location
from tests.contacts.imports.example_lists import AISHA, NOAH, import_rows, make_downtown, write_list
from tests.people import make_user

pytestmark = pytest.mark.django_db


@pytest.fixture(autouse=True)
def uploads(tmp_path: Path, settings: Settings) -> Path:
    settings.IMPORT_UPLOADS_DIR = tmp_path / "uploads"
    return tmp_path / "uploads"


@pytest.fixture
def desk(client: Client) -> Client:
    client.force_login(make_user())
    return client


def upload(desk: Client, data: bytes, name: str = "list.csv", source: str = "csv") -> str:
    """Upload a file and return the token of its preview."""
    file = SimpleUploadedFile(name, data)
    response = desk.post(reverse("upload_import"), {"file": file, "new_source": source})
    assert response.status_code == 302, response.content.decode()
    return parse_qs(urlsplit(response["Location"]).query)["upload"][0]


def read(desk: Client, address: str, **query: str) -> str:
    response = desk.get(address, query)
    assert response.status_code == 200
    return unescape(response.content.decode())


def test_a_preview_shows_what_would_change_and_changes_nothing(desk: Client) -> None:
    make_downtown()
    token = upload(desk, write_list(AISHA, NOAH | {"date": "02/30/2027"}))
    page = read(desk, reverse("upload_import"), upload=token)
    assert "Add 1 appointment" in page
    assert "This date doesn't exist." in page
    assert "02/30/2027" in page
    assert not Appointment.objects.exists()


def test_applying_an_upload_imports_the_list_and_shows_the_report(desk: Client, uploads: Path) -> None:
    make_downtown()
    token = upload(desk, write_list(AISHA, NOAH | {"date": "02/30/2027"}), source="elm-street")
    response = desk.post(reverse("upload_import"), {"upload": token, "apply": ""}, follow=True)
    batch = ImportBatch.objects.get()
    assert response.redirect_chain == [(reverse("import_batch", args=[batch.pk]), 302)]
    assert "This date doesn't exist." in unescape(response.content.decode())
    assert (batch.by, batch.source, batch.file_name) == (User.objects.get(), "elm-street", "list.csv")
    assert Appointment.objects.get().source == "elm-street"
    assert not list(uploads.iterdir())


def test_the_time_zone_of_a_new_location_is_asked_for_and_stored(desk: Client) -> None:
    token = upload(desk, write_list(AISHA | {"location": "Harbour"}))
    page = read(desk, reverse("upload_import"), upload=token)
    assert 'name="location" value="Harbour"' in page
    assert 'name="apply"' not in page
    chosen = {"upload": token, "location": "Harbour", "zone-0": "America/Denver"}
    checked = desk.post(reverse("upload_import"), chosen | {"check": ""}).content.decode()
    assert "Add 1 appointment" in checked
    assert '<option value="America/Denver" selected>' in checked
    desk.post(reverse("upload_import"), chosen | {"apply": ""})
    assert Location.objects.get().time_zone == "America/Denver"
    assert Appointment.objects.get().starts_at.isoformat() == "2026-12-15T16:30:00+00:00"


def test_an_invalid_time_zone_is_reported_next_to_its_location(desk: Client) -> None:
    token = upload(desk, write_list(AISHA | {"location": "Harbour"}))
    chosen = {"upload": token, "location": "Harbour", "zone-0": "Mars/Base", "apply": ""}
    response = desk.post(reverse("upload_import"), chosen)
    assert "Mars/Base is not one of the available choices" in response.content.decode()
    assert not ImportBatch.objects.exists()


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
    token = upload(desk, data, source="elm-street")
    response = desk.get(reverse("upload_import"), {"upload": token})
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


def test_a_user_cant_open_an_upload_of_another_user(desk: Client) -> None:
    token = upload(desk, write_list(AISHA))
    desk.force_login(make_user("another"))
    response = desk.get(reverse("upload_import"), {"upload": token}, follow=True)
    assert "Upload the file again." in response.content.decode()


@pytest.mark.parametrize("token", ["nonsense", "eyJuYW1lIjoiLi4vLi4vbWFuYWdlLnB5In0:1abc:forged"])
def test_a_forged_token_opens_nothing(desk: Client, token: str) -> None:
    response = desk.get(reverse("upload_import"), {"upload": token}, follow=True)
    assert "Upload the file again." in response.content.decode()


def test_applying_an_upload_twice_imports_it_once_and_says_so(desk: Client) -> None:
    make_downtown()
    token = upload(desk, write_list(AISHA))
    desk.post(reverse("upload_import"), {"upload": token, "apply": ""})
    response = desk.post(reverse("upload_import"), {"upload": token, "apply": ""}, follow=True)
    assert "This upload was already imported" in response.content.decode()
    assert ImportBatch.objects.count() == 1


def test_an_upload_that_was_never_applied_is_deleted_after_a_day(desk: Client, uploads: Path) -> None:
    upload(desk, write_list(AISHA))
    [old] = uploads.iterdir()
    long_ago = (timezone.now() - timedelta(hours=25)).timestamp()
    os.utime(old, (long_ago, long_ago))
    upload(desk, write_list(NOAH))
    assert old not in uploads.iterdir()
    assert len(list(uploads.iterdir())) == 1


def test_an_upload_is_readable_only_by_the_user_that_runs_callboard(desk: Client, uploads: Path) -> None:
    upload(desk, write_list(AISHA))
    [kept] = uploads.iterdir()
    assert kept.stat().st_mode & 0o077 == 0
    assert uploads.stat().st_mode & 0o077 == 0


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
