"""The worklist keeps itself up to date and sends what has changed; whole numbers are links.

(product rules 57, 58 and 59)
"""

import re
from datetime import timedelta
from time import perf_counter
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts.models import NumberLook
from contacts.roles import AUDITOR
from reminders.desk.bookings import cancel_and_withdraw
from reminders.models import FollowUp, FollowUpDeed
from tests.people import make_appointment, make_contact, make_user

pytestmark = pytest.mark.django_db
ENTRY = re.compile(r'data-entry="([^"]+)" data-version="([^"]+)"')
AS_SCRIPT = {"HX-Request": "true"}


@pytest.fixture
def rosa() -> User:
    return make_user("rosa")


@pytest.fixture
def desk(rosa: User) -> Client:
    client = Client()
    client.force_login(rosa)
    return client


def make_entries(count: int) -> list[FollowUp]:
    entries = []
    for index in range(count):
        person = make_contact(f"Person{index}", number=f"+1202555{100 + index % 100:04d}")
        visit = make_appointment(person)
        entries.append(
            FollowUp.objects.create(
                kind="wants_another_time",
                contact=person,
                appointment=visit,
                due_at=timezone.now() + timedelta(minutes=index),
            )
        )
    return entries


def read_page(desk: Client, address: str = "/worklist/") -> tuple[str, dict[str, str]]:
    """What the script of the page would send next."""
    page = desk.get(address).content.decode()
    have = dict(ENTRY.findall(page))
    [version] = re.findall(r'id="worklist"\s+data-version="(\w+)"', page)
    return page, {"version": version, "have": " ".join(f"{key}.{one}" for key, one in have.items())}


def ask(desk: Client, known: dict[str, str], **more: str) -> tuple[int, str]:
    answer = desk.post("/worklist/changes/", {**known, **more}, headers=AS_SCRIPT)
    return answer.status_code, answer.content.decode()


@pytest.fixture
def _one_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    """The clock of the views stands still, so that no minute ends between two requests."""
    now = timezone.now()
    monkeypatch.setattr("reminders.views.worklist.timezone.now", lambda: now)


@pytest.mark.usefixtures("_one_minute")
def test_nothing_is_sent_while_nothing_has_changed(desk: Client) -> None:
    make_entries(3)
    _page, known = read_page(desk)
    with CaptureQueriesContext(connection) as queries:
        assert ask(desk, known) == (204, "")
    assert len(queries) <= 5  # session, person, permissions of two kinds, the index


def test_only_the_entries_that_changed_are_sent(desk: Client) -> None:
    first, second, _third = make_entries(3)
    _page, known = read_page(desk)
    desk.post(f"/worklist/{second.pk}/take/")
    status, changes = ask(desk, known)
    assert status == 200
    assert [key for key, _version in ENTRY.findall(changes)] == [f"number-{second.contact.phone_id}"]  # type: ignore[union-attr]
    assert f"follow-up-{first.pk}" not in changes


def test_what_has_left_the_list_is_named_with_its_reason(desk: Client) -> None:
    first, second, third = make_entries(3)
    _page, known = read_page(desk)
    desk.post(f"/worklist/{first.pk}/resolve/", {"how": "left_message"})
    desk.post(f"/worklist/{second.pk}/snooze/", {"until": "hour"})
    cancel_and_withdraw(third.appointment_id or 0)
    _status, changes = ask(desk, known)
    assert "Closed by rosa. A message was left for them." in changes
    assert "Snoozed until " in changes
    assert "Closed by itself. The appointment was cancelled." in changes
    assert ENTRY.findall(changes) == []


def test_the_views_show_what_is_mine_nobodys_or_snoozed(desk: Client) -> None:
    mine, snoozed, free = make_entries(3)
    desk.post(f"/worklist/{mine.pk}/take/")
    desk.post(f"/worklist/{snoozed.pk}/snooze/", {"until": "hour"})
    shown = {
        view: {one.pk for one in (mine, snoozed, free) if f'id="follow-up-{one.pk}"' in read}
        for view in ("", "mine", "free", "snoozed")
        for read in [desk.get("/worklist/", {"show": view}).content.decode()]
    }
    assert shown == {
        "": {mine.pk, free.pk},
        "mine": {mine.pk},
        "free": {free.pk},
        "snoozed": {snoozed.pk},
    }
    page = desk.get("/worklist/").content.decode()
    assert '<span id="worklist-count"' in page.replace("\n", "")
    assert re.search(r'id="worklist-count"[^>]*>2<', page)


