"""Every rule says what it saw in words for staff, for any situation (product rules 18 and 60)."""

from dataclasses import replace
from datetime import UTC, datetime, time
from typing import Any

import pytest
from django.utils.functional import Promise
from hypothesis import given

from contacts.numbers import mask
from reminders.deciding.rule_words import (
    ANSWERS,
    CAMPAIGNS,
    RESULTS,
    SOURCES,
    VERDICTS,
    WORDS,
    CheckLine,
    describe_rules,
    describe_verdict,
)
from reminders.deciding.stored_decisions import SeenValues
from reminders.pages.planning_checks import NOT_PLANNED
from reminders.rules.calling_hours import CallingHours, ZoneSource, find_zone_source, recipient_zones
from reminders.rules.decide import RULES, Situation, Verdict
from reminders.rules.rule_results import RuleResult, explain_decision
from tests.reminders.pages.test_words_for_staff import PROGRAMMERS_WORDS
from tests.reminders.rules.situations import AT_ANY_PACE, MOMENTS, SITUATIONS
from tests.reminders.rules.test_decide import DUE, IN_TWO_DAYS, LATER, NOW, TOMORROW

SEEN = SeenValues(
    channel="voice",
    number="+12025550100",
    location="Downtown",
    location_zone="America/New_York",
    local_start=datetime(2026, 12, 1, 13, 0),  # noqa: DTZ001 - a wall time
    campaign="Reminders",
    campaign_state="active",
    preference="voice",
    consent_basis="given_for_care",
    opted_out_at=None,
    script="Reminder",
    language="en",
    version=3,
    zone_source="location",
    cap_per_day=1,
    cap_per_week=3,
    calls_in_day=0,
    calls_in_week=0,
    calls_per_minute=None,
)
EVENING = datetime(2026, 12, 2, 1, 12, tzinfo=UTC)  # 20:12 on Tuesday in New York
LATE_VISIT = {"not_after": IN_TWO_DAYS}
TABLES = (VERDICTS, RESULTS, CAMPAIGNS, ANSWERS, SOURCES, NOT_PLANNED)


def explain(now: datetime = NOW, seen: dict[str, Any] | None = None, **fields: Any) -> dict[str, CheckLine]:
    situation, values = DUE._replace(**fields), replace(SEEN, **(seen or {}))
    lines = describe_rules(explain_decision(situation, now), situation, values, now)
    return {line.code: line for line in lines}


def test_every_rule_has_words_and_every_word_a_rule() -> None:
    assert list(WORDS) == [rule.__name__ for rule in RULES]
    assert set(VERDICTS) == set(Verdict)
    assert set(RESULTS) == set(RuleResult)
    assert set(SOURCES) == set(ZoneSource)


@pytest.mark.parametrize("table", TABLES, ids=range(len(TABLES)))
def test_the_words_are_translated_and_are_for_staff(table: dict[str, object]) -> None:
    for words in table.values():
        assert isinstance(words, Promise)
        assert not PROGRAMMERS_WORDS.search(str(words)), words


@AT_ANY_PACE
@given(situation=SITUATIONS, now=MOMENTS)
def test_every_rule_says_what_it_saw_in_any_situation(situation: Situation, now: datetime) -> None:
    for seen in (SEEN, replace(SEEN, number="", script="", channel="sms", zone_source="number")):
        explained = explain_decision(situation, now)
        for line in describe_rules(explained, situation, seen, now):
            assert line.title
            assert line.seen, f"{line.code} says nothing of what it saw"
            assert (line.decision == "") == (line.result == RuleResult.PASSED)
            words = " ".join(line.seen).replace("the clock of UTC", "")
            assert not PROGRAMMERS_WORDS.search(words), words
        assert describe_verdict(explained.decision, seen.location_zone)


