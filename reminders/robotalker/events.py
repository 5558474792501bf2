"""Parsing what Robotalker posts to a webhook. Pure: bytes in, a frozen RobotalkerEvent out.

The vocabulary is closed: an event we don't know has the kind UNKNOWN and is kept, not refused. A body that
Robotalker would never send raises UnreadableEvent. The guide shows `call.completed` and names the other
`call.*` events and `contact.optout`; `call.dtmf`, `sms.*` and every body but the first are assumptions
(docs/robotalker.md).
"""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from email import message_from_bytes
from email.message import Message
from enum import StrEnum
from typing import Any
from urllib.parse import parse_qsl

from reminders.robotalker.fields import (
    AmdResult,
    WrongField,
    read_amd,
    read_count,
    read_id,
    read_keys,
    read_moment,
    read_text,
)
from reminders.robotalker.strict_json import UnreadableJson, read_object

MAX_EVENT_BYTES = 16_384
_MAX_FORM_FIELDS = 50
_FORM, _MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
_KEY_FIELDS = ("digit", "dtmf_response")
_KEYS = frozenset(b"0123456789*#")
_OPTOUT_FIELDS = (
    "event",
    "to",
    "from",
    "text",
    "channel",
)  # with the keys, all that is needed to find an opt-out


class EventKind(StrEnum):
    """What an event reports. The values are Robotalker's names, except UNKNOWN."""

    CALL_COMPLETED = "call.completed"
    CALL_NO_ANSWER = "call.no_answer"
    CALL_VOICEMAIL = "call.voicemail"
    CALL_FAILED = "call.failed"
    KEY_PRESSED = "call.dtmf"
    OPTED_OUT = "contact.optout"
    SMS_DELIVERED = "sms.delivered"
    SMS_FAILED = "sms.failed"
    SMS_RECEIVED = "sms.received"
    UNKNOWN = "unknown"


# The kinds that a form may have on a status address. On a key's own address the kind isn't needed.
_KINDS_OF_FORMS = frozenset({EventKind.OPTED_OUT, EventKind.SMS_RECEIVED})


class EventChannel(StrEnum):
    """By voice or by SMS."""

    VOICE = "voice"
    SMS = "sms"


class UnreadableEvent(ValueError):
    """The body is not an event. The message is a short reason without any of the body."""


@dataclass(frozen=True)
class RobotalkerEvent:
    """One event. Ids and texts are None where the body has none; `to` and `sender` (its `from`) are numbers
    as sent; personal data is left out of the repr.

    `keys` are all DTMF keys pressed in order, `key` the last of them; `says_no_key` is true when a field for
    keys contains something else ("timeout"). `occurred_at` is aware UTC. `channel` is the body's own, else
    follows from the kind; None on an opt-out means every channel. `name` is the event's name as sent.
    """

    kind: EventKind
    name: str = ""
    call_id: str | None = None
    campaign_id: str | None = None
    sms_id: str | None = None
    to: str | None = field(default=None, repr=False)
    sender: str | None = field(default=None, repr=False)
    status: str | None = None
    reason: str | None = field(default=None, repr=False)
    duration_seconds: int | None = None
    keys: str = ""
    says_no_key: bool = False
    amd_result: AmdResult = AmdResult.UNKNOWN
    text: str | None = field(default=None, repr=False)
    occurred_at: datetime | None = None
    channel: EventChannel | None = None

    @property
    def key(self) -> str | None:
        """The last DTMF key pressed."""
        return self.keys[-1] if self.keys else None


def parse_event(body: bytes, content_type: str = "") -> RobotalkerEvent:
    """The event in a webhook's body. Raises UnreadableEvent, and nothing else, for a body that isn't one.

    An empty body, or a form (which a key's webhook may send) that is neither an opt-out nor a reply, has the
    kind UNKNOWN: the key is then known from the address that it was posted to.
    """
    _check_size(body)
    if not body.strip():
        return RobotalkerEvent(kind=EventKind.UNKNOWN)
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in (_FORM, _MULTIPART) or _is_object(body):  # HTTP clients label JSON a form by default
        return _read_json(body)
    found = _read_form(body)
    return found if found.kind in _KINDS_OF_FORMS else replace(found, kind=EventKind.UNKNOWN)


def parse_any_body(body: bytes) -> RobotalkerEvent:
    """The event in a body of any form, whatever its content type: JSON (its key may be a number), a form, or
    a bare key. Raises UnreadableEvent for anything else.
    """
    _check_size(body)
    if not body.strip():
        return RobotalkerEvent(kind=EventKind.UNKNOWN)
    if _is_object(body):
        return _read_json(body, _keys_as_text)
    bare = body.strip().strip(b'"')
    if len(bare) == 1 and _KEYS.issuperset(bare):
        return RobotalkerEvent(kind=EventKind.UNKNOWN, keys=bare.decode())
    found = _read_form(body)
    if found == RobotalkerEvent(kind=EventKind.UNKNOWN):
        raise UnreadableEvent("not JSON, a form or a key")
    return found


def parse_for_optout(body: bytes) -> RobotalkerEvent:
    """The same, to find an opt-out: of a JSON object with a wrong field, only what an opt-out needs is read.

    Raises UnreadableEvent. Such an event must confirm nothing: the fields left out could contradict it.
    """
    with suppress(UnreadableEvent):
        return parse_any_body(body)
    return _read_json(body, _keep_optout_fields)


def _check_size(body: bytes) -> None:
    if len(body) > MAX_EVENT_BYTES:
        raise UnreadableEvent("too large")


def _is_object(body: bytes) -> bool:
    return body.lstrip().startswith(b"{")


