"""From JSON that Robotalker posts to the fields of an event, tolerantly: what bears on nothing is passed over
and noted (product rule 34), and what could mean two things is marked, so that no field is taken from it by
chance.

Two libraries read what the standard library refuses. json5 reads bodies that leave no doubt (a trailing
comma, single quotes, comments). json-repair completes any other (cut off in the middle, two objects): that
is a guess, good enough to hear a "no" and to tell staff what a body seems to say, and for nothing else. Both
take long for large hostile bodies, so each has a limit of size; a real event has some hundred bytes.

`[{...}]`, `{"data": {...}}` and `{"event": {"type": ...}}` are the event inside; names are compared without
case and punctuation, so "callId" is call_id. A field that stands in two places with two values is marked as
Several. All of this is assumption: the guide shows one flat object (docs/robotalker.md).
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
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
MOST_WRAPPERS = 3  # one inside the other
MOST_EVENTS = 50  # in a list
_PUNCTUATION = re.compile(r"[\W_]+")
_WRAPPERS = frozenset({"data", "payload", "event", "body", "message", "attributes"})
# field: the names that it may have, folded; the first that has a value counts
NAMES: dict[str, tuple[str, ...]] = {
    "event": ("event", "eventtype", "eventname", "type"),
    "call_id": ("callid",),
    "campaign_id": ("campaignid",),
    "sms_id": ("smsid",),
    "to": ("to",),
    "from": ("from",),
    "status": ("status", "callstatus"),
    "reason": ("reason", "failurereason"),
    "duration_seconds": ("durationseconds", "duration"),
    "dtmf_response": ("dtmfresponse", "digits", "dtmfdigits", "dtmf", "keys"),
    "digit": ("digit", "key"),
    "amd_result": ("amdresult", "answeredby", "amdstatus", "amd"),
    "text": ("text", "body", "message"),
    "timestamp": ("timestamp",),
    "channel": ("channel",),
}
# Names that may also stand for something else than the field, such as our own settings of the call.
_ONLY_IF_KEYS = frozenset({"dtmf", "keys", "key"})
_ONLY_IF_TEXT = frozenset({"body", "message", "type"})
_KEYS = frozenset("0123456789*#,' []")


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


def read_fields(body: bytes) -> tuple[dict[str, Any], set[str]]:
    """The known fields of the event in a JSON body, and what was passed over. Raises UnreadableBody."""
    text, oddities = decode(body)
    source, found = find_fields(read_json(text))
    return source, {*oddities, *found}


def guess_fields(body: bytes) -> dict[str, Any]:
    """The fields that a damaged body seems to have, of all events in it, with Several values where they
    differ: to look for an opt-out. Raises UnreadableBody.
    """
    return merge_events(read_json(decode(body)[0], may_guess=True))


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


def split_list(text: str) -> list[str]:
    """The events of a list of two or more objects, each as it stands in `text`; else none."""
    rest = text.strip()
    found: list[str] = []
    if not rest.startswith("["):
        return []
    position, decoder = 1, json.JSONDecoder(strict=False)
    with suppress(ValueError, RecursionError, IndexError):
        while len(found) <= MOST_EVENTS:
            while rest[position].isspace() or rest[position] == ",":
                position += 1
            if rest[position] == "]":
                return found if 1 < len(found) <= MOST_EVENTS else []
            if rest[position] != "{":
                return []
            end = decoder.raw_decode(rest, position)[1]
            found.append(rest[position:end])
            position = end
    return []


def find_fields(read: TolerantJson) -> tuple[dict[str, Any], frozenset[str]]:
    """The known fields of the event in a JSON value, and what was passed over. Raises UnreadableBody."""
    value, oddities = read.value, set(read.oddities)
    while isinstance(value, list) and len(value) == 1:
        value, oddities = value[0], oddities | {Oddity.WRAPPED}
    if isinstance(value, list) and any(isinstance(item, dict) for item in value):
        raise UnreadableBody("several events in one body")
    if not isinstance(value, dict):
        raise UnreadableBody("not a JSON object")
    return find_named_fields(_collect(value, oddities, MOST_WRAPPERS, may_be_loose=read.is_short)), frozenset(
        oddities
    )


def find_named_fields(values: Mapping[str, Any]) -> dict[str, Any]:
    """The known fields among `values`, which are by folded name; Several where a field has more than one."""
    found: dict[str, Any] = {}
    for field, names in NAMES.items():
        for name in names:
            usable = [value for value in _flatten(values.get(name)) if _is_usable(name, value)]
            if field == "dtmf_response" and field in found:  # no key may hide another
                usable = [*_flatten(found[field]), *usable]
            if usable:
                found[field] = _choose(usable)
                if field != "dtmf_response":
                    break
    return found


def fold_name(name: str) -> str:
    """A field's name without case and punctuation."""
    return _PUNCTUATION.sub("", name[:60]).casefold()


def merge_events(read: TolerantJson) -> dict[str, Any]:
    """The fields of all events in a list, with Several values where they differ: to look for an opt-out."""
    values: dict[str, Several] = {}
    items = read.value if isinstance(read.value, list) else [read.value]
    for item in items[:MOST_EVENTS]:
        with suppress(UnreadableBody):
            for field, value in find_fields(TolerantJson(item, is_short=read.is_short))[0].items():
                name = fold_name(field)
                values[name] = Several([*values.get(name, ()), *_flatten(value)])
    return find_named_fields(values)


def _collect(
    source: Mapping[str, Any], oddities: set[str], wrappers_left: int, *, may_be_loose: bool
) -> dict[str, Several]:
    """Every value by its folded name, those inside of wrappers too. `may_be_loose`: JSON in a text."""
    found: dict[str, Several] = {}
    for name, value in source.items():
        folded = fold_name(name)
        inner = _unwrap(value, may_be_loose=may_be_loose) if folded in _WRAPPERS and wrappers_left else None
        if inner is None:
            found[folded] = Several([*found.get(folded, ()), *_flatten(value)])
            continue
        oddities.add(Oddity.WRAPPED)
        inside = _collect(inner, oddities, wrappers_left - 1, may_be_loose=may_be_loose)
        for inner_name, values in inside.items():
            # {"event": {"type": ...}}, {"event": {"name": ...}}
            field = "event" if folded == "event" and inner_name in ("type", "name") else inner_name
            found[field] = Several([*found.get(field, ()), *values])
    return found


def _is_usable(name: str, value: Any) -> bool:
    if value is None or (value == "" and not isinstance(value, MendedText)):
        return False
    if name in _ONLY_IF_KEYS:
        return isinstance(value, str | int | list) and _KEYS.issuperset(str(value))
    return name not in _ONLY_IF_TEXT or isinstance(value, str)


def _unwrap(value: Any, *, may_be_loose: bool) -> dict[str, Any] | None:
    """The object that a wrapper holds: itself, the only one of a list, or as JSON in a text."""
    if isinstance(value, list) and len(value) == 1:
        value = value[0]
    if isinstance(value, str) and value.lstrip().startswith("{"):
        with suppress(UnreadableBody):
            value = read_json(value, may_be_loose=may_be_loose).value
    return value if isinstance(value, dict) else None


def _choose(values: list[Any]) -> Any:
    """The only value, or Several that differ. Numbers and their texts are the same."""
    if len(values) == 1:
        return values[0]
    if any(isinstance(value, dict | list) for value in values):
        return Several(values)
    return values[0] if len({str(value) for value in values}) == 1 else Several(values)


def _flatten(value: Any) -> Iterator[Any]:
    """The values of a Several, or the one value."""
    if isinstance(value, Several):
        yield from value
    else:
        yield value
