"""How much of everything, by the environment: one program is the short, the usual and the long form."""

import os
from dataclasses import dataclass

KILL_EVERY = 0.5  # seconds at least, plus what a busy machine needs to get anything done in between


@dataclass(frozen=True)
class Size:
    """One run: so many reminders, falling due while workers are killed so many times."""

    reminders: int
    kills: int
    seed: int

    @property
    def due_seconds(self) -> float:
        """The reminders fall due over this time, so that the last ones are still caught in the storm."""
        return self.kills * KILL_EVERY * 0.8


def read_size() -> Size:
    """TORTURE_REMINDERS (2000), TORTURE_KILLS (120) and TORTURE_SEED (1)."""
    return Size(
        reminders=int(os.environ.get("TORTURE_REMINDERS", "2000")),
        kills=int(os.environ.get("TORTURE_KILLS", "120")),
        seed=int(os.environ.get("TORTURE_SEED", "1")),
    )
