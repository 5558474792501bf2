"""Times and dates are written as the country writes them, and in one place only (product rule 55)."""

import ast
import re
from collections.abc import Iterator
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import pytest
from babel.messages.mofile import read_mo
from babel.messages.pofile import read_po
from django.conf import global_settings
from django.forms import DateField, Form
from django.utils import formats, translation

from contacts.clock_habits import (
    find_habits,
    is_usual,
    write_birthday,
    write_clock,
    write_day,
    write_day_and_clock,
    write_exact_moment,
    write_long_day,
    write_weekday_and_clock,
)
from contacts.forms.times import DayAndClockField, TimeOfDay

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("config", "contacts", "reminders", "webhooks")
AFTERNOON = datetime(2026, 11, 5, 14, 5, 9, tzinfo=UTC)
WRITERS = [
    write_clock,
    lambda moment: write_day(moment, with_year=False),
    write_day_and_clock,
    write_exact_moment,
    lambda moment: write_long_day(moment, with_year=False),
    lambda moment: write_long_day(moment, with_year=True),
    write_birthday,
    write_weekday_and_clock,
]
# In the order of WRITERS.
MONTH_FIRST = [
    "2:05 pm", "Thu, Nov 5", "Thu, Nov 5, 2026, 2:05 pm", "Thu, Nov 5, 2026, 2:05:09 pm",
    "Thursday, November 5", "Thursday, November 5, 2026", "November 5, 2026", "Thu 2:05 pm",
]  # fmt: skip
DAY_FIRST = [
    "14:05", "Thu 5 Nov", "Thu 5 Nov 2026, 14:05", "Thu 5 Nov 2026, 14:05:09",
    "Thursday 5 November", "Thursday 5 November 2026", "5 November 2026", "Thu 14:05",
]  # fmt: skip
DAY_FIRST_OF_12_HOURS = [
    "2:05 pm", "Thu 5 Nov", "Thu 5 Nov 2026, 2:05 pm", "Thu 5 Nov 2026, 2:05:09 pm",
    "Thursday 5 November", "Thursday 5 November 2026", "5 November 2026", "Thu 2:05 pm",
]  # fmt: skip
WRITTEN = {
    "US": MONTH_FIRST,
    "GB": DAY_FIRST,
    "AU": DAY_FIRST_OF_12_HOURS,
    "CA": MONTH_FIRST,
    "DE": DAY_FIRST,
    "MX": DAY_FIRST_OF_12_HOURS,  # English is not spoken there, in Unicode's tables
    "XX": DAY_FIRST,  # no country
}


@pytest.fixture(autouse=True)
def _forget_formats() -> Iterator[None]:
    """Django keeps the formats that it asked for once; these tests change the country."""
    formats.reset_format_cache()
    yield
    formats.reset_format_cache()


@pytest.mark.parametrize("region", WRITTEN)
def test_times_and_days_are_written_as_the_country_writes_them(settings: Any, region: str) -> None:
    settings.PHONE_REGION = region
    assert [write(AFTERNOON) for write in WRITERS] == WRITTEN[region]


@pytest.mark.parametrize(
    ("region", "written"),
    [("US", "jue 5 de nov de 2026, 2:05 pm"), ("ES", "jue 5 nov 2026, 14:05")],
)
def test_a_page_in_spanish_has_the_habits_of_its_country(settings: Any, region: str, written: str) -> None:
    settings.PHONE_REGION = region
    with translation.override("es"):
        assert write_day_and_clock(AFTERNOON) == written


def test_noon_and_midnight_are_no_riddle(settings: Any) -> None:
    settings.PHONE_REGION = "US"
    hours = [write_clock(time(hour)) for hour in (0, 1, 11, 12, 13, 23)]
    assert hours == ["12:00 am", "1:00 am", "11:00 am", "12:00 pm", "1:00 pm", "11:00 pm"]


@pytest.mark.parametrize("region", ["US", "GB", "AU", "CA", "MX"])
def test_what_a_field_shows_is_read_as_the_same_time(settings: Any, region: str) -> None:
    settings.PHONE_REGION = region
    every = [time(hour, minute) for hour in range(24) for minute in (0, 5, 59)]
    assert [TimeOfDay().clean(TimeOfDay().prepare_value(one)) for one in every] == every


def test_a_field_names_its_examples_as_the_country_writes_them(settings: Any) -> None:
    class Opening(Form):
        at = TimeOfDay()
        seen = DayAndClockField()

    shown = {}
    for settings.PHONE_REGION in ("US", "GB"):
        form = Opening({"at": "99", "seen_0": "2026-11-05", "seen_1": "14:05"})
        fresh = Opening(initial={"at": time(14, 5), "seen": AFTERNOON}).as_p()
        values = re.findall(r'(?:value|placeholder)="([^"]+)"', fresh)
        shown[settings.PHONE_REGION] = (list(form.errors["at"]), values)
    assert shown == {
        "US": (
            ["Enter the time like 9:30 am or 2:05 pm."],
            ["2:05 pm", "9:30 am", "2026-11-05", "2:05 pm"],
        ),
        "GB": (["Enter the time like 9:30 or 14:05."], ["14:05", "9:30", "2026-11-05", "14:05"]),
    }


