"""A list that failed is tried again, followed to its end, and counted for staff (product rules 24 and 57)."""

import os
import shutil
from datetime import timedelta
from pathlib import Path

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
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
from contacts.watching import calendars
from contacts.watching.arrivals import decline_arrival
from contacts.watching.calendar_requests import FetchedCalendar
from contacts.watching.calendars import fetch_due_calendars, save_calendar
from contacts.watching.folder_rounds import watch_folders
from contacts.watching.gone_folders import forget_folder
from contacts.watching.standing import count_for_staff, read_watched
from tests.contacts.imports.example_lists import AISHA, NOAH, make_downtown, write_list
from tests.contacts.imports.imported_batches import import_waiting
from tests.contacts.watching.office_share import bring_in, list_all, pass_rounds

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
