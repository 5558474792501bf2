"""A provider's appointments as a calendar at a secret address."""

import logging
import re
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.conf import settings
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from icalendar import Calendar, Component
from limits import RateLimitItemPerHour

from config.logs import PrivateFormatter
from contacts.appointments import (
    cancel_appointment,
    move_appointment,
    record_attendance,
    reinstate_appointment,
)
from contacts.models import Appointment, Provider
from tests.people import at, make_appointment, make_contact, make_location
from webhooks.outgoing import feed_limits
from webhooks.outgoing.feeds import find_feed, make_feed, revoke_feeds, write_calendar, write_summary
from webhooks.outgoing.models import CalendarFeed

pytestmark = pytest.mark.django_db

MakeToken = Callable[..., str]


@pytest.fixture(autouse=True)
def no_reads_counted() -> Iterator[None]:
    limiter = feed_limits._make_limiter(settings.REDIS_URL)
    yield
    limiter.storage.reset()


@pytest.fixture
def token_of(sam: User) -> MakeToken:
    def make(naming: str = "nobody") -> str:
        provider, _ = Provider.objects.get_or_create(name="Dr. S. Chen")
        return make_feed(CalendarFeed(provider=provider, name="phone", naming=naming), by=sam)

    return make


def read_entries(token: str) -> list[Component]:
    answer = Client().get(f"/feeds/{token}.ics")
    assert answer.status_code == 200
    return Calendar.from_ical(answer.content).walk("VEVENT")


def test_an_appointment_is_an_entry_without_the_patients_name(token_of: MakeToken) -> None:
    location = make_location(time_zone="America/Chicago")
    appointment = make_appointment(
        location=location, starts_at=at("America/Chicago", 2199, 3, 4, 15, 15), kind="root canal"
    )
    answer = Client().get(f"/feeds/{token_of()}.ics")
    text = answer.content.decode()
    [entry] = Calendar.from_ical(text).walk("VEVENT")
    assert entry["summary"] == "Appointment"
    assert entry["uid"] == f"appointment-{appointment.pk}@127.0.0.1"
    assert "DTSTART;TZID=America/Chicago:21990304T151500" in text
    assert "DTEND;TZID=America/Chicago:21990304T154500" in text
    assert "BEGIN:VTIMEZONE" in text
    assert (entry["sequence"], entry["status"], entry["location"]) == (0, "CONFIRMED", "Downtown")
    assert "REFRESH-INTERVAL;VALUE=DURATION:PT15M" in text
    assert answer["Content-Type"] == "text/calendar; charset=utf-8"
    assert "noindex" in answer["X-Robots-Tag"]
    for personal in ("Sarah", "Lindqvist", "root canal", "2025550100"):
        assert personal not in text


@pytest.mark.parametrize(
    ("naming", "first", "last", "summary"),
    [
        ("nobody", "Sarah", "Lindqvist", "Appointment"),
        ("initials", "Sarah", "Lindqvist", "S. L."),
        ("initials", "élodie", "", "É."),
        ("initials", "", "", "Appointment"),
        ("full", "Sarah", "Lindqvist", "Sarah Lindqvist"),
        ("anything else", "Sarah", "Lindqvist", "Appointment"),
    ],
)
def test_what_an_entry_says_of_the_patient(naming: str, first: str, last: str, summary: str) -> None:
    contact = make_contact(first, last_name=last)
    assert write_summary(contact, naming) == summary


def test_a_name_can_not_add_lines_to_the_calendar(token_of: MakeToken) -> None:
    make_appointment(make_contact("Eve\r\nATTENDEE:x", last_name="a,b;c\\"))
    [entry] = read_entries(token_of("full"))
    assert "attendee" not in entry


def test_each_change_has_a_higher_sequence_and_the_same_uid(token_of: MakeToken) -> None:
    appointment, token = make_appointment(), token_of()
    later = appointment.starts_at + timedelta(days=1)
    seen = []

    def look() -> None:
        [entry] = read_entries(token)
        seen.append((entry["uid"], entry["sequence"], entry["status"]))

    look()
    move_appointment(appointment.pk, starts_at=later, ends_at=later + timedelta(minutes=30))
    look()
    cancel_appointment(appointment.pk)
    look()
    reinstate_appointment(appointment.pk)
    look()
    assert [(sequence, status) for _, sequence, status in seen] == [
        (0, "CONFIRMED"),
        (2, "CONFIRMED"),
        (3, "CANCELLED"),
        (4, "CONFIRMED"),
    ]
    assert len({uid for uid, _, _ in seen}) == 1


def test_the_last_14_days_and_what_is_ahead_are_in_it_of_this_provider_only(token_of: MakeToken) -> None:
    now = timezone.now()
    kept = [make_appointment(starts_at=now + timedelta(days=days)) for days in (-13, 0, 400)]
    make_appointment(starts_at=now - timedelta(days=15))
    make_appointment()
    Appointment.objects.filter(pk=Appointment.objects.latest("pk").pk).update(provider=None)
    record_attendance(kept[0].pk, "arrived")
    uids = {str(entry["uid"]) for entry in read_entries(token_of())}
    assert uids == {f"appointment-{one.pk}@127.0.0.1" for one in kept}