@pytest.mark.parametrize(
    ("region", "typed"), [("US", "11/5/2026"), ("GB", "5/11/2026"), ("CA", "11/5/2026"), ("DE", "5.11.2026")]
)
def test_djangos_own_pages_have_the_same_formats(settings: Any, region: str, typed: str) -> None:
    """The admin asks Django, whose formats are in config/formats."""
    settings.PHONE_REGION = region
    assert formats.date_format(AFTERNOON, "DATETIME_FORMAT") == write_day_and_clock(AFTERNOON)
    assert formats.time_format(AFTERNOON) == write_clock(AFTERNOON)
    assert formats.localize(AFTERNOON.date()) == write_day(AFTERNOON, with_year=True)
    assert DateField().clean(typed) == DateField().clean("2026-11-05") == date(2026, 11, 5)


def test_of_two_halves_of_a_day_exactly_one_is_usual() -> None:
    assert all(is_usual(time(hour)) is not is_usual(time(hour + 12)) for hour in range(12))


def test_every_language_of_a_page_finds_habits_for_every_country() -> None:
    for language, _name in global_settings.LANGUAGES:
        for region in ("US", "GB", "XX", ""):
            assert all(find_habits(language, region)), (language, region)


def test_the_compiled_words_are_those_of_the_catalogue() -> None:
    folder = ROOT / "locale/en/LC_MESSAGES"
    with (folder / "django.po").open("rb") as source, (folder / "django.mo").open("rb") as compiled:
        written = {one.id: one.string for one in read_po(source) if one.id}
        assert written == {one.id: one.string for one in read_mo(compiled) if one.id}


# What formats a time by itself, and why: no person of the practice reads it, or it is the same everywhere.
MACHINE_FORMATS = {
    "config/health.py": "answers of /readyz, in UTC, for monitoring",
    "contacts/clock_habits.py": "the one place",
    "contacts/forms/times.py": "how typed times are read",
    "contacts/imports/changes.py": "stored values of changed fields, which change_words.py writes",
    "contacts/imports/reading/calendar_events.py": "ids of occurrences of a calendar's series",
    "contacts/imports/reading/calendars.py": "cells of a calendar's events, as a list has them",
    "contacts/imports/reading/event_ids.py": "ids of a calendar's events",
    "contacts/imports/reading/entry_versions.py": "versions of entries, which are kept and compared",
    "contacts/imports/reading/fhir.py": "cells of a resource, as a list has them",
    "contacts/watching/disk.py": "names of files",
    "reminders/health/heartbeats.py": "the record of a worker's start, in UTC, named so",
    "config/backup.py": "names of files",
    "reminders/sandbox/clock.py": "Robotalker's format",
    "reminders/wording/dates.py": "what patients hear and read, by the language of the script",
}
OWN_FORMAT = re.compile(
    r"%-?[HI][:.]?%M|%-?d[ .]?%-?[bB]|%[bB] %-?d|%[aA],? %"  # of Python
    r"|\b[GgHh]:i|\b[Dl],? [jFM] |\b[jd] [MFN]\b|\b[MFN] [jd]\b"  # of Django
)
OWN_FILTER = re.compile(r"\|\s*(?:date|time)\b|{%\s*now\b")
DJANGOS_FORMATTERS = re.compile(r"django\.utils(?:\.| import )(?:formats|dateformat)\b")


def test_no_template_formats_a_time_by_itself() -> None:
    own = [
        f"{path.relative_to(ROOT)}: {found[0]}"
        for path in sorted((ROOT / "templates").rglob("*.html"))
        for found in OWN_FILTER.finditer(path.read_text())
    ]
    assert own == [], "use the filters of contacts/templatetags/display.py"
    assert OWN_FILTER.search("{{ at|date:'H:i' }}")
    assert not OWN_FILTER.search("{{ at|day_and_clock }}")


def test_no_sentence_formats_a_time_by_itself() -> None:
    """The exceptions are named with their reasons; one that is needless must go."""
    own = {str(path.relative_to(ROOT)) for path in _list_sources() if _formats_times(path.read_text())}
    assert own == set(MACHINE_FORMATS), "use contacts/clock_habits.py"


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ('x = f"{moment:%H:%M}"', True),
        ('x = moment.strftime("%d %b")', True),
        ('x = date_format(moment, "D j M")', True),
        ("from django.utils.formats import date_format", True),
        ('x = f"{moment:%Y-%m-%d}"', False),
        ('"""Such as %H:%M."""', False),
        ('x = "%d of %d"', False),
    ],
)
def test_the_search_finds_what_it_looks_for(source: str, expected: bool) -> None:
    assert _formats_times(source) is expected


def _list_sources() -> list[Path]:
    found = [path for package in PACKAGES for path in (ROOT / package).rglob("*.py")]
    return [path for path in found if "migrations" not in path.parts]


def _formats_times(source: str) -> bool:
    tree = ast.parse(source)
    loose = {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
    texts = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in loose
    ]
    return bool(DJANGOS_FORMATTERS.search(source)) or any(OWN_FORMAT.search(text) for text in texts)
