"""Reading what Robotalker posts to a webhook. Pure: bytes in, a frozen RobotalkerEvent out.

The vocabulary is closed: an event we don't know has the kind UNKNOWN and is kept, not refused. What no honest
Robotalker would send raises UnreadableEvent. The guide shows `call.completed` and names the other `call.*`
events and `contact.optout`; `call.dtmf`, `sms.*` and every body but the first are assumptions
(docs/robotalker.md).
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
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
_OPTOUT_FIELDS = ("event", "to", "text", "channel")  # with the keys, all that a "no" is understood by


class EventKind(StrEnum):
    """What an event tells. The values are Robotalker's names, but UNKNOWN."""

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


# What a form may tell where each event is taken at its word; a key's own address asks for less.
_KINDS_OF_FORMS = frozenset({EventKind.OPTED_OUT, EventKind.SMS_RECEIVED})


class EventChannel(StrEnum):
    """How a person is reached."""

    VOICE = "voice"
    SMS = "sms"


class UnreadableEvent(ValueError):
    """The body is no event. The message is a short reason and holds nothing of the body."""


@dataclass(frozen=True)
class RobotalkerEvent:
    """One event. Ids and texts are None where the body has none; `to` is E.164 as sent; personal parts stay
    out of the repr.

    `keys` are all DTMF keys pressed in order, `key` the last of them; `says_no_key` when a field for keys
    holds something else ("timeout"). `occurred_at` is aware UTC. `channel`
    is the body's own, else follows from the kind; None on an opt-out that names none means every channel.
    `name` is the event's name as sent.
    """

    kind: EventKind
    name: str = ""
    call_id: str | None = None
    campaign_id: str | None = None
    sms_id: str | None = None
    to: str | None = field(default=None, repr=False)
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
    """The event in a webhook's body. Raises UnreadableEvent, and nothing else, for a body that is none.

    An empty body, or a form (which a key's webhook may send) that tells of no opt-out and no reply, has the
    kind UNKNOWN: the key is then known by the address it came to.
    """
    _check_size(body)
    if not body.strip():
        return RobotalkerEvent(kind=EventKind.UNKNOWN)
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type not in (_FORM, _MULTIPART) or _is_object(body):  # who forgets to name JSON calls it a form
        return _read_json(body)
    found = _read_form(body)
    return found if found.kind in _KINDS_OF_FORMS else replace(found, kind=EventKind.UNKNOWN)


def parse_any_body(body: bytes) -> RobotalkerEvent:
    """The same where little is asked of an event, by the body alone: it may also be a form that isn't called
    one, a bare key, or JSON with the key as a number. Raises UnreadableEvent for what is none of these.
    """
    _check_size(body)
    if not body.strip():
        return RobotalkerEvent(kind=EventKind.UNKNOWN)
    if _is_object(body):
        return _read_json(body, _write_out_keys)
    bare = body.strip().strip(b'"')
    if len(bare) == 1 and _KEYS.issuperset(bare):
        return RobotalkerEvent(kind=EventKind.UNKNOWN, keys=bare.decode())
    found = _read_form(body)
    if found == RobotalkerEvent(kind=EventKind.UNKNOWN):
        raise UnreadableEvent("neither JSON, nor a form, nor a key")
    return found


def parse_for_optout(body: bytes) -> RobotalkerEvent:
    """The same to hear a "no" by: of an object with a field of a wrong type, what tells a "no" and whose.

    Raises UnreadableEvent. It confirms nothing: what is left out may have spoken against it.
    """
    with suppress(UnreadableEvent):
        return parse_any_body(body)
    return _read_json(body, _leave_out_unusable)


def _check_size(body: bytes) -> None:
    if len(body) > MAX_EVENT_BYTES:
        raise UnreadableEvent("too large")


def _is_object(body: bytes) -> bool:
    return body.lstrip().startswith(b"{")


def _read_json(body: bytes, mend: Callable[[dict[str, Any]], dict[str, Any]] = dict) -> RobotalkerEvent:
    try:
        return _build_event(mend(read_object(body, max_bytes=MAX_EVENT_BYTES)))
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
    """Of both fields, so that neither hides the other."""
    told, pressed = read_keys(source, "dtmf_response"), read_keys(source, "digit")
    return told if told.endswith(pressed) else told + pressed


def _says_no_key(source: Mapping[str, Any]) -> bool:
    return any(read_text(source, name) and not read_keys(source, name) for name in _KEY_FIELDS)


def _read_channel(source: Mapping[str, Any], kind: EventKind) -> EventChannel | None:
    value = (read_text(source, "channel") or kind.partition(".")[0]).lower()
    return {"voice": EventChannel.VOICE, "call": EventChannel.VOICE, "sms": EventChannel.SMS}.get(value)


def _write_out_keys(source: dict[str, Any]) -> dict[str, Any]:
    return source | {name: str(source[name]) for name in _KEY_FIELDS if _is_digit(source.get(name))}


def _is_digit(value: object) -> bool:
    return type(value) is int and 0 <= value <= 9


def _leave_out_unusable(source: dict[str, Any]) -> dict[str, Any]:
    """Each field that a "no" is understood by, if it can be; numbers and lists written out."""
    kept = {name: source[name] for name in _OPTOUT_FIELDS if isinstance(source.get(name), str)}
    if type(source.get("to")) is int:
        kept["to"] = str(source["to"])
    for name in _KEY_FIELDS:
        values = source[name] if isinstance(source.get(name), list) else [source.get(name)]
        kept[name] = "".join(str(value) for value in values if isinstance(value, str) or _is_digit(value))
    return kept


def _read_form(body: bytes) -> RobotalkerEvent:
    """What a form says, in parts or not, by the body alone. Raises UnreadableEvent."""
    pairs = _split_parts(body.lstrip()) if body.lstrip().startswith(b"--") else _split_form(body)
    if not pairs:
        raise UnreadableEvent("a form that has no fields")
    return _build_from_form(pairs)


def _split_form(body: bytes) -> list[tuple[str, str]]:
    with suppress(ValueError):  # too many fields
        return parse_qsl(body.decode("latin-1"), max_num_fields=_MAX_FORM_FIELDS)
    return []


def _split_parts(body: bytes) -> list[tuple[str, str]]:
    """The fields of a form in parts, by the boundary that its first line shows."""
    boundary = body.splitlines()[0].strip()[2:]
    with suppress(Exception):  # nobody promises what that parser raises for what isn't well formed
        message = message_from_bytes(
            b'Content-Type: multipart/form-data; boundary="%b"\r\n\r\n' % boundary + body
        )
        parts = message.get_payload()
        if isinstance(parts, list) and len(parts) <= _MAX_FORM_FIELDS:
            return list(_read_parts(parts))
    return []


def _read_parts(parts: Iterable[object]) -> Iterator[tuple[str, str]]:
    for part in parts:
        assert isinstance(part, Message)  # noqa: S101 - a multipart message has nothing else
        name, value = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(value, bytes):
            yield name, value.decode("latin-1")


def _build_from_form(pairs: Iterable[tuple[str, str]]) -> RobotalkerEvent:
    """What a form tells in ASCII; an id that can't be read is left out.

    Of a name with several values all stand there in a row, so that none of them hides another.
    """
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
        status=source.get("status", "")[:50] or None,
        keys=_read_keys(source),
        says_no_key=_says_no_key(source),
        amd_result=read_amd(source, "amd_result"),
        text=source.get("text"),
        channel=_read_channel(source, kind),
    )


def _read_form_id(source: dict[str, str], key: str) -> str | None:
    try:
        return read_id(source, key)
    except WrongField:
        return None
