"""The two tables of allowed moves."""

import itertools

import pytest

from reminders.rules.states import (
    CALL_MOVES,
    CALL_OPEN,
    OUTCOMES_BY_STRENGTH,
    REMINDER_MOVES,
    CallState,
    MoveNotAllowed,
    ReminderState,
    can_move_call,
    check_reminder_move,
)


def test_every_state_stands_in_its_table() -> None:
    assert set(CALL_MOVES) == set(CallState)
    assert set(REMINDER_MOVES) == set(ReminderState)


def test_what_was_refused_or_never_left_is_changed_only_by_an_event_that_proves_otherwise() -> None:
    assert CALL_MOVES[CallState.NOT_SENT] == CALL_MOVES[CallState.REJECTED] == frozenset(OUTCOMES_BY_STRENGTH)


def test_no_call_is_ever_opened_again() -> None:
    assert not any(CallState.SUBMITTING in ways for ways in CALL_MOVES.values())
    finals = set(CallState) - set(CALL_OPEN)
    assert not any(can_move_call(final, opened) for final in finals for opened in CALL_OPEN)


def test_a_weaker_outcome_never_replaces_a_stronger_one() -> None:
    for weak, strong in itertools.combinations(OUTCOMES_BY_STRENGTH, 2):
        assert can_move_call(weak, strong)
        assert not can_move_call(strong, weak)


def test_a_withdrawn_reminder_never_comes_back() -> None:
    with pytest.raises(MoveNotAllowed, match="from withdrawn to planned"):
        check_reminder_move(ReminderState.WITHDRAWN, ReminderState.PLANNED)
