"""Booking beside the provider's day, several visits at once, and opening hours."""

import re
from datetime import datetime, time, timedelta
from html import unescape
from typing import Any
from zoneinfo import ZoneInfo

import pytest
import time_machine
from django.contrib.auth.models import Permission
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from contacts.models import Appointment, ClosedDay, Contact, Location, OpeningHours, Provider
from reminders.forms.booking import BookForm
from reminders.models import Reminder, Step
from tests.people import at, make_appointment, make_contact, make_location, make_step, make_user
from tests.reminders.pages.clinic import FRAGMENT, sit_at_desk

pytestmark = pytest.mark.django_db
ZONE = "America/New_York"
NOON = at(ZONE, 2027, 6, 1, 12)  # a Tuesday
ADDRESS = "/appointments/book/"


@pytest.fixture(autouse=True)
def _noon() -> Any:
    with time_machine.travel(NOON, tick=False):
        yield


@pytest.fixture
def desk() -> Client:
    return sit_at_desk(make_user())


@pytest.fixture
def downtown() -> Location:
    """Open from 9 to 11 on Fridays, with a visit of Sarah's at 9:30 on Friday, June 4."""
    place = make_location(time_zone=ZONE)
    OpeningHours.objects.create(location=place, weekday=4, opens=time(9), closes=time(11))
    make_appointment(location=place, starts_at=at(ZONE, 2027, 6, 4, 9, 30), kind="Check-up")
    return place


@pytest.fixture
def omar() -> Contact:
    return make_contact("Omar", last_name="Haddad", number="+12025550111")


def fill_in(place: Location, contact: Contact | None = None, **changes: Any) -> dict[str, Any]:
    form = {
        "location": place.pk,
        "provider": Provider.objects.get().pk,
        "day": "2027-06-04",
        "at": "10:30 am",
        "minutes": 30,
        **({"contact": contact.pk} if contact else {}),
    }
    return form | changes


def list_free(page: str) -> list[str]:
    return re.findall(r'data-at="([^"]+)"', page)


def test_the_providers_day_stands_beside_the_form_with_its_free_times_first(
    desk: Client, downtown: Location
) -> None:
    """(product rule 56)"""
    start = {name: str(value) for name, value in fill_in(downtown).items()}
    page = desk.get(ADDRESS, start).content.decode()
    assert list_free(page) == ["9:00 am", "10:00 am", "10:30 am"]
    assert page.index("10:30 am</button>") < page.index("Sarah Lindqvist") < page.index("Check-up")
    assert list_free(
        desk.post(ADDRESS, fill_in(downtown, minutes=60), headers=FRAGMENT).content.decode()
    ) == ["10:00 am"]


def test_one_press_fills_in_the_day_and_the_time_without_javascript_too(
    desk: Client, downtown: Location, omar: Contact
) -> None:
    form = fill_in(downtown, omar, at="", slot="2027-06-04T10:00")
    answer = desk.post(ADDRESS, form)
    assert answer.status_code == 200
    assert re.search(r'name="at" value="10:00 am"', answer.content.decode())
    assert Appointment.objects.count() == 1, "nothing was booked yet"
    for hostile in ("x", "2027-06-04T25:00", "9999-99-99", "٢٠٢٧-٠٦-٠٤"):
        assert desk.post(ADDRESS, form | {"slot": hostile}).status_code == 200


def test_a_day_without_room_leads_to_the_next_with_room(desk: Client, downtown: Location) -> None:
    ClosedDay.objects.create(location=downtown, date=datetime(2027, 6, 4, tzinfo=ZoneInfo(ZONE)).date())
    page = desk.post(ADDRESS, fill_in(downtown), headers=FRAGMENT).content.decode()
    assert "Closed on this day" in page
    assert "Next free times: Mon, Jun 7" in page


def test_the_move_page_has_the_same_free_times_and_a_visit_is_not_in_its_own_way(
    desk: Client, downtown: Location
) -> None:
    visit = Appointment.objects.get()
    address = f"/appointments/{visit.pk}/move/"
    assert list_free(desk.get(address).content.decode()) == ["9:00 am", "9:30 am", "10:00 am", "10:30 am"]
    pressed = desk.post(address, fill_in(downtown, slot="2027-06-04T10:00", save="1"))
    assert pressed.status_code == 200
    visit.refresh_from_db()
    assert visit.revision == 1


