"""Reading single fields of Robotalker's JSON with their types, for events and for responses.

Each function takes the object and a key, returns None (or the default it names) for a missing or null field,
and raises WrongField for a value that can't be read. No error contains the value. What is written in another
way than the guide's, but can mean only one thing, is read: a number for a text, a list with one item.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from typing import Any

from reminders.robotalker.tolerant_json import MendedText, Several
from reminders.robotalker.vocabulary import AmdResult, fold_amd, fold_words

MAX_ID = 100
MAX_SECONDS = 7 * 24 * 3600  # no call lasts a week; the value must also fit a database integer
MAX_KEYS = 64  # more than that is not what a person pressed in one call
MAX_UNREAD = 60
_DTMF = frozenset("0123456789*#")
# What may stand between keys, or around them; "w" and "p" are pauses.
_BETWEEN_KEYS = frozenset(" \t\r\n,;.:-_/|+>wWpP'\"“”‘’()[]")
_NO_KEY = frozenset({
    "", "none", "null", "nil", "no key", "no keys", "nokey", "no digit", "no digits", "no input", "noinput",
    "no response", "no answer", "nothing", "empty", "n a", "na", "undefined", "false", "timeout", "timed out",
    "time out", "hangup", "hang up", "hung up", "not pressed", "no key pressed",
})  # fmt: skip
_YEARS = range(2000, 2101)
_LONGEST_DATE = 64
_EPOCH = re.compile(r"\d{9,19}(\.\d{1,9})?")
_EPOCH_UNITS = ((1e17, 1e9), (1e14, 1e6), (1e11, 1e3))  # from this value on, so many of them are a second


class WrongField(ValueError):
    """A known field has a value that can't be read, or more than one."""


@dataclass(frozen=True)
class KeyPresses:
    """The DTMF keys in a field, in the order pressed.

    `unread`: what the field says where that is neither keys nor a word for none; `says_none`: it is a word
    for none ("timeout").
    """

    pressed: str = ""
    unread: str = ""
    says_none: bool = False


def read_text(source: Mapping[str, Any], key: str, *, max_length: int | None = None) -> str | None:
    """A text, truncated to `max_length`; a number is read as its digits, and true as "true"."""
    value = source.get(key)
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if value is None:
        return None
    if isinstance(value, MendedText):
        raise WrongField(f"{key}: characters that can't be read")
    if isinstance(value, Several):
        raise WrongField(f"{key}: two values that contradict each other")
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, int):
        value = str(value).lower()
    if not isinstance(value, str):
        raise WrongField(f"{key}: not a text")
    return value[:max_length]


def read_id(source: Mapping[str, Any], key: str) -> str | None:
    """An id of Robotalker's: printable, without spaces, at most MAX_ID characters. None for an empty one."""
    value = (read_text(source, key) or "").strip()
    if not value:
        return None
    if len(value) > MAX_ID or not value.isprintable() or " " in value or isinstance(source[key], bool):
        raise WrongField(f"{key}: not an id")
    return value


def read_count(source: Mapping[str, Any], key: str, *, most: int = MAX_SECONDS) -> int | None:
    """A number from 0 to `most`, rounded to a whole one; "28" and 28.4 are 28."""
    value = source.get(key)
    if value is None:
        return None
    if isinstance(value, str) and not isinstance(value, MendedText):
        try:
            value = float(value[:32])
        except ValueError:
            raise WrongField(f"{key}: not a number") from None
    if isinstance(value, bool) or not isinstance(value, int | float):
        raise WrongField(f"{key}: not a number")
    if not 0 <= value <= most:  # neither is NaN
        raise WrongField(f"{key}: out of range")
    return round(value)


def read_moment(source: Mapping[str, Any], key: str) -> datetime | None:
    """A date and time as aware UTC: ISO 8601, RFC 2822, or seconds (or thousandths …) since 1970.

    One without a zone is taken as UTC.
    """
    value = source.get(key)
    if value is None:
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float):
        raise WrongField(f"{key}: not a date and time")
    text = str(value).strip()[:_LONGEST_DATE]
    if isinstance(value, float):
        text = f"{value:.6f}"[:_LONGEST_DATE]
    try:
        moment = _read_epoch(float(text)) if _EPOCH.fullmatch(text) else _read_date(text)
    except (ValueError, TypeError, OverflowError, OSError):
        moment = None
    if moment is None or moment.year not in _YEARS:
        raise WrongField(f"{key}: not a date and time")
    return moment


def _read_epoch(value: float) -> datetime:
    per_second = next((unit for least, unit in _EPOCH_UNITS if value >= least), 1.0)
    return datetime.fromtimestamp(value / per_second, UTC)


def _read_date(text: str) -> datetime:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        moment = parsedate_to_datetime(text)
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone(UTC)


def read_pressed_keys(source: Mapping[str, Any]) -> KeyPresses:
    """The keys of an event's two fields for them, so that neither hides the other."""
    responses, digit = read_keys(source, "dtmf_response"), read_keys(source, "digit")
    pressed = responses.pressed
    if not pressed.endswith(digit.pressed):
        pressed += digit.pressed
    return KeyPresses(
        pressed,
        unread=" ".join(filter(None, [responses.unread, digit.unread])),
        says_none=responses.says_none or digit.says_none,
    )


def read_keys(source: Mapping[str, Any], key: str) -> KeyPresses:
    """The DTMF keys pressed. A list is read item by item; Several values are WrongField."""
    value = source.get(key)
    items = value if isinstance(value, list) else [value]
    if any(isinstance(item, list) for item in items):
        raise WrongField(f"{key}: not keys")
    texts = [read_text({key: item}, key) for item in items]
    return parse_keys(" ".join(text for text in texts if text is not None))


def parse_keys(text: str) -> KeyPresses:
    """The keys in a text. Blanks, commas, quotes and pauses ("1,2", "2w1") are passed over.

    A 9 that stands alone in words, or among more than MAX_KEYS keys, is a key pressed: it is an opt-out.
    """
    folded = unicodedata.normalize("NFKC", text).strip()
    if folded.startswith("-"):  # a negative number is no key
        folded = folded.replace("-", "~")
    pressed = "".join(letter for letter in folded if letter not in _BETWEEN_KEYS)
    if _DTMF.issuperset(pressed):
        if len(pressed) <= MAX_KEYS:
            return KeyPresses(pressed, says_none=bool(text) and not pressed)
        return KeyPresses("9" if "9" in pressed else "", pressed[:MAX_UNREAD])
    words = fold_words(text)
    if words in _NO_KEY:
        return KeyPresses(says_none=True)
    unread = " ".join("".join(letter if letter.isprintable() else " " for letter in text).split())
    return KeyPresses("9" if "9" in words.split() else "", unread[:MAX_UNREAD] or "?")


def read_amd(source: Mapping[str, Any], key: str) -> tuple[AmdResult, str]:
    """Who answered, and the word that says so ("" for a missing field)."""
    word = (read_text(source, key, max_length=200) or "").strip()
    return fold_amd(word), word[:50]
