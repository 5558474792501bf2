"""The page of an import that isn't finished: its state in words, how far it is, and what one may do."""

from collections.abc import Callable
from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from contacts.imports.practice import ImportOptions
from contacts.imports.stored_files import store_file
from contacts.models import ImportBatch, ImportFile
from tests.people import make_user
from tests.reminders.pages.clinic import sit_at_desk

pytestmark = pytest.mark.django_db
AGO, AHEAD = timedelta(seconds=-40), timedelta(seconds=60)


def make_batch(**fields: Any) -> ImportBatch:
    """A batch in any state; moments are given as how far from now."""
    batch = store_file(b"a", "list.csv", ImportOptions(source="pms"), how=ImportBatch.How.FOLDER)
    moments = {
        name: timezone.now() + value if isinstance(value, timedelta) else value
        for name, value in fields.items()
    }
    ImportBatch.objects.filter(pk=batch.pk).update(**moments)
    batch.refresh_from_db()
    return batch


@pytest.fixture
def desk() -> Client:
    return sit_at_desk(make_user())


RUNNING = {"state": "running", "leased_until": AHEAD}
# the batch; words that the page shows; whether it asks again and again
STATES: list[tuple[dict[str, Any], str, bool]] = [
    ({"state": "waiting", "queued_at": timedelta(0)}, "about to be imported", True),
    ({"state": "waiting", "queued_at": AGO}, "This list has waited for 4", True),
    (RUNNING, "The file is being read.", True),
    (RUNNING | {"rows_total": 900, "rows_done": 300}, "300 of 900 rows are imported.", True),
    (
        RUNNING | {"rows_total": 900, "rows_done": 300, "leased_until": AGO},
        "stopped after 300 of 900 rows",
        True,
    ),
    ({"state": "asking"}, "Nothing has been imported yet.", False),
    ({"state": "asking", "error": "Answer this first."}, "Answer this first.", False),
    ({"state": "failed", "error": "Something went wrong."}, "Something went wrong.", False),
]


@pytest.mark.parametrize(("fields", "words", "goes_on"), STATES)
def test_the_page_says_what_happens_and_asks_again_only_while_something_does(
    desk: Client, fields: dict[str, Any], words: str, goes_on: bool
) -> None:
    address = reverse("import_batch", args=[make_batch(**fields).pk])
    page = desk.get(address)
    text = unescape(page.content.decode())
    assert words in text
    assert ('hx-trigger="every 1s"' in text) is ("<progress" in text) is ("Look again" in text) is goes_on
    part = desk.get(address, headers={"HX-Request": "true"})
    assert words in unescape(part.content.decode())
    assert "<html" not in part.content.decode()
    assert part.status_code == (200 if goes_on else 286)


def test_a_list_behind_another_one_says_so(desk: Client) -> None:
    make_batch(**RUNNING)
    waiting = make_batch(state="waiting", queued_at=AGO)
    page = desk.get(reverse("import_batch", args=[waiting.pk])).content.decode()
    assert "waits for its turn: another one is being imported" in page


def test_the_bar_has_the_rows(desk: Client) -> None:
    batch = make_batch(**RUNNING, rows_total=900, rows_done=300)
    page = desk.get(reverse("import_batch", args=[batch.pk])).content.decode()
    assert 'max="900" value="300"' in page


def test_when_it_is_done_htmx_loads_the_report(desk: Client) -> None:
    batch = make_batch(state="done", applied_at=AGO, counts={"rows": 0})
    address = reverse("import_batch", args=[batch.pk])
    assert desk.get(address, headers={"HX-Request": "true"})["HX-Refresh"] == "true"
    assert "Every row was imported without problems." in desk.get(address).content.decode()


def test_a_failed_import_can_be_tried_again_once(desk: Client) -> None:
    batch = make_batch(state="failed", error="Something went wrong.", rows_total=900, rows_done=300)
    address = reverse("import_batch", args=[batch.pk])
    page = desk.get(address).content.decode()
    assert "Try again" in page
    assert "300 of 900 rows are imported." in page
    retry = reverse("retry_import", args=[batch.pk])
    assert desk.post(retry)["Location"] == address
    batch.refresh_from_db()
    assert (batch.state, batch.error) == ("waiting", "")
    assert "waits already" in desk.post(retry, follow=True).content.decode()


def test_a_failed_import_whose_file_is_gone_says_so_and_offers_no_other_try(desk: Client) -> None:
    batch = make_batch(state="failed", error="Something went wrong.")
    ImportFile.objects.filter(batch=batch).delete()
    page = desk.get(reverse("import_batch", args=[batch.pk])).content.decode()
    assert "The file is no longer kept. Export the list again." in page
    assert "Try again" not in page


def test_somebody_who_may_only_look_sees_the_state_and_no_button() -> None:
    desk = sit_at_desk(make_user(role="Auditor"))
    for state in ("failed", "asking"):
        batch = make_batch(state=state)
        page = desk.get(reverse("import_batch", args=[batch.pk])).content.decode()
        assert "Try again" not in page
        assert "Open the preview" not in page
        assert desk.post(reverse("retry_import", args=[batch.pk])).status_code == 403
        assert desk.get(reverse("preview_import", args=[batch.pk])).status_code == 403


def test_the_list_shows_the_state_and_the_way_of_each(desk: Client) -> None:
    make_batch(state="failed")
    make_batch(**RUNNING)
    page = desk.get(reverse("imports")).content.decode()
    assert "could not be imported" in page
    assert "is being imported" in page
    assert page.count("from the watched folder") == 2


def test_asking_again_takes_few_statements(
    desk: Client, django_assert_max_num_queries: Callable[[int], Any]
) -> None:
    address = reverse("import_batch", args=[make_batch(**RUNNING, rows_total=9).pk])
    desk.get(address)
    with django_assert_max_num_queries(8):
        desk.get(address, headers={"HX-Request": "true"})
