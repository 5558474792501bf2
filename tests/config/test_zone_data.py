"""Zones come from the pinned package and never from the machine (product rule 26).

Of the countries in MOMENTS each has changed its rules since 2025: with data of that year, or older, the
moments are an hour off.
"""

import os
import re
import subprocess
import sys
import tomllib
import zoneinfo
from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from importlib import import_module
from importlib.metadata import version
from pathlib import Path

import pytest
from django.core.checks import CheckMessage
from django.core.exceptions import ImproperlyConfigured
from phonenumbers.tzdata import TIMEZONE_DATA

from config import zone_data
from config.checks import check_settings, refuse_unsafe_start
from contacts.zones import is_zone_name
from reminders.rules.calling_hours import CallingHours, next_allowed
from reminders.rules.schedule import OpenDays, Timing, TimingKind, moment_due
from tests.people import at

ROOT = Path(__file__).resolve().parent.parent.parent
OURS = ("config", "contacts", "reminders", "webhooks")
EVERY_DAY = OpenDays(frozenset(range(7)), frozenset())
# Zone, a wall time in it, and the moment in UTC.
MOMENTS = [
    ("America/Vancouver", (2026, 12, 15, 9, 0), (2026, 12, 15, 16, 0)),
    ("America/Vancouver", (2026, 6, 15, 9, 0), (2026, 6, 15, 16, 0)),
    ("Canada/Pacific", (2026, 12, 15, 9, 0), (2026, 12, 15, 16, 0)),
    ("America/Edmonton", (2026, 12, 15, 9, 0), (2026, 12, 15, 15, 0)),
    ("America/Yellowknife", (2027, 1, 15, 9, 0), (2027, 1, 15, 15, 0)),
    ("America/Winnipeg", (2026, 12, 15, 9, 0), (2026, 12, 15, 14, 0)),
    ("America/Havana", (2026, 12, 15, 9, 0), (2026, 12, 15, 13, 0)),
    ("Africa/Casablanca", (2026, 12, 15, 9, 0), (2026, 12, 15, 9, 0)),
    ("Africa/El_Aaiun", (2026, 12, 15, 9, 0), (2026, 12, 15, 9, 0)),
    ("America/New_York", (2026, 12, 15, 9, 0), (2026, 12, 15, 14, 0)),
]
# Each way in which a process begins.
ENTRANCES = {
    "web": "import config.wsgi",
    "workers and beat": "import config.celery",
    "celery -A config": "import celery; celery.Celery('other').now(); import config",
    "commands": "import manage; manage.prepare_laptop('help')",
    "make run": "import config.local.run",
    "tests": "import tests.local_services",
}


@pytest.fixture
def machine_data() -> Iterator[None]:
    """The search path without config/zone_data.py. Zones that were asked for before stay the same."""
    zoneinfo.reset_tzpath(to=["/usr/share/zoneinfo"])
    yield
    zoneinfo.reset_tzpath(to=())


def find_errors(error_id: str) -> list[CheckMessage]:
    return [error for error in check_settings(None) if error.id == error_id]


@pytest.mark.parametrize(("zone", "wall", "moment"), MOMENTS)
def test_a_wall_time_is_the_moment_that_the_newest_rules_say(
    zone: str, wall: tuple[int, ...], moment: tuple[int, ...]
) -> None:
    assert at(zone, *wall).astimezone(UTC) == datetime(*moment, tzinfo=UTC)  # type: ignore[arg-type, misc]


def test_a_call_an_hour_before_a_visit_in_vancouver_goes_at_eight() -> None:
    one_hour = Timing(TimingKind.ELAPSED_BEFORE, elapsed=timedelta(hours=1))
    vancouver = zoneinfo.ZoneInfo("America/Vancouver")
    nine = datetime(2026, 12, 15, 9, tzinfo=vancouver)
    assert moment_due(one_hour, nine, vancouver, EVERY_DAY) == datetime(2026, 12, 15, 15, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "allowed"),
    [
        ((2026, 12, 16, 4, 45), (2026, 12, 16, 17, 0)),  # 21:45 there: not before 10:00 the next day
        ((2026, 12, 15, 16, 15), (2026, 12, 15, 17, 0)),  # 9:15 there: at 10:00
        ((2026, 12, 15, 17, 0), (2026, 12, 15, 17, 0)),  # 10:00 there: at once
        ((2026, 12, 16, 3, 59), (2026, 12, 16, 3, 59)),  # 20:59 there: at once
        ((2026, 12, 16, 4, 0), (2026, 12, 16, 17, 0)),  # 21:00 there: not any more
    ],
)
def test_calling_hours_in_vancouver_are_those_of_its_new_clock(
    now: tuple[int, ...], allowed: tuple[int, ...]
) -> None:
    hours = CallingHours(time(10), time(21))
    found = next_allowed(
        datetime(*now, tzinfo=UTC),  # type: ignore[arg-type, misc]
        hours,
        [zoneinfo.ZoneInfo("America/Vancouver")],
    )
    assert found == datetime(*allowed, tzinfo=UTC)  # type: ignore[arg-type, misc]


