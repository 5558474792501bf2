"""A watched calendar address over real HTTP: imported if it says something new, and never trusted."""

import logging
from collections.abc import Iterator
from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import Settings

from contacts.imports.stored_files import read_stored_file, save_options
from contacts.models import Appointment, CalendarFault, ImportBatch, Location, WatchedCalendar
from contacts.watching import calendars as module
from contacts.watching.arrivals import settle_arrivals
from contacts.watching.calendar_requests import FetchedCalendar
from contacts.watching.calendars import fetch_due_calendars, fetch_soon, save_calendar
from contacts.watching.turns import take_turn
from tests.contacts.imports.example_lists import make_downtown
from tests.contacts.imports.imported_batches import import_waiting
from tests.contacts.watching.calendar_server import CalendarServer, run_calendar_server

pytestmark = pytest.mark.django_db


@pytest.fixture
def server(settings: Settings) -> Iterator[CalendarServer]:
    settings.LOOPBACK_MAY_BE_ASKED = True
    with run_calendar_server() as running:
        yield running


@pytest.fixture
def calendar(server: CalendarServer) -> WatchedCalendar:
    return WatchedCalendar.objects.create(name="Room 1", address=server.address, source="room1")


def write_calendar(*people: str, stamp: str = "20270101T000000Z", hour: int = 10) -> bytes:
    """A calendar with one appointment for each person, in the coming weeks."""
    first = (timezone.now() + timedelta(days=7)).replace(hour=hour, minute=0, second=0)
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//test//EN"]
    for number, person in enumerate(people):
        lines += write_event(person, first + timedelta(days=number), stamp)
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()


def write_event(person: str, at: datetime, stamp: str) -> list[str]:
    return [
        "BEGIN:VEVENT", f"UID:{person}", f"DTSTAMP:{stamp}",
        f"DTSTART;TZID=America/New_York:{at:%Y%m%dT%H%M%S}", f"SUMMARY:Cleaning with {person}",
        "DESCRIPTION:Phone: 202-555-0111", "LOCATION:Downtown", "END:VEVENT",
    ]  # fmt: skip


RUTH = "Ruth Stone"


def make_due() -> None:
    WatchedCalendar.objects.update(due_at=None)


def fetch_and_import() -> WatchedCalendar:
    fetch_due_calendars()
    settle_arrivals()
    import_waiting()
    return WatchedCalendar.objects.get()


def test_a_calendar_is_fetched_and_imported(server: CalendarServer, calendar: WatchedCalendar) -> None:
    make_downtown()
    server.answers = [
        (200, {"ETag": '"1"', "Last-Modified": "Mon, 01 Mar 2027 00:00:00 GMT"}, write_calendar(RUTH))
    ]
    calendar = fetch_and_import()
    batch = ImportBatch.objects.get()
    assert (batch.state, batch.how, batch.source, batch.file_name) == (
        "done",
        "calendar",
        "room1",
        "Room 1.ics",
    )
    assert Appointment.objects.get().contact.full_name == RUTH
    assert (calendar.fault, calendar.failures, calendar.etag) == ("", 0, '"1"')
    assert calendar.succeeded_at
    assert calendar.due_at
    fetch_due_calendars()
    assert len(server.requests) == 1, "it isn't due again"
    make_due()
    server.answers = [(304, {}, b"")]
    fetch_and_import()
    _path, headers = server.requests[1]
    assert headers["if-none-match"] == '"1"'
    assert headers["if-modified-since"] == "Mon, 01 Mar 2027 00:00:00 GMT"
    assert ImportBatch.objects.count() == 1


def test_a_calendar_that_is_only_stamped_anew_is_no_new_list(
    server: CalendarServer, calendar: WatchedCalendar
) -> None:
    make_downtown()
    for stamp in ("20270101T000000Z", "20270102T111111Z"):
        server.answers = [(200, {}, write_calendar(RUTH, stamp=stamp))]
        make_due()
        fetch_and_import()
    assert ImportBatch.objects.count() == 1
    server.answers = [(200, {}, write_calendar(RUTH, hour=15))]
    make_due()
    fetch_and_import()
    assert ImportBatch.objects.count() == 2
    assert Appointment.objects.get().local_start.hour == 15


def test_an_older_copy_that_a_server_sends_again_moves_nothing_back(
    server: CalendarServer, calendar: WatchedCalendar
) -> None:
    make_downtown()
    for stamp, hour in (("20260102T000000Z", 15), ("20260101T000000Z", 10)):
        server.answers = [(200, {}, write_calendar(RUTH, stamp=stamp, hour=hour))]
        make_due()
        fetch_and_import()
    assert ImportBatch.objects.count() == 2
    assert Appointment.objects.get().local_start.hour == 15


