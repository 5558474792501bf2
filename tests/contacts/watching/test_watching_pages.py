"""What staff see of what is watched: the imports page, the number in the menu, the page of an address."""

import shutil
from datetime import timedelta
from html import unescape
from pathlib import Path

import pytest
from django.contrib.auth.models import Group
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone
from pytest_django import Settings

from contacts.models import CalendarFault, FolderFault, ImportBatch, WatchedCalendar, WatchedFolder
from contacts.roles import AUDITOR, FRONT_DESK, MANAGER, ensure_roles
from contacts.views import watching
from contacts.watching.calendars import save_calendar
from contacts.watching.folder_rounds import watch_folders
from contacts.watching.standing import FAILURES_BORNE, count_for_staff
from tests.contacts.imports.example_lists import AISHA, write_list
from tests.contacts.watching.office_share import bring_in
from tests.office import make_colleague

pytestmark = pytest.mark.django_db

SECRET = "https://calendar.example/private-4711/basic.ics"
ENTERED = {"name": "Room 1", "address": SECRET, "source": "room1", "every": "60", "is_on": "on"}


def log_in(role: str) -> Client:
    ensure_roles()
    user = make_colleague(f"user of {role}")
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    return client


@pytest.fixture
def manager() -> Client:
    return log_in(MANAGER)


def read(client: Client) -> str:
    response = client.get(reverse("imports"))
    assert response.status_code == 200
    return unescape(response.content.decode())


def make_calendar(name: str = "Room 1", **fields: object) -> WatchedCalendar:
    return WatchedCalendar.objects.create(**{"name": name, "address": SECRET, "source": "room1"} | fields)


def test_a_manager_adds_edits_and_removes_an_address(manager: Client) -> None:
    response = manager.post(reverse("add_calendar"), ENTERED | {"address": SECRET.replace("https", "webcal")})
    assert response.status_code == 302
    calendar = WatchedCalendar.objects.get()
    assert (calendar.address, calendar.every, calendar.is_on) == (SECRET, 60, True)
    WatchedCalendar.objects.update(etag="1", digest="2", failures=9, fault=CalendarFault.NOT_FOUND)
    edit = reverse("edit_calendar", args=[calendar.pk])
    assert SECRET in manager.get(edit).content.decode()
    manager.post(edit, ENTERED | {"address": f"{SECRET}2"})
    calendar.refresh_from_db()
    assert (calendar.address, calendar.etag, calendar.digest, calendar.failures) == (f"{SECRET}2", "", "", 0)
    manager.post(reverse("remove_calendar", args=[calendar.pk]))
    assert not WatchedCalendar.objects.exists()


@pytest.mark.parametrize(
    "address",
    [
        "",
        "http://a.example/x.ics",
        "ftp://a.example/",
        "https://me:pw@a.example/",
        "a.example",
        "https://",
        "x" * 2001,
    ],
)
def test_an_address_that_cant_be_asked_is_refused_and_not_repeated_in_the_message(
    manager: Client, settings: Settings, address: str
) -> None:
    settings.LOOPBACK_MAY_BE_ASKED = False
    response = manager.post(reverse("add_calendar"), ENTERED | {"address": address})
    assert response.status_code == 422
    assert not WatchedCalendar.objects.exists()


def test_a_calendar_is_fetched_at_once_on_demand(manager: Client) -> None:
    calendar = make_calendar(due_at=timezone.now() + timedelta(hours=3), etag="1", digest="2")
    assert manager.post(reverse("fetch_calendar_now", args=[calendar.pk])).status_code == 302
    calendar.refresh_from_db()
    assert (calendar.due_at, calendar.etag, calendar.digest) == (None, "", "")


@pytest.mark.parametrize("role", [FRONT_DESK, AUDITOR, MANAGER])
def test_the_list_shows_only_the_server_of_an_address(role: str) -> None:
    make_calendar()
    page = read(log_in(role))
    assert "https://calendar.example/…" in page
    assert "4711" not in page


@pytest.mark.parametrize("role", [FRONT_DESK, AUDITOR])
def test_only_who_may_change_an_address_reaches_the_page_that_shows_it(role: str) -> None:
    calendar = make_calendar()
    client = log_in(role)
    assert client.get(reverse("edit_calendar", args=[calendar.pk])).status_code == 403
    assert client.get(reverse("add_calendar")).status_code == 403
    for name in ("remove_calendar", "fetch_calendar_now"):
        assert client.post(reverse(name, args=[calendar.pk])).status_code == 403
    assert "Edit" not in read(client)


def test_the_admin_never_shows_the_address(office: Client) -> None:
    calendar = make_calendar()
    for name, arguments in (("changelist", []), ("change", [calendar.pk])):
        page = office.get(reverse(f"admin:contacts_watchedcalendar_{name}", args=arguments))
        assert page.status_code == 200
        assert "4711" not in page.content.decode()


def test_a_list_that_waits_for_answers_is_counted_in_the_menu_and_leads_to_its_questions(
    share: Path, manager: Client
) -> None:
    (share / "list.csv").write_bytes(write_list(AISHA))
    bring_in()
    page = read(manager)
    batch = ImportBatch.objects.get()
    assert count_for_staff() == 1
    assert '<span class="rail-count">1<span class="visually-hidden"> to look at</span>' in page
    assert f'href="{reverse("preview_import", args=[batch.pk])}"' in page
    assert "The location “Downtown” is new" in page


