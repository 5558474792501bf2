"""The calendar: which visits it draws, when a location is closed, for whom, and at what cost."""

import json
import re
from datetime import date, time, timedelta
from html import unescape
from typing import Any

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from contacts.appointments import cancel_appointment, record_attendance
from contacts.models import Appointment, ClosedDay, Location, OpeningHours, Provider
from contacts.roles import AUDITOR
from tests.people import at, make_appointment, make_contact, make_location, make_step, make_user
from tests.reminders.pages.clinic import FRAGMENT, sit_at_desk

pytestmark = pytest.mark.django_db
ZONE = "America/New_York"
NOON = at(ZONE, 2027, 6, 4, 12)  # a Friday


@pytest.fixture(autouse=True)
def _noon() -> Any:
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def desk() -> Client:
    return sit_at_desk(make_user())


@pytest.fixture
def visit() -> Appointment:
    """Sarah's visit at 3:00 pm, Downtown."""
    place = make_location(time_zone=ZONE)
    return make_appointment(location=place, starts_at=at(ZONE, 2027, 6, 4, 15), kind="Check-up")


def read_events(desk: Client, query: str = "") -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = desk.get(f"/calendar/events/{query}").json()["events"]
    return found


def read_visits(desk: Client, query: str = "") -> list[dict[str, Any]]:
    return [one for one in read_events(desk, query) if one.get("display") != "background"]


def read_background(desk: Client, name: str, query: str = "") -> list[tuple[str, str]]:
    return [(one["start"], one["end"]) for one in read_events(desk, query) if one.get("className") == name]


def test_it_opens_at_today_and_draws_each_visit_with_its_state(desk: Client, visit: Appointment) -> None:
    cancelled = make_appointment(visit.contact, location=visit.location, starts_at=at(ZONE, 2027, 6, 4, 16))
    cancel_appointment(cancelled.pk)
    make_appointment(visit.contact, location=visit.location, starts_at=at(ZONE, 2027, 6, 5, 9))
    (drawn,) = read_visits(desk)
    assert (drawn["start"], drawn["end"]) == ("2027-06-04T15:00", "2027-06-04T15:30")
    assert drawn["resourceIds"] == [str(visit.provider_id)]
    assert drawn["title"] == "Sarah Lindqvist"
    assert drawn["extendedProps"]["word"] == "booked"
    assert drawn["extendedProps"]["address"] == f"/appointments/{visit.pk}/"
    record_attendance(visit.pk, "no_show", by=make_user("rosa"))
    (drawn,) = read_visits(desk)
    assert (drawn["extendedProps"]["word"], drawn["editable"]) == ("no-show", False)


def test_the_page_brings_the_same_events_and_a_table_for_those_without_javascript(
    desk: Client, visit: Appointment
) -> None:
    page = desk.get("/calendar/").content.decode()
    setup = re.search(r'id="calendar-setup" type="application/json">(.*?)</script>', page)
    assert setup
    assert json.loads(setup[1])["events"] == read_events(desk)
    table = page.partition("<noscript>")[2].rpartition("</noscript>")[0]
    for shown in (
        "3:00 pm – 3:30 pm",
        f'href="/appointments/{visit.pk}/"',
        "Sarah Lindqvist",
        "Dr. S. Chen",
        "booked",
    ):
        assert shown in table


def test_what_people_wrote_is_no_markup_in_the_table(desk: Client, visit: Appointment) -> None:
    annex = make_location("<i>Annex", time_zone=ZONE)
    Provider.objects.update(name="<u>Chen")
    person = make_contact("<b>{Al}", number=None)
    for location, hour in ((visit.location, 16), (annex, 17)):
        make_appointment(person, location=location, starts_at=at(ZONE, 2027, 6, 4, hour), kind="<s>Check-up")
    page = desk.get(f"/calendar/?location={visit.location_id}").content.decode()
    table = page.partition("<noscript>")[2].partition("</table>")[0]
    shown = ("&lt;b&gt;{Al} Lindqvist", "&lt;s&gt;Check-up", "&lt;u&gt;Chen", "At &lt;i&gt;Annex")
    assert [one for one in shown if one not in table] == []
    assert not re.search("<[bius]>", table)


def test_a_week_begins_on_monday_and_can_be_one_providers(desk: Client, visit: Appointment) -> None:
    other = Provider.objects.create(name="Dr. A. Rivera")
    make_appointment(visit.contact, location=visit.location, starts_at=at(ZONE, 2027, 5, 31, 9))
    make_appointment(visit.contact, location=visit.location, starts_at=at(ZONE, 2027, 6, 7, 9))
    assert [one["start"][:10] for one in read_visits(desk, "?view=week")] == ["2027-05-31", "2027-06-04"]
    assert read_visits(desk, f"?view=week&provider={other.pk}") == []
    page = desk.get("/calendar/?view=week").content.decode()
    assert "Mon, May 31 – Sun, Jun 6" in page
    assert "day=2027-06-07" in page


