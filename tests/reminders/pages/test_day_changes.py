"""Today's list changes in place: only what changed is sent, and nothing moves (product rule 58)."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from html import escape, unescape
from typing import Any

import pytest
from django.test import Client

from contacts.appointments import record_answer
from contacts.models import Appointment, Location, NumberLook
from contacts.roles import AUDITOR
from reminders.deciding.shared_settings import read_shared_settings
from reminders.models import Campaign, Reminder
from reminders.pages.day_changes import read_seen
from reminders.pages.day_snapshots import read_snapshot
from reminders.pages.unconfirmed import read_unconfirmed
from reminders.planning.planner import plan_all
from tests.people import at, make_appointment, make_contact, make_location, make_step, make_user
from tests.reminders.pages.clinic import FRAGMENT, make_call, settle, sit_at_desk
from tests.two_clocks import TwoClocks

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 7, 14, 16, tzinfo=UTC)
NEW_YORK = "America/New_York"


class OpenPage:
    """A page of Today in a browser: what it has, and what it gets when it asks again two seconds later."""

    def __init__(self, client: Client, clock: TwoClocks, address: str = "/") -> None:
        self.client, self.clock, self.address = client, clock, address
        self.seen = ""
        self._learn(client.get(address))

    def ask(self) -> Any:
        self.clock.let_pass(timedelta(seconds=2))
        headers = {**FRAGMENT, "X-Day-Seen": self.seen, "HX-Trigger": "day-live"}
        answer = self.client.get(self.address, headers=headers)
        self._learn(answer)
        return answer

    def post(self, address: str, **data: str) -> str:
        headers = {**FRAGMENT, "X-Day-Seen": self.seen}
        answer = self.client.post(address, {"next": self.address, **data}, follow=True, headers=headers)
        self._learn(answer)
        return answer.content.decode()

    def _learn(self, answer: Any) -> None:
        if found := re.search(r'data-seen="([^"]*)"', answer.content.decode()):
            self.seen = unescape(found[1])


@pytest.fixture
def clock() -> Iterator[TwoClocks]:
    clock = TwoClocks(NOON)
    yield clock
    clock.stop()


@pytest.fixture
def visits(clock: TwoClocks) -> list[Appointment]:
    location = make_location(time_zone=NEW_YORK)
    return [
        make_appointment(
            make_contact(name, number=f"+1202555010{hour}"),
            location=location,
            starts_at=at(NEW_YORK, 2026, 7, 14, 12 + hour, 0),
        )
        for hour, name in enumerate(("Amal", "Bruno", "Chiara"), start=1)
    ]


@pytest.fixture
def page(visits: list[Appointment], clock: TwoClocks) -> OpenPage:
    return OpenPage(sit_at_desk(make_user()), clock)


def confirm(visit: Appointment) -> None:
    record_answer(visit.pk, "confirmed", revision=1, at=NOON, how="key_1")


def test_an_unchanged_list_is_not_sent(page: OpenPage) -> None:
    answer = page.ask()
    assert (answer.status_code, answer.content) == (204, b"")


def test_one_change_sends_one_row(page: OpenPage, visits: list[Appointment]) -> None:
    confirm(visits[1])
    answer = page.ask()
    content = answer.content.decode()
    assert re.findall(r'<li class="row-line[^>]*id="appointment-(\d+)"', content) == [str(visits[1].pk)]
    assert "by key 1" in content
    assert len(answer.content) < 10_000
    assert page.ask().status_code == 204


def test_the_line_of_now_moves_on_by_itself(page: OpenPage, clock: TwoClocks) -> None:
    clock.let_pass(timedelta(minutes=10))
    content = page.ask().content.decode()
    assert "12:10 pm" in content
    assert "row-line" not in content


def test_a_row_that_the_filter_keeps_no_more_stays_where_it_is_and_says_so(
    visits: list[Appointment], clock: TwoClocks
) -> None:
    for visit in visits:
        confirm(visit)
    page = OpenPage(sit_at_desk(make_user()), clock, "/?state=confirmed")
    content = page.post(f"/appointments/{visits[0].pk}/attendance/", status="arrived")
    assert f'id="appointment-{visits[0].pk}" hx-swap-oob="morph"' in content
    assert "no longer in this list" in content
    assert "Bruno" not in content
    assert page.ask().status_code == 204


def test_a_new_visit_is_announced_and_pushes_nothing_away(page: OpenPage, visits: list[Appointment]) -> None:
    make_appointment(make_contact("Dora", number=None), starts_at=visits[0].starts_at)
    content = page.ask().content.decode()
    assert "1 new visit in this list" in content
    assert "Dora" not in content
    assert page.ask().status_code == 204


def test_a_visit_that_was_moved_to_another_day_keeps_its_place(
    page: OpenPage, visits: list[Appointment]
) -> None:
    Appointment.objects.filter(pk=visits[0].pk).update(local_start="2026-07-20 13:00")
    content = page.ask().content.decode()
    assert "This visit is on another day now." in content
    assert page.ask().status_code == 204


def test_undo_comes_in_a_message_and_the_buttons_stay(page: OpenPage, visits: list[Appointment]) -> None:
    address = f"/appointments/{visits[0].pk}/attendance/"
    content = page.post(address, status="arrived")
    row, messages = content.split('<div id="messages"')
    assert "Undo" in messages
    assert "Undo" not in row
    assert f'id="arrived-{visits[0].pk}"' in row
    assert "not-yet" in row  # a no-show only once it begins
    page.post(address, status="booked")
    assert Appointment.objects.get(pk=visits[0].pk).status == "booked"


def test_pages_share_one_reading_but_nobody_gets_an_older_one_than_they_have(
    visits: list[Appointment],
) -> None:
    locations, settings = [Location.objects.get()], read_shared_settings()
    first = read_snapshot(locations, None, NOON, newer_than=None, practice=settings)
    confirm(visits[0])
    soon = NOON + timedelta(seconds=1)
    assert read_snapshot(locations, None, soon, newer_than=NOON, practice=settings) is first
    newer = NOON + timedelta(seconds=0.5)
    again = read_snapshot(locations, None, soon, newer_than=newer, practice=settings)
    assert again.rows[0].standing.code == "confirmed"


@pytest.mark.parametrize("seen", ["", "x", "1~2~3~4", "99999999999999999999~a~b", "1~a~b~zz.zz~!.!"])
def test_a_page_that_says_nonsense_about_itself_gets_the_whole_list(page: OpenPage, seen: str) -> None:
    assert read_seen("1~2~3~4") is None
    answer = page.client.get("/", headers={**FRAGMENT, "X-Day-Seen": seen})
    assert answer["HX-Retarget"] == "#day"
    assert "Bruno" in answer.content.decode()


# --- beside the list, and on paper ---------------------------------------------------------------


def test_a_peek_shows_the_number_only_when_asked_and_records_it(
    page: OpenPage, visits: list[Appointment]
) -> None:
    address = f"/appointments/{visits[0].pk}"
    peek = page.client.get(f"{address}/peek/", headers=FRAGMENT).content.decode()
    assert "Amal Lindqvist" in peek
    assert "2025550101" not in peek
    assert page.client.get(f"{address}/peek/")["Location"] == f"{address}/"
    assert not NumberLook.objects.exists()
    number = page.client.get(f"{address}/number/", headers=FRAGMENT).content.decode()
    assert "tel:+12025550101" in number
    assert NumberLook.objects.get().number_id == visits[0].contact.phone_id


def test_the_printed_day_has_numbers_in_full_for_those_who_dial(page: OpenPage) -> None:
    assert "(202) 555-0102" in page.client.get("/day/print/").content.decode()
    assert NumberLook.objects.count() == 3
    auditor = sit_at_desk(make_user("olga", role=AUDITOR)).get("/day/print/").content.decode()
    assert "555-0102" not in auditor
    assert "Bruno" in auditor


def test_who_is_unconfirmed_tomorrow_and_gets_nothing_more_is_listed(
    page: OpenPage, visits: list[Appointment]
) -> None:
    make_step()
    location = Location.objects.get()
    names = ("Confirmed", "Waiting", "Unreached")
    tomorrow = [
        make_appointment(
            make_contact(name, number=f"+1202555012{hour}"),
            location=location,
            starts_at=at(NEW_YORK, 2026, 7, 15, 12 + hour, 0),
        )
        for hour, name in enumerate(names, start=1)
    ]
    plan_all()
    confirm(tomorrow[0])
    unreached = Reminder.objects.get(appointment=tomorrow[2])
    make_call(unreached, "no_answer", ended_at=NOON)
    settle(unreached, "done", "not_reached")
    found = read_unconfirmed([location], NOON)
    assert [line.row.name.split()[0] for line in found.lines] == ["Unreached"]
    assert found.is_tomorrow
    assert (
        "1 visit tomorrow is unconfirmed"
        in page.client.get("/day/unconfirmed/", headers=FRAGMENT).content.decode()
    )
    assert "tel:+12025550123" in page.client.get("/day/unconfirmed/").content.decode()
    Campaign.objects.update(state="paused")
    assert len(read_unconfirmed([location], NOON).lines) == 2, (
        "what a paused campaign holds back doesn't go out"
    )


@pytest.mark.parametrize("name", ["<b title=\"x\">Ann</b> & 'co'", "{pk} {name.__class__} %s"])
def test_what_somebody_wrote_stands_in_a_row_as_they_wrote_it(clock: TwoClocks, name: str) -> None:
    location = make_location(name, time_zone=NEW_YORK)
    make_location("Uptown", time_zone=NEW_YORK)
    visit = make_appointment(make_contact(name), location=location, starts_at=NOON + timedelta(hours=1))
    Appointment.objects.filter(pk=visit.pk).update(kind=name)
    page = sit_at_desk(make_user()).get("/").content.decode()
    [row] = re.findall(r'<li class="row-line.*?</li>', page, re.DOTALL)
    assert row.count(escape(name)) == 4, "the name twice, the kind and the location"
    assert unescape(row).count(name) == 4
    if "<" in name:
        assert name not in row