# rule, now, fields of the situation, values seen, what the rule says it saw
SENTENCES: list[tuple[str, datetime, dict[str, Any], dict[str, Any], str]] = [
    (
        "wait_for_calling_hours",
        EVENING,
        LATE_VISIT,
        {},
        (
            "Calling hours 9:00 am to 7:00 pm by the clock of New York: it is Tue, Dec 1, 8:12 pm there, "
            "so not before Wed, Dec 2, 9:00 am."
        ),
    ),
    (
        "wait_for_calling_hours",
        NOW,
        {},
        {},
        "Calling hours 9:00 am to 7:00 pm by the clock of New York: it is Tue, Dec 1, 10:00 am there.",
    ),
    (
        "wait_for_calling_hours",
        NOW,
        {"hours": CallingHours(time(6), time(23))},
        {},
        "Calling hours 8:00 am to 9:00 pm by the clock of New York: it is Tue, Dec 1, 10:00 am there.",
    ),
    (
        "wait_for_calling_hours",
        NOW,
        {"hours": CallingHours(time(9), time(19), frozenset({NOW.date()})), **LATE_VISIT},
        {},
        "Downtown is closed on that day.",
    ),
    ("wait_for_calling_hours", NOW, {}, {"zone_source": "stated"}, str(SOURCES["stated"])),
    ("wait_for_calling_hours", NOW, {"zones": ()}, {}, "No time zone is known by that name."),
    (
        "skip_opted_out_numbers",
        NOW,
        {"opted_out": True},
        {"opted_out_at": EVENING},
        f"{mask('+12025550100')} opted out of calls on Tue, Dec 1, 8:12 pm.",
    ),
    (
        "skip_opted_out_numbers",
        NOW,
        {},
        {"channel": "sms"},
        f"{mask('+12025550100')} has not opted out of text messages.",
    ),
    (
        "skip_what_the_patient_refuses",
        NOW,
        {},
        {"preference": "sms_only"},
        "The patient is reminded by: text message only, never a call.",
    ),
    ("skip_unneeded_reminders", NOW, {"answer": "confirmed"}, {}, "The patient has confirmed."),
    ("miss_late_reminders", NOW, {}, {}, "Its last moment is Tue, Dec 1, 12:30 pm."),
    ("wait_until_due", NOW, {"not_before": LATER}, {}, "It is due on Tue, Dec 1, 11:00 am."),
    ("hold_blocked_reminders", NOW, {"sending_paused": True}, {}, "All sending is paused."),
    (
        "hold_blocked_reminders",
        NOW,
        {"campaign_active": False},
        {"campaign_state": "draft"},
        "The campaign “Reminders” is a draft.",
    ),
    (
        "hold_blocked_reminders",
        NOW,
        {"has_consent": False},
        {"consent_basis": "none"},
        "Consent on record: no consent known.",
    ),
    ("hold_blocked_reminders", NOW, {}, {}, "Script: “Reminder”, English, version 3."),
    (
        "wait_for_open_calls",
        NOW,
        {"line_busy_until": LATER},
        {},
        "Another call to this number may last until Tue, Dec 1, 11:00 am.",
    ),
    (
        "wait_for_number_cap",
        NOW,
        {"capped_until": TOMORROW, **LATE_VISIT},
        {"calls_in_day": 1, "calls_in_week": 2},
        "1 of at most 1 calls and text messages on this day.",
    ),
    (
        "wait_for_number_cap",
        NOW,
        {"capped_until": TOMORROW, "ordered": True},
        {},
        "A staff member ordered it, so this does not hold it.",
    ),
    (
        "wait_for_number_cap",
        NOW,
        {},
        {"cap_per_week": 0},
        "0 in the seven days up to it; there is no limit.",
    ),
    (
        "wait_for_desk_pace",
        NOW,
        {"desk_busy_until": LATER},
        {"calls_per_minute": 3},
        "Its turn is at Tue, Dec 1, 11:00 am.",
    ),
]


@pytest.mark.parametrize(("rule", "now", "fields", "seen", "sentence"), SENTENCES)
def test_a_rule_says_the_values_that_it_saw(
    rule: str, now: datetime, fields: dict[str, Any], seen: dict[str, Any], sentence: str
) -> None:
    assert sentence in explain(now, seen, **fields)[rule].seen


def test_a_verdict_names_the_moment_by_the_locations_clock() -> None:
    decision = explain_decision(DUE._replace(not_before=LATER), NOW).decision
    words = describe_verdict(decision, "America/New_York")
    assert words == "It waits. It is not due yet. It is looked at again on Tue, Dec 1, 11:00 am."


# stated zone, the location's, the number's: where the zones come from, and which they are
ZONE_SOURCES = [
    ("Asia/Tokyo", "America/New_York", ["America/Denver"], "stated", ["Asia/Tokyo"]),
    ("", "America/New_York", [], "location", ["America/New_York"]),
    ("", "America/New_York", ["Etc/Unknown"], "location", ["America/New_York"]),
    ("", "America/New_York", ["America/Denver", "America/New_York"], "location", ["America/New_York"]),
    ("", "America/New_York", ["America/Denver", "Etc/Unknown"], "number", ["America/Denver"]),
]


@pytest.mark.parametrize(("stated", "location", "number", "source", "zones"), ZONE_SOURCES)
def test_where_the_zones_come_from_is_said_as_they_are_chosen(
    stated: str, location: str, number: list[str], source: str, zones: list[str]
) -> None:
    assert find_zone_source(stated, location, number) == source
    assert [zone.key for zone in recipient_zones(stated, location, number)] == zones
