"""What happened to the reminders of one appointment of the demo. Pure.

An outcome lists, for each step of the demo's campaign (a call two days before, a text message a day before, a
call on the day), how each try ended. A step only applies if the one before brought no answer.
"""

import random

# How a try ended: the key pressed ("1", "2", "9"; for a text message the digit replied), or one of these.
LISTENED, VOICEMAIL, NO_ANSWER = "listened", "voicemail", "no_answer"
BUSY, CARRIER, INVALID, DELIVERED = "busy", "carrier", "invalid_number", "delivered"

DemoOutcome = tuple[tuple[str, ...], tuple[str, ...], tuple[str, ...]]

NOTHING_YET: DemoOutcome = ((), (), ())
CONFIRMED_BY_CALL: DemoOutcome = (("1",), (), ())
CONFIRMED_BY_TEXT: DemoOutcome = ((VOICEMAIL,), ("1",), ())
CONFIRMED_TODAY: DemoOutcome = ((VOICEMAIL,), (DELIVERED,), ("1",))
CONFIRMED_AT_SECOND_TRY: DemoOutcome = ((NO_ANSWER, "1"), (), ())
BUSY_THEN_CONFIRMED: DemoOutcome = ((BUSY, "1"), (), ())
LISTENED_THEN_CONFIRMED: DemoOutcome = ((LISTENED,), ("1",), ())
VOICEMAIL_TWICE: DemoOutcome = ((VOICEMAIL,), (DELIVERED,), (VOICEMAIL,))
NEVER_REACHED: DemoOutcome = ((NO_ANSWER, NO_ANSWER), (DELIVERED,), (NO_ANSWER, VOICEMAIL))
TO_BE_TRIED_AGAIN: DemoOutcome = ((CARRIER, VOICEMAIL), (DELIVERED,), (NO_ANSWER, NO_ANSWER))
WANTS_ANOTHER_TIME: DemoOutcome = (("2",), (), ())
WANTS_ANOTHER_TIME_BY_TEXT: DemoOutcome = ((VOICEMAIL,), ("2",), ())
OPTS_OUT: DemoOutcome = (("9",), (), ())
INVALID_NUMBER: DemoOutcome = ((INVALID,), (), ())

UNCONFIRMED = (
    VOICEMAIL_TWICE,
    ((LISTENED,), (DELIVERED,), ()),
    ((NO_ANSWER, VOICEMAIL), (DELIVERED,), ()),
)

_SHARES: tuple[tuple[DemoOutcome, int], ...] = (
    (CONFIRMED_BY_CALL, 30),
    (CONFIRMED_BY_TEXT, 16),
    (CONFIRMED_TODAY, 12),
    (CONFIRMED_AT_SECOND_TRY, 8),
    (BUSY_THEN_CONFIRMED, 4),
    (LISTENED_THEN_CONFIRMED, 5),
    (VOICEMAIL_TWICE, 17),
    (NEVER_REACHED, 8),
)

# By the number of days ago: an opt-out, an invalid number, a patient who asked for another time.
OUTCOMES_BY_DAYS_AGO: dict[int, DemoOutcome] = {5: OPTS_OUT, 4: INVALID_NUMBER, 3: WANTS_ANOTHER_TIME}


def choose_outcome(chance: random.Random) -> DemoOutcome:
    """One of the common outcomes, with the shares that reminder systems usually see."""
    choices = [outcome for outcome, _ in _SHARES]
    return chance.choices(choices, [share for _, share in _SHARES])[0]
