"""Finding the fields of an event, whatever it is wrapped in and however their names are spelled.

`[{...}]`, `{"data": {...}}` and `{"event": {"type": ...}}` are the event inside; names are compared without
case and punctuation, so "callId" is call_id. A field that stands in two places with two values is marked as
Several. All of this is assumption: the guide shows one flat object (docs/robotalker.md).
"""

import json
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from typing import Any

from reminders.robotalker.tolerant_json import (
    MendedText,
    Oddity,
    Several,
    TolerantJson,
    UnreadableBody,
    read_json,
)

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
