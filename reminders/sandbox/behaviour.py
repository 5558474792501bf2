"""How the sandbox behaves: its speed, whether a person answers the phones, and which scenarios it plays."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reminders.sandbox.scenarios import DEFAULT_MIX, Scenario, choose_scenario, find_scripted_scenario

# A failed post is repeated after these many seconds (divided by the speed).
REPOST_AFTER_SECONDS = (1.0, 2.0, 4.0, 8.0, 16.0, 32.0, 60.0, 60.0)


@dataclass(slots=True)
class Behaviour:
    """Everything that ``/sandbox/behaviour`` can change.

    ``attended``: a call first rings for ``ring_seconds`` (divided by ``speed``), for a person to answer it.
    ``scenarios``: for a number, one scenario for all tries, or a list with one for each (the last repeats).
    """

    speed: float = 1.0
    attended: bool = True
    seed: int = 1
    ring_seconds: float = 25.0
    campaign_gap_seconds: float = 0.2
    mix: dict[Scenario, float] = field(default_factory=lambda: dict(DEFAULT_MIX))
    scenarios: dict[str, list[Scenario]] = field(default_factory=dict)
    repost_after_seconds: list[float] = field(default_factory=lambda: list(REPOST_AFTER_SECONDS))

    def choose_scenario(self, number: str, attempt: int) -> tuple[Scenario, bool]:
        """The scenario of this try (1 for the first), and whether it is scripted (else it is the mix's)."""
        ordered = self.scenarios.get(number)
        if ordered:
            return ordered[min(attempt, len(ordered)) - 1], True
        scripted = find_scripted_scenario(number)
        if scripted:
            return scripted, True
        return choose_scenario(self.mix, seed=self.seed, number=number, attempt=attempt), False

    def describe(self) -> dict[str, Any]:
        return {
            "speed": self.speed,
            "attended": self.attended,
            "seed": self.seed,
            "ring_seconds": self.ring_seconds,
            "campaign_gap_seconds": self.campaign_gap_seconds,
            "mix": {scenario.value: share for scenario, share in self.mix.items()},
            "scenarios": {
                number: [scenario.value for scenario in tries] for number, tries in self.scenarios.items()
            },
            "repost_after_seconds": self.repost_after_seconds,
        }

    def change(self, wanted: Mapping[str, Any]) -> None:
        """Change the given fields, all or none. Raises ValueError with a message for the user."""
        for name in wanted:
            if name not in READERS:
                raise ValueError(f"There is no setting {name!r}; there are {', '.join(READERS)}.")
        changed = {name: READERS[name](value) for name, value in wanted.items()}
        for name, value in changed.items():
            setattr(self, name, value)


def _read_positive(value: Any) -> float:
    number = _read_seconds(value)
    if number == 0:
        raise ValueError(f"It must be more than 0, not {value!r}.")
    return number


def _read_seconds(value: Any) -> float:
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < 1e9:
        raise ValueError(f"{value!r} is not a number of 0 or more.")
    return float(value)


def _read_scenario(value: Any) -> Scenario:
    try:
        return Scenario(value)
    except ValueError:
        raise ValueError(f"There is no scenario {value!r}; there are {', '.join(Scenario)}.") from None


def _read_scenarios(value: Any) -> dict[str, list[Scenario]]:
    lists = {number: [item] if isinstance(item, str) else list(item) for number, item in dict(value).items()}
    return {number: [_read_scenario(item) for item in items] for number, items in lists.items()}


def _read_mix(value: Any) -> dict[Scenario, float]:
    mix = {_read_scenario(name): _read_seconds(share) for name, share in dict(value).items()}
    if not sum(mix.values()):
        raise ValueError("A mix needs at least one share above 0.")
    return mix


READERS: dict[str, Any] = {
    "speed": _read_positive,
    "attended": bool,
    "seed": int,
    "ring_seconds": _read_seconds,
    "campaign_gap_seconds": _read_seconds,
    "mix": _read_mix,
    "scenarios": _read_scenarios,
    "repost_after_seconds": lambda value: [_read_seconds(item) for item in value],
}