def test_whoever_may_dial_sees_the_number_as_a_link_and_that_is_recorded(desk: Client, rosa: User) -> None:
    [entry] = make_entries(1)
    number = entry.contact.phone  # type: ignore[union-attr]
    assert number
    page, _known = read_page(desk)
    assert f'href="tel:{number.e164}"' in page
    assert list(NumberLook.objects.values_list("number", "by")) == [(number.pk, rosa.pk)]
    auditor = Client()
    auditor.force_login(make_user("ann", role=AUDITOR))
    assert "tel:" not in read_page(auditor)[0]
    assert NumberLook.objects.count() == 1


def test_the_answer_to_a_script_is_the_entry_marked_in_its_place_and_a_way_back(desk: Client) -> None:
    [entry] = make_entries(1)
    answer = desk.post(f"/worklist/{entry.pk}/resolve/", {"how": "no_longer_needed"}, headers=AS_SCRIPT)
    said = answer.content.decode()
    assert "is-gone" in said
    assert "Closed by rosa." in said
    [act] = FollowUpDeed.objects.values_list("act", flat=True)
    assert f'name="act" value="{act}"' in said
    desk.post("/worklist/undo/", {"act": act}, headers=AS_SCRIPT)
    entry.refresh_from_db()
    assert entry.state == "open"


def test_without_a_script_the_page_offers_to_undo_what_was_done(desk: Client) -> None:
    [entry] = make_entries(1)
    page = desk.post(f"/worklist/{entry.pk}/resolve/", {"how": "left_message"}, follow=True).content.decode()
    [act] = FollowUpDeed.objects.values_list("act", flat=True)
    assert f'name="act" value="{act}"' in page
    closed = desk.get("/worklist/closed/").content.decode()
    assert "Left a message." in closed
    assert "Put back" in closed
    desk.post("/worklist/undo/", {"act": act})
    assert "Nothing closed" in desk.get("/worklist/closed/").content.decode()


def test_a_chosen_time_is_by_the_clock_of_the_clinic(desk: Client) -> None:
    [entry] = make_entries(1)
    assert entry.appointment
    zone = entry.appointment.location.zone
    until = (timezone.now() + timedelta(hours=2)).astimezone(zone).replace(second=0, microsecond=0)
    desk.post(f"/worklist/{entry.pk}/snooze/", {"day": until.date().isoformat(), "at": f"{until:%H:%M}"})
    entry.refresh_from_db()
    assert entry.snoozed_until == until


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"day": "", "at": "9:30"}, "Choose a day."),
        ({"day": "2026-01-01", "at": "9:30"}, "That time has passed."),
        ({"day": "2026-01-01", "at": "x"}, "Enter the time like"),
    ],
)
def test_a_time_that_cant_be_is_refused_in_a_sentence(
    desk: Client, values: dict[str, str], said: str
) -> None:
    [entry] = make_entries(1)
    page = desk.post(f"/worklist/{entry.pk}/snooze/", values, follow=True).content.decode()
    assert said in page


def test_two_hundred_entries_cost_at_most_twelve_queries(desk: Client) -> None:
    make_entries(3)
    desk.get("/worklist/")
    for index, entry in enumerate(make_many(197)):
        if index % 3 == 0:
            FollowUpDeed.objects.create(
                follow_up=entry,
                act=f"{index:032x}",
                what="noted",
                by=make_user(f"u{index}"),
                at=timezone.now(),
            )
    began = perf_counter()
    with CaptureQueriesContext(connection) as queries:
        page = desk.get("/worklist/").content.decode()
    took = perf_counter() - began
    assert page.count("data-entry=") == 200
    assert len(queries) <= 12, "\n".join(query["sql"][:160] for query in queries)
    assert took < 5  # a bound for a busy machine; `make bench` measures


def make_many(count: int) -> list[FollowUp]:
    made: list[Any] = []
    for index in range(count):
        visit = make_appointment(make_contact(f"Many{index}", number=None))
        made.append(
            FollowUp.objects.create(
                kind="missed", contact=visit.contact, appointment=visit, due_at=timezone.now()
            )
        )
    return made


def test_the_entry_has_a_page_with_its_history(desk: Client, rosa: User) -> None:
    [entry] = make_entries(1)
    desk.post(f"/worklist/{entry.pk}/hand-on/", {"to": str(rosa.pk)})
    desk.post(f"/worklist/{entry.pk}/note/", {"note": "rings until 6"})
    page = desk.get(f"/worklist/{entry.pk}/").content.decode()
    assert "Handed on to rosa." in page
    assert "rings until 6" in page
    part = desk.get(f"/worklist/{entry.pk}/", headers=AS_SCRIPT).content.decode()
    assert "<html" not in part
