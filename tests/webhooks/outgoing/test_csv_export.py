"""The outgoing events as a file for spreadsheets."""

import csv
import io
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.test import Client
from django.utils import timezone

from contacts.appointments import record_answer
from contacts.csv_cells import guard_cell
from contacts.optouts import record_optout
from contacts.roles import FRONT_DESK, MANAGER
from tests.people import make_appointment, make_contact, make_location, make_number, make_user
from webhooks.outgoing import csv_export
from webhooks.outgoing.csv_export import COLUMNS, stream_csv
from webhooks.outgoing.endpoints import send_test_events
from webhooks.outgoing.models import OutgoingEndpoint, OutgoingEvent

pytestmark = pytest.mark.django_db


@pytest.fixture
def manager() -> Client:
    client = Client()
    client.force_login(make_user("jo", role=MANAGER))
    return client


def opt_out(e164: str, at: datetime | None = None) -> None:
    record_optout(make_number(e164).pk, scope="all", source="staff", at=at or timezone.now())


def read_file(client: Client, since: str, until: str) -> list[dict[str, str]]:
    answer = client.get(f"/export/events.csv?since={since}&until={until}")
    assert answer.status_code == 200
    text = b"".join(answer.streaming_content).decode("utf-8-sig")  # type: ignore[attr-defined]
    return list(csv.DictReader(io.StringIO(text)))


@pytest.mark.parametrize(
    ("cell", "text"),
    [
        ("=1+1", "'=1+1"),
        ("+1 ••42", "'+1 ••42"),
        ("-2", "'-2"),
        ("@cmd", "'@cmd"),
        ("\t=1", "'\t'=1"),
        ("\r=1", "'\r'=1"),
        ("Lind;=cmd|' /C calc'!A0;", "Lind;'=cmd|' /C calc'!A0;"),
        ("Lind; \u200b＝1;+2\n@3", "Lind;' \u200b＝1;'+2\n'@3"),
        ("8:00; 9:00;\nby phone - twice", "8:00; 9:00;\nby phone - twice"),
        ("＝1+1", "'＝1+1"),
        ("＋1", "'＋1"),
        ("\u200b=1", "'\u200b=1"),
        ("  \u00a0\u2060=1", "'  \u00a0\u2060=1"),
        ("\x00=1", "'\x00=1"),
        ("\u3164＝1", "'\u3164＝1"),
        ("'=1", "'=1"),
        ("(202) 555", "(202) 555"),
        ("A-9", "A-9"),
        ("a=1", "a=1"),
        (7, "7"),
        (None, ""),
        ("", ""),
    ],
)
def test_no_cell_is_taken_for_a_formula(cell: object, text: str) -> None:
    assert guard_cell(cell) == text


def test_a_confirmation_is_a_line_with_ids_and_without_a_name(manager: Client) -> None:
    contact = make_contact(source="dentrix", external_id="=HYPERLINK(1)")
    appointment = make_appointment(contact, source="dentrix", external_id="A-9")
    record_answer(appointment.pk, "confirmed", revision=1, at=timezone.now(), how="key_1")
    yesterday, tomorrow = (f"{timezone.now() + timedelta(days=days):%Y-%m-%d}" for days in (-1, 1))
    [line] = read_file(manager, yesterday, tomorrow)
    assert list(line) == COLUMNS
    event = OutgoingEvent.objects.get()
    assert line["event_id"] == f"msg_{event.public_id.hex}"
    assert line["type"] == "appointment.confirmed"
    assert line["appointment_external_id"] == "A-9"
    assert line["contact_external_ids"] == "'=HYPERLINK(1)"
    assert line["number"] == "'+1 ••• ••• ••00"
    assert line["local_start"] == f"{appointment.local_start:%Y-%m-%d %H:%M}"
    assert (line["how"], line["is_current"], line["status"]) == ("key_1", "true", "booked")
    assert "Sarah" not in str(line)


def test_patients_who_share_a_number_can_be_told_apart(manager: Client) -> None:
    """Ids of practice systems have spaces in them, and a contact added at the desk has none."""
    people = [
        make_contact(number="+12025550101", source=source, external_id=external_id)
        for source, external_id in [("open dental", "PT 4711"), ("", ""), ("open dental", "PT 12")]
    ]
    opt_out("+12025550101")
    yesterday, tomorrow = (f"{timezone.now() + timedelta(days=days):%Y-%m-%d}" for days in (-1, 1))
    [line] = read_file(manager, yesterday, tomorrow)
    assert line["contact_ids"].split("|") == [str(contact.pk) for contact in people]
    assert line["contact_sources"].split("|") == ["open dental", "", "open dental"]
    assert line["contact_external_ids"].split("|") == ["PT 4711", "", "PT 12"]


def test_days_are_those_of_the_practices_clock_and_both_are_included(manager: Client) -> None:
    make_location(time_zone="America/Los_Angeles")
    for last, at in enumerate(
        [
            datetime(2026, 3, 1, 7, 59, tzinfo=UTC),  # still 28 February
            datetime(2026, 3, 1, 8, 0, tzinfo=UTC),
            datetime(2026, 3, 3, 7, 59, tzinfo=UTC),  # still 2 March
            datetime(2026, 3, 3, 8, 0, tzinfo=UTC),
        ]
    ):
        opt_out(f"+1202555010{last}", at)
    lines = read_file(manager, "2026-03-01", "2026-03-02")
    assert [line["timestamp"] for line in lines] == ["2026-03-01T08:00:00Z", "2026-03-03T07:59:00Z"]


@pytest.mark.parametrize(
    "query", ["", "since=2026-01-01", "since=x&until=y", "since=2026-02-02&until=2026-02-01",
              "since=9999-12-31&until=9999-12-31", "since=0001-01-01&until=2026-01-01"],
)  # fmt: skip
def test_a_range_that_is_none_is_asked_for_again(manager: Client, query: str) -> None:
    assert manager.get(f"/export/events.csv?{query}").status_code == 422


def test_many_events_are_read_in_pieces_and_come_in_order_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(csv_export, "AT_ONCE", 3)
    at = datetime(2026, 3, 1, 12, tzinfo=UTC)
    for last in range(8):  # three at the same moment
        opt_out(f"+1202555010{last}", at + timedelta(seconds=max(last, 3)))
    lines = list(stream_csv(at, at + timedelta(days=1)))[1:]
    ids = [f"msg_{event.public_id.hex}" for event in OutgoingEvent.objects.order_by("occurred_at", "pk")]
    assert [line.split(",")[0] for line in lines] == ids


def test_tests_of_endpoints_are_not_in_it(endpoint: OutgoingEndpoint) -> None:
    send_test_events([endpoint.pk])
    now = timezone.now()
    assert len(list(stream_csv(now - timedelta(days=1), now + timedelta(days=1)))) == 1


def test_only_who_may_see_events_sees_the_page_and_its_link(manager: Client) -> None:
    page = manager.get("/export/").content.decode()
    assert 'action="/export/events.csv"' in page
    assert "/export/" in manager.get("/settings/").content.decode()
    desk = Client()
    desk.force_login(make_user(role=FRONT_DESK))
    assert desk.get("/export/").status_code == 403
    assert "/export/" not in desk.get("/settings/").content.decode()


def test_the_number_of_queries_does_not_grow_with_the_lines(
    django_assert_max_num_queries: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    for last in range(8):
        opt_out(f"+1202555010{last}")
    now = timezone.now()
    with django_assert_max_num_queries(4):
        assert len(list(stream_csv(now - timedelta(days=1), now + timedelta(days=1)))) == 9
