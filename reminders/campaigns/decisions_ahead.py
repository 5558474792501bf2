"""decide() asked about many reminders that are alike in everything but their moments.

A decision is asked for once, and taken again for other moments for which decide() gives the same. Only
calling hours and the end of a reminder make a difference between moments; a test holds the two equal.
"""

from bisect import bisect_right
from dataclasses import replace
from datetime import UTC, datetime

from reminders.rules.calling_hours import allowed_until
from reminders.rules.decide import Decision, Situation, Verdict, decide
from reminders.rules.reasons import Reason

ALWAYS = datetime.min.replace(tzinfo=UTC)
NEVER = datetime.max.replace(tzinfo=UTC)


class DecisionsAhead:
    """The decisions about one situation at moments ahead; no other call limits it (situations.NO_LIMITS)."""

    def __init__(self, situation: Situation) -> None:
        self.situation = replace(situation, not_before=ALWAYS, not_after=NEVER)
        self._starts: list[datetime] = []
        self._known: list[tuple[datetime, Decision]] = []  # until when (excluded), and what

    def decide_at(self, moment: datetime, not_after: datetime) -> Decision:
        """What decide() says at `moment` of a reminder that is due by then and ends at `not_after`."""
        decision = self._find(moment)
        if decision is None:
            decision = decide(self.situation, moment)
            self._remember(moment, decision)
        if (decision.until or moment) < not_after:
            return decision
        return decide(replace(self.situation, not_before=moment, not_after=not_after), moment)

    def _find(self, moment: datetime) -> Decision | None:
        place = bisect_right(self._starts, moment) - 1
        if place < 0:
            return None
        until, decision = self._known[place]
        return decision if moment < until else None

    def _remember(self, moment: datetime, decision: Decision) -> None:
        if decision.verdict == Verdict.CALL:
            until = allowed_until(moment, self.situation.hours, self.situation.zones)
        elif decision.verdict == Verdict.WAIT and decision.until:
            until = decision.until
        elif decision.reason == Reason.NO_COMMON_HOURS:
            return  # true for the next days only
        else:
            moment, until = ALWAYS, NEVER
        place = bisect_right(self._starts, moment)
        self._starts.insert(place, moment)
        self._known.insert(place, (until, decision))