def test_the_later_of_two_equal_times_is_told_in_utc(token_of: MakeToken) -> None:
    """iCalendar means the first (product rule 7)."""
    location = make_location(time_zone="America/New_York")
    second = datetime(2100, 11, 7, 6, 30, tzinfo=UTC)  # 1:30 for the second time
    make_appointment(location=location, starts_at=second)
    text = Client().get(f"/feeds/{token_of()}.ics").content.decode()
    assert Appointment.objects.get().fold == 1
    assert "DTSTART:21001107T063000Z" in text


def test_a_calendar_that_has_not_changed_is_answered_with_304(token_of: MakeToken) -> None:
    appointment, token = make_appointment(), token_of()
    client = Client()
    etag = client.get(f"/feeds/{token}.ics")["ETag"]
    again = client.get(f"/feeds/{token}.ics", headers={"If-None-Match": etag})
    assert (again.status_code, again.content, again["ETag"]) == (304, b"", etag)
    cancel_appointment(appointment.pk)
    changed = client.get(f"/feeds/{token}.ics", headers={"If-None-Match": etag})
    assert changed.status_code == 200
    assert changed["ETag"] != etag


def test_only_the_digest_of_the_token_is_stored(token_of: MakeToken) -> None:
    token = token_of()
    feed = CalendarFeed.objects.get()
    assert token not in str(vars(feed))
    assert len(token) >= 43
    assert find_feed(token) == feed


def test_a_revoked_feed_and_one_that_never_was_are_answered_alike(token_of: MakeToken, sam: User) -> None:
    token = token_of()
    assert revoke_feeds([CalendarFeed.objects.get().pk], by=sam, at=timezone.now()) == 1
    for address in (f"/feeds/{token}.ics", "/feeds/no-such-token.ics"):
        answer = Client().get(address)
        assert (answer.status_code, answer.content) == (404, b""), address
    assert Client().post(f"/feeds/{token}.ics").status_code == 405


def test_that_it_was_read_is_noted_once_an_hour(token_of: MakeToken, django_assert_num_queries: Any) -> None:
    token = token_of()
    find_feed(token)
    first = CalendarFeed.objects.get().read_at
    assert first
    find_feed(token)
    assert CalendarFeed.objects.get().read_at == first
    CalendarFeed.objects.update(read_at=first - timedelta(hours=2))
    find_feed(token)
    assert (CalendarFeed.objects.get().read_at or first) > first


def test_the_number_of_queries_does_not_grow_with_the_appointments(
    token_of: MakeToken, django_assert_num_queries: Any
) -> None:
    token_of()
    feed = CalendarFeed.objects.select_related("provider").get()
    for days in range(5):
        make_appointment(starts_at=timezone.now() + timedelta(days=days))
    with django_assert_num_queries(1):
        write_calendar(feed, timezone.now())


def test_who_reads_too_often_is_asked_to_wait(token_of: MakeToken, monkeypatch: pytest.MonkeyPatch) -> None:
    few = RateLimitItemPerHour(2, namespace="feed")
    monkeypatch.setattr(feed_limits, "READS_OF_A_FEED", few)
    token = token_of()
    answers = [Client().get(f"/feeds/{token}.ics") for _ in range(3)]
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 1 <= int(answers[2]["Retry-After"]) <= 3600


def test_while_redis_is_away_the_calendar_is_still_answered(
    token_of: MakeToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(settings, "REDIS_URL", "redis://127.0.0.1:9/0")
    assert Client().get(f"/feeds/{token_of()}.ics").status_code == 200


def test_the_secret_of_an_address_is_in_no_log(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.INFO):
        Client().get("/feeds/A-secret_token.ics")
    lines = [PrivateFormatter("%(message)s").format(record) for record in caplog.records]
    assert any("/feeds/(left out)" in line for line in lines), lines
    assert not any("A-secret_token" in line for line in lines)


def test_the_address_is_shown_once_in_the_admin_and_works(office: Client) -> None:
    provider = Provider.objects.create(name="Dr. S. Chen")
    wish = {"provider": provider.pk, "name": "Dr. Chen's phone", "naming": "nobody"}
    page = office.post("/admin/webhooks/calendarfeed/add/", wish)
    assert page.status_code == 200
    assert "no-store" in page["Cache-Control"]
    [address] = re.findall(r"http://127\.0\.0\.1:8000(/feeds/[\w-]+\.ics)", page.content.decode())
    assert Client().get(address).status_code == 200
    feed = CalendarFeed.objects.get()
    assert feed.made_by is not None
    secret = address.removeprefix("/feeds/").removesuffix(".ics")
    for later in ("/admin/webhooks/calendarfeed/", f"/admin/webhooks/calendarfeed/{feed.pk}/change/"):
        seen = office.get(later)
        assert seen.status_code == 200
        assert secret not in seen.content.decode()
    act = {"action": "revoke", "_selected_action": [feed.pk]}
    office.post("/admin/webhooks/calendarfeed/", act)
    assert Client().get(address).status_code == 404
