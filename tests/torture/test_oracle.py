"""The oracle finds each violation, and reports nothing that is allowed."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.torture.oracle import (
    DOUBLED,
    LOST,
    RULES,
    Facts,
    FollowUpRow,
    Hours,
    LedgerLine,
    OptOut,
    ReminderRow,
    Try,
    Withdrawal,
    count_violations,
    find_broken_rules,
)

SARAH = "+12025550100"
NOON = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MOST, _, UNSETTLED, _, AGAINST, OUTSIDE, UNKNOWN = RULES
CALL = LedgerLine("try-1", SARAH, "voice", NOON, outcome="answered", ended_at=NOON + 30 * SECOND)
AGAIN = replace(CALL, subject="try-2", at=NOON + timedelta(minutes=2))
FIRST = Try("try-1", SARAH, (1,), "answered", NOON - SECOND)
SECOND_TRY = replace(FIRST, subject="try-2", submitting_at=AGAIN.at - SECOND)
REMINDER = ReminderRow(1, 1, 1, SARAH, "done")
CORRECT = Facts(
    lines=[CALL],
    tries=[FIRST],
    reminders=[REMINDER],
    hours={SARAH: Hours(ZoneInfo("UTC"), time(8), time(21))},
)
UNREACHED = replace(CALL, outcome="no_answer")
OPT_OUT = OptOut(SARAH, frozenset({"voice"}), NOON - 2 * SECOND)
MOVED = Withdrawal(1, 1, NOON - 2 * SECOND)

OWN, OTHERS = frozenset({1}), frozenset({2})
UNKNOWN_OUTCOME = FollowUpRow("unknown_outcome", 1, OWN)


def make_facts(state: str, *follow_ups: FollowUpRow) -> Facts:
    """Facts with no call, the reminder in this state, and these follow-ups."""
    return replace(
        CORRECT, lines=[], tries=[], reminders=[replace(REMINDER, state=state)], follow_ups=follow_ups
    )


VIOLATIONS: dict[str, tuple[Facts, list[str]]] = {
    "one try accepted twice": (
        replace(CORRECT, lines=[CALL, replace(CALL, at=NOON + SECOND)]),
        [MOST, DOUBLED],
    ),
    "called again after an answer": (
        replace(CORRECT, lines=[CALL, AGAIN], tries=[FIRST, SECOND_TRY]),
        [DOUBLED],
    ),
    "called again before the first call had ended": (
        replace(
            CORRECT,
            lines=[replace(UNREACHED, ended_at=AGAIN.at + SECOND), AGAIN],
            tries=[FIRST, SECOND_TRY],
        ),
        [DOUBLED],
    ),
    "called more often than the step says": (
        replace(
            CORRECT,
            lines=[UNREACHED, AGAIN],
            tries=[FIRST, SECOND_TRY],
            reminders=[replace(REMINDER, max_tries=1)],
        ),
        [DOUBLED],
    ),
    "a companion called once more": (
        replace(
            CORRECT,
            lines=[CALL, AGAIN],
            tries=[FIRST, replace(SECOND_TRY, reminder_ids=(2, 1))],
            reminders=[REMINDER, replace(REMINDER, reminder_id=2)],
        ),
        [DOUBLED],
    ),
    "left in progress": (replace(CORRECT, reminders=[replace(REMINDER, state="in_progress")]), [UNSETTLED]),
    "still planned": (make_facts("planned"), [UNSETTLED]),
    "ordered again by staff, and still planned": (
        make_facts("planned", replace(UNKNOWN_OUTCOME, resolved=True)),
        [UNSETTLED],
    ),
    "planned, with a follow-up about its last call": (
        make_facts("planned", FollowUpRow("could_not_reach", 1, OWN)),
        [UNSETTLED],
    ),
    "claimed by a lost worker, with follow-ups": (
        make_facts("claimed", UNKNOWN_OUTCOME, FollowUpRow("wrong_number", 1, OWN)),
        [UNSETTLED],
    ),
    "in progress, with a resolved follow-up": (
        make_facts("in_progress", replace(UNKNOWN_OUTCOME, resolved=True)),
        [UNSETTLED],
    ),
    "in progress, with a follow-up about a late answer": (
        make_facts("in_progress", FollowUpRow("late_answer", 1, OTHERS)),
        [UNSETTLED],
    ),
    "in progress, with a follow-up about another call of the appointment": (
        make_facts("in_progress", replace(UNKNOWN_OUTCOME, reminder_ids=OTHERS)),
        [UNSETTLED],
    ),
    "missed without a follow-up": (make_facts("missed"), [UNSETTLED]),
    "missed, with a follow-up about a late answer": (
        make_facts("missed", FollowUpRow("late_answer", 1, OWN)),
        [UNSETTLED],
    ),
    "missed, with a resolved follow-up about an earlier reminder": (
        make_facts("missed", FollowUpRow("missed", 1, OTHERS, resolved=True)),
        [UNSETTLED],
    ),
    "missed, with a follow-up about another appointment": (
        make_facts("missed", FollowUpRow("missed", 2, OTHERS)),
        [UNSETTLED],
    ),
    "done without a call": (replace(CORRECT, lines=[]), [LOST]),
    "done without a call, with a follow-up about a late answer": (
        make_facts("done", FollowUpRow("late_answer", 1, OWN)),
        [LOST],
    ),
    "called after an opt-out": (replace(CORRECT, optouts=[OPT_OUT]), [AGAINST]),
    "called after a move, for the old time": (replace(CORRECT, withdrawals=[MOVED]), [AGAINST]),
    "submitting for longer than any request can take": (
        replace(
            CORRECT,
            tries=[replace(FIRST, submitting_at=NOON - timedelta(hours=1))],
            optouts=[replace(OPT_OUT, committed_at=NOON - timedelta(minutes=5))],
        ),
        [AGAINST],
    ),
    "called at night": (
        replace(CORRECT, hours={SARAH: Hours(ZoneInfo("America/Los_Angeles"), time(8), time(21))}),
        [OUTSIDE],
    ),
    "called without a CallRecord": (replace(CORRECT, tries=[]), [UNKNOWN]),
}
ALLREMINDER: dict[str, Facts] = {
    "nothing wrong": CORRECT,
    "called again after no answer": replace(CORRECT, lines=[UNREACHED, AGAIN], tries=[FIRST, SECOND_TRY]),
    "called again because staff ordered it": replace(
        CORRECT, lines=[CALL, AGAIN], tries=[FIRST, replace(SECOND_TRY, ordered=True)]
    ),
    "submitting when the opt-out was committed": replace(
        CORRECT, optouts=[replace(OPT_OUT, committed_at=NOON - SECOND / 2)]
    ),
    "a text message after an opt-out from calls": replace(
        CORRECT, lines=[replace(CALL, channel="sms")], optouts=[OPT_OUT]
    ),
    "moved, and called for the new time": replace(
        CORRECT, reminders=[replace(REMINDER, revision=2)], withdrawals=[MOVED]
    ),
    "missed with a follow-up": make_facts("missed", FollowUpRow("missed", 1, OWN)),
    "missed with a resolved follow-up": make_facts(
        "missed", replace(FollowUpRow("missed", 1, OWN), resolved=True)
    ),
    "missed without a number, with a follow-up": make_facts("missed", FollowUpRow("wrong_number", 1, OWN)),
    "missed, with an unresolved follow-up about an earlier reminder": make_facts(
        "missed", FollowUpRow("missed", 1, OTHERS)
    ),
    "planned without a number, with a follow-up": make_facts("planned", FollowUpRow("wrong_number", 1, OWN)),
    "unknown outcome with a follow-up": make_facts("in_progress", UNKNOWN_OUTCOME),
    "unknown outcome with a follow-up about the household's call": make_facts(
        "in_progress", replace(UNKNOWN_OUTCOME, appointment_id=2, reminder_ids=OWN | OTHERS)
    ),
    "unknown outcome, with a follow-up about an earlier call of the appointment": replace(
        make_facts("in_progress", replace(UNKNOWN_OUTCOME, reminder_ids=OTHERS)),
        reminders=[replace(REMINDER, state="in_progress", outcome_unknown=True)],
    ),
    "done without a call, resolved by staff": make_facts("done", replace(UNKNOWN_OUTCOME, resolved=True)),
}


@pytest.mark.parametrize("what", VIOLATIONS)
def test_the_oracle_finds_each_violation(what: str) -> None:
    facts, broken = VIOLATIONS[what]
    assert find_broken_rules(count_violations(facts)) == broken


@pytest.mark.parametrize("what", ALLREMINDER)
def test_the_oracle_reports_nothing_that_is_allowed(what: str) -> None:
    assert find_broken_rules(count_violations(ALLREMINDER[what])) == []
