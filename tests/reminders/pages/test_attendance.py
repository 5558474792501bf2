"""Arrived and no-show are recorded of a visit whose day has come, and that has begun, by its own clock."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client

from contacts.models import Appointment
from reminders.models import Reminder
from reminders.planning.planner import plan_all
from tests.people import make_appointment, make_contact, make_location, make_step, make_user
from tests.reminders.pages.clinic import FRAGMENT, sit_at_desk
from tests.two_clocks import TwoClocks

pytestmark = pytest.mark.django_db
ZONE = "America/Los_Angeles"
NOW = datetime(2026, 7, 15, 3, 0, tzinfo=UTC)  # 8 pm on July 14 in Los Angeles


@pytest.fixture(autouse=True)
def clock() -> Iterator[TwoClocks]:
    clock = TwoClocks(NOW)
    yield clock
    clock.stop()


@pytest.fixture
def desk() -> Client:
    return sit_at_desk(make_user())


def make_visit(ahead: timedelta) -> Appointment:
    make_step(elapsed=timedelta(hours=6))
    visit = make_appointment(make_contact(), location=make_location(time_zone=ZONE), starts_at=NOW + ahead)
    plan_all()
    return visit


def record(desk: Client, visit: Appointment, status: str) -> tuple[str, str]:
    """The status afterwards, and the page that follows."""
    answer = desk.post(f"/appointments/{visit.pk}/attendance/", {"status": status}, follow=True)
    visit.refresh_from_db()
    return visit.status, answer.content.decode()


def list_offered(desk: Client, visit: Appointment) -> dict[str, list[str]]:
    """What the row of its day and its page offer."""
    day = f"/?day={visit.local_start:%Y-%m-%d}"
    pages = {"row": desk.get(day).content.decode()}
    pages["page"] = desk.get(f"/appointments/{visit.pk}/").content.decode()
    pages["part"] = desk.get(f"/appointments/{visit.pk}/", headers=FRAGMENT).content.decode()
    return {
        name: [status for status in ("arrived", "no_show") if f'value="{status}"' in page]
        for name, page in pages.items()
    }


@pytest.mark.parametrize(
    ("ahead", "allowed"),
    [
        (timedelta(days=2), []),
        (timedelta(hours=4, minutes=1), []),  # tomorrow there
        (timedelta(hours=3, minutes=50), ["arrived"]),  # today there, tomorrow in UTC
        (timedelta(minutes=1), ["arrived"]),
        (timedelta(0), ["arrived", "no_show"]),
        (timedelta(hours=-1), ["arrived", "no_show"]),
        (timedelta(days=-1), ["arrived", "no_show"]),
    ],
)
def test_what_can_be_recorded_is_offered_and_nothing_else(
    desk: Client, ahead: timedelta, allowed: list[str]
) -> None:
    visit = make_visit(ahead)
    assert list_offered(desk, visit) == {"row": allowed, "page": allowed, "part": allowed}
    for status in ("arrived", "no_show"):
        before = visit.status
        assert record(desk, visit, status)[0] == (status if status in allowed else before)


def test_a_no_show_before_the_visit_is_refused_in_a_sentence_and_its_reminder_stays(desk: Client) -> None:
    visit = make_visit(timedelta(days=2))
    status, page = record(desk, visit, "no_show")
    assert status == "booked"
    assert "This visit begins on Thu, Jul 16, 8:00 pm. It can be marked as a no-show only after that." in page
    assert Reminder.objects.get().state == "planned"
    _status, page = record(desk, visit, "arrived")
    assert "This visit is on Thu, Jul 16. It can be marked as arrived from that day on." in page


@pytest.mark.parametrize("status", ["arrived", "no_show"])
def test_what_was_marked_before_its_time_stays_and_can_be_taken_back(desk: Client, status: str) -> None:
    """A list may bring it, and it may have been moved since."""
    visit = make_visit(timedelta(days=2))
    Appointment.objects.update(status=status)
    assert list_offered(desk, visit)["row"] == [status]
    assert record(desk, visit, status)[0] == status
    assert record(desk, visit, "booked")[0] == "booked"


def test_a_row_offers_a_no_show_once_the_visit_begins_and_nothing_moves(
    desk: Client, clock: TwoClocks
) -> None:
    visit = make_visit(timedelta(minutes=1))
    assert 'class="row-action not-yet"' in desk.get("/").content.decode()
    clock.let_pass(timedelta(minutes=1))
    page = desk.get("/").content.decode()
    assert "not-yet" not in page
    assert f'id="no-show-{visit.pk}"' in page
