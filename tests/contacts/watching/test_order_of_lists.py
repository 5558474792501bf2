"""Lists of one source are imported as they came, or a person is asked (product rules 20 and 54)."""

from datetime import timedelta
from html import unescape
from typing import Any

import pytest
from django.db.models.functions import Now
from django.test import Client
from django.urls import reverse
from django.utils import timezone

from contacts.imports.importing import preview_stored
from contacts.imports.practice import ImportOptions
from contacts.imports.stored_files import (
    delete_old_files,
    queue_import,
    retry_import,
    save_options,
    store_file,
)
from contacts.models import ImportBatch, ImportFile
from contacts.watching import arrivals
from contacts.watching.arrivals import find_asking, replace_content, settle_arrivals, store_arrival
from tests.contacts.imports.example_lists import AISHA, NOAH, make_downtown, write_list
from tests.contacts.imports.imported_batches import import_waiting
from tests.people import make_user
from tests.reminders.pages.clinic import sit_at_desk

pytestmark = pytest.mark.django_db

FOLDER, PAGE = ImportBatch.How.FOLDER, ImportBatch.How.PAGE
MONDAY, TUESDAY = write_list(AISHA), write_list(AISHA | {"time": "11:00 AM"}, NOAH)
ELSEWHERE = write_list(AISHA | {"location": "Harbour"})  # a new location is asked about
NEWER = "A newer list of this source has come"


def arrive(name: str = "monday.csv", data: bytes = MONDAY, source: str = "pms") -> ImportBatch:
    return store_arrival(data, name, source, FOLDER)


def read(batch: ImportBatch) -> tuple[str, str]:
    """Its state, and what it says."""
    batch.refresh_from_db()
    return batch.state, batch.error


def test_a_list_is_not_looked_at_while_an_older_one_of_its_source_is() -> None:
    make_downtown()
    older, newer, other = arrive(), arrive("tuesday.csv", TUESDAY), arrive("list.csv", source="other")
    ImportBatch.objects.filter(pk=older.pk).update(leased_until=Now() + timedelta(minutes=9))
    assert settle_arrivals() == 1
    assert (read(newer), read(other)) == (("asking", ""), ("waiting", ""))
    ImportBatch.objects.filter(pk=older.pk).update(leased_until=Now() - timedelta(seconds=1))
    assert settle_arrivals() == 2
    queued = ImportBatch.objects.filter(source="pms", state="waiting").order_by("queued_at")
    assert list(queued) == [older, newer]


def test_an_older_list_that_waits_for_a_person_holds_up_no_newer_one() -> None:
    make_downtown()
    older, newer = arrive(data=ELSEWHERE), arrive("tuesday.csv", TUESDAY)
    settle_arrivals()
    assert read(older)[0] == "asking"
    assert read(newer) == ("waiting", "")


@pytest.mark.parametrize(
    ("newer", "expected"),
    [
        ({"state": "waiting"}, "asking"),
        ({"state": "running"}, "asking"),
        ({"state": "done"}, "asking"),
        ({"state": "failed", "rows_done": 300}, "asking"),
        ({"state": "failed"}, "waiting"),
        ({"state": "asking"}, "waiting"),
        ({"state": "done", "undone_at": timezone.now()}, "waiting"),
        ({"state": "done", "source": "other"}, "waiting"),
        ({"state": "done", "made_at": timezone.now() - timedelta(days=9)}, "waiting"),
    ],
)
def test_a_list_that_a_newer_one_has_overtaken_waits_for_a_person(
    newer: dict[str, object], expected: str
) -> None:
    """Whether it would be queued by itself, or is tried again."""
    make_downtown()
    batch, failed = arrive(), arrive("failed.csv")
    ImportBatch.objects.filter(pk=failed.pk).update(state="failed", error="Something went wrong.")
    upload = store_file(TUESDAY, "upload.csv", ImportOptions(source="pms"), how=PAGE)
    ImportBatch.objects.filter(pk=upload.pk).update(**newer)
    assert retry_import(failed)
    assert read(failed)[0] == expected
    ImportBatch.objects.filter(pk=failed.pk).delete()
    settle_arrivals()
    state, error = read(batch)
    assert state == expected
    assert (NEWER in error) is (expected == "asking")


def test_a_person_may_import_an_overtaken_list_and_its_preview_says_so() -> None:
    make_downtown()
    desk, older = sit_at_desk(make_user()), arrive()
    ImportBatch.objects.update(state="failed", error="Something went wrong.")
    newer = arrive("tuesday.csv", TUESDAY)
    settle_arrivals()
    import_waiting()
    preview = reverse("preview_import", args=[older.pk])
    page = desk.post(reverse("retry_import", args=[older.pk]), follow=True).content.decode()
    assert NEWER in page
    assert preview in page
    assert NEWER in unescape(desk.get(preview).content.decode())
    desk.post(preview, {"apply": ""})
    assert read(older) == ("waiting", "")
    assert read(newer)[0] == "done"


def test_the_preview_of_the_newest_list_says_nothing_of_others(client: Client) -> None:
    make_downtown()
    client.force_login(make_user())
    arrive()
    newest = store_file(TUESDAY, "upload.csv", ImportOptions(source="pms"), how=PAGE)
    page = client.get(reverse("preview_import", args=[newest.pk])).content.decode()
    assert NEWER not in page


def test_an_upload_that_is_tried_again_after_days_is_kept_for_its_person() -> None:
    upload = store_file(MONDAY, "upload.csv", ImportOptions(source="pms"), how=PAGE)
    ImportBatch.objects.update(state="failed", made_at=timezone.now() - timedelta(days=5))
    queue_import(arrive("tuesday.csv", TUESDAY))
    retry_import(ImportBatch.objects.get(pk=upload.pk))
    delete_old_files()
    assert read(upload)[0] == "asking"
    assert ImportFile.objects.filter(batch=upload).exists()


def test_a_newer_list_is_said_if_both_came_at_once() -> None:
    older, newer = arrive(data=ELSEWHERE), arrive("tuesday.csv", ELSEWHERE)
    settle_arrivals()
    assert NEWER in read(older)[1]
    assert "“Harbour” is new" in read(newer)[1]


def test_a_newer_list_is_said_if_it_came_while_the_older_was_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    older, preview = arrive(data=ELSEWHERE), preview_stored

    def look_while_another_comes(*args: Any) -> Any:
        arrive("tuesday.csv", ELSEWHERE)
        return preview(*args)

    monkeypatch.setattr(arrivals, "preview_stored", look_while_another_comes)
    arrivals.settle_arrival(older)
    assert NEWER in read(older)[1]


def test_newer_content_of_a_list_that_somebody_has_answered_waits_for_a_person() -> None:
    """Answers that were tried out on one content must not let another one in."""
    make_downtown()
    batch = arrive(data=ELSEWHERE)
    settle_arrivals()
    save_options(batch, ImportOptions(source="pms", answers={"ids": "all_new"}))
    assert replace_content(batch, TUESDAY)
    settle_arrivals()
    state, error = read(batch)
    assert (state, error) == (
        "asking",
        "Newer content has come since somebody answered its questions. Look at its preview.",
    )


def test_a_list_that_is_replaced_by_newer_content_is_the_newest() -> None:
    first = arrive(data=ELSEWHERE)
    settle_arrivals()
    second = arrive("tuesday.csv", ELSEWHERE)
    settle_arrivals()
    assert NEWER in read(first)[1]
    assert replace_content(first, ELSEWHERE + b"\r\n")
    settle_arrivals()
    assert NEWER in read(second)[1]
    assert "“Harbour” is new" in read(first)[1]
    assert find_asking().count() == 2
