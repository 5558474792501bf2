"""A list that failed is tried again, followed to its end, and counted for staff (product rules 24 and 57)."""

import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from contacts.imports.practice import ImportOptions
from contacts.imports.stored_files import (
    change_options,
    delete_old_files,
    discard_file,
    read_stored_file,
    retry_import,
    store_file,
)
from contacts.models import FolderFault, ImportBatch, WatchedCalendar, WatchedFile, WatchedFolder
from contacts.roles import AUDITOR, FRONT_DESK
from contacts.watching import calendars
from contacts.watching.arrivals import decline_arrival, dismiss_failed, replace_content
from contacts.watching.calendar_requests import FetchedCalendar
from contacts.watching.calendars import fetch_due_calendars, save_calendar
from contacts.watching.folder_rounds import watch_folders
from contacts.watching.gone_folders import forget_folder
from contacts.watching.standing import count_for_staff, read_watched
from tests.contacts.imports.example_lists import AISHA, NOAH, make_downtown, write_list
from tests.contacts.imports.imported_batches import import_waiting
from tests.contacts.watching.office_share import bring_in, list_all, pass_rounds
from tests.people import make_user

pytestmark = pytest.mark.django_db

LIST = write_list(AISHA)
FOLDER = ImportBatch.How.FOLDER
CALENDAR = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n"
OLD = timedelta(days=31)


def make_failed(**fields: object) -> ImportBatch:
    batch = store_file(LIST, "list.csv", ImportOptions(source="pms"), how=FOLDER)
    ImportBatch.objects.filter(pk=batch.pk).update(**{"state": "failed", "error": "Try again."} | fields)
    batch.refresh_from_db()
    return batch


@pytest.mark.parametrize(
    ("fields", "count"),
    [
        ({}, 1),
        ({"how": "calendar"}, 1),
        ({"how": "page"}, 0),
        ({"how": "command"}, 0),
        ({"state": "done"}, 0),
        ({"made_at": timezone.now() - OLD}, 0),
    ],
)
def test_a_list_that_came_by_itself_and_failed_is_counted(fields: dict[str, object], count: int) -> None:
    make_failed(**fields)
    assert count_for_staff() == count


@pytest.mark.parametrize(
    ("newer", "count"),
    [({"state": "done"}, 0), ({"state": "waiting"}, 0), ({"state": "failed", "how": "page"}, 1)],
)
def test_a_failed_list_is_counted_until_a_newer_one_is_imported(newer: dict[str, object], count: int) -> None:
    make_failed(made_at=timezone.now() - timedelta(days=1))
    make_failed(**newer)
    assert count_for_staff() == count


def test_whoever_dismissed_a_failed_list_and_when_is_kept_and_nobody_is_asked_to_look() -> None:
    batch, user = make_failed(), make_user()
    assert dismiss_failed(batch, by=user)
    assert count_for_staff() == 0
    batch.refresh_from_db()
    assert (batch.dismissed_by, batch.state) == (user, "failed")
    assert batch.dismissed_at
    assert not dismiss_failed(batch, by=make_user("other")), "who dismissed it first stays"
    batch.refresh_from_db()
    assert batch.dismissed_by == user


@pytest.mark.parametrize(
    "fields",
    [{"how": "page"}, {"how": "command"}, *({"state": state} for state in ("asking", "done", "waiting"))],
)
def test_only_a_list_that_came_by_itself_and_failed_is_dismissed(fields: dict[str, object]) -> None:
    assert not dismiss_failed(make_failed(**fields), by=make_user())
    assert ImportBatch.objects.get().dismissed_at is None


def test_a_dismissed_list_that_is_tried_again_and_fails_again_is_counted_again() -> None:
    batch = make_failed()
    dismiss_failed(batch, by=make_user())
    assert retry_import(batch)
    ImportBatch.objects.update(state="failed")
    assert count_for_staff() == 1


@pytest.mark.parametrize(("content", "count"), [(LIST, 0), (write_list(AISHA, NOAH), 1)])
def test_only_other_content_of_a_dismissed_calendar_is_counted_when_it_fails_again(
    content: bytes, count: int
) -> None:
    batch = make_failed(how="calendar")
    dismiss_failed(batch, by=make_user())
    assert replace_content(batch, content, also_failed=True)
    ImportBatch.objects.update(state="failed", error="Try again.")
    assert count_for_staff() == count


