"""The size of a run, from the environment."""

import os
from dataclasses import dataclass

KILL_EVERY = 0.5  # seconds on average at least; longer on a busy machine


@dataclass(frozen=True)
class Size:
    """The number of reminders and of kills in a run, and the seed of its random choices."""

    reminders: int
    kills: int
    seed: int

    @property
    def due_seconds(self) -> float:
        """The time over which reminders become due, so that the last ones still meet faults."""
        return self.kills * KILL_EVERY * 0.8


def read_size() -> Size:
    """Read TORTURE_REMINDERS (default 2000), TORTURE_KILLS (120) and TORTURE_SEED (1)."""
    return Size(
        reminders=int(os.environ.get("TORTURE_REMINDERS", "2000")),
        kills=int(os.environ.get("TORTURE_KILLS", "120")),
        seed=int(os.environ.get("TORTURE_SEED", "1")),
    )
