"""The oracle finds what it is there to find: for each rule, one thing that is wrong, and nothing else."""

from dataclasses import replace
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest

from tests.torture.oracle import (
    DOUBLED,
    LOST,
    RULES,
    Entry,
    Facts,
    Hours,
    Line,
    OptOut,
    Promise,
    Try,
    Withdrawal,
    find_broken,
    judge,
)

SARAH = "+12025550100"
NOON = datetime(2026, 12, 1, 12, 0, tzinfo=UTC)
SECOND = timedelta(seconds=1)
MOST, _, UNSETTLED, _, AGAINST, OUTSIDE, UNKNOWN = RULES
CALL = Line("try-1", SARAH, "voice", NOON, outcome="answered", ended_at=NOON + 30 * SECOND)
AGAIN = replace(CALL, subject="try-2", at=NOON + timedelta(minutes=2))
FIRST = Try("try-1", SARAH, (1,), "answered", NOON - SECOND)
SECOND_TRY = replace(FIRST, subject="try-2", submitting_at=AGAIN.at - SECOND)
OWED = Promise(1, 1, 1, SARAH, "done")
RIGHT = Facts(
    lines=[CALL], tries=[FIRST], promises=[OWED], hours={SARAH: Hours(ZoneInfo("UTC"), time(8), time(21))}
)
UNREACHED = replace(CALL, outcome="no_answer")
OPT_OUT = OptOut(SARAH, frozenset({"voice"}), NOON - 2 * SECOND)
MOVED = Withdrawal(1, 1, NOON - 2 * SECOND)

OWN, OTHERS = frozenset({1}), frozenset({2})
ASKED = Entry("unknown_outcome", 1, OWN)


def leave(state: str, *entries: Entry) -> Facts:
    """Nobody was called, the reminder is left in this state, and this is the worklist."""
    return replace(RIGHT, lines=[], tries=[], promises=[replace(OWED, state=state)], entries=entries)


