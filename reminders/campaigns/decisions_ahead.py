"""decide() asked about many reminders that are alike in everything but their moments.

A decision is asked for once, and taken again for other moments for which decide() gives the same. Only
calling hours and the end of a reminder make a difference between moments; a test holds the two equal.
Moments are seconds since 1970 in here, as in upcoming.py.
"""

from bisect import bisect_right
from datetime import UTC, datetime
from math import inf

from reminders.rules.calling_hours import allowed_until
from reminders.rules.decide import Decision, Situation, Verdict, decide
from reminders.rules.reasons import Reason

ALWAYS = datetime.min.replace(tzinfo=UTC)
NEVER = datetime.max.replace(tzinfo=UTC)


class DecisionsAhead:
    """The decisions about one situation at moments ahead; no other call limits it (situations.NO_LIMITS)."""

    def __init__(self, situation: Situation) -> None:
        self.situation = situation._replace(not_before=ALWAYS, not_after=NEVER)
        self._starts: list[float] = []
        self._known: list[
            tuple[float, Decision, float | None]
        ] = []  # until when (excluded), what, its `until`

    def decide_at(self, moment: float, not_after: float) -> tuple[Decision, float]:
        """What decide() says at `moment` of a reminder that is due by then and ends at `not_after`.

        With it, its `until`, or else the moment itself.
        """
        place = bisect_right(self._starts, moment) - 1
        if place >= 0 and moment < self._known[place][0]:
            _, decision, until = self._known[place]
        else:
            decision = decide(self.situation, _at(moment))
            until = self._remember(moment, decision)
        goes_at = moment if until is None else until
        if goes_at < not_after:
            return decision, goes_at
        ends = self.situation._replace(not_before=_at(moment), not_after=_at(not_after))
        decision = decide(ends, _at(moment))
        return decision, decision.until.timestamp() if decision.until else moment

    def _remember(self, moment: float, decision: Decision) -> float | None:
        """Keep it for the moments that are like this one; its `until`."""
        until = decision.until.timestamp() if decision.until else None
        if decision.verdict == Verdict.CALL:
            ends = allowed_until(_at(moment), self.situation.hours, self.situation.zones).timestamp()
        elif decision.verdict == Verdict.WAIT and until is not None:
            ends = until
        elif decision.reason == Reason.NO_COMMON_HOURS:
            return until  # true for the next days only
        else:
            moment, ends = -inf, inf
        place = bisect_right(self._starts, moment)
        self._starts.insert(place, moment)
        self._known.insert(place, (ends, decision, until))
        return until


def _at(seconds: float) -> datetime:
    return datetime.fromtimestamp(seconds, UTC)