def test_a_failed_list_is_dismissed_on_the_imports_page(client: Client) -> None:
    batch = make_failed(file_name="night.csv")
    overtaken = make_failed(file_name="old.csv", made_at=timezone.now() - timedelta(days=1), source="b")
    make_failed(state="done", source="b")
    client.force_login(make_user(role=FRONT_DESK))
    address = reverse("dismiss_import", args=[batch.pk])
    page = client.get(reverse("imports")).content.decode()
    assert 'aria-label="Dismiss night.csv"' in page
    assert reverse("dismiss_import", args=[overtaken.pk]) not in page, "a newer list is imported"
    assert address in client.get(reverse("import_batch", args=[batch.pk])).content.decode()
    page = client.post(address, follow=True).content.decode()
    assert "Dismissed. The list stays below" in page
    assert "dismissed by" in page
    assert address not in page
    assert "to look at" not in page, "the number in the menu"
    assert "dismissed before" in client.post(address, follow=True).content.decode()


def test_an_auditor_dismisses_nothing(client: Client) -> None:
    """(product rule 63)"""
    batch = make_failed()
    client.force_login(make_user("auditor", role=AUDITOR))
    assert "Dismiss" not in client.get(reverse("imports")).content.decode()
    assert client.post(reverse("dismiss_import", args=[batch.pk])).status_code == 403
    assert count_for_staff() == 1


def fail_the_calendar(monkeypatch: pytest.MonkeyPatch) -> WatchedCalendar:
    """A calendar whose first import failed; what it is asked with is not looked at here."""
    calendar = WatchedCalendar.objects.create(name="Room", address="https://a.example/", source="room")
    monkeypatch.setattr(calendars, "fetch_calendar", lambda *_, **__: FetchedCalendar(content=CALENDAR))
    fetch_due_calendars()
    ImportBatch.objects.update(state="failed", error="Something went wrong.")
    return calendar


@pytest.mark.parametrize(("since", "state"), [(30, "failed"), (61, "asking")])
def test_a_calendar_whose_import_failed_is_imported_again_an_hour_later(
    monkeypatch: pytest.MonkeyPatch, since: int, state: str
) -> None:
    fail_the_calendar(monkeypatch)
    stored_at = timezone.now() - timedelta(minutes=since)
    WatchedCalendar.objects.update(due_at=None, stored_at=stored_at)
    fetch_due_calendars()
    batch = ImportBatch.objects.get()
    assert (batch.state, batch.error == "") == (state, state == "asking")


def test_a_calendar_of_which_a_part_was_imported_is_a_new_batch(monkeypatch: pytest.MonkeyPatch) -> None:
    fail_the_calendar(monkeypatch)
    ImportBatch.objects.get().parts.create(lines=[2])
    WatchedCalendar.objects.update(due_at=None, stored_at=timezone.now() - timedelta(hours=2))
    fetch_due_calendars()
    assert set(ImportBatch.objects.values_list("state", flat=True)) == {"failed", "asking"}


def test_what_a_fetch_recorded_stays_when_the_calendar_is_edited(monkeypatch: pytest.MonkeyPatch) -> None:
    calendar = fail_the_calendar(monkeypatch)  # as it was before the fetch
    calendar.name = "Room 2"
    save_calendar(calendar)
    saved = WatchedCalendar.objects.get()
    assert saved.name == "Room 2"
    assert saved.digest
    assert saved.batch == ImportBatch.objects.get()
    assert saved.due_at is None
    WatchedCalendar.objects.all().delete()
    with pytest.raises(WatchedCalendar.DoesNotExist):
        save_calendar(calendar)