def test_what_is_closed_is_greyed(desk: Client, visit: Appointment) -> None:
    place = visit.location
    for opens, closes in ((time(9), time(12)), (time(13), time(17))):
        OpeningHours.objects.create(location=place, weekday=4, opens=opens, closes=closes)
    assert read_background(desk, "closed-time") == [
        ("2027-06-04T00:00", "2027-06-04T09:00"),
        ("2027-06-04T12:00", "2027-06-04T13:00"),
        ("2027-06-04T17:00", "2027-06-05T00:00"),
    ]
    ClosedDay.objects.create(location=place, date=date(2027, 6, 4), reason="inventory")
    assert read_background(desk, "closed-time") == [("2027-06-04T00:00", "2027-06-05T00:00")]
    assert "Closed: inventory" in desk.get("/calendar/").content.decode()
    assert read_background(desk, "closed-time", "?day=2027-06-05") == [
        ("2027-06-05T00:00", "2027-06-06T00:00")
    ]


def test_a_location_in_another_zone_is_shown_by_its_own_clock_and_says_so(
    desk: Client, visit: Appointment
) -> None:
    phoenix = make_location("Phoenix", time_zone="America/Phoenix")
    make_appointment(visit.contact, location=phoenix, starts_at=at("America/Phoenix", 2027, 6, 4, 10))
    page = desk.get(f"/calendar/?location={phoenix.pk}").content.decode()
    assert "Times are by the clock of Phoenix, where it is 9:00 am now." in page
    assert '"offset": "-07:00"' in page
    assert [one["start"] for one in read_visits(desk, f"?location={phoenix.pk}")] == ["2027-06-04T10:00"]
    elsewhere = read_background(desk, "elsewhere", f"?location={phoenix.pk}")
    assert elsewhere == [("2027-06-04T12:00", "2027-06-04T12:30")], (
        "3:00 pm Downtown takes the provider's time"
    )
    assert read_background(desk, "elsewhere", f"?view=week&location={phoenix.pk}") == [], "there is no column"


def test_names_are_for_those_who_may_see_contacts_and_moving_for_those_who_may_move(
    visit: Appointment,
) -> None:
    """(product rule 63)"""
    clerk = make_user("clerk", role="")
    clerk.user_permissions.add(Permission.objects.get(codename="view_appointment"))
    (drawn,) = read_visits(sit_at_desk(clerk))
    assert (drawn["title"], drawn["editable"]) == ("A patient", False)
    assert "Lindqvist" not in sit_at_desk(clerk).get("/calendar/").content.decode()
    (drawn,) = read_visits(sit_at_desk(make_user("ada", role=AUDITOR)))
    assert (drawn["title"], drawn["editable"]) == ("Sarah Lindqvist", False)


def test_a_drag_asks_with_what_it_changes_and_leads_back_to_the_calendar(
    desk: Client, visit: Appointment
) -> None:
    """(product rule 56)"""
    make_step()
    make_appointment(
        make_contact("Omar", number="+12025550111"),
        location=visit.location,
        starts_at=at(ZONE, 2027, 6, 4, 16),
    )
    address = f"/appointments/{visit.pk}/move/"
    wanted: dict[str, Any] = {
        "dialog": "1",
        "next": "/calendar/?day=2027-06-04",
        "location": visit.location_id,
    }
    wanted |= {"provider": visit.provider_id, "day": "2027-06-04", "at": "16:15", "minutes": 30}
    asked = desk.get(address, wanted, headers=FRAGMENT).content.decode()
    assert "Friday, June 4, 4:15 pm" in asked.replace(", 2027", "")
    assert "The provider has another appointment at that time." in asked
    assert "No, leave it" in asked
    visit.refresh_from_db()
    assert visit.local_start.hour == 15, "nothing is moved before it is saved"
    fields = {
        name: unescape(value) for name, value in re.findall(r'name="(\w+)"[^>]*?value="([^"]*)"', asked)
    }
    answer = desk.post(address, fields)
    assert (answer.status_code, answer["Location"]) == (303, "/calendar/?day=2027-06-04")
    visit.refresh_from_db()
    assert (visit.local_start.hour, visit.local_start.minute) == (16, 15)


