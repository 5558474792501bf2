"""Each change of an import by name on its pages and as CSV, and the button (product rule 42)."""

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.test import Client
from django.urls import reverse

from contacts.imports.change_words import describe_deed
from contacts.models import ImportBatch
from tests.contacts.imports.example_lists import (
    AISHA,
    NOAH,
    import_rows,
    make_downtown,
    run_waiting_imports,
    write_list,
)
from tests.people import make_user

DEEDS = [
    ({"added": 235}, "Add 235 appointments"),
    ({"added": 1}, "Add 1 appointment"),
    ({"moved": 1, "cancelled": 1, "updated": 1}, "Move 1, cancel 1, update 1"),
    ({"added": 2, "booked_again": 3}, "Add 2, book 3 again"),
    ({"contacts_updated": 1}, "Change 1 patient"),
    ({"moved": 4, "contacts_updated": 2}, "Move 4, change 2 patients"),
    ({"unchanged": 9}, ""),
]


@pytest.mark.parametrize(("counts", "words"), DEEDS)
def test_the_button_says_what_it_does(counts: dict[str, int], words: str) -> None:
    assert describe_deed(counts) == words


CHANGED = (
    AISHA | {"time": "11:00 AM", "last": "=Brown", "language": "Spanish"},
    NOAH | {"status": "Cancelled"},
)
LINES = [
    "2,Patients renamed,Aisha Okafor,last name,Okafor,'=Brown",
    '2,Appointments moved,"Tue, Dec 15, 2026, 9:30 am, Aisha Okafor, Downtown",time,',
    ',time,"Tue, Dec 15, 2026, 9:30 am","Tue, Dec 15, 2026, 11:00 am"',
    '3,Appointments cancelled,"Tue, Dec 15, 2026, 9:30 am, Noah Brown, Downtown",status,booked,cancelled',
]


@pytest.fixture
def desk(client: Client) -> Client:
    client.force_login(make_user())
    make_downtown()
    import_rows(AISHA, NOAH)
    return client


def assert_lists_changes(text: str) -> None:
    for line in LINES:
        assert line in text


@pytest.mark.django_db
def test_the_preview_and_the_stored_report_list_each_change_with_old_and_new(desk: Client) -> None:
    address = reverse("upload_import")
    file = SimpleUploadedFile("list.csv", write_list(*CHANGED))
    page = desk.post(address, {"file": file, "source": "csv"}, follow=True).content.decode()
    assert "Move 1, cancel 1, change 1 patient" in page
    preview = page.split('class="apply" method="post" action="')[1].split('"')[0]
    assert_lists_changes(desk.post(preview, {"download_changes": ""}).content.decode())
    applied = desk.post(preview, {"apply": ""})
    run_waiting_imports()
    stored = desk.get(applied["Location"]).content.decode()
    for shown in (page, stored):
        assert "<del>Tue, Dec 15, 2026, 9:30 am</del>" in shown
        assert "<ins>Tue, Dec 15, 2026, 11:00 am</ins>" in shown
        assert "<del>Okafor</del>" in shown
        assert "Tue, Dec 15, 2026, 9:30 am, Noah Brown, Downtown" in shown
    batch = ImportBatch.objects.latest("pk")
    assert_lists_changes(desk.get(reverse("import_changes", args=[batch.pk])).content.decode())


@pytest.mark.django_db
def test_a_source_is_chosen_from_those_known_or_named_anew(desk: Client) -> None:
    """(product rule 53)"""
    address = reverse("upload_import")
    assert '<option value="csv" selected>' in desk.get(address).content.decode()
    for chosen, sentence in [
        ({"source": ""}, "Enter the name of the new source."),
        ({"source": "dentrix"}, "not one of the available choices"),
        ({"source": "", "new_source": "a b"}, "Use letters, digits"),
    ]:
        file = SimpleUploadedFile("list.csv", write_list(AISHA))
        refused = desk.post(address, {"file": file, **chosen})
        assert refused.status_code == 422
        assert sentence in refused.content.decode()
