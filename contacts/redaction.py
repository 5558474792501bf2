"""What must be in no log and in no stored error: people's data, and addresses that open a door."""

import re

from contacts.numbers import E164_PATTERN, mask

# PostgreSQL quotes whole rows in its details; a callback address lets whoever reads it answer for a patient.
_DETAIL = re.compile(r"DETAIL:.*$", re.MULTILINE)
_TOKEN = re.compile(r"(/hooks/robotalker/)[^\s\"']+")
_NUMBER = re.compile(E164_PATTERN)


def redact(text: str) -> str:
    """The text without database details, callback tokens and telephone numbers (masked)."""
    text = _DETAIL.sub("DETAIL: left out", text)
    text = _TOKEN.sub(r"\1(left out)", text)
    return _NUMBER.sub(lambda number: mask(number.group()), text)
