"""The page on which the zone of a location is corrected (product rule 27)."""

from datetime import time, timedelta

import pytest
from django.contrib.auth.models import Group, User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts.models import Appointment, Location
from contacts.roles import AUDITOR, FRONT_DESK, MANAGER, ensure_roles
from reminders.planning.planner import plan_all
from tests.office import address_of, make_colleague
from tests.people import at, make_appointment, make_contact, make_location, make_step

NEW_YORK, CHICAGO = "America/New_York", "America/Chicago"
pytestmark = pytest.mark.django_db


@pytest.fixture
def location() -> Location:
    make_step(timing_kind="days_before", days=1, at=time(10), elapsed=timedelta(0))
    location = make_location(time_zone=NEW_YORK)
    starts_at = at(NEW_YORK, timezone.now().year + 1, 6, 15, 9, 0)
    make_appointment(make_contact("Sarah"), location=location, starts_at=starts_at)
    plan_all()
    return location


def page_of(location: Location) -> str:
    return f"/locations/{location.pk}/time-zone/"


def test_the_page_asks_then_shows_what_changes_and_then_does_it(office: Client, location: Location) -> None:
    page = office.get(page_of(location)).content.decode()
    assert "Its time zone is America/New_York." in page
    assert "Correct the time zone and move" not in page

    page = office.get(page_of(location), {"time_zone": CHICAGO, "seen": NEW_YORK}).content.decode()
    assert "From America/New_York to America/Chicago" in page
    assert "1 upcoming visit keeps its date and time." in page
    assert "1 waiting reminder has a new time." in page
    assert "Jun 15" in page
    assert "Sarah Lindqvist" in page
    assert "Correct the time zone and move 1 reminder" in page
    assert Location.objects.get().time_zone == NEW_YORK

    answer = office.post(page_of(location), {"time_zone": CHICAGO, "seen": NEW_YORK}, follow=True)
    assert "1 upcoming visit keeps its date and time." in answer.content.decode()
    assert Location.objects.get().time_zone == CHICAGO
    appointment = Appointment.objects.get()
    assert f"{appointment.starts_at.astimezone(Location.objects.get().zone):%H:%M}" == "09:00"
    story = office.get(f"/appointments/{appointment.pk}/").content.decode()
    assert "time zone was corrected" in story


@pytest.mark.parametrize(
    ("sent", "said"),
    [
        ({"time_zone": NEW_YORK, "seen": NEW_YORK}, "That is the time zone it has already."),
        ({"time_zone": "Mars/Olympus", "seen": NEW_YORK}, "Choose one from the list."),
        ({"time_zone": "", "seen": NEW_YORK}, "Choose a time zone."),
    ],
)
def test_a_zone_that_can_not_be_meant_is_asked_for_again(
    office: Client, location: Location, sent: dict[str, str], said: str
) -> None:
    for answer in (office.get(page_of(location), sent), office.post(page_of(location), sent)):
        assert answer.status_code == 422
        assert said in answer.content.decode()
    assert Location.objects.get().time_zone == NEW_YORK


def test_a_correction_that_somebody_else_was_faster_with_is_refused(
    office: Client, location: Location
) -> None:
    Location.objects.update(time_zone="America/Denver")
    sent = {"time_zone": CHICAGO, "seen": NEW_YORK}
    page = office.post(page_of(location), sent, follow=True).content.decode()
    assert "Somebody has changed the time zone of this location in the meantime." in page
    assert Location.objects.get().time_zone == "America/Denver"


@pytest.mark.parametrize(("role", "status"), [(MANAGER, 200), (FRONT_DESK, 403), (AUDITOR, 403)])
def test_only_who_may_change_locations_may_correct_a_zone(location: Location, role: str, status: int) -> None:
    ensure_roles()
    user = make_colleague("pat", is_staff=True)
    user.groups.add(Group.objects.get(name=role))
    client = Client()
    client.force_login(user)
    sent = {"time_zone": CHICAGO, "seen": NEW_YORK}
    assert client.get(page_of(location)).status_code == status
    assert client.post(page_of(location), sent, follow=True).status_code == status
    assert (Location.objects.get().time_zone == CHICAGO) == (status == 200)


def test_many_visits_need_as_many_queries_as_a_few(office: Client, location: Location) -> None:
    def count_statements() -> int:
        with CaptureQueriesContext(connection) as statements:
            office.get(page_of(location), {"time_zone": CHICAGO, "seen": NEW_YORK})
        return len(statements)

    few = count_statements()
    for number in range(8):
        person = make_contact(f"Person {number}", number=f"+1202555{number + 1000}")
        starts_at = at(NEW_YORK, timezone.now().year + 1, 6, 16, 9, number)
        make_appointment(person, location=location, starts_at=starts_at)
    plan_all()
    assert count_statements() == few


# --- the admin --------------------------------------------------------------------------------------


def fill_form(location: Location, **fields: str) -> dict[str, str | list[int]]:
    given: dict[str, str | list[int]] = {
        "name": location.name,
        "spoken_name": location.spoken_name,
        "region": "US",
        "callback_number": location.callback_number,
        "calling_opens": "09:00",
        "calling_closes": "19:00",
        "open_weekdays": [0, 1, 2, 3, 4],
        "closed_days-TOTAL_FORMS": "0",
        "closed_days-INITIAL_FORMS": "0",
        "opening_hours-TOTAL_FORMS": "0",
        "opening_hours-INITIAL_FORMS": "0",
    }
    return given | fields


def test_the_admin_can_not_change_the_zone_of_a_location_silently(office: Client, location: Location) -> None:
    form = address_of(Location, f"{location.pk}/change/")
    page = office.get(form).content.decode()
    assert 'name="time_zone"' not in page
    assert page_of(location) in page
    assert office.post(form, fill_form(location, time_zone=CHICAGO)).status_code == 302
    assert Location.objects.get().time_zone == NEW_YORK


def test_the_admin_asks_for_the_zone_of_a_new_location(office: Client, sam: User, location: Location) -> None:
    form = address_of(Location, "add/")
    assert 'name="time_zone"' in office.get(form).content.decode()
    assert office.post(form, fill_form(location, name="West", time_zone=CHICAGO)).status_code == 302
    assert Location.objects.get(name="West").time_zone == CHICAGO
