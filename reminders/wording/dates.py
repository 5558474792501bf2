"""How a date and a time of day are said in a call, and written in a text message.

In calls: with the weekday always, in the words of the language (Unicode CLDR, by Babel), for every language
that Babel knows; one that it doesn't know gets the English words. English, Spanish and French have patterns
of their own, so that a voice reads the first of a month, and a French time, as people say them: "January
1st", "viernes, primero de enero", "vendredi 1er janvier", "9 h 30". English goes by the practice's country,
as its pages do (contacts/clock_habits.py): "January 1st" in the US, "1st January" in the UK. Spanish and
French calls have its clock: "3:40 de la tarde" in the US, "15:40" in Spain.

In text messages the three shipped languages have short forms of the GSM alphabet's length: CLDR's own are
longer, and one letter too many costs a second part (product rule 40). So Spanish and French texts keep the
clock of 24 hours everywhere: with "pm" the longest shipped ones are 163 characters.
"""

import re
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from babel import Locale, UnknownLocaleError
from babel.dates import format_date, format_datetime, format_skeleton, format_time
from django.conf import settings
from django.utils import translation
from django.utils.formats import date_format

from contacts.clock_habits import find_habits, has_12_hour_clock

FALLBACK_LANGUAGE = "en"
ORDINALS = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd", 31: "st"}  # else "th"
NARROW_BLANKS = str.maketrans({"\u202f": " ", "\u00a0": " ", "\u200e": "", "\u200f": ""})


class DateFormats(NamedTuple):
    """The patterns of a date and a time of day; `first` is for the first of a month."""

    day: str
    first: str
    clock: str


# Patterns of CLDR, for Babel. English where the month comes first; the two at the end where the day does.
SPOKEN_DATES = {
    "en": DateFormats("EEEE, MMMM d'{ordinal}'", "EEEE, MMMM d'{ordinal}'", "h:mm a"),
    "es": DateFormats("EEEE, d 'de' MMMM", "EEEE, 'primero' 'de' MMMM", "HH:mm"),
    "fr": DateFormats("EEEE d MMMM", "EEEE '1er' MMMM", "H 'h' mm"),
}
# Where the clock has 12 hours; Spanish has the part of the day from CLDR, French from HALVES_IN_FRENCH.
SPOKEN_OF_12_HOURS = {"es": "h:mm B", "fr": "h 'h' mm"}
HALVES_IN_FRENCH = {12: "du matin", 18: "de l'après-midi", 24: "du soir"}  # by the hour at which each ends
# Django's date formats.
WRITTEN_DATES = {
    "en": DateFormats("D, M j", "D, M j", "g:i A"),
    "es": DateFormats("D j b", "D j b", "H:i"),
    "fr": DateFormats("D j N", r"D 1\e\r N", r"G\hi"),
}
SPOKEN_DAY_FIRST = DateFormats("EEEE, d'{ordinal}' MMMM", "EEEE, d'{ordinal}' MMMM", "h:mm a")
WRITTEN_DAY_FIRST = DateFormats("D j M", "D j M", "G:i")


class SaidTime(NamedTuple):
    """A date with its weekday, and a time of day, in words."""

    day: str
    clock: str


def say_time(local: datetime, language: str, *, is_text: bool) -> SaidTime:
    """A wall time (naive) in a language (ISO 639-1), for a call or a text message."""
    return _say(local, language, is_text, settings.PHONE_REGION)


@lru_cache(maxsize=4096)  # a clinic's appointments share a few hundred times
def _say(local: datetime, language: str, is_text: bool, region: str) -> SaidTime:
    if is_text and language in WRITTEN_DATES:
        return _write_short(local, language, region)
    locale = find_locale(language)
    if locale is None:
        return _say(local, FALLBACK_LANGUAGE, is_text, region)
    if not is_text and language in SPOKEN_DATES:
        formats = SPOKEN_DATES[language]
        if language == "en" and not find_habits("en", region).is_month_first:
            formats = SPOKEN_DAY_FIRST
        day = format_datetime(local, formats.first if local.day == 1 else formats.day, locale=locale)
        clock = _say_clock(local, language, region, locale)
        day = day.replace("{ordinal}", ORDINALS.get(local.day, "th"))
    else:
        clock = format_time(local, "short", locale=locale)
        day = (
            format_skeleton("MMMEd", local, locale=locale)
            if is_text
            else format_date(local, "full", locale=locale)
        )
    return SaidTime(day.translate(NARROW_BLANKS), clock.translate(NARROW_BLANKS))


def _say_clock(local: datetime, language: str, region: str, locale: Locale) -> str:
    """A time of day as English, Spanish and French say it."""
    if language not in SPOKEN_OF_12_HOURS or not _counts_to_12(language, region):
        return format_datetime(local, SPOKEN_DATES[language].clock, locale=locale)
    clock = format_datetime(local, SPOKEN_OF_12_HOURS[language], locale=locale)
    if language != "fr":
        return clock
    return f"{clock} {next(half for end, half in HALVES_IN_FRENCH.items() if local.hour < end)}"


@lru_cache
def _counts_to_12(language: str, region: str) -> bool:
    """Whether speakers of a language in a country say 3:40 and not 15:40; if unknown, as others there do."""
    try:
        locale = Locale.parse(f"{language}_{region}")
    except (UnknownLocaleError, ValueError):
        return has_12_hour_clock(region)
    return "h" in re.sub(r"'[^']*'", "", locale.time_formats["short"].pattern)  # French Canada: HH 'h' mm


@lru_cache
def find_locale(language: str) -> Locale | None:
    """Babel's own locale of a language, or None if it has none."""
    try:
        locale = Locale.parse(language)
    except (UnknownLocaleError, ValueError):
        return None
    return locale if locale.language == language else None


def _write_short(local: datetime, language: str, region: str) -> SaidTime:
    formats = WRITTEN_DATES[language]
    if language == "en" and not find_habits("en", region).is_month_first:
        formats = WRITTEN_DAY_FIRST
        if has_12_hour_clock(region):
            formats = formats._replace(clock=WRITTEN_DATES["en"].clock)
    with translation.override(language):
        day = date_format(local, formats.first if local.day == 1 else formats.day)
        return SaidTime(day, date_format(local, formats.clock))
