"""Tolerant reading of JSON that Robotalker posts: what bears on nothing is passed over and noted (product
rule 34), and what could mean two things is marked, so that no field is taken from it by chance.

Two libraries read what the standard library refuses. json5 reads bodies that leave no doubt (a trailing
comma, single quotes, comments). json-repair completes any other (cut off in the middle, two objects): that
is a guess, good enough to hear a "no" and to tell staff what a body seems to say, and for nothing else. Both
take long for large hostile bodies, so each has a limit of size; a real event has some hundred bytes.
"""

import json
import re
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

import json5
import json_repair

MAX_DEPTH = 20  # deeper values are passed over
MAX_LOOSE = 2_048  # letters: 0.2 s at most
MAX_GUESSED = 1_024  # letters: 0.3 s at most, and four times as long for twice as many
MAX_INT_DIGITS = 64  # a longer number is kept as its digits: Python takes long to convert it
_UNSTORABLE = re.compile("[\x00\ud800-\udfff]")  # NUL and lone surrogates: PostgreSQL stores neither
# bytes that aren't UTF-8, as surrogateescape reads them: each is the letter of Latin-1
_LATIN_1 = {0xDC00 + byte: chr(byte) for byte in range(0x80, 0x100)}


class Oddity(StrEnum):
    """What was passed over in a body. A field's name may follow: "unreadable:timestamp"."""

    NOT_UTF8 = "not_utf8"
    LOOSE_JSON = "loose_json"
    NOT_A_NUMBER = "not_a_number"
    REPEATED = "repeated"
    REMOVED = "removed"
    TOO_DEEP = "too_deep"
    WRAPPED = "wrapped"
    UNREADABLE = "unreadable"
    NO_NAME = "no_name"


class UnreadableBody(ValueError):
    """The body is not JSON that can be read. The message is a short reason without any of the body."""


class MendedText(str):
    """A text from which characters that can't be stored were removed."""

    __slots__ = ()


class Several(tuple[Any, ...]):
    """The contradicting values of a key that an object has more than once."""

    __slots__ = ()


@dataclass(frozen=True)
class TolerantJson:
    """A JSON value whose texts can be stored, and what was passed over in it.

    `is_short`: it was read from so few letters that JSON in its texts may be loose, too.
    """

    value: Any
    oddities: frozenset[str] = frozenset()
    is_short: bool = False


def decode(body: bytes) -> tuple[str, frozenset[str]]:
    """The body as text: UTF-8, UTF-16 or UTF-32 with or without a BOM; other bytes as letters of Latin-1."""
    encoding = json.detect_encoding(body)
    if encoding.startswith(("utf-16", "utf-32")):
        try:
            return body.decode(encoding).lstrip("\ufeff"), frozenset({Oddity.NOT_UTF8})
        except UnicodeDecodeError:
            pass
    try:
        return body.decode("utf-8-sig"), frozenset()
    except UnicodeDecodeError:
        text = body.decode("utf-8-sig", "surrogateescape").translate(_LATIN_1)
        return text, frozenset({Oddity.NOT_UTF8})


def read_json(text: str, *, may_guess: bool = False, may_be_loose: bool = True) -> TolerantJson:
    """The JSON value in `text`; with `may_guess` also what it seems to be if it isn't JSON; without
    `may_be_loose` only what the standard library reads.

    Raises UnreadableBody.
    """
    reader = _Reader()
    is_short = len(text) <= MAX_LOOSE
    try:
        value = json.loads(text, strict=False, **reader.hooks)
    except RecursionError:
        raise UnreadableBody("nested too deep") from None
    except ValueError:
        value = None
    else:
        return reader.clean(value, is_short=is_short)
    if may_be_loose and is_short:
        reader = _Reader(Oddity.LOOSE_JSON)
        try:
            return reader.clean(json5.loads(text, strict=False, **reader.hooks), is_short=True)
        except (ValueError, RecursionError):
            value = None
    if may_guess and len(text) <= MAX_GUESSED:
        reader = _Reader(Oddity.LOOSE_JSON)
        try:
            return reader.clean(json_repair.loads(text, skip_json_loads=True), is_short=True)
        except (ValueError, RecursionError):
            value = None
    raise UnreadableBody("not JSON")


class _Reader:
    """The hooks for both parsers, and what they found."""

    def __init__(self, *oddities: Oddity) -> None:
        self.oddities: set[str] = set(oddities)
        self.hooks: dict[str, Any] = {
            "object_pairs_hook": self._read_pairs,
            "parse_constant": float,
            "parse_int": _read_int,
        }

    def clean(self, value: Any, *, is_short: bool) -> TolerantJson:
        cleaned = self._clean(value, MAX_DEPTH)
        return TolerantJson(cleaned, frozenset(self.oddities), is_short)

    def _read_pairs(self, pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        found = dict(pairs)
        if len(found) == len(pairs):
            return found
        self.oddities.add(Oddity.REPEATED)
        values: dict[str, list[Any]] = {}
        for name, value in pairs:
            values.setdefault(name, []).append(value)
        return {name: several[0] if _agree(several) else Several(several) for name, several in values.items()}

    def _clean(self, value: Any, depth: int) -> Any:
        if isinstance(value, str):
            return self._clean_text(value)
        if isinstance(value, float) and not abs(value) < float("inf"):
            self.oddities.add(Oddity.NOT_A_NUMBER)
        if not isinstance(value, dict | list | tuple):
            return value
        if not depth:
            self.oddities.add(Oddity.TOO_DEEP)
            return None
        if isinstance(value, dict):
            return {self._clean_text(name): self._clean(item, depth - 1) for name, item in value.items()}
        return type(value)(self._clean(item, depth - 1) for item in value)

    def _clean_text(self, text: str) -> str:
        kept = _UNSTORABLE.sub("", text)
        if kept == text:
            return text
        self.oddities.add(Oddity.REMOVED)
        return MendedText(kept)


def _read_int(digits: str) -> int | str:
    return int(digits) if len(digits) <= MAX_INT_DIGITS else digits


def _agree(values: list[Any]) -> bool:
    """Whether all are the same, whatever their types: 1 and "1" are. Nested values are never compared."""
    if any(isinstance(value, dict | list | Several) for value in values):
        return False
    return len({str(value) for value in values}) == 1
