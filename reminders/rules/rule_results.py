"""Every rule of decide(), asked about one situation: which one decides, and what the others say.

Pure, and no second judge: it asks the same rules in the same order (a property test holds the two equal).
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from reminders.rules.decide import RULES, Decision, Situation, go_ahead


class RuleResult(StrEnum):
    """What one check says: nothing against it, the decision, or a further objection after the decision."""

    PASSED = "passed"
    DECIDES = "decides"
    ALSO = "also"


@dataclass(frozen=True)
class RuleCheck:
    """What one rule says. `rule`: the name of its function in decide.RULES; `decision`: None if it passes."""

    rule: str
    result: RuleResult
    decision: Decision | None


@dataclass(frozen=True)
class ExplainedDecision:
    """The decision of decide(), with the result of every rule, in the order of decide.RULES."""

    decision: Decision
    checks: tuple[RuleCheck, ...]


def explain_decision(situation: Situation, now: datetime) -> ExplainedDecision:
    """The decision at `now` (aware), and what every rule says, those after the deciding one too."""
    decision: Decision | None = None
    checks = []
    for rule in RULES:
        answer = rule(situation, now)
        if answer is None:
            result = RuleResult.PASSED
        else:
            result = RuleResult.ALSO if decision else RuleResult.DECIDES
            decision = decision or answer
        checks.append(RuleCheck(rule.__name__, result, answer))
    return ExplainedDecision(decision or go_ahead(situation), tuple(checks))