def test_it_asks_few_queries_for_a_week_of_five_providers(desk: Client, visit: Appointment) -> None:
    for number in range(4):
        provider = Provider.objects.create(name=f"Dr. {number}")
        for day in (1, 2, 3, 4):
            booked = make_appointment(
                visit.contact, location=visit.location, starts_at=at(ZONE, 2027, 6, day, 9 + number)
            )
            Appointment.objects.filter(pk=booked.pk).update(provider=provider)
    with CaptureQueriesContext(connection) as queries:
        assert len(read_visits(desk, "?view=week")) == 17
    asked = [one["sql"] for one in queries if '"contacts_' in one["sql"]]
    assert len(asked) <= 5, asked
    assert len(queries) <= 9, "four are the login's"


def draw_week(desk: Client, place: Location, *spans: tuple[int, int, int]) -> list[tuple[str, str, str]]:
    """Visits on June 4 at (hour, minute) for so many minutes; what the week has: from, to, and of whom."""
    sarah = make_contact()
    for hour, minute, minutes in spans:
        starts_at = at(ZONE, 2027, 6, 4, hour, minute)
        visit = make_appointment(sarah, location=place, starts_at=starts_at)
        Appointment.objects.filter(pk=visit.pk).update(ends_at=starts_at + timedelta(minutes=minutes))
    drawn = read_visits(desk, "?view=week")
    return [(one["start"][11:], one["end"][11:], one["title"]) for one in drawn]


SARAH = "Sarah Lindqvist"


@pytest.mark.parametrize(
    ("spans", "drawn"),
    [
        pytest.param([(9, 0, 30)] * 2, [("09:00", "09:30", SARAH)] * 2, id="two stand beside each other"),
        pytest.param([(9, 0, 30)] * 8, [("09:00", "09:30", "8 visits")], id="eight are one entry"),
        pytest.param(
            [(9, 0, 30), (9, 30, 30)] * 2,
            [("09:00", "09:30", SARAH)] * 2 + [("09:30", "10:00", SARAH)] * 2,
            id="one after the other is no crowd",
        ),
        pytest.param(
            [(9, 0, 5), (9, 5, 5), (9, 10, 5)],
            [("09:00", "09:25", "3 visits")],
            id="short ones are drawn as long as a quarter of an hour",
        ),
        pytest.param([(9, 0, 5)], [("09:00", "09:15", SARAH)], id="a short one alone, too"),
        pytest.param(
            [(9, minute, 60) for minute in (0, 20, 40)] + [(10, 20, 60), (10, 40, 60)],
            [("09:00", "10:20", "3 visits"), ("10:20", "11:40", "2 visits")],
            id="a long crowd is parted by the hour, and each part ends where the next begins",
        ),
    ],
)
def test_visits_that_would_be_too_narrow_to_touch_are_one_entry(
    desk: Client, spans: list[tuple[int, int, int]], drawn: list[tuple[str, str, str]]
) -> None:
    assert draw_week(desk, make_location(time_zone=ZONE), *spans) == drawn


def test_a_crowd_says_how_many_are_in_which_state_and_leads_to_the_day(
    desk: Client, visit: Appointment
) -> None:
    for _each in range(2):
        make_appointment(visit.contact, location=visit.location, starts_at=visit.starts_at)
    record_attendance(visit.pk, "arrived", by=make_user("rosa"))
    provider = f"?view=week&provider={visit.provider_id}"
    (crowd,) = read_visits(desk, provider)
    about = crowd["extendedProps"]
    assert about["states"] == [["booked", "booked", 2], ["arrived", "arrived", 1]]
    assert crowd["editable"] is False
    day = about["address"]
    assert day.endswith(f"view=day&provider={visit.provider_id}&day=2027-06-04")
    assert "Sarah" not in json.dumps(crowd)
    assert '"beside": 3' in desk.get(day).content.decode()


def test_without_a_location_it_says_what_to_do() -> None:
    client = sit_at_desk(make_user())
    assert "There is no location yet." in client.get("/calendar/").content.decode()
    assert client.get("/calendar/events/").json() == {"events": []}


def test_of_many_providers_those_with_visits_have_columns(desk: Client, visit: Appointment) -> None:
    Provider.objects.bulk_create(Provider(name=f"Dr. {number}") for number in range(9))
    page = desk.get("/calendar/").content.decode()
    setup = re.search(r'id="calendar-setup" type="application/json">(.*?)</script>', page)
    assert setup
    assert [column["title"] for column in json.loads(setup[1])["columns"]] == ["Dr. S. Chen"]
    assert Location.objects.count() == 1
