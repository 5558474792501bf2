"""Explaining a decision asks the rules of decide() and no others, so it never differs (product rule 18)."""

from datetime import datetime, timedelta

from hypothesis import example, given

from reminders.rules.decide import RULES, Situation, Verdict, decide
from reminders.rules.reasons import Reason
from reminders.rules.rule_results import RuleResult, explain_decision
from tests.reminders.rules.situations import AT_ANY_PACE, MOMENTS, SITUATIONS
from tests.reminders.rules.test_decide import DUE, NOW, TOMORROW


@AT_ANY_PACE
@given(situation=SITUATIONS, now=MOMENTS)
@example(situation=DUE, now=NOW)
@example(situation=DUE._replace(zones=(), capped_until=TOMORROW), now=NOW)
def test_the_explained_decision_is_that_of_decide_for_any_situation(
    situation: Situation, now: datetime
) -> None:
    explained = explain_decision(situation, now)
    assert explained.decision == decide(situation, now)
    assert [one.rule for one in explained.checks] == [rule.__name__ for rule in RULES]
    objecting = [one for one in explained.checks if one.result != RuleResult.PASSED]
    assert all((one.decision is None) == (one.result == RuleResult.PASSED) for one in explained.checks)
    assert [one.result for one in objecting] == [RuleResult.DECIDES, *[RuleResult.ALSO] * len(objecting)][
        : len(objecting)
    ]
    assert not objecting or objecting[0].decision == explained.decision
    assert objecting or explained.decision.verdict == Verdict.CALL


def test_rules_after_the_deciding_one_say_what_they_think() -> None:
    night = DUE._replace(opted_out=True, sending_paused=True, not_before=NOW - timedelta(hours=9))
    explained = explain_decision(night, NOW - timedelta(hours=7))
    assert explained.decision.reason == Reason.OPTED_OUT
    assert {one.rule: one.result for one in explained.checks if one.result != RuleResult.PASSED} == {
        "skip_opted_out_numbers": RuleResult.DECIDES,
        "hold_blocked_reminders": RuleResult.ALSO,
        "wait_for_calling_hours": RuleResult.ALSO,
    }


def test_an_order_passes_the_rules_that_it_overrides() -> None:
    ordered = DUE._replace(ordered=True, capped_until=TOMORROW, answer="confirmed")
    explained = explain_decision(ordered, NOW)
    assert explained.decision.reason == Reason.ORDERED
    assert {one.result for one in explained.checks} == {RuleResult.PASSED}
