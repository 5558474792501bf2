"""Public holidays move what counts open days, and a change of them looks again (product rule 30)."""

from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from django.test import Client

from contacts import public_holidays
from contacts.models import ClosedDay, Location
from reminders.deciding.situations import hours_of
from reminders.models import Reminder
from reminders.planning.planner import plan_all
from reminders.planning.shifts import recount_open_days
from tests.admin_forms import save_in_admin
from tests.people import at, make_appointment, make_contact, make_location, make_step

pytestmark = pytest.mark.django_db

NEW_YORK = "America/New_York"
FRIDAY, MONDAY = at(NEW_YORK, 2027, 10, 8, 10, 0), at(NEW_YORK, 2027, 10, 11, 10, 0)  # Columbus Day


def plan_for_the_tuesday(**location: Any) -> Reminder:
    """A reminder at ten on the open day before Tuesday 12 October 2027; the day before is Columbus Day."""
    made = make_location(time_zone=NEW_YORK, **location)
    make_step(timing_kind="open_days_before", days=1, at=time(10), elapsed=timedelta(0))
    make_appointment(location=made, starts_at=at(NEW_YORK, 2027, 10, 12, 15, 0))
    plan_all()
    return Reminder.objects.get()


PLACES: list[tuple[dict[str, Any], datetime, str]] = [
    ({}, MONDAY, "no country: no holidays"),
    ({"country": "US"}, FRIDAY, "a holiday of the whole country"),
    ({"country": "US", "subdivision": "CA"}, MONDAY, "but not of California"),
    ({"country": "US", "open_holidays": ["Columbus Day"]}, MONDAY, "the location is open on it"),
    ({"country": "DE"}, MONDAY, "nobody keeps it in Germany"),
]


@pytest.mark.parametrize(("place", "due_at", "reason"), PLACES)
def test_open_days_are_counted_without_the_holidays_of_the_place(
    place: dict[str, Any], due_at: datetime, reason: str
) -> None:
    assert plan_for_the_tuesday(**place).due_at == due_at, reason


def test_each_change_of_the_place_or_its_open_days_moves_what_waits(admin_client: Client) -> None:
    reminder = plan_for_the_tuesday()
    location = Location.objects.get()

    def save(**changes: Any) -> datetime:
        location.refresh_from_db()
        save_in_admin(admin_client, location, **changes)
        reminder.refresh_from_db()
        return reminder.due_at

    assert save(country="US") == FRIDAY
    assert save(subdivision="California") == MONDAY
    assert save(subdivision="") == FRIDAY
    assert save(open_holidays=["Columbus Day"]) == MONDAY
    closed = {"closed_days-0-date": "2027-10-11", "closed_days-TOTAL_FORMS": "1"}
    assert save(**closed) == FRIDAY, "an own closed day counts though the holiday is open"
    ClosedDay.objects.all().delete()
    assert save(country="JP") == FRIDAY, "Sports Day is on that day there"
    location.refresh_from_db()
    assert (location.country, location.subdivision, location.open_holidays) == ("JP", "", []), (
        "what was open was a holiday of the US"
    )
    assert save(country="") == MONDAY


def test_calls_go_out_on_a_public_holiday_and_not_on_a_closed_day() -> None:
    """As on a weekend: who is open on it without having said so must not lose that day's reminders."""
    location = Location.objects.get(pk=plan_for_the_tuesday(country="US").appointment.location_id)
    assert hours_of(location).closed_dates == frozenset()
    ClosedDay.objects.create(location=location, date=date(2027, 10, 11))
    assert hours_of(location).closed_dates == {date(2027, 10, 11)}


def test_new_data_of_the_package_move_what_waits_at_the_next_release(monkeypatch: pytest.MonkeyPatch) -> None:
    reminder = plan_for_the_tuesday(country="US")
    monkeypatch.setattr(public_holidays, "_build", lambda *_asked: _NoHolidays())
    for cache in CACHES:
        cache.cache_clear()
    try:
        assert recount_open_days() == 1
        assert recount_open_days() == 0, "running it again changes nothing"
    finally:
        for cache in CACHES:
            cache.cache_clear()
    reminder.refresh_from_db()
    assert reminder.due_at == MONDAY


CACHES = (public_holidays.closed_on_holidays, public_holidays._read_keys, public_holidays._read_names)


class _NoHolidays(dict[date, str]):
    subdivisions: tuple[str, ...] = ()
    supported_languages: tuple[str, ...] = ()


def test_many_appointments_read_the_holidays_of_a_year_once(monkeypatch: pytest.MonkeyPatch) -> None:
    build, built = public_holidays._build, []

    def count(*asked: Any) -> Any:
        built.append(asked)
        return build(*asked)

    monkeypatch.setattr(public_holidays, "_build", count)
    for cache in CACHES:
        cache.cache_clear()
    location = make_location(time_zone=NEW_YORK, country="US")
    make_step(timing_kind="open_days_before", days=2, at=time(10), elapsed=timedelta(0))
    contact = make_contact()
    for day in range(60):
        starts_at = at(NEW_YORK, 2027, 10, 1, 15, 0) + timedelta(days=day)
        make_appointment(contact, location=location, starts_at=starts_at)
    plan_all()
    assert len(built) == 2, "once to know its states, once for the year"


NEW_LOCATION = {
    "name": "Uptown",
    "spoken_name": "Harbor Clinic Uptown",
    "time_zone": "America/Phoenix",
    "region": "US",
    "callback_number": "+16025550199",
    "calling_opens": "9:00",
    "calling_closes": "19:00",
    "open_weekdays": [0, 1, 2, 3, 4],
    "closed_days-TOTAL_FORMS": 0,
    "closed_days-INITIAL_FORMS": 0,
    "opening_hours-TOTAL_FORMS": 0,
    "opening_hours-INITIAL_FORMS": 0,
}


@pytest.mark.parametrize(
    ("entered", "country", "subdivision"),
    [
        ({}, "US", "AZ"),
        ({"country": "US", "subdivision": "new york"}, "US", "NY"),
        ({"country": "DE"}, "DE", ""),
        ({"callback_number": "+442071838750"}, "", ""),
    ],
)
def test_a_new_location_has_the_country_of_its_zone_and_number_unless_one_is_entered(
    admin_client: Client, entered: dict[str, str], country: str, subdivision: str
) -> None:
    admin_client.post("/admin/contacts/location/add/", NEW_LOCATION | entered)
    location = Location.objects.get()
    assert (location.country, location.subdivision) == (country, subdivision)


def test_a_state_of_another_country_is_refused_with_those_that_it_has(admin_client: Client) -> None:
    page = admin_client.post(
        "/admin/contacts/location/add/", NEW_LOCATION | {"country": "DE", "subdivision": "CA"}
    )
    assert "Bayern (BY)" in page.content.decode()
    page = admin_client.post(
        "/admin/contacts/location/add/", NEW_LOCATION | {"country": "JP", "subdivision": "CA"}
    )
    assert "Leave it empty" in page.content.decode()
    assert not Location.objects.exists()


def test_the_page_of_a_location_names_each_holiday_with_its_days(admin_client: Client) -> None:
    location = make_location(country="US", open_holidays=["Columbus Day", "Day Of The Past"])
    page = admin_client.get(f"/admin/contacts/location/{location.pk}/change/").content.decode()
    assert "Thanksgiving Day: Thursday" in page
    assert "Day Of The Past: not a public holiday here" in page
