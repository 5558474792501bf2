"""How long a spoken code is valid, and how often one may be entered and asked for. Pure."""

from datetime import datetime, timedelta

MOST_TRIES = 3
VALID_FOR = timedelta(minutes=10)
CODES_A_DAY = 6  # for one person
CODES_A_DAY_TO_NUMBER = 4  # whoever asks, so that nobody's phone rings again and again


def may_be_entered(spoken_at: datetime | None, tries: int, now: datetime) -> bool:
    """Whether the code of a call placed at `spoken_at` (aware UTC) may still be entered at `now`.

    A call that lies ahead, since the clock was set back, is too old as well.
    """
    if spoken_at is None or tries >= MOST_TRIES:
        return False
    return timedelta(0) <= now - spoken_at <= VALID_FOR
