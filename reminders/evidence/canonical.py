"""Canonical JSON: the same values are always the same bytes, so that a signature can be checked anywhere.

Keys sorted, UTF-8, no blanks between, no floats, no numbers but whole ones. Pure.
"""

import json
from collections.abc import Mapping, Sequence
from datetime import date, datetime, time
from typing import Any, NoReturn

LARGEST_WHOLE = 2**53 - 1  # beyond it, JSON readers in other languages lose digits
DEEPEST = 60


class NotADocument(ValueError):
    """The bytes are not the JSON that we write; the message says why, in words."""


def make_plain(value: Any) -> Any:
    """The value as strings, whole numbers, booleans, None, lists and dicts with sorted keys.

    Moments and days become ISO 8601; what JSON or UTF-8 can't hold (a float, a huge number, half of a
    surrogate pair) becomes a string that shows it.
    """
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, str):
        return str(value).encode(errors="backslashreplace").decode()
    if isinstance(value, int):
        return int(value) if abs(value) <= LARGEST_WHOLE else str(value)
    if isinstance(value, (datetime, date, time)):
        return value.isoformat()
    if isinstance(value, Mapping):
        plain = {make_plain(str(key)): make_plain(each) for key, each in value.items()}
        return dict(sorted(plain.items()))
    if isinstance(value, Sequence) and not isinstance(value, (bytes, bytearray)):
        return [make_plain(each) for each in value]
    return make_plain(str(value))


def write_canonical(value: Any) -> bytes:
    """The bytes of a plain value. Raises NotADocument for a float or another type that JSON can't hold."""
    _check_plain(value, 0)
    text = json.dumps(value, sort_keys=True, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    return text.encode()


def read_strict(data: bytes) -> Any:
    """The value of JSON bytes. Raises NotADocument for any that could be read in two ways.

    That is: not UTF-8, a key twice, a float, a number beyond LARGEST_WHOLE, NaN, half of a surrogate pair.
    """
    try:
        value = json.loads(
            data.decode("utf-8-sig"),
            object_pairs_hook=_refuse_double_keys,
            parse_float=_refuse_number,
            parse_constant=_refuse_number,
        )
    except UnicodeDecodeError:
        raise NotADocument("it is not UTF-8 text") from None
    except RecursionError:
        raise NotADocument("it is nested too deeply") from None
    except NotADocument:
        raise
    except ValueError:
        raise NotADocument("it is not JSON") from None
    _check_plain(value, 0)
    return value


def _refuse_double_keys(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise NotADocument("a name stands in it twice")
    return found


def _refuse_number(_written: str) -> NoReturn:
    raise NotADocument("it has a number that is not a whole one")


def _check_plain(value: Any, depth: int) -> None:
    if depth > DEEPEST:
        raise NotADocument("it is nested too deeply")
    if isinstance(value, dict):
        for key, each in value.items():
            _check_plain(key, depth + 1)
            _check_plain(each, depth + 1)
    elif isinstance(value, list):
        for each in value:
            _check_plain(each, depth + 1)
    elif isinstance(value, str):
        if any("\ud800" <= letter <= "\udfff" for letter in value):
            raise NotADocument("it has half of a letter")
    elif isinstance(value, int):  # bool as well
        if abs(value) > LARGEST_WHOLE:
            raise NotADocument("it has a number that is too large")
    elif value is not None:
        raise NotADocument("it has a value that JSON can't hold exactly")
