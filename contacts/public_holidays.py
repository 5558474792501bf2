"""Public holidays of a country, and of a state or region of it, by the package `holidays`.

They are counted as closed where open days are counted, and for nothing else: calls do go out on them, as on
weekends, unless the day is entered as a closed day. A location may be open on some of them, every year.

A holiday is known by its plain name in English, or in the country's own language where the package has no
English one. A day on which it is observed ("Christmas Day (observed)") is the same holiday.
"""

import re
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from operator import attrgetter, itemgetter
from typing import TYPE_CHECKING

import phonenumbers
from babel import Locale, UnknownLocaleError
from babel.core import get_global
from django.utils.translation import get_language

if TYPE_CHECKING:
    from holidays import HolidayBase

ENGLISH = "en_US"
KNOWN_YEARS = range(1970, 2101)  # the package knows nothing certain beyond
OBSERVED = re.compile(r"\s*\([^()]*(?:observed|estimated)[^()]*\)$")
BETWEEN_NAMES = "; "
NAME_LENGTH = 120
# Zones that lie in one state alone, as zone.tab of the tz database says; others say nothing about the state.
STATE_OF_ZONE = {
    "America/Anchorage": "AK",
    "America/Detroit": "MI",
    "America/Phoenix": "AZ",
    "Pacific/Honolulu": "HI",
    "America/Regina": "SK",
    "America/St_Johns": "NL",
    "America/Winnipeg": "MB",
    "America/Whitehorse": "YT",
    "Australia/Adelaide": "SA",
    "Australia/Brisbane": "QLD",
    "Australia/Darwin": "NT",
    "Australia/Hobart": "TAS",
    "Australia/Melbourne": "VIC",
    "Australia/Perth": "WA",
}


@dataclass(frozen=True)
class PublicHoliday:
    """A public holiday on one day. `key` is its plain name, `name` the one in the reader's language."""

    date: date
    key: str
    name: str


@dataclass(frozen=True)
class HolidayOfTheYear:
    """A public holiday with its days in some years, observed ones included. `key`, `name`: as above."""

    key: str
    name: str
    dates: tuple[date, ...]


@dataclass(frozen=True)
class Place:
    """A country (ISO 3166-1, two letters) and a state or region (the package's code); "" if not known."""

    country: str = ""
    subdivision: str = ""


NOWHERE = Place()


def list_countries() -> list[tuple[str, str]]:
    """The countries whose holidays are known: pairs of code and name in the reader's language, by name."""
    names = _reader_locale().territories
    return sorted(((code, names.get(code, code)) for code in _country_codes()), key=itemgetter(1))


def list_subdivisions(country: str) -> list[tuple[str, str]]:
    """The states or regions of a country that have holidays of their own: pairs of code and name, by name.

    Empty for a country without such, or one that isn't known. Where the package has no name, it is the code.
    """
    if country not in _country_codes():
        return []
    known = _build(country, "", 2026)
    names: dict[str, str] = {}
    for name, code in getattr(known, "subdivisions_aliases", {}).items():
        names.setdefault(code, name)
    return sorted(((code, names.get(code, code)) for code in known.subdivisions), key=itemgetter(1))


def find_subdivision(country: str, written: str) -> str | None:
    """The code of the state or region that was written as its code or name; None if it is none of them."""
    folded = written.strip().casefold()
    return next(
        (code for code, name in list_subdivisions(country) if folded in (code.casefold(), name.casefold())),
        None,
    )


def guess_place(time_zone: str, number: str) -> Place:
    """Where a location is, as far as its zone and its number (E.164) agree; NOWHERE if that isn't certain."""
    country = get_global("zone_territories").get(time_zone, "")
    try:
        of_number = phonenumbers.region_code_for_number(phonenumbers.parse(number))
    except phonenumbers.NumberParseException:
        return NOWHERE
    if not country or country != of_number or country not in _country_codes():
        return NOWHERE
    state = STATE_OF_ZONE.get(time_zone, "")
    codes = {code for code, _ in list_subdivisions(country)} if state else set()
    return Place(country, state if state in codes else "")


