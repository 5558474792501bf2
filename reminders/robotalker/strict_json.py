"""Strict reading of JSON from outside: what it returns can be stored and compared."""

import json
import math
from collections.abc import Iterator
from typing import Any

MAX_DEPTH = 20


class UnreadableJson(ValueError):
    """The body is not a JSON object that we accept. The message is a short reason without any of the body."""


def read_object(body: bytes, *, max_bytes: int) -> dict[str, Any]:
    """The JSON object in `body` (UTF-8).

    Raises UnreadableJson for anything else: too large, deeper than MAX_DEPTH, a key twice in one object, NaN,
    Infinity or a float out of range, NUL or a lone surrogate in a string (PostgreSQL stores neither).
    """
    if len(body) > max_bytes:
        raise UnreadableJson("too large")
    value, reason = None, ""
    try:
        value = json.loads(
            body.decode("utf-8-sig"),
            parse_constant=_refuse_constant,
            parse_float=_read_float,
            object_pairs_hook=_read_pairs,
        )
    except UnreadableJson as error:
        reason = str(error)
    except UnicodeDecodeError:
        reason = "not UTF-8"
    except RecursionError:
        reason = "nested too deep"
    except ValueError:
        reason = "not JSON"
    if reason:  # raised outside of `except`, because json's own errors contain the whole document
        raise UnreadableJson(reason)
    if not isinstance(value, dict):
        raise UnreadableJson("not a JSON object")
    for text in _find_texts(value):
        if "\x00" in text:
            raise UnreadableJson("a NUL character")
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise UnreadableJson("a lone surrogate")
    return value


def _refuse_constant(name: str) -> None:
    raise UnreadableJson(f"{name} is not a number")


def _read_float(digits: str) -> float:
    number = float(digits)
    if not math.isfinite(number):
        raise UnreadableJson("a number out of range")
    return number


def _read_pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise UnreadableJson("a duplicate key")
    return found


def _find_texts(value: dict[str, Any]) -> Iterator[str]:
    """Every string in the value, keys included. It goes level by level, so that depth uses no call stack."""
    level: list[Any] = [value]
    for _ in range(MAX_DEPTH):
        below: list[Any] = []
        for item in level:
            if isinstance(item, str):
                yield item
            elif isinstance(item, dict):
                yield from item
                below.extend(item.values())
            elif isinstance(item, list):
                below.extend(item)
        level = below
    if level:
        raise UnreadableJson("nested too deep")