@pytest.mark.parametrize("entrance", ENTRANCES.values(), ids=list(ENTRANCES))
def test_every_process_takes_zones_from_the_package(entrance: str) -> None:
    ask = (
        "import os, sys, zoneinfo; from datetime import UTC, datetime; sys.path.insert(0, os.getcwd()); "
        f"{entrance}; nine = datetime(2026, 12, 15, 9, tzinfo=zoneinfo.ZoneInfo('America/Vancouver')); "
        "print(nine.astimezone(UTC).hour, zoneinfo.TZPATH, repr(os.environ['PYTHONTZPATH']))"
    )
    environment = os.environ | {"PYTHONTZPATH": "/usr/share/zoneinfo"}
    answer = subprocess.run(
        [sys.executable, "-c", ask], cwd=ROOT, env=environment, capture_output=True, text=True, check=True
    )
    assert answer.stdout.strip() == "16 () ''"


def test_no_process_starts_while_the_machines_data_would_be_used(machine_data: None) -> None:
    [error] = find_errors("callboard.E016")
    assert error.msg == "The machine's time zone data would be used, which may be old."
    assert error.hint
    with pytest.raises(ImproperlyConfigured, match="machine's time zone data"):
        refuse_unsafe_start()


@pytest.mark.parametrize(
    ("found", "said"), [("", "is missing"), ("2025b", "is of 2025b"), ("2026e", "is of 2026e")]
)
def test_no_process_starts_without_the_package_or_with_an_old_one(
    monkeypatch: pytest.MonkeyPatch, found: str, said: str
) -> None:
    monkeypatch.setattr(zone_data, "read_version", lambda: found)
    [error] = find_errors("callboard.E017")
    assert said in error.msg
    assert "uv sync" in (error.hint or "")


def test_a_missing_package_has_no_version(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "tzdata", None)
    assert zone_data.read_version() == ""


def test_the_package_is_required_directly_in_the_version_that_the_check_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    [required] = [each for each in project["dependencies"] if each.startswith("tzdata")]
    year, letter = zone_data.OLDEST[:4], zone_data.OLDEST[4:]
    assert required == f"tzdata>={year}.{ord(letter) - ord('a') + 1}"
    assert zone_data.read_version() >= zone_data.OLDEST
    assert version("tzdata") == import_module("tzdata").__version__


def test_the_image_hides_the_files_of_its_own_machine() -> None:
    last_stage = (ROOT / "Dockerfile").read_text().rpartition("FROM ")[2]
    assert re.search(r'^ENV .*PYTHONTZPATH=""', last_stage, re.MULTILINE)


def test_the_package_knows_every_zone_that_a_phone_number_can_be_in() -> None:
    zones = {zone for zones in TIMEZONE_DATA.values() for zone in zones}
    assert {zone for zone in zones if not is_zone_name(zone)} == set()


def test_our_code_asks_no_other_source_for_the_rules_of_a_zone() -> None:
    # PostgreSQL, dateutil, pytz and the C library each have data of their own. (The days that the admin
    # offers above a list are PostgreSQL's; the rows of a day are found by ours.)
    others = re.compile(
        r"(?i:at time zone|date_trunc)|\b(?:Trunc|Extract)(?:[A-Z]\w+)?\("
        r"|__(?:date|time|year|month|day|week|week_day|hour)(?:__\w+)?="
        r"|^\s*(?:import|from) (?:pytz|dateutil|tzlocal)|time\.localtime",
        re.MULTILINE,
    )
    found = {
        str(path.relative_to(ROOT)): others.findall(path.read_text())
        for folder in (*OURS, "tests")
        for path in (ROOT / folder).rglob("*.py")
        if path != Path(__file__)
    }
    assert {path: matches for path, matches in found.items() if matches} == {}