def _read_json(body: bytes, repair: Callable[[dict[str, Any]], dict[str, Any]] = dict) -> RobotalkerEvent:
    try:
        return _build_event(repair(read_object(body, max_bytes=MAX_EVENT_BYTES)))
    except (UnreadableJson, WrongField) as error:
        reason = str(error)
    raise UnreadableEvent(reason)


def _build_event(source: dict[str, Any]) -> RobotalkerEvent:
    name = read_text(source, "event", max_length=100) or ""
    kind = _read_kind(name)
    return RobotalkerEvent(
        kind=kind,
        name=name,
        call_id=read_id(source, "call_id"),
        campaign_id=read_id(source, "campaign_id"),
        sms_id=read_id(source, "sms_id"),
        to=read_text(source, "to", max_length=32),
        sender=read_text(source, "from", max_length=100),
        status=read_text(source, "status", max_length=50),
        reason=read_text(source, "reason", max_length=200),
        duration_seconds=read_count(source, "duration_seconds"),
        keys=_read_keys(source),
        says_no_key=_says_no_key(source),
        amd_result=read_amd(source, "amd_result"),
        text=read_text(source, "text"),
        occurred_at=read_moment(source, "timestamp"),
        channel=_read_channel(source, kind),
    )


def _read_kind(name: str) -> EventKind:
    return EventKind(name) if name in set(EventKind) else EventKind.UNKNOWN


def _read_keys(source: Mapping[str, Any]) -> str:
    """The keys of both fields, so that neither hides the other."""
    responses, digit = read_keys(source, "dtmf_response"), read_keys(source, "digit")
    return responses if responses.endswith(digit) else responses + digit


def _says_no_key(source: Mapping[str, Any]) -> bool:
    return any(read_text(source, name) and not read_keys(source, name) for name in _KEY_FIELDS)


def _read_channel(source: Mapping[str, Any], kind: EventKind) -> EventChannel | None:
    value = (read_text(source, "channel") or kind.partition(".")[0]).lower()
    return {"voice": EventChannel.VOICE, "call": EventChannel.VOICE, "sms": EventChannel.SMS}.get(value)


def _keys_as_text(source: dict[str, Any]) -> dict[str, Any]:
    return source | {name: str(source[name]) for name in _KEY_FIELDS if _is_digit(source.get(name))}


def _is_digit(value: object) -> bool:
    return type(value) is int and 0 <= value <= 9


def _keep_optout_fields(source: dict[str, Any]) -> dict[str, Any]:
    """The fields that an opt-out needs, as far as they are usable; numbers and lists become strings."""
    kept = {name: source[name] for name in _OPTOUT_FIELDS if isinstance(source.get(name), str)}
    for name in ("to", "from"):
        if type(source.get(name)) is int:
            kept[name] = str(source[name])
    for name in _KEY_FIELDS:
        values = source[name] if isinstance(source.get(name), list) else [source.get(name)]
        kept[name] = "".join(str(value) for value in values if isinstance(value, str) or _is_digit(value))
    return kept


def _read_form(body: bytes) -> RobotalkerEvent:
    """The event in a form, urlencoded or multipart, whatever its content type. Raises UnreadableEvent.

    Only ASCII is read, and an id that can't be read is left out. Several values of one name are joined, so
    that none of them hides another.
    """
    pairs: list[tuple[str, str]] = []
    if body.lstrip().startswith(b"--"):
        pairs = _split_multipart(body.lstrip())
    else:
        with suppress(ValueError):  # too many fields
            pairs = parse_qsl(body.decode("latin-1"), max_num_fields=_MAX_FORM_FIELDS)
    if not pairs:
        raise UnreadableEvent("a form that has no fields")
    raw: dict[str, str] = {}
    for name, value in dict.fromkeys((name.strip(), value.strip()) for name, value in pairs):
        raw[name] = raw.get(name, "") + value
    source = {name: "".join(filter(str.isprintable, value)) for name, value in raw.items()}
    kind = _read_kind(source.get("event", ""))
    return RobotalkerEvent(
        kind=kind,
        call_id=_read_form_id(raw, "call_id"),
        campaign_id=_read_form_id(raw, "campaign_id"),
        sms_id=_read_form_id(raw, "sms_id"),
        to=source.get("to", "")[:32] or None,
        sender=source.get("from", "")[:100] or None,
        status=source.get("status", "")[:50] or None,
        keys=_read_keys(source),
        says_no_key=_says_no_key(source),
        amd_result=read_amd(source, "amd_result"),
        text=source.get("text"),
        channel=_read_channel(source, kind),
    )


def _split_multipart(body: bytes) -> list[tuple[str, str]]:
    """The fields of a multipart form, by the boundary in its first line; none when it isn't well formed."""
    boundary = body.splitlines()[0].strip()[2:]
    with suppress(Exception):  # the parser doesn't say which errors it raises for a malformed message
        message = message_from_bytes(
            b'Content-Type: multipart/form-data; boundary="%b"\r\n\r\n' % boundary + body
        )
        parts = message.get_payload()
        if not isinstance(parts, list) or len(parts) > _MAX_FORM_FIELDS:
            return []
        fields: list[tuple[str, str]] = []
        for part in parts:
            assert isinstance(part, Message)  # noqa: S101 - a multipart message has nothing else
            name, value = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
            if isinstance(name, str) and isinstance(value, bytes):
                fields.append((name, value.decode("latin-1")))
        return fields
    return []


def _read_form_id(source: dict[str, str], key: str) -> str | None:
    try:
        return read_id(source, key)
    except WrongField:
        return None
