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
from contacts.models import Appointment, Contact, Location, Provider
from tests.people import at, make_appointment, make_contact, make_location
from webhooks.outgoing import feed_limits, feeds
from webhooks.outgoing.feeds import find_feed, make_feed, read_entries, revoke_feeds, write_summary
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


def read_calendar(token: str) -> list[Component]:
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


BREAKS = ["\r\n", "\n", "\r", "\x0b", "\x0c", "\x1c", "\x85", "\u2028", "\u2029"]


@pytest.mark.parametrize("line_break", BREAKS, ids=ascii)
def test_no_name_can_add_lines_to_the_calendar(token_of: MakeToken, line_break: str) -> None:
    """Programs differ in what ends a line, so none of that is in it but the ends of its own lines."""
    evil = f"Eve{line_break}ATTENDEE:x,y;z\\"
    token = token_of("full")
    make_appointment(make_contact(evil, last_name=evil), location=make_location(evil))
    Provider.objects.update(name=evil)
    text = Client().get(f"/feeds/{token}.ics").content.decode()
    [entry] = Calendar.from_ical(text).walk("VEVENT")
    assert str(entry["location"]).startswith("Eve")
    assert str(entry["location"]).endswith("ATTENDEE:x,y;z\\")
    unfolded = text.replace("\r\n ", "")
    assert not [line for line in re.split("|".join(BREAKS), unfolded) if line.startswith("ATTENDEE")]


def test_what_is_cancelled_says_so_to_programs_that_heed_no_status(token_of: MakeToken) -> None:
    """Outlook shows a cancelled entry like any other; Google takes it away."""
    appointment = make_appointment()
    cancel_appointment(appointment.pk)
    [entry] = read_calendar(token_of())
    assert (entry["summary"], entry["status"], entry["transp"]) == (
        "Cancelled: Appointment",
        "CANCELLED",
        "TRANSPARENT",
    )
    assert entry["x-microsoft-cdo-busystatus"] == "FREE"


def test_no_entry_is_of_a_class_that_google_shows_as_busy(token_of: MakeToken) -> None:
    make_appointment()
    [entry] = read_calendar(token_of("full"))
    assert "class" not in entry
    assert entry["summary"] == "Sarah Lindqvist"


def test_each_change_has_a_higher_sequence_and_the_same_uid(token_of: MakeToken) -> None:
    appointment, token = make_appointment(), token_of()
    later = appointment.starts_at + timedelta(days=1)
    seen = []

    def look() -> None:
        [entry] = read_calendar(token)
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


def test_an_entry_says_when_it_changed_so_that_a_new_length_is_seen(token_of: MakeToken) -> None:
    """A length that changes leaves the number of the version as it is."""
    appointment, token = make_appointment(), token_of()
    [before] = read_calendar(token)
    changed_at = datetime(2099, 5, 6, 7, 8, 9, 999, tzinfo=UTC)
    Appointment.objects.update(ends_at=appointment.ends_at + timedelta(hours=1), updated_at=changed_at)
    [after] = read_calendar(token)
    assert after.decoded("dtend") == before.decoded("dtend") + timedelta(hours=1)
    assert after["sequence"] == before["sequence"]
    assert after.decoded("last-modified") == changed_at.replace(microsecond=0)


def test_the_last_14_days_and_what_is_ahead_are_in_it_of_this_provider_only(token_of: MakeToken) -> None:
    now = timezone.now()
    kept = [make_appointment(starts_at=now + timedelta(days=days)) for days in (-13, 0, 400)]
    make_appointment(starts_at=now - timedelta(days=15))
    make_appointment()
    Appointment.objects.filter(pk=Appointment.objects.latest("pk").pk).update(provider=None)
    record_attendance(kept[0].pk, "arrived")
    uids = {str(entry["uid"]) for entry in read_calendar(token_of())}
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


def test_a_calendar_that_has_not_changed_is_not_even_written(
    token_of: MakeToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_appointment()
    token = token_of("full")
    etag = Client().get(f"/feeds/{token}.ics")["ETag"]
    monkeypatch.delattr(feeds, "Calendar")
    headers = {"If-None-Match": f"W/{etag}"}  # weak, as it is when the answer was compressed
    assert Client().get(f"/feeds/{token}.ics", headers=headers).status_code == 304


@pytest.mark.parametrize("what", ["contact", "location", "provider"])
def test_another_name_is_another_calendar(token_of: MakeToken, what: str) -> None:
    visit = make_appointment()
    token = token_of("full")
    etag = Client().get(f"/feeds/{token}.ics")["ETag"]
    if what == "contact":
        Contact.objects.update(first_name="Zoe")
    elif what == "location":
        Location.objects.update(name="Uptown")
    else:
        Provider.objects.filter(pk=visit.provider_id or 0).update(name="Dr. Ruiz")
    assert Client().get(f"/feeds/{token}.ics")["ETag"] != etag


def test_a_head_request_has_the_headers_of_a_get_and_nothing_is_stored_on_the_way(
    token_of: MakeToken,
) -> None:
    make_appointment()
    token = token_of()
    got, head = Client().get(f"/feeds/{token}.ics"), Client().head(f"/feeds/{token}.ics")
    assert (head.status_code, head.content) == (200, b"")
    for name in ("ETag", "Content-Type", "X-Robots-Tag", "Content-Length"):
        assert head[name] == got[name], name
    assert "private" in got["Cache-Control"]
    assert got["Referrer-Policy"] == "same-origin"


@pytest.mark.parametrize(
    ("start", "dtstart", "dtend"),
    [
        ((2027, 3, 14, 1, 45), "20270314T014500", "20270314T031500"),  # over the hour that isn't there
        ((2027, 11, 7, 0, 45), "20271107T004500", "20271107T011500"),
    ],
)
def test_on_days_when_clocks_change_an_entry_has_the_times_of_the_locations_clock(
    token_of: MakeToken, start: tuple[int, ...], dtstart: str, dtend: str
) -> None:
    """Product rule 7. The first of two equal times is by the clock; the later one is told in UTC."""
    location = make_location(time_zone="America/New_York")
    make_appointment(location=location, starts_at=at("America/New_York", *start))
    text = Client().get(f"/feeds/{token_of()}.ics").content.decode()
    assert f"DTSTART;TZID=America/New_York:{dtstart}" in text
    assert f"DTEND;TZID=America/New_York:{dtend}" in text


def test_a_new_address_takes_the_place_of_one_that_got_about(token_of: MakeToken, sam: User) -> None:
    """Rotation: a feed is never changed, so another is made and the first one revoked."""
    old = token_of()
    new = token_of()
    revoke_feeds(
        [CalendarFeed.objects.order_by("pk").values_list("pk", flat=True)[0]], by=sam, at=timezone.now()
    )
    assert old != new
    assert [Client().get(f"/feeds/{token}.ics").status_code for token in (old, new)] == [404, 200]


def test_no_more_than_so_many_entries_are_written(
    token_of: MakeToken, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(feeds, "MOST_ENTRIES", 2)
    kept = [make_appointment(starts_at=timezone.now() + timedelta(days=days)) for days in (1, 2, 3)][:2]
    uids = {str(entry["uid"]) for entry in read_calendar(token_of())}
    assert uids == {f"appointment-{one.pk}@127.0.0.1" for one in kept}


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
        assert len(read_entries(feed, timezone.now())) == 5


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
