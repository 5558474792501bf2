"""How times and dates are written: by the habits of the practice's country (PHONE_REGION).

2:05 pm and Nov 25 in the US, 14:05 and 25 Nov in the UK (product rule 55). This is the one place that decides
it, for pages, fields, the admin and every sentence for people: the order and the clock come from Unicode's
tables (CLDR, by Babel), the names of days and months from Django's translations. What programs read stays in
ISO 8601, and what patients hear or read goes by the language of their script (reminders/wording/dates.py).
"""

import re
from collections.abc import Mapping
from datetime import date, datetime, time
from functools import cache, lru_cache
from typing import NamedTuple

from babel import Locale, UnknownLocaleError
from django.conf import settings
from django.utils.dateformat import format as format_day
from django.utils.dateformat import time_format
from django.utils.translation import get_language, gettext_noop

# How Django's letter "a" writes the half of the day; locale/ has the words for it, "am" and "pm" in English.
HALVES = (gettext_noop("a.m."), gettext_noop("p.m."))
USUAL_STARTS = (time(7), time(19))  # of the two times that "3:00" can be, exactly one is within
ANYWHERE = "001"  # the world, in CLDR: a country whose habits in a language are not known
CLDR_PART = re.compile(r"'[^']*'|E+|M+|d+|y+|.")
DJANGO_LETTERS = {
    "E": "D", "EEE": "D", "EEEE": "l", "M": "n", "MM": "m", "MMM": "M", "MMMM": "F", "d": "j", "dd": "d",
    "y": "Y", "yy": "y",
}  # fmt: skip


class ClockHabits(NamedTuple):
    """Formats in Django's letters, for one language in one country."""

    clock: str  # "g:i a" or "G:i"
    exact_clock: str  # with seconds
    day: str  # "D, M j" or "D j M"
    day_with_year: str
    long_day: str  # "l, F j" or "l j F"
    long_day_with_year: str
    month_day: str  # "F j" or "j F"
    birthday: str  # "F j, Y" or "j F Y"

    @property
    def is_month_first(self) -> bool:
        """Whether 11/5 is in November."""
        return self.month_day.startswith(("F", "n", "m"))


@cache
def has_12_hour_clock(region: str) -> bool:
    """Whether people of a country (ISO 3166-1) write 2:05 pm, by Unicode's tables; False if unknown."""
    try:
        locale = Locale.parse(f"und_{region}")  # in the language that most people of the country speak
    except (UnknownLocaleError, ValueError):
        return False
    return "h" in locale.time_formats["short"].pattern


def is_usual(start: time) -> bool:
    """Whether visits usually start at that time of day."""
    return USUAL_STARTS[0] <= start < USUAL_STARTS[1]


def read_habits() -> ClockHabits:
    """The habits of the practice's country, in the language of the page."""
    return find_habits(get_language(), settings.PHONE_REGION)


@cache
def find_habits(language: str | None, region: str) -> ClockHabits:
    """The habits of a country (ISO 3166-1) in a language that need not be spoken there; None: ours."""
    locale = _find_locale((language or settings.LANGUAGE_CODE).partition("-")[0], region)
    letters = DJANGO_LETTERS if locale.language == "en" else DJANGO_LETTERS | {"MMM": "b"}  # in small letters
    patterns = locale.datetime_skeletons
    short = patterns["MMMEd"].pattern
    long = patterns.get("MMMMEd", patterns["MMMEd"]).pattern
    clock, exactly = ("g:i", "g:i:s") if has_12_hour_clock(region) else ("G:i", "G:i:s")
    half = " a" if has_12_hour_clock(region) else ""
    return ClockHabits(
        clock=clock + half,
        exact_clock=exactly + half,
        day=_convert(short, letters),
        day_with_year=_convert(patterns["yMMMEd"].pattern, letters),
        long_day=_convert(_write_out(long), letters),
        long_day_with_year=_convert(locale.date_formats["full"].pattern, letters),
        month_day=_convert(patterns["MMMMd"].pattern, letters),
        birthday=_convert(locale.date_formats["long"].pattern, letters),
    )


def write_clock(value: datetime | time) -> str:
    """A time of day as it stands, whatever its zone: "2:05 pm" or "14:05"."""
    return _write_minute(value.hour, value.minute, get_language(), settings.PHONE_REGION)


@cache  # a list of some hundred visits asks for each time of day again and again
def _write_minute(hour: int, minute: int, language: str | None, region: str) -> str:
    """`language`: that of the page, in which the half of the day is written."""
    return time_format(time(hour, minute), find_habits(language, region).clock)


def write_exact_clock(value: datetime | time) -> str:
    """A time of day with its seconds: "2:05:09 pm" or "14:05:09"."""
    return time_format(value, read_habits().exact_clock)


def write_day(value: date, *, with_year: bool) -> str:
    """A day in short: "Thu, Nov 26" or "Thu 26 Nov"; with its year "Thu, Nov 26, 2026"."""
    day = date(value.year, value.month, value.day)
    return _write_date(day, get_language(), settings.PHONE_REGION, with_year=with_year)


@lru_cache(maxsize=2048)  # as with _write_minute()
def _write_date(day: date, language: str | None, region: str, *, with_year: bool) -> str:
    """`language`: that of the page, in which weekdays and months are written."""
    habits = find_habits(language, region)
    return format_day(day, habits.day_with_year if with_year else habits.day)


def write_long_day(value: date, *, with_year: bool) -> str:
    """A day in full: "Thursday, November 26" or "Thursday 26 November"; the year is added if asked."""
    habits = read_habits()
    return format_day(value, habits.long_day_with_year if with_year else habits.long_day)


def write_birthday(value: date) -> str:
    """A day without its weekday: "July 14, 1987" or "14 July 1987"."""
    return format_day(value, read_habits().birthday)


def write_day_and_clock(value: datetime) -> str:
    """As it stands, with its year, for what is kept: "Thu, Nov 26, 2026, 2:05 pm"."""
    return f"{write_day(value, with_year=True)}, {write_clock(value)}"


def write_exact_moment(value: datetime) -> str:
    """The same to the second: "Thu 26 Nov 2026, 14:05:09"."""
    return f"{write_day(value, with_year=True)}, {write_exact_clock(value)}"


def write_weekday_and_clock(value: datetime) -> str:
    """For a moment within a few days: "Thu 8:00 am" or "Thu 8:00"."""
    return format_day(value, f"D {read_habits().clock}")


def _find_locale(language: str, region: str) -> Locale:
    for name in (f"{language}_{region}", f"{language}_{ANYWHERE}", language):
        try:
            return Locale.parse(name)
        except (UnknownLocaleError, ValueError):
            continue
    return Locale.parse(f"en_{ANYWHERE}")


def _write_out(pattern: str) -> str:
    """The same order with the whole names of the weekday and the month."""
    return re.sub(r"M+", "MMMM", re.sub(r"E+", "EEEE", pattern))


def _convert(pattern: str, letters: Mapping[str, str]) -> str:
    """A pattern of CLDR in Django's letters. A weekday before a number needs no comma: "Thu 26 Nov"."""
    pattern = re.sub(r"(E+), (?=d)", r"\1 ", pattern)
    return "".join(
        letters.get(part) or re.sub(r"([A-Za-z])", r"\\\1", part.strip("'"))
        for part in CLDR_PART.findall(pattern)
    )
