"""Reading single fields of Robotalker's JSON with their types, for events and for responses.

Each function takes the object and a key, returns None (or the default it names) for a missing or null field,
and raises WrongField for a value of the wrong type. No error contains the value.
"""

from collections.abc import Mapping
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

MAX_ID = 100
MAX_SECONDS = 7 * 24 * 3600  # no call lasts a week; the value must also fit a database integer
_DTMF = frozenset("0123456789*#")
_YEARS = range(2000, 2101)


class WrongField(ValueError):
    """A known field has a value of the wrong type or out of range."""


class AmdResult(StrEnum):
    """Who answered, according to answering machine detection (AMD)."""

    HUMAN = "human"
    MACHINE = "machine"
    UNKNOWN = "unknown"


def read_text(source: Mapping[str, Any], key: str, *, max_length: int | None = None) -> str | None:
    """A string, truncated to `max_length`."""
    value = source.get(key)
    if value is None:
        return None
    if not isinstance(value, str):
        raise WrongField(f"{key}: not a string")
    return value[:max_length]


def read_id(source: Mapping[str, Any], key: str) -> str | None:
    """An id of Robotalker's: printable, without spaces, at most MAX_ID characters. None for an empty one."""
    value = read_text(source, key)
    if not value:
        return None
    if len(value) > MAX_ID or not value.isprintable() or " " in value:
        raise WrongField(f"{key}: not an id")
    return value


def read_count(source: Mapping[str, Any], key: str, *, most: int = MAX_SECONDS) -> int | None:
    """A whole number from 0 to `most`; 28.0 is read as 28."""
    value = source.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value):
        raise WrongField(f"{key}: not a whole number")
    if not 0 <= value <= most:
        raise WrongField(f"{key}: out of range")
    return int(value)


def read_moment(source: Mapping[str, Any], key: str) -> datetime | None:
    """An ISO 8601 date and time as aware UTC; one without a zone is taken as UTC."""
    value = read_text(source, key)
    if value is None:
        return None
    try:
        moment = datetime.fromisoformat(value)
        moment = moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)
    except (ValueError, OverflowError):
        moment = None
    if moment is None or moment.year not in _YEARS:
        raise WrongField(f"{key}: not a date and time")
    return moment


def read_keys(source: Mapping[str, Any], key: str) -> str:
    """The DTMF keys pressed, in order; "" for a text that isn't keys ("none", "timeout")."""
    value = (read_text(source, key) or "").replace(" ", "")
    return value if len(value) <= 32 and _DTMF.issuperset(value) else ""


def read_amd(source: Mapping[str, Any], key: str) -> AmdResult:
    """The AMD result; UNKNOWN for a missing field and for a word that we don't know."""
    value = (read_text(source, key) or "").lower()
    return AmdResult(value) if value in set(AmdResult) else AmdResult.UNKNOWN
