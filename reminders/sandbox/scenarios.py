"""What happens to a call that no person answers: a scenario given by the number, or one of a seeded mix.

A number whose last four digits are ``77`` and a scenario's two digits always plays that scenario;
``+12125557709`` answers and presses 9:

====== ================== ==============================================
digits scenario           what happens
====== ================== ==============================================
7701   press_1            answers, listens, presses 1
7702   press_2            answers, listens, presses 2
7703   no_answer          rings out
7704   busy               fails: busy
7705   press_5            answers, listens, presses 5 (usually no action)
7706   voicemail          a machine answers
7707   invalid_number     fails: invalid number
7708   hang_up            answers and hangs up
7709   press_9            answers, listens, presses 9
7710   listen             answers, listens, presses nothing
7711   carrier            fails: carrier
7712   press_5_then_1     answers, presses 5, then 1
====== ================== ==============================================

A text message to such a number is answered with the scenario's key, and with STOP for ``press_9``;
``invalid_number`` and ``carrier`` fail; the others are delivered and not answered. For every other number the
scenario is drawn from the mix by (seed, number, number of tries), so that a day can be repeated exactly.
"""

import hashlib
from collections.abc import Mapping
from enum import StrEnum


class Scenario(StrEnum):
    PRESS_1 = "press_1"
    PRESS_2 = "press_2"
    NO_ANSWER = "no_answer"
    BUSY = "busy"
    PRESS_5 = "press_5"
    VOICEMAIL = "voicemail"
    INVALID_NUMBER = "invalid_number"
    HANG_UP = "hang_up"
    PRESS_9 = "press_9"
    LISTEN = "listen"
    CARRIER = "carrier"
    PRESS_5_THEN_1 = "press_5_then_1"

    @property
    def keys(self) -> str:
        """The keys pressed in this scenario, in order."""
        return "".join(letter for letter in self.value if letter.isdigit())

    @property
    def failure(self) -> str | None:
        """The ``reason`` of ``call.failed``, or None for a call that rings."""
        return self.value if self in FAILURES else None

    @property
    def text_reply(self) -> str | None:
        """The reply to a text message, or None."""
        return "STOP" if self is Scenario.PRESS_9 else self.keys[-1:] or None


FAILURES = frozenset({Scenario.BUSY, Scenario.INVALID_NUMBER, Scenario.CARRIER})
SCENARIO_BY_ENDING: dict[str, Scenario] = {
    f"77{number:02}": scenario for number, scenario in enumerate(Scenario, start=1)
}

# Shares of calls as reminder systems see them: 36 % answered, 53 % voicemail, 11 % failed.
DEFAULT_MIX: dict[Scenario, float] = {
    Scenario.PRESS_1: 0.28,
    Scenario.PRESS_2: 0.04,
    Scenario.LISTEN: 0.03,
    Scenario.PRESS_9: 0.01,
    Scenario.VOICEMAIL: 0.53,
    Scenario.BUSY: 0.06,
    Scenario.CARRIER: 0.05,
}


def find_scripted_scenario(number: str) -> Scenario | None:
    """The scenario given by the last four digits of this E.164 number, or None."""
    return SCENARIO_BY_ENDING.get(number[-4:])


def choose_scenario(mix: Mapping[Scenario, float], *, seed: int, number: str, attempt: int) -> Scenario:
    """The mix's scenario for this try of this number; the same for the same seed.

    The shares needn't add up to 1; they are weights.
    """
    digest = hashlib.sha256(f"{seed}:{number}:{attempt}".encode()).digest()
    left = int.from_bytes(digest[:8], "big") / 2**64 * sum(mix.values())
    for scenario, share in mix.items():
        left -= share
        if left < 0:
            return scenario
    return list(mix)[-1]
