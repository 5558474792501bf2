"""The tables of allowed moves of reminders and calls."""

import itertools

import pytest

from reminders.lifecycle.reminders import MoveNotAllowed, check_reminder_move
from reminders.rules.states import (
    CALL_MOVES,
    CALL_OPEN,
    OUTCOMES_BY_STRENGTH,
    REMINDER_MOVES,
    CallState,
    ReminderState,
)


def test_the_tables_of_moves_include_every_state() -> None:
    assert set(CALL_MOVES) == set(CallState)
    assert set(REMINDER_MOVES) == set(ReminderState)


def test_a_rejected_or_unsent_call_can_only_move_to_an_outcome() -> None:
    assert CALL_MOVES[CallState.NOT_SENT] == CALL_MOVES[CallState.REJECTED] == frozenset(OUTCOMES_BY_STRENGTH)


def test_a_closed_call_can_not_be_reopened() -> None:
    assert not any(CallState.SUBMITTING in targets for targets in CALL_MOVES.values())
    closed = set(CallState) - set(CALL_OPEN)
    assert not any(new in CALL_MOVES[old] for old in closed for new in CALL_OPEN)


def test_a_weaker_outcome_never_replaces_a_stronger_one() -> None:
    """(product rule 14)"""
    for weak, strong in itertools.combinations(OUTCOMES_BY_STRENGTH, 2):
        assert strong in CALL_MOVES[weak]
        assert weak not in CALL_MOVES[strong]


def test_a_withdrawn_reminder_can_not_be_planned_again() -> None:
    with pytest.raises(MoveNotAllowed, match="from withdrawn to planned"):
        check_reminder_move(ReminderState.WITHDRAWN, ReminderState.PLANNED)
