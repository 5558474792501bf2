"""Public holidays by country and state, the days that are open all the same, and where a location is."""

from datetime import date
from typing import Any

import pytest
from django.utils.translation import override

from contacts import public_holidays
from contacts.public_holidays import (
    NOWHERE,
    Place,
    closed_on_holidays,
    find_subdivision,
    guess_place,
    list_by_holiday,
    list_countries,
    list_subdivisions,
)

US = Place("US")
CALIFORNIA = Place("US", "CA")
COLUMBUS = frozenset({"Columbus Day"})
CHRISTMAS = frozenset({"Christmas Day"})

CLOSED = [
    (US, (), "2027-07-04", True, "Independence Day, a Sunday"),
    (US, (), "2027-07-05", True, "and the Monday on which it is observed"),
    (US, (), "2027-10-11", True, "Columbus Day"),
    (US, (), "2027-12-31", True, "New Year's Day of 2028, a Saturday, is observed in the year before"),
    (US, (), "2027-11-26", False, "the day after Thanksgiving is no holiday of the whole country"),
    (CALIFORNIA, (), "2027-11-26", True, "but one of California"),
    (CALIFORNIA, (), "2027-10-11", False, "and Columbus Day is none there"),
    (US, COLUMBUS, "2027-10-11", False, "the location is open on it"),
    (US, COLUMBUS, "2031-10-13", False, "every year"),
    (US, COLUMBUS, "2027-12-25", True, "and closed on all others"),
    (US, CHRISTMAS, "2027-12-24", False, "open on a holiday is open on the day it is observed"),
    (CALIFORNIA, {"Presidents' Day"}, "2027-02-15", True, "two holidays on one day, open on one of them"),
    (CALIFORNIA, {"Presidents' Day", "Susan B. Anthony Day"}, "2027-02-15", False, "open on both"),
    (US, {"Nothing Of The Kind"}, "2027-12-25", True, "a holiday that isn't known opens nothing"),
    (Place("DE"), (), "2027-05-27", False, "Corpus Christi is no holiday of all of Germany"),
    (Place("DE", "BY"), (), "2027-05-27", True, "but one of Bavaria"),
    (Place("MX"), {"Constitution Day"}, "2027-02-01", False, "by its English name, whoever reads it"),
    (NOWHERE, (), "2027-12-25", False, "without a country there are no holidays"),
    (Place("ZZ"), (), "2027-12-25", False, "nor in a country that isn't known"),
    (Place("US", "XX"), (), "2027-12-25", True, "a state that isn't known has the country's"),
    (US, (), "9999-12-25", False, "nothing is known of so far a year"),
]


@pytest.mark.parametrize(("place", "open_on", "day", "closed", "reason"), CLOSED)
def test_a_location_is_closed_on_the_holidays_of_its_place_unless_it_is_open_on_them(
    place: Place, open_on: Any, day: str, closed: bool, reason: str
) -> None:
    asked = date.fromisoformat(day)
    assert (asked in closed_on_holidays(place, frozenset(open_on), asked.year)) is closed, reason


def test_the_holidays_of_a_year_are_worked_out_once_for_a_place(monkeypatch: pytest.MonkeyPatch) -> None:
    build, built = public_holidays._build, []

    def count(*asked: Any) -> Any:
        built.append(asked)
        return build(*asked)

    monkeypatch.setattr(public_holidays, "_build", count)
    for cache in (closed_on_holidays, public_holidays._read_keys, public_holidays._read_names):
        cache.cache_clear()
    for open_on in (frozenset[str](), COLUMBUS):
        for _ in range(1_000):
            closed_on_holidays(Place("US", "NY"), open_on, 2027)
    assert len(built) == 2, "once to know its states, once with the state"


def test_each_holiday_is_listed_once_with_all_its_days_by_date() -> None:
    listed = list_by_holiday(US, [2027])
    days = {each.key: each.dates for each in listed}
    assert days["Christmas Day"] == (date(2027, 12, 24), date(2027, 12, 25))
    assert listed == sorted(listed, key=lambda each: each.dates[0])
    assert [each.name for each in listed if "observed" in each.name] == []


def test_names_are_in_the_language_of_the_reader_and_keys_never() -> None:
    english = list_by_holiday(Place("MX"), [2027])
    with override("es"):
        spanish = list_by_holiday(Place("MX"), [2027])
    assert [each.key for each in spanish] == [each.key for each in english]
    assert ("Christmas Day", "Navidad") in [(each.key, each.name) for each in spanish]
    with override("fr"):  # not offered for Mexico
        assert [each.name for each in list_by_holiday(Place("MX"), [2027])] == [each.name for each in english]


def test_a_country_without_english_names_has_its_own() -> None:
    assert "Christmas Day" in [each.key for each in list_by_holiday(Place("NZ"), [2027])]


PLACES = [
    ("America/New_York", "+12125550199", US, "zone and number are in the US; New York is not the only state"),
    ("America/Phoenix", "+16025550199", Place("US", "AZ"), "its zone is that of one state"),
    ("Pacific/Honolulu", "+18085550199", Place("US", "HI"), "another one"),
    ("Australia/Perth", "+61855501234", Place("AU", "WA"), "in another country"),
    ("Europe/London", "+442071838750", Place("GB"), "London's zone is that of all of the kingdom"),
    ("America/Toronto", "+18005550199", NOWHERE, "a toll-free number may be of either country"),
    ("America/New_York", "+442071838750", NOWHERE, "they don't agree"),
    ("Etc/UTC", "+12125550199", NOWHERE, "a zone of no country"),
    ("Not/A_Zone", "+12125550199", NOWHERE, "no zone at all"),
    ("", "", NOWHERE, "nothing is known"),
    ("America/New_York", "12", NOWHERE, "not a number"),
]


@pytest.mark.parametrize(("zone", "number", "place", "reason"), PLACES)
def test_a_place_is_guessed_only_where_zone_and_number_agree(
    zone: str, number: str, place: Place, reason: str
) -> None:
    assert guess_place(zone, number) == place, reason


WRITTEN = [
    ("US", "CA", "CA"),
    ("US", " california ", "CA"),
    ("US", "Massachusetts", "MA"),
    ("DE", "Bayern", "BY"),
    ("US", "XX", None),
    ("US", "", None),
    ("JP", "Tokyo", None),
    ("ZZ", "CA", None),
    ("", "CA", None),
]


@pytest.mark.parametrize(("country", "written", "code"), WRITTEN)
def test_a_state_is_known_by_its_code_or_name(country: str, written: str, code: str | None) -> None:
    assert find_subdivision(country, written) == code


def test_countries_and_states_have_names_and_are_sorted_by_them() -> None:
    countries, states = list_countries(), list_subdivisions("US")
    assert dict(countries)["US"] == "United States"
    assert dict(states)["CA"] == "California"
    for listed in (countries, states):
        assert [name for _, name in listed] == sorted(name for _, name in listed)
    with override("es"):
        assert dict(list_countries())["US"] == "Estados Unidos"