def test_a_location_in_another_zone_shows_its_own_clock_and_says_so(desk: Client, downtown: Location) -> None:
    phoenix = make_location("Phoenix", time_zone="America/Phoenix")
    page = desk.post(ADDRESS, fill_in(phoenix), headers=FRAGMENT).content.decode()
    assert "Times are by the clock of Phoenix, where it is 9:00 am now." in page
    assert "6:30 am" in page, "Sarah's visit at another location takes the provider's time"


@pytest.mark.parametrize(
    ("day", "start", "asked"),
    [
        ("2027-06-04", "10:30 am", False),
        ("2027-06-04", "10:45 am", True),
        ("2027-06-04", "8:45 am", True),
        ("2027-06-03", "6:00 pm", False),
        ("2027-06-03", "6:30 am", True),
    ],
)
def test_opening_hours_ask_and_do_not_forbid(
    desk: Client, downtown: Location, omar: Contact, day: str, start: str, asked: bool
) -> None:
    """(product rule 55)"""
    form = fill_in(downtown, omar, day=day, at=start)
    page = desk.post(ADDRESS, form).content.decode()
    assert ("That is outside opening hours." in page) is asked
    if asked:
        found = {name: re.findall(rf'name="{name}" value="(\w+)"', page) for name in ("about", "confirm")}
        assert desk.post(ADDRESS, form | found).status_code == 302


def test_conflicts_are_said_before_the_patient_is_chosen(desk: Client, downtown: Location) -> None:
    """(product rule 56)"""
    page = desk.post(ADDRESS, fill_in(downtown, at="9:45 am"), headers=FRAGMENT).content.decode()
    assert "The provider has another appointment at that time." in page


def test_it_says_in_one_sentence_what_will_go_out(desk: Client, downtown: Location, omar: Contact) -> None:
    make_step(timing_kind="days_before", days=1, at=time(10))
    make_step(timing_kind="elapsed_before", elapsed="02:00:00", channel="sms")
    page = desk.post(ADDRESS, fill_in(downtown, omar), headers=FRAGMENT).content.decode()
    assert "Will call Thu 10:00 am, text Fri 8:30 am." in page
    Step.objects.update(if_late="now")
    soon = fill_in(downtown, omar, day="2027-06-01", at="12:44 pm")
    assert "Will call at once, text at once." in desk.post(ADDRESS, soon, headers=FRAGMENT).content.decode()


def test_what_goes_out_later_today_is_said_so(desk: Client, downtown: Location, omar: Contact) -> None:
    make_step(timing_kind="elapsed_before", elapsed="02:00:00")
    form = fill_in(downtown, omar, day="2027-06-01", at="5:30 pm")
    assert "Will call today 3:30 pm." in desk.post(ADDRESS, form, headers=FRAGMENT).content.decode()


# --- several at once ------------------------------------------------------------------------------


def read_lines(page: str) -> dict[str, Any]:
    return {
        "about": re.findall(r'name="about" value="(\w+)"', page),
        "confirm": re.findall(r'name="confirm" value="([^"]+)"', page),
        "visit": re.findall(r'name="visit"[^>]*value="([^"]+)"\s+checked', page),
    }


def test_weekly_visits_say_each_dates_conflicts_and_each_can_be_left_out(
    desk: Client, downtown: Location, omar: Contact
) -> None:
    """(product rule 56)"""
    make_step()
    make_appointment(
        location=downtown,
        starts_at=at(ZONE, 2027, 6, 11, 10, 30),
        contact=Contact.objects.get(first_name="Sarah"),
    )
    form = fill_in(downtown, omar, weeks=4)
    answer = desk.post(ADDRESS, form)
    page = answer.content.decode()
    lines = read_lines(page)
    assert answer.status_code == 422
    assert [key[-4:] for key in lines["visit"]] == ["0604", "0618", "0625"], (
        "the date with a conflict is not chosen"
    )
    assert lines["confirm"] == [f"{omar.pk}-20270611 provider_busy"]
    assert "Book 3 appointments" in page
    chosen = lines | {"visit": [lines["visit"][0], f"{omar.pk}-20270611"]}
    assert desk.post(ADDRESS, form | chosen | {"at": "10:00 am"}).status_code == 422, (
        "another time: asked anew"
    )
    assert desk.post(ADDRESS, form | chosen).status_code == 302
    booked = Appointment.objects.filter(contact=omar)
    assert [visit.local_start.day for visit in booked] == [4, 11]
    assert Reminder.objects.filter(appointment__in=booked).count() == 2


