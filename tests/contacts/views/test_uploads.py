"""The upload page: a refused file, and a file without changes."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client

from tests.contacts.imports.example_lists import run_waiting_imports
from tests.people import make_location, make_user
from tests.reminders.pages.clinic import sit_at_desk

pytestmark = pytest.mark.django_db
LIST = b"Appt ID,Date,Time,Location,First Name,Mobile\nA1,12/14/2027,9:30 AM,Downtown,Sarah,(202) 555-0142\n"


@pytest.fixture
def desk() -> Client:
    return sit_at_desk(make_user())


def upload(desk: Client, data: bytes) -> str:
    file = SimpleUploadedFile("list.csv", data)
    return desk.post("/imports/new/", {"file": file, "source": "csv"}, follow=True).content.decode()


def test_after_a_refused_file_the_form_uploads_another(desk: Client) -> None:
    page = upload(desk, b"\x00\x01\x02\x03")
    assert "a text file" in page
    assert 'method="post" action="/imports/new/"' in page, "its own address names the file that was refused"


def test_the_preview_of_a_file_without_changes_says_so(desk: Client) -> None:
    make_location(name="Downtown")
    page = upload(desk, LIST)
    assert "Add 1 appointment" in page
    desk.post(page.split('class="apply" method="post" action="')[1].split('"')[0], {"apply": ""})
    run_waiting_imports()
    assert "Importing it would change nothing" in upload(desk, LIST)