def list_holidays(place: Place, years: Iterable[int]) -> list[PublicHoliday]:
    """Every public holiday of these years with its name in the reader's language, by date."""
    language = (get_language() or ENGLISH).replace("-", "_")
    found = []
    for year in years:
        named = _read_names(place, year, language)
        for day, keys in _read_keys(place, year).items():
            words = named.get(day, "").split(BETWEEN_NAMES)
            names = words if len(words) == len(keys) else keys
            found += [PublicHoliday(day, key, name) for key, name in zip(keys, names, strict=True)]
    return sorted(found, key=attrgetter("date", "name"))


def list_by_holiday(place: Place, years: Iterable[int]) -> list[HolidayOfTheYear]:
    """Each public holiday of these years once, by its first day."""
    by_key: dict[str, list[PublicHoliday]] = {}
    for holiday in list_holidays(place, years):
        by_key.setdefault(holiday.key, []).append(holiday)
    # the shortest name is the one without "(observed)", in whatever language
    return [
        HolidayOfTheYear(key, min((each.name for each in alike), key=len), tuple(each.date for each in alike))
        for key, alike in by_key.items()
    ]


@lru_cache(maxsize=4096)  # a year of a location is asked for once for each of its appointments
def closed_on_holidays(place: Place, open_on: frozenset[str], year: int) -> frozenset[date]:
    """The days of the year that are public holidays, without those on which the location is open.

    `open_on`: keys of holidays. A day with two holidays is closed unless the location is open on both.
    """
    return frozenset(day for day, keys in _read_keys(place, year).items() if not open_on.issuperset(keys))


def is_known_country(country: str) -> bool:
    """Whether the package has holidays of the country (ISO 3166-1, two letters)."""
    return country in _country_codes()


@lru_cache(maxsize=1024)
def _read_keys(place: Place, year: int) -> Mapping[date, tuple[str, ...]]:
    return {
        day: tuple(dict.fromkeys(OBSERVED.sub("", name) for name in names.split(BETWEEN_NAMES)))
        for day, names in _read_names(place, year, ENGLISH).items()
    }


@lru_cache(maxsize=1024)
def _read_names(place: Place, year: int, language: str) -> Mapping[date, str]:
    """The names of each day, in `language` or in English; none where the country isn't known."""
    if place.country not in _country_codes() or year not in KNOWN_YEARS:
        return {}
    known = _build(place.country, "", year)
    subdivision = place.subdivision if place.subdivision in known.subdivisions else ""
    chosen = _choose_language(known.supported_languages, language)
    return dict(sorted(_build(place.country, subdivision, year, chosen).items()))


def _choose_language(offered: Collection[str], language: str) -> str | None:
    """`language` or its dialects, else English, else the country's own (None)."""
    plain = language.partition("_")[0]
    if plain != "en":
        alike = [language, plain, *(each for each in offered if each.startswith(f"{plain}_"))]
        if found := next((each for each in alike if each in offered), None):
            return found
    return ENGLISH if ENGLISH in offered else None


def _build(country: str, subdivision: str, year: int, language: str | None = None) -> "HolidayBase":
    # Imported when it is needed: it takes half a second, which most processes never need.
    from holidays import country_holidays

    return country_holidays(country, subdiv=subdivision or None, years=year, language=language)


@lru_cache(maxsize=1)
def _country_codes() -> frozenset[str]:
    from holidays.registry import EntityLoader

    return frozenset(EntityLoader.get_country_codes(include_aliases=False))


def _reader_locale() -> Locale:
    try:
        return Locale.parse((get_language() or "en").replace("-", "_"))
    except (UnknownLocaleError, ValueError):
        return Locale("en")
