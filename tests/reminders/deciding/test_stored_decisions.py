"""What the last look saw is kept with the call, and read back the same whatever has changed since."""

import json
from dataclasses import replace
from datetime import date, datetime, time, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reminders.deciding.stored_decisions import CLOSED_DAYS_KEPT, read_decision, write_decision
from reminders.rules.calling_hours import CallingHours
from reminders.rules.decide import Situation, decide
from tests.reminders.deciding.test_rule_words import SEEN
from tests.reminders.rules.situations import AT_ANY_PACE, MAYBE, MOMENTS, SITUATIONS
from tests.reminders.rules.test_decide import DUE, NOW


@AT_ANY_PACE
@given(situation=SITUATIONS, opted_out_at=MAYBE, rate=st.none() | st.integers(1, 9), now=MOMENTS)
def test_it_is_read_back_the_same(
    situation: Situation, opted_out_at: datetime | None, rate: int | None, now: datetime
) -> None:
    values = replace(SEEN, opted_out_at=opted_out_at, calls_per_minute=rate)
    near = frozenset(day for day in situation.hours.closed_dates if abs(day - now.date()) <= CLOSED_DAYS_KEPT)
    situation = situation._replace(hours=replace(situation.hours, closed_dates=near))
    stored = json.loads(json.dumps(write_decision(situation, values, now)))
    assert read_decision(stored) == (situation, values, now)
    read = read_decision(stored)
    assert read is not None
    assert decide(read.situation, read.now) == decide(situation, now)


def test_closed_days_that_are_far_away_are_not_kept() -> None:
    years = frozenset(date(2026, 1, 1) + timedelta(days=day) for day in range(700))
    hours = CallingHours(time(9), time(19), years)
    stored = write_decision(DUE._replace(hours=hours), SEEN, NOW)
    assert len(stored["situation"]["hours"]["closed_dates"]) == 29
    assert len(json.dumps(write_decision(DUE, SEEN, NOW))) < 1500


WRITTEN = json.loads(json.dumps(write_decision(DUE, SEEN, NOW)))
UNREADABLE: list[Any] = [
    None,
    {},
    [],
    "x",
    WRITTEN | {"form": 2},
    WRITTEN | {"at": "yesterday"},
    WRITTEN | {"seen": {}},
    WRITTEN | {"situation": []},
    WRITTEN | {"situation": WRITTEN["situation"] | {"zones": ["Mars/Olympus"]}},
    WRITTEN | {"situation": WRITTEN["situation"] | {"hours": {"opens": "9"}}},
    WRITTEN | {"situation": WRITTEN["situation"] | {"a_field_of_a_later_release": 1}},
]


@pytest.mark.parametrize("stored", UNREADABLE)
def test_what_this_release_can_not_read_is_told_as_not_recorded(stored: Any) -> None:
    assert read_decision(stored) is None


def test_a_field_with_a_default_may_be_missing() -> None:
    situation = {name: value for name, value in WRITTEN["situation"].items() if name != "told_already"}
    read = read_decision(WRITTEN | {"situation": situation})
    assert read is not None
    assert read.situation == DUE