def test_what_goes_out_is_said_of_the_first_visit_that_is_ticked(
    desk: Client, downtown: Location, omar: Contact
) -> None:
    make_step(timing_kind="days_before", days=1, at=time(10))
    form = fill_in(downtown, omar, at="9:30 am", weeks=3)  # Sarah's time on the first Friday
    page = desk.post(ADDRESS, form, headers=FRAGMENT).content.decode()
    lines = read_lines(page)
    assert [key[-4:] for key in lines["visit"]] == ["0611", "0618"]
    assert "<h2>Friday, June 11, 9:30 am</h2>" in page
    assert "Will call Thu, Jun 10, 10:00 am. That is for the first of them." in page
    lines["visit"] = lines["visit"][1:]
    page = desk.post(ADDRESS, form | lines, headers=FRAGMENT).content.decode()
    assert "<h2>Friday, June 18, 9:30 am</h2>" in page
    assert "Will call Thu, Jun 17, 10:00 am." in page
    page = desk.post(ADDRESS, form | lines | {"visit": []}, headers=FRAGMENT).content.decode()
    assert "Choose at least one." in page
    assert "Will call" not in page
    assert "10:00 am</strong>" not in page


def test_a_conflict_that_came_meanwhile_books_none_of_them(
    desk: Client, downtown: Location, omar: Contact
) -> None:
    form = fill_in(downtown, omar, weeks=2)
    lines = read_lines(desk.post(ADDRESS, form).content.decode())
    make_appointment(
        location=downtown,
        starts_at=at(ZONE, 2027, 6, 11, 10, 30),
        contact=Contact.objects.get(first_name="Sarah"),
    )
    assert desk.post(ADDRESS, form | lines).status_code == 422
    assert not Appointment.objects.filter(contact=omar).exists()


@pytest.mark.parametrize("weeks", ["", 2])
def test_a_form_that_comes_twice_books_once_and_leads_to_the_visit(
    desk: Client, downtown: Location, omar: Contact, weeks: object
) -> None:
    form = fill_in(downtown, omar, weeks=weeks)
    lines = read_lines(desk.post(ADDRESS, form).content.decode()) if weeks else {}
    answers = [desk.post(ADDRESS, form | lines) for _ in range(2)]
    first = Appointment.objects.filter(contact=omar).earliest("starts_at")
    assert {(one.status_code, one["Location"]) for one in answers} == {(302, f"/appointments/{first.pk}/")}
    assert Appointment.objects.filter(contact=omar).count() == (weeks or 1)


