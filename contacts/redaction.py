"""Remove personal data, tokens and secret addresses from text that is logged or stored as an error."""

import re

from contacts.numbers import E164_PATTERN, mask

# PostgreSQL quotes whole rows in its details. Anyone who has a callback address can answer for a patient, who
# has the address of a calendar feed can read it, and who has the link for a new password becomes that person.
_DETAIL = re.compile(r"DETAIL:.*$", re.MULTILINE)
_TOKEN = re.compile(r"(/hooks/robotalker/|/feeds/|/password/new/)[^\s\"']+")
API_TOKEN_PREFIX = "callboard_"  # noqa: S105 - how the secrets begin, to be recognised anywhere
_API_TOKEN = re.compile(API_TOKEN_PREFIX + r"[\w-]{43}", re.ASCII)
_NUMBER = re.compile(E164_PATTERN)


def redact(text: str) -> str:
    """Return the text without database details and tokens, and with telephone numbers masked."""
    text = _DETAIL.sub("DETAIL: left out", text)
    text = _TOKEN.sub(r"\1(left out)", text)
    text = _API_TOKEN.sub(f"{API_TOKEN_PREFIX}(left out)", text)
    return _NUMBER.sub(lambda number: mask(number.group()), text)