def test_a_list_that_is_imported_after_all_is_moved_to_done(share: Path) -> None:
    make_downtown()
    (share / "list.csv").write_bytes(LIST)
    pass_rounds()
    ImportBatch.objects.update(state="failed", error="Something went wrong.")
    pass_rounds(2)
    assert list_all(share) == {"failed/list.csv", "failed/list.csv.report.txt"}
    assert WatchedFile.objects.get().state == "failed"
    assert retry_import(ImportBatch.objects.get())
    pass_rounds(1)
    assert "failed/list.csv" in list_all(share), "it isn't imported yet"
    import_waiting()
    pass_rounds(2)
    assert list_all(share) == {"done/list.csv", "done/list.csv.report.txt"}
    assert "1 rows" in (share / "done/list.csv.report.txt").read_text()
    assert not WatchedFile.objects.exists()


def test_a_list_that_somebody_took_out_of_failed_is_left_alone(share: Path) -> None:
    make_downtown()
    (share / "list.csv").write_bytes(LIST)
    pass_rounds()
    ImportBatch.objects.update(state="failed")
    pass_rounds(1)
    for name in ("list.csv", "list.csv.report.txt"):
        (share / "failed" / name).unlink()
    retry_import(ImportBatch.objects.get())
    import_waiting()
    pass_rounds(1)
    assert list_all(share) == set()
    assert not WatchedFile.objects.exists()


@pytest.mark.parametrize("change", ["longer", "later", "same"])
def test_a_file_that_was_too_large_and_has_changed_since_comes_anew(
    share: Path, settings: Settings, monkeypatch: pytest.MonkeyPatch, change: str
) -> None:
    settings.IMPORT_MAX_BYTES = 10
    (share / "list.csv").write_bytes(LIST)
    with monkeypatch.context() as kept:  # it isn't moved on to failed/ yet
        kept.setattr("contacts.watching.folder_rounds.has_ended", lambda _: False)
        pass_rounds()
    [held] = (share / "waiting").iterdir()
    if change == "longer":
        held.write_bytes(write_list(AISHA, NOAH))
    if change == "later":
        os.utime(held, (1, 1))
    settings.IMPORT_MAX_BYTES = 10**6
    make_downtown()
    bring_in()
    bring_in()
    names = {"done/list.csv", "done/list.csv.report.txt"} if change != "same" else set()
    assert names <= list_all(share)
    assert ("failed/list.csv" in list_all(share)) is (change == "same")


def test_only_a_list_that_waits_for_answers_is_deleted_and_its_row_is_locked() -> None:
    for state in ("waiting", "running", "failed", "done"):
        batch = make_failed(state=state)
        discard_file(batch)
        assert not decline_arrival(batch)
    assert ImportBatch.objects.count() == 4
    asking = make_failed(state="asking")
    with CaptureQueriesContext(connection) as queries:
        assert decline_arrival(asking)
    assert any("FOR UPDATE" in query["sql"] for query in queries)
    with CaptureQueriesContext(connection) as queries:
        delete_old_files()
    assert any("FOR UPDATE" in query["sql"] for query in queries)


def test_answers_of_two_people_are_both_kept_and_only_about_the_content_they_saw() -> None:
    batch = make_failed(state="asking")

    def answer(key: str) -> bool:
        return change_options(
            batch, lambda kept: ImportOptions(answers={**kept.answers, key: "yes"}), sha256=batch.sha256
        )

    assert answer("one")
    assert answer("two")
    assert read_stored_file(batch).options.answers == {"one": "yes", "two": "yes"}
    ImportBatch.objects.update(sha256="of another content")
    assert not answer("three")
    ImportBatch.objects.update(sha256=batch.sha256, state="waiting")
    assert not answer("four")
    assert len(read_stored_file(batch).options.answers) == 2


def test_a_folder_that_is_gone_can_be_forgotten_and_others_cannot(share: Path) -> None:
    for name in ("gone", "here"):
        (share / name).mkdir()
    watch_folders()
    shutil.rmtree(share / "gone")
    watch_folders()
    gone, here, top = (WatchedFolder.objects.get(name=name) for name in ("gone", "here", ""))
    assert [line.forgettable for line in read_watched() if line.forgettable] == [gone]
    assert not forget_folder(here)
    assert not forget_folder(top)
    WatchedFolder.objects.filter(name="").update(fault=FolderFault.GONE)
    assert not forget_folder(gone), "the share itself is away, so nobody can tell"
    watch_folders()
    assert forget_folder(gone)
    assert not WatchedFolder.objects.filter(name="gone").exists()