def test_the_questions_of_the_first_fetch_are_answered_once(
    server: CalendarServer, calendar: WatchedCalendar
) -> None:
    server.answers = [(200, {}, write_calendar(RUTH))]
    fetch_and_import()
    batch = ImportBatch.objects.get()
    assert (batch.state, "“Downtown” is new" in batch.error) == ("asking", True)
    server.answers = [(200, {}, write_calendar(RUTH, "Noah Brown"))]
    make_due()
    fetch_and_import()
    assert ImportBatch.objects.get() == batch, "newer content takes the place of what waits"
    stored = read_stored_file(batch)
    assert b"Noah Brown" in stored.content.read_whole()
    options = stored.options
    save_options(batch, type(options)(source="room1", zones={"Downtown": "America/New_York"}))
    ImportBatch.objects.update(error="")
    settle_arrivals()
    import_waiting()
    assert Appointment.objects.count() == 2
    assert Location.objects.get().name == "Downtown"
    server.answers = [(200, {}, write_calendar(RUTH, "Noah Brown", "Aisha Okafor"))]
    make_due()
    fetch_and_import()
    assert Appointment.objects.count() == 3


def test_a_calendar_that_is_suddenly_empty_cancels_nobody(
    server: CalendarServer, calendar: WatchedCalendar
) -> None:
    """(product rule 54)"""
    make_downtown()
    server.answers = [(200, {}, write_calendar(RUTH))]
    fetch_and_import()
    server.answers = [(200, {}, write_calendar())]
    make_due()
    calendar = fetch_and_import()
    assert calendar.fault == CalendarFault.EMPTY
    assert ImportBatch.objects.count() == 1
    assert Appointment.objects.get().status == Appointment.Status.BOOKED


def test_an_event_that_vanished_is_listed_and_stays_booked(
    server: CalendarServer, calendar: WatchedCalendar
) -> None:
    """(product rule 54)"""
    make_downtown()
    server.answers = [(200, {}, write_calendar(RUTH, "Noah Brown", "Aisha Okafor"))]
    fetch_and_import()
    whole = write_calendar(RUTH, "Noah Brown", "Aisha Okafor").decode()
    gone = whole.replace(
        whole[whole.index("BEGIN:VEVENT\r\nUID:Noah") : whole.index("BEGIN:VEVENT\r\nUID:Aisha")], ""
    )
    server.answers = [(200, {}, gone.encode())]
    make_due()
    fetch_and_import()
    assert Appointment.objects.filter(status=Appointment.Status.BOOKED).count() == 3
    assert ImportBatch.objects.order_by("-pk")[0].counts["missing"] == 1


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        ((404, {}, b""), CalendarFault.NOT_FOUND),
        ((410, {}, b""), CalendarFault.NOT_FOUND),
        ((401, {}, b""), CalendarFault.NOT_ALLOWED),
        ((500, {}, b""), CalendarFault.SERVER_FAULT),
        ((503, {"Retry-After": "3600"}, b""), CalendarFault.BUSY),
        ((200, {}, b"<html>Sign in</html>"), CalendarFault.WEB_PAGE),
        ((200, {"Content-Length": "9999"}, b"BEGIN:VCALENDAR"), CalendarFault.BROKEN_OFF),
        ((301, {"Location": "http://10.0.0.1/a.ics"}, b""), CalendarFault.PRIVATE),
        ((302, {"Location": "file:///etc/passwd"}, b""), CalendarFault.REDIRECTS),
        ((302, {"Location": "/again"}, b""), CalendarFault.REDIRECTS),
        ((302, {}, b""), CalendarFault.REDIRECTS),
    ],
)
def test_what_is_no_calendar_is_said_and_changes_nothing(
    server: CalendarServer,
    calendar: WatchedCalendar,
    answer: tuple[int, dict[str, str], bytes],
    fault: CalendarFault,
) -> None:
    server.answers = [answer]
    calendar = fetch_and_import()
    assert (calendar.fault, calendar.failures) == (fault, 1)
    assert calendar.succeeded_at is None
    assert calendar.due_at
    assert calendar.due_at > timezone.now() + timedelta(minutes=14)
    assert not ImportBatch.objects.exists()
    assert len(server.requests) <= 5


def test_a_redirect_within_what_may_be_asked_is_followed(
    server: CalendarServer, calendar: WatchedCalendar
) -> None:
    make_downtown()
    server.answers = [(301, {"Location": "/moved.ics"}, b""), (200, {}, write_calendar(RUTH))]
    fetch_and_import()
    assert [path for path, _ in server.requests][1] == "/moved.ics"
    assert Appointment.objects.count() == 1