WRONG: dict[str, tuple[Facts, list[str]]] = {
    "one try accepted twice": (
        replace(RIGHT, lines=[CALL, replace(CALL, at=NOON + SECOND)]),
        [MOST, DOUBLED],
    ),
    "called again after an answer": (
        replace(RIGHT, lines=[CALL, AGAIN], tries=[FIRST, SECOND_TRY]),
        [DOUBLED],
    ),
    "called again before the first call had ended": (
        replace(
            RIGHT,
            lines=[replace(UNREACHED, ended_at=AGAIN.at + SECOND), AGAIN],
            tries=[FIRST, SECOND_TRY],
        ),
        [DOUBLED],
    ),
    "called more often than the step says": (
        replace(
            RIGHT,
            lines=[UNREACHED, AGAIN],
            tries=[FIRST, SECOND_TRY],
            promises=[replace(OWED, max_tries=1)],
        ),
        [DOUBLED],
    ),
    "a companion called once more": (
        replace(
            RIGHT,
            lines=[CALL, AGAIN],
            tries=[FIRST, replace(SECOND_TRY, reminder_ids=(2, 1))],
            promises=[OWED, replace(OWED, reminder_id=2)],
        ),
        [DOUBLED],
    ),
    "left in progress": (replace(RIGHT, promises=[replace(OWED, state="in_progress")]), [UNSETTLED]),
    "still planned": (leave("planned"), [UNSETTLED]),
    "planned again by a person's order, and forgotten": (
        leave("planned", replace(ASKED, resolved=True)),
        [UNSETTLED],
    ),
    "planned, while its last call is on the worklist": (
        leave("planned", Entry("could_not_reach", 1, OWN)),
        [UNSETTLED],
    ),
    "claimed by a lost worker, whatever is on the worklist": (
        leave("claimed", ASKED, Entry("wrong_number", 1, OWN)),
        [UNSETTLED],
    ),
    "in progress, and asked about once": (leave("in_progress", replace(ASKED, resolved=True)), [UNSETTLED]),
    "in progress, with an answer for the old time on the worklist": (
        leave("in_progress", Entry("late_answer", 1, OTHERS)),
        [UNSETTLED],
    ),
    "in progress, while another call of its appointment is asked about": (
        leave("in_progress", replace(ASKED, reminder_ids=OTHERS)),
        [UNSETTLED],
    ),
    "missed, and nobody was told": (leave("missed"), [UNSETTLED]),
    "missed, with an answer for the old time on the worklist": (
        leave("missed", Entry("late_answer", 1, OWN)),
        [UNSETTLED],
    ),
    "missed, after its appointment's reminder before was seen to": (
        leave("missed", Entry("missed", 1, OTHERS, resolved=True)),
        [UNSETTLED],
    ),
    "missed, while another appointment's reminder is on the worklist": (
        leave("missed", Entry("missed", 2, OTHERS)),
        [UNSETTLED],
    ),
    "done without a call": (replace(RIGHT, lines=[]), [LOST]),
    "done without a call, with an answer for the old time on the worklist": (
        leave("done", Entry("late_answer", 1, OWN)),
        [LOST],
    ),
    "called after an opt-out": (replace(RIGHT, optouts=[OPT_OUT]), [AGAINST]),
    "called for the old time": (replace(RIGHT, withdrawals=[MOVED]), [AGAINST]),
    "submitting for longer than any request lasts": (
        replace(
            RIGHT,
            tries=[replace(FIRST, submitting_at=NOON - timedelta(hours=1))],
            optouts=[replace(OPT_OUT, committed_at=NOON - timedelta(minutes=5))],
        ),
        [AGAINST],
    ),
    "called at night": (
        replace(RIGHT, hours={SARAH: Hours(ZoneInfo("America/Los_Angeles"), time(8), time(21))}),
        [OUTSIDE],
    ),
    "called by nobody we know": (replace(RIGHT, tries=[]), [UNKNOWN]),
}
ALLOWED: dict[str, Facts] = {
    "nothing wrong": RIGHT,
    "called again after no answer": replace(RIGHT, lines=[UNREACHED, AGAIN], tries=[FIRST, SECOND_TRY]),
    "called again by a person's order": replace(
        RIGHT, lines=[CALL, AGAIN], tries=[FIRST, replace(SECOND_TRY, ordered=True)]
    ),
    "submitting when the opt-out was committed": replace(
        RIGHT, optouts=[replace(OPT_OUT, committed_at=NOON - SECOND / 2)]
    ),
    "a text message after an opt-out from calls": replace(
        RIGHT, lines=[replace(CALL, channel="sms")], optouts=[OPT_OUT]
    ),
    "moved, and called for the new time": replace(
        RIGHT, promises=[replace(OWED, revision=2)], withdrawals=[MOVED]
    ),
    "missed in the open": leave("missed", Entry("missed", 1, OWN)),
    "missed in the open, and seen to since": leave("missed", replace(Entry("missed", 1, OWN), resolved=True)),
    "missed for want of a number, in the open": leave("missed", Entry("wrong_number", 1, OWN)),
    "missed, while its appointment's reminder before is on the worklist": leave(
        "missed", Entry("missed", 1, OTHERS)
    ),
    "waits for a number, in the open": leave("planned", Entry("wrong_number", 1, OWN)),
    "asked about": leave("in_progress", ASKED),
    "asked about with the lead of its household": leave(
        "in_progress", replace(ASKED, appointment_id=2, reminder_ids=OWN | OTHERS)
    ),
    "unknown, while its appointment's call before is asked about": replace(
        leave("in_progress", replace(ASKED, reminder_ids=OTHERS)),
        promises=[replace(OWED, state="in_progress", unheard_of=True)],
    ),
    "settled by a person without a call": leave("done", replace(ASKED, resolved=True)),
}


@pytest.mark.parametrize("what", WRONG)
def test_the_oracle_finds_what_is_wrong(what: str) -> None:
    facts, broken = WRONG[what]
    assert find_broken(judge(facts)) == broken


@pytest.mark.parametrize("what", ALLOWED)
def test_the_oracle_lets_pass_what_is_allowed(what: str) -> None:
    assert find_broken(judge(ALLOWED[what])) == []
