"""How much each part measures: in full, or a little of everything, to see that it runs."""

from dataclasses import dataclass


@dataclass(frozen=True)
class BenchSize:
    """Of one run. Rounds are of outgoing and incoming, which take turns with others."""

    appointments: int
    rounds: int
    calls: int  # single calls in a round
    by_campaign: int  # reminders in a round
    events: int  # in a round at most
    rate_seconds: int  # for which events come at a fixed rate
    due_seconds: int  # for which calls fall due at the configured rate


FULL = BenchSize(100_000, 5, 400, 2_000, 1_500, 5, 60)
QUICK = BenchSize(4_000, 1, 48, 300, 200, 2, 6)