def test_a_calendar_larger_than_a_list_may_be_is_refused(
    server: CalendarServer, calendar: WatchedCalendar, settings: Settings
) -> None:
    settings.IMPORT_MAX_BYTES = 200
    server.answers = [(200, {}, write_calendar(RUTH))]
    assert fetch_and_import().fault == CalendarFault.TOO_LARGE


def test_private_addresses_are_refused_without_a_request(
    server: CalendarServer, calendar: WatchedCalendar, settings: Settings
) -> None:
    settings.LOOPBACK_MAY_BE_ASKED = False
    server.answers = [(200, {}, write_calendar(RUTH))]
    WatchedCalendar.objects.update(address=server.address.replace("http:", "https:"))
    assert fetch_and_import().fault == CalendarFault.PRIVATE
    assert not server.requests


def test_it_recovers_by_itself(server: CalendarServer, calendar: WatchedCalendar) -> None:
    make_downtown()
    server.answers = [(500, {}, b""), (200, {}, write_calendar(RUTH))]
    assert fetch_and_import().failures == 1
    make_due()
    calendar = fetch_and_import()
    assert (calendar.fault, calendar.failures) == ("", 0)


def test_two_workers_never_fetch_one_address_at_once(
    server: CalendarServer, calendar: WatchedCalendar
) -> None:
    server.answers = [(200, {}, write_calendar(RUTH))]
    assert take_turn(calendar)
    assert fetch_due_calendars() == 0
    assert not server.requests
    WatchedCalendar.objects.update(leased_until=Now() - timedelta(seconds=1))
    assert fetch_due_calendars() == 1


def test_what_was_asked_before_the_address_was_edited_is_dropped(
    server: CalendarServer, calendar: WatchedCalendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    def edit_meanwhile(*_: object, **__: object) -> FetchedCalendar:
        edited = WatchedCalendar.objects.get()
        edited.address = f"{server.base}/other.ics"
        save_calendar(edited)
        return FetchedCalendar(content=write_calendar(RUTH))

    monkeypatch.setattr(module, "fetch_calendar", edit_meanwhile)
    fetch_due_calendars()
    assert not ImportBatch.objects.exists()
    assert WatchedCalendar.objects.get().due_at is None


def test_one_that_is_switched_off_is_not_asked(server: CalendarServer, calendar: WatchedCalendar) -> None:
    WatchedCalendar.objects.update(is_on=False)
    fetch_due_calendars()
    assert not server.requests


def test_fetch_now_imports_what_has_not_changed_too(
    server: CalendarServer, calendar: WatchedCalendar
) -> None:
    make_downtown()
    server.answers = [(200, {"ETag": '"1"'}, write_calendar(RUTH))]
    fetch_and_import()
    fetch_soon(calendar)
    fetch_and_import()
    assert "if-none-match" not in server.requests[1][1]
    assert ImportBatch.objects.filter(state="done").count() == 2


def test_what_has_not_changed_for_long_is_imported_again_since_series_go_on(
    server: CalendarServer, calendar: WatchedCalendar
) -> None:
    make_downtown()
    server.answers = [(200, {"ETag": '"1"'}, write_calendar(RUTH))]
    fetch_and_import()
    WatchedCalendar.objects.update(due_at=None, stored_at=timezone.now() - timedelta(days=31))
    fetch_and_import()
    assert ImportBatch.objects.filter(state="done").count() == 2


def test_one_due_at_a_moment_from_before_the_clock_was_set_back_is_due(
    server: CalendarServer, calendar: WatchedCalendar
) -> None:
    """(product rule 28)"""
    server.answers = [(500, {}, b"")]
    WatchedCalendar.objects.update(due_at=timezone.now() + timedelta(days=300))
    assert fetch_due_calendars() == 1


def test_the_address_is_in_no_log_and_no_stored_sentence(
    server: CalendarServer, calendar: WatchedCalendar, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    server.answers = [(404, {}, b""), (200, {}, b"<html>"), (200, {}, write_calendar(RUTH))]
    for _ in range(3):
        make_due()
        fetch_and_import()
    assert "4711" not in caplog.text
    assert "hush" not in caplog.text
    stored = repr(list(ImportBatch.objects.values()))
    assert "4711" not in stored
    assert "4711" not in str(calendar) + repr(calendar)


@pytest.mark.django_db(transaction=True)
def test_no_transaction_is_open_while_a_server_is_asked(
    server: CalendarServer, calendar: WatchedCalendar, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen: list[bool] = []

    def look(*_: object, **__: object) -> FetchedCalendar:
        seen.append(connection.in_atomic_block)
        return FetchedCalendar(CalendarFault.TOO_SLOW)

    monkeypatch.setattr(module, "fetch_calendar", look)
    fetch_due_calendars()
    assert seen == [False]