def test_a_list_that_waits_for_answers_can_be_set_aside(share: Path) -> None:
    desk = log_in(FRONT_DESK)
    (share / "list.csv").write_bytes(write_list(AISHA))
    bring_in()
    address = reverse("decline_import", args=[ImportBatch.objects.get().pk])
    assert address in desk.get(reverse("import_batch", args=[ImportBatch.objects.get().pk])).content.decode()
    assert desk.post(address).status_code == 302
    assert not ImportBatch.objects.exists()
    watch_folders()
    assert (share / "failed/list.csv").exists()


def test_a_list_that_is_imported_or_was_uploaded_is_not_set_aside() -> None:
    desk = log_in(FRONT_DESK)
    batches = [
        ImportBatch.objects.create(file_name="a.csv", source="a", state="done", how="folder"),
        ImportBatch.objects.create(file_name="b.csv", source="a", state="waiting", how="folder"),
        ImportBatch.objects.create(file_name="c.csv", source="a", state="asking", how="page"),
    ]
    for batch in batches:
        desk.post(reverse("decline_import", args=[batch.pk]))
    assert ImportBatch.objects.count() == 3


def test_a_fault_of_a_folder_is_said_in_a_sentence(share: Path, manager: Client) -> None:
    watch_folders()
    share.rename(share.with_name("away"))
    watch_folders()
    assert str(FolderFault.GONE.label) in read(manager)
    assert count_for_staff() == 1


def test_a_folder_that_no_worker_looks_into_any_more_is_said(share: Path, manager: Client) -> None:
    """As when no worker takes the queue of folders on the machine that has them."""
    watch_folders()
    assert count_for_staff() == 0
    WatchedFolder.objects.update(looked_at=timezone.now() - timedelta(minutes=11))
    assert "No worker has looked into this folder for more than ten minutes." in read(manager)
    assert count_for_staff() == 1


def test_a_manager_forgets_a_subfolder_that_is_gone_for_good(share: Path, manager: Client) -> None:
    (share / "gone").mkdir()
    watch_folders()
    shutil.rmtree(share / "gone")
    watch_folders()
    address = reverse("forget_folder", args=[WatchedFolder.objects.get(name="gone").pk])
    assert address in read(manager)
    desk = log_in(FRONT_DESK)
    assert address not in read(desk)
    assert desk.post(address).status_code == 403
    assert count_for_staff() == 1
    assert "Forgotten." in manager.post(address, follow=True).content.decode()
    assert count_for_staff() == 0


def test_a_calendar_that_was_removed_while_it_was_edited_is_not_made_again(
    manager: Client, monkeypatch: pytest.MonkeyPatch
) -> None:
    calendar, save = make_calendar(), save_calendar

    def save_after_removal(edited: WatchedCalendar) -> None:
        WatchedCalendar.objects.all().delete()
        save(edited)

    monkeypatch.setattr(watching, "save_calendar", save_after_removal)
    assert manager.post(reverse("edit_calendar", args=[calendar.pk]), ENTERED).status_code == 404
    assert not WatchedCalendar.objects.exists()


def test_a_source_whose_list_stopped_coming_is_named_with_the_day_of_the_last(
    share: Path, manager: Client
) -> None:
    watch_folders()
    now = timezone.now()
    came = [now - timedelta(days=days) for days in (20, 19, 18)]
    WatchedFolder.objects.update(arrivals=came)
    watch_folders()
    page = read(manager)
    assert "No list has come for longer than usual" in page
    assert "Last list:" in page
    assert count_for_staff() == 1


def test_a_calendar_is_counted_only_after_some_failures(manager: Client) -> None:
    make_calendar(failures=FAILURES_BORNE - 1, fault=CalendarFault.NOT_REACHED)
    assert count_for_staff() == 0
    WatchedCalendar.objects.update(failures=FAILURES_BORNE)
    assert count_for_staff() == 1
    assert str(CalendarFault.NOT_REACHED.label) in read(manager)
    WatchedCalendar.objects.update(is_on=False)
    assert count_for_staff() == 0


def test_nothing_of_the_folder_is_shown_without_the_setting(manager: Client, settings: Settings) -> None:
    WatchedFolder.objects.create(name="old", source="old", fault=FolderFault.GONE)
    settings.IMPORT_FOLDER = ""
    assert "Folder old" not in read(manager)
    assert count_for_staff() == 0


def test_the_page_takes_as_many_queries_for_many_as_for_one(share: Path, manager: Client) -> None:
    make_calendar("Room 0")
    WatchedFolder.objects.create(name="one", source="one")
    read(manager)
    with CaptureQueriesContext(connection) as few:
        read(manager)
    for number in range(1, 6):
        make_calendar(f"Room {number}")
        WatchedFolder.objects.create(name=f"folder-{number}", source=f"folder-{number}")
    with CaptureQueriesContext(connection) as many:
        read(manager)
    assert len(many) == len(few)


def test_the_number_in_the_menu_is_one_query() -> None:
    with CaptureQueriesContext(connection) as queries:
        count_for_staff()
    assert len(queries) == 1
