"""The rules, row by row of rule_table.py, which is made to be read; here each question is asked.

(product rules 1, 2, 4, 5, 6, 7, 8, 9, 10, 12, 13, 15, 17, 18, 21, 22, 24, 25, 29, 31 and 41)
"""

import re
from collections.abc import Callable
from datetime import datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from config.rule_page import find_rules
from reminders.rules.calling_hours import CallingHours, last_allowed, next_allowed, recipient_zones
from reminders.rules.decide import Decision, Verdict, decide
from reminders.rules.reaching_back import MeantSince, find_reaching_back
from reminders.rules.retries import RetryRule, TryOutcome, next_try
from reminders.rules.schedule import OpenDays, Timing, TimingKind, describe, moment_due
from tests.reminders.rules.rule_table import ACTIVATED, DAILY, DUE_AT, LAST_MOMENT, TABLES, USUAL, Row
from tests.reminders.rules.test_decide import DUE

HALF_AN_HOUR = timedelta(minutes=30)
SARAH = DUE._replace(
    not_before=datetime.fromisoformat(DUE_AT),
    not_after=datetime.fromisoformat(LAST_MOMENT),
    hours=USUAL,
    zones=(),
)


def read_timing(words: str) -> Timing:
    """The timing that these words describe, such as "2 days before at 10:00" or "3 hours before"."""
    at = time.fromisoformat(words.split(" at ")[1]) if " at " in words else None
    counts = {unit: int(count) for count, unit in re.findall(r"(\d+) (open day|day|hour|minute)", words)}
    if "open day" in counts:
        timing = Timing(TimingKind.OPEN_DAYS_BEFORE, days=counts["open day"], at=at)
    elif at:
        timing = Timing(TimingKind.DAYS_BEFORE, days=counts.get("day", 0), at=at)
    else:
        elapsed = timedelta(hours=counts.get("hour", 0), minutes=counts.get("minute", 0))
        timing = Timing(TimingKind.ELAPSED_BEFORE, elapsed=elapsed)
    assert describe(timing, "{:%H:%M}".format) == words
    return timing


def show(moment: datetime | None, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).isoformat(" ", "minutes") if moment else "never"


def show_decision(decision: Decision, zone: ZoneInfo) -> str:
    until = f" until {show(decision.until, zone)}" if decision.until else ""
    return f"{decision.verdict}: {decision.reason}{until}"


def read_moments(given: dict[str, Any]) -> dict[str, Any]:
    """The same with moments for those that are written as text."""
    return {
        name: datetime.fromisoformat(value) if isinstance(value, str) and value[:2] == "20" else value
        for name, value in given.items()
    }


def ask_due(step: str, zones: list[ZoneInfo], starts_at: datetime) -> str:
    return show(moment_due(read_timing(step), starts_at, zones[0], DAILY), zones[0])


def ask_due_on_open_days(given: tuple[str, OpenDays], zones: list[ZoneInfo], starts_at: datetime) -> str:
    step, open_days = given
    return show(moment_due(read_timing(step), starts_at, zones[0], open_days), zones[0])


def ask_calling_hours(hours: CallingHours, zones: list[ZoneInfo], moment: datetime) -> str:
    return show(next_allowed(moment, hours, zones), zones[0])


def ask_last_calling_hours(hours: CallingHours, zones: list[ZoneInfo], moment: datetime) -> str:
    return show(last_allowed(moment, hours, zones, HALF_AN_HOUR), zones[0])


def ask_zones(given: tuple[str, list[str]], zones: list[ZoneInfo], _moment: None) -> str:
    stated, of_number = given
    try:
        return ", ".join(zone.key for zone in recipient_zones(stated, zones[0].key, of_number))
    except ValueError:
        return "no zone"


def ask_reaching_back(given: dict[str, Any], _zones: list[ZoneInfo], owed_from: datetime) -> str:
    since = read_moments({"step": ACTIVATED} | given)
    return find_reaching_back(owed_from, MeantSince(**since)) or "sent"


def ask_next_tries(given: tuple[RetryRule, str, int], zones: list[ZoneInfo], ended_at: datetime) -> str:
    rule, outcome, tries_made = given
    return show(next_try(rule, TryOutcome(outcome), tries_made, ended_at, zone=zones[0]), zones[0])


def ask_decisions(given: dict[str, Any], zones: list[ZoneInfo], now: datetime) -> str:
    situation = SARAH._replace(zones=tuple(zones), **read_moments(given))
    return show_decision(decide(situation, now), zones[0] if zones else ZoneInfo("UTC"))


def ask_called(given: tuple[str, str], zones: list[ZoneInfo], starts_at: datetime) -> str:
    """When the call goes out: at once when it is due, or when the decision says to look again."""
    step, patients_zone = given
    due_at = moment_due(read_timing(step), starts_at, zones[0], DAILY)
    situation = SARAH._replace(
        not_before=due_at, not_after=starts_at - HALF_AN_HOUR, zones=(ZoneInfo(patients_zone),)
    )
    decision = decide(situation, due_at)
    if decision.verdict == Verdict.MISS:
        return show_decision(decision, zones[0])
    called_at = decision.until or due_at
    assert decide(situation, called_at).verdict == Verdict.CALL
    return show(called_at, zones[0])


ASK: dict[str, Callable[..., str]] = {
    "due": ask_due,
    "due on open days": ask_due_on_open_days,
    "calling hours": ask_calling_hours,
    "last calling hours": ask_last_calling_hours,
    "zones": ask_zones,
    "reaching back": ask_reaching_back,
    "next tries": ask_next_tries,
    "decisions": ask_decisions,
    "called": ask_called,
}
BY_ANY_CLOCK = {"calling hours", "decisions"}  # moments also by the clock of another place
ROWS = [(table, row) for table, rows in TABLES.items() for row in rows]


@pytest.mark.parametrize(
    ("table", "row"), ROWS, ids=[f"{table}, rule {row[0]}: {row[5]}" for table, row in ROWS]
)
def test_each_row_of_the_table_holds(table: str, row: Row) -> None:
    _, given, zones, moment, expected, reason = row
    infos = [ZoneInfo(zone) for zone in zones.split(", ") if zone]
    asked_at = datetime.fromisoformat(moment) if moment else None
    if asked_at and table not in BY_ANY_CLOCK:
        assert show(asked_at, infos[0]) == moment, f"{moment} is no time in {zones}"
    assert ASK[table](given, infos, asked_at) == expected, reason


@pytest.mark.usefixtures("process_zone")
def test_the_servers_own_time_zone_makes_no_difference() -> None:
    for table, row in ROWS:
        test_each_row_of_the_table_holds(table, row)


def test_the_table_has_no_row_twice_and_this_file_names_its_rules() -> None:
    questions = [(table, repr(row[1:4])) for table, row in ROWS]
    assert sorted(set(questions)) == sorted(questions)
    assert find_rules(__doc__) == sorted({row[0] for _, row in ROWS})
