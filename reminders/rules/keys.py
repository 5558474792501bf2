"""The keys a person may press in a call, and what each means. 9 is Robotalker's own "optout" action."""

CONFIRM, ANOTHER_TIME, OPT_OUT = "1", "2", "9"
MEANINGS = frozenset({CONFIRM, ANOTHER_TIME, OPT_OUT})


def find_counting_keys(pressed: str) -> str:
    """The keys that count of those pressed in one call, in order (product rule 38).

    The last that has a meaning counts, and a 9 wherever it is. Without any, all count: as keys without a
    meaning.
    """
    last = next((key for key in reversed(pressed) if key in MEANINGS), "")
    if not last:
        return "".join(dict.fromkeys(pressed))
    return last if last == OPT_OUT or OPT_OUT not in pressed else OPT_OUT + last


def find_answer(pressed: list[str]) -> str:
    """The last key that has a meaning, else the last key, else ""."""
    return next((key for key in reversed(pressed) if key in MEANINGS), pressed[-1] if pressed else "")
