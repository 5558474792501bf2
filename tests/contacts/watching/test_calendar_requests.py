"""What a calendar's server can answer, and what is made of it: pure, by tables."""

import gzip

import pytest
from pytest_django import Settings

from contacts.models import CalendarFault
from contacts.public_requests import PublicAnswer
from contacts.watching.calendar_requests import as_https, digest_of, judge_answer
from contacts.watching.calendars import find_wait, mask_address

EVENT = (
    b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nBEGIN:VEVENT\r\nUID:1\r\nDTSTAMP:20270101T000000Z\r\n"
    b"DTSTART:20270304T143000Z\r\nSUMMARY:Ruth Stone\r\nEND:VEVENT\r\nEND:VCALENDAR\r\n"
)
EMPTY = b"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n"
GZIP = {"content-encoding": "gzip"}


def answer(status: int = 200, body: bytes = b"", **headers: str) -> PublicAnswer:
    return PublicAnswer(
        status, {name.replace("_", "-"): value for name, value in headers.items()}, body, False
    )


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        (EVENT, None),
        (b"\xef\xbb\xbf\r\n" + EVENT, None),
        (EVENT.lower(), None),
        (b"", CalendarFault.NO_CALENDAR),
        (b"hello", CalendarFault.NO_CALENDAR),
        (b"<!DOCTYPE html><html><body>Sign in</body></html>", CalendarFault.WEB_PAGE),
        (b"\n\n  <HTML>", CalendarFault.WEB_PAGE),
        (b'{"error": 1}', CalendarFault.NO_CALENDAR),
        (EVENT[:-20], CalendarFault.BROKEN_OFF),
        (EMPTY, CalendarFault.EMPTY),
        (EMPTY.replace(b"END:V", b"BEGIN:VTODO\r\nEND:VTODO\r\nEND:V"), CalendarFault.EMPTY),
    ],
)
def test_only_a_whole_calendar_with_appointments_is_taken(body: bytes, fault: CalendarFault | None) -> None:
    came = judge_answer(answer(body=body))
    assert (came.fault, came.content) == (fault, b"" if fault else body)


@pytest.mark.parametrize(
    ("status", "fault"),
    [
        (401, CalendarFault.NOT_ALLOWED), (403, CalendarFault.NOT_ALLOWED), (404, CalendarFault.NOT_FOUND),
        (410, CalendarFault.NOT_FOUND), (429, CalendarFault.BUSY), (503, CalendarFault.BUSY),
        (500, CalendarFault.SERVER_FAULT), (204, CalendarFault.SERVER_FAULT),
        (206, CalendarFault.SERVER_FAULT), (418, CalendarFault.SERVER_FAULT),
    ],
)  # fmt: skip
def test_another_status_is_a_fault_whatever_comes_with_it(status: int, fault: CalendarFault) -> None:
    came = judge_answer(answer(status, EVENT))
    assert (came.fault, came.content) == (fault, b"")


def test_what_is_not_modified_is_unchanged() -> None:
    assert judge_answer(answer(304)).is_unchanged


def test_a_compressed_calendar_is_unpacked() -> None:
    came = judge_answer(answer(body=gzip.compress(EVENT), content_encoding="gzip"))
    assert came.content == EVENT


def test_a_gzip_bomb_is_refused_before_it_is_unpacked(settings: Settings) -> None:
    settings.IMPORT_MAX_BYTES = 1000
    bomb = gzip.compress(b"BEGIN:VCALENDAR" + b" " * 10_000_000)
    assert judge_answer(answer(body=bomb, content_encoding="gzip")).fault == CalendarFault.TOO_LARGE


@pytest.mark.parametrize("body", [gzip.compress(EVENT)[:-9], b"\x1f\x8b", EVENT])
def test_what_is_compressed_only_in_part_is_refused(body: bytes) -> None:
    assert judge_answer(answer(body=body, content_encoding="gzip")).fault == CalendarFault.BROKEN_OFF


def test_what_is_compressed_another_way_is_refused() -> None:
    assert judge_answer(answer(body=EVENT, content_encoding="br")).fault == CalendarFault.NO_CALENDAR


def test_a_body_that_was_cut_is_refused() -> None:
    cut = PublicAnswer(200, {}, EVENT, True)
    assert judge_answer(cut).fault == CalendarFault.TOO_LARGE


def test_a_version_that_cant_be_sent_again_is_not_kept() -> None:
    came = judge_answer(answer(body=EVENT, etag="é" * 3, last_modified="x" * 101))
    assert (came.etag, came.last_modified) == ("", "")


def test_what_servers_write_anew_each_time_is_no_change() -> None:
    assert digest_of(EVENT) == digest_of(EVENT.replace(b"20270101T000000Z", b"20270909T111111Z"))
    assert digest_of(EVENT) != digest_of(EVENT.replace(b"20270304T143000Z", b"20270304T150000Z"))


@pytest.mark.parametrize(
    ("entered", "asked"),
    [
        ("webcal://example.org/a.ics", "https://example.org/a.ics"),
        (" WEBCAL://example.org/a ", "https://example.org/a"),
        ("webcals://example.org/a", "https://example.org/a"),
        ("https://example.org/webcal:", "https://example.org/webcal:"),
        ("http://example.org/a", "http://example.org/a"),
    ],
)
def test_webcal_is_https_by_another_name(entered: str, asked: str) -> None:
    assert as_https(entered) == asked


def test_a_masked_address_names_the_server_alone() -> None:
    masked = mask_address("webcal://calendar.example.org/private-4711/basic.ics?key=secret")
    assert masked == "https://calendar.example.org/…"


@pytest.mark.parametrize(
    ("every", "fault", "failures", "retry_after", "hours"),
    [
        (15, None, 0, 0, 0.25),
        (15, CalendarFault.NOT_REACHED, 1, 0, 0.25),
        (15, CalendarFault.NOT_REACHED, 3, 0, 1),
        (15, CalendarFault.NOT_REACHED, 500, 0, 16),
        (1440, CalendarFault.SERVER_FAULT, 9, 0, 24),
        (15, CalendarFault.NOT_FOUND, 1, 0, 6),
        (720, CalendarFault.NOT_ALLOWED, 1, 0, 12),
        (15, CalendarFault.EMPTY, 9, 0, 0.25),
        (15, CalendarFault.BUSY, 1, 7200, 2),
        (15, CalendarFault.BUSY, 1, 999_999, 24),
    ],
)
def test_what_fails_is_asked_less_often(
    every: int, fault: CalendarFault | None, failures: int, retry_after: int, hours: float
) -> None:
    assert find_wait(every, fault, failures, retry_after).total_seconds() == hours * 3600