def test_the_second_of_two_forms_at_once_is_no_refusal(
    desk: Client, downtown: Location, omar: Contact, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It was read before the first one was done, so only the question of the locked booking tells."""
    monkeypatch.setattr(BookForm, "_is_taken", staticmethod(lambda *_: False))
    form = fill_in(downtown, omar, weeks=2)
    lines = read_lines(desk.post(ADDRESS, form).content.decode())
    assert [desk.post(ADDRESS, form | lines).status_code for _ in range(2)] == [302, 302]
    assert Appointment.objects.filter(contact=omar).count() == 2


def test_what_somebody_else_booked_or_another_time_ago_is_asked_about(
    desk: Client, downtown: Location, omar: Contact
) -> None:
    form = fill_in(downtown, omar)
    desk.post(ADDRESS, form)
    assert sit_at_desk(make_user("noor")).post(ADDRESS, form).status_code == 422
    Appointment.objects.update(booked_at=NOON - timedelta(days=400))
    assert desk.post(ADDRESS, form).status_code == 422


def test_a_household_is_booked_one_after_the_other(desk: Client, downtown: Location, omar: Contact) -> None:
    lina = make_contact("Lina", last_name="Haddad", number="+12025550111")
    stranger = make_contact("Ina", number="+12025550112")
    offered = desk.get(ADDRESS, {"contact": omar.pk}).content.decode()
    assert "Lina Haddad" in offered
    assert "Ina Lindqvist" not in offered
    form = fill_in(downtown, omar, at="10:00 am", also=[lina.pk])
    lines = read_lines(desk.post(ADDRESS, form).content.decode())
    assert desk.post(ADDRESS, form | lines).status_code == 302
    starts = Appointment.objects.filter(contact__in=[omar, lina]).values_list("contact", "local_start")
    assert [(who, start.hour, start.minute) for who, start in starts] == [(omar.pk, 10, 0), (lina.pk, 10, 30)]
    assert desk.post(ADDRESS, form | {"also": [stranger.pk]}).status_code == 422


def test_a_time_that_the_clocks_skip_in_one_of_the_weeks_is_left_out(desk: Client, omar: Contact) -> None:
    Provider.objects.create(name="Dr. S. Chen")
    place = make_location(time_zone=ZONE, open_weekdays=[0, 1, 2, 3, 4, 5, 6])
    form = fill_in(place, omar, day="2028-03-05", at="2:30 am", weeks=3)
    page = desk.post(ADDRESS, form).content.decode()
    assert "there is no such time on that day" in page
    lines = read_lines(page) | {"visit": [f"{omar.pk}-202803{day}" for day in ("05", "12", "19")]}
    assert desk.post(ADDRESS, form | lines).status_code == 302
    assert [visit.local_start.day for visit in Appointment.objects.all()] == [5, 19]


# --- what must not be lost, and what it costs -----------------------------------------------------


def test_add_them_first_keeps_the_kind_and_no_address_says_it(desk: Client, downtown: Location) -> None:
    offered = desk.post(
        f"{ADDRESS}contacts/", fill_in(downtown, q="nobody", kind="Root canal"), headers=FRAGMENT
    )
    link = unescape(re.findall(r'href="(/contacts/[a-z]+/[^"]+)"', offered.content.decode())[0])
    assert "canal" not in link
    new = {"first_name": "Ada", "last_name": "Okafor", "number": "+12025550177", "language": "en"}
    added = desk.post(link, new | {"preferred_channel": "voice"})
    assert "canal" not in added["Location"]
    page = desk.get(added["Location"]).content.decode()
    assert 'value="Root canal"' in page
    assert f'<option value="{Provider.objects.get().pk}" selected>' in page
    assert "canal" not in desk.get(f"{ADDRESS}?contact={Contact.objects.last().pk}").content.decode()  # type: ignore[union-attr]


def test_a_form_that_is_filled_in_again_is_offered_its_patient(desk: Client, omar: Contact) -> None:
    answer = desk.post(f"{ADDRESS}contacts/", {"chosen": omar.pk}, headers=FRAGMENT).content.decode()
    assert re.search(rf'name="contact"\s+value="{omar.pk}" checked', answer)


def test_the_page_takes_few_queries(desk: Client, downtown: Location, omar: Contact) -> None:
    make_step()
    desk.get("/")  # reads the settings, which are kept until one of them changes
    for form in (fill_in(downtown, omar), fill_in(downtown, omar, weeks=12)):
        with CaptureQueriesContext(connection) as queries:
            desk.post(ADDRESS, form, headers=FRAGMENT)
        assert len(queries) <= 19, "as many for twelve weeks as for one; the planner's preview asks most"
    start = {name: str(value) for name, value in fill_in(downtown, omar).items()}
    with CaptureQueriesContext(connection) as queries:
        desk.get(ADDRESS, start)
    assert len(queries) <= 12


def test_names_are_for_those_who_may_see_contacts(downtown: Location) -> None:
    clerk = make_user("clerk", role="")
    clerk.user_permissions.add(Permission.objects.get(codename="add_appointment"))
    client = Client()
    client.force_login(clerk)
    page = client.post(ADDRESS, fill_in(downtown), headers=FRAGMENT).content.decode()
    assert "Lindqvist" not in page
    assert "A patient" in page
