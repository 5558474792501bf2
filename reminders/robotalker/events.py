"""Reading what Robotalker posts to a webhook. Pure: bytes in, a frozen RobotalkerEvent out.

The vocabulary is closed: an event we don't know has the kind UNKNOWN and is kept, not refused. What no honest
Robotalker would send raises UnreadableEvent. The guide shows `call.completed` and names the other `call.*`
events and `contact.optout`; `call.dtmf`, `sms.*` and every body but the first are assumptions
(docs/robotalker.md).
"""

from collections.abc import Iterable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
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


class Channel(StrEnum):
    """How a person is reached."""

    VOICE = "voice"
    SMS = "sms"


class UnreadableEvent(ValueError):
    """The body is no event. The message is a short reason and holds nothing of the body."""


@dataclass(frozen=True)
class RobotalkerEvent:
    """One event. Ids and texts are None where the body has none; `to` is E.164 as sent; personal parts stay
    out of the repr.

    `keys` are all DTMF keys pressed in order, `key` the last of them. `occurred_at` is aware UTC. `channel`
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
    amd_result: AmdResult = AmdResult.UNKNOWN
    text: str | None = field(default=None, repr=False)
    occurred_at: datetime | None = None
    channel: Channel | None = None

    @property
    def key(self) -> str | None:
        """The last DTMF key pressed."""
        return self.keys[-1] if self.keys else None


def parse_event(body: bytes, content_type: str = "") -> RobotalkerEvent:
    """The event in a webhook's body. Raises UnreadableEvent, and nothing else, for a body that is none.

    An empty body, or a form (which a key's webhook may send), has the kind UNKNOWN: the key is then known
    by the address it came to.
    """
    if len(body) > MAX_EVENT_BYTES:
        raise UnreadableEvent("too large")
    if not body.strip():
        return RobotalkerEvent(kind=EventKind.UNKNOWN)
    media_type = content_type.partition(";")[0].strip().lower()
    if media_type == _FORM and not _is_object(body):  # whoever forgets to name JSON calls it a form
        return _build_from_form(_split_form(body))
    if media_type == _MULTIPART:
        return _build_from_form(_split_parts(body, content_type))
    return _read_json(body)


def parse_in_any_form(body: bytes, content_type: str = "") -> RobotalkerEvent:
    """The same where little is asked of an event: it may also be a form that isn't called one, a bare key, or
    JSON with the key as a number. Raises UnreadableEvent for what is none of these.
    """
    with suppress(UnreadableEvent):
        return parse_event(body, content_type)
    if _is_object(body) or len(body) > MAX_EVENT_BYTES:
        return _read_json(body, numbers_as_keys=True)
    bare = body.strip().strip(b'"')
    if len(bare) == 1 and _KEYS.issuperset(bare):
        return RobotalkerEvent(kind=EventKind.UNKNOWN, keys=bare.decode())
    found = _build_from_form(_split_form(body))
    if found == RobotalkerEvent(kind=EventKind.UNKNOWN):
        raise UnreadableEvent("neither JSON, nor a form, nor a key")
    return found


def _is_object(body: bytes) -> bool:
    return body.lstrip().startswith(b"{")


def _read_json(body: bytes, *, numbers_as_keys: bool = False) -> RobotalkerEvent:
    try:
        source = read_object(body, max_bytes=MAX_EVENT_BYTES)
        return _build_event(_write_out_keys(source) if numbers_as_keys else source)
    except (UnreadableJson, WrongField) as error:
        reason = str(error)
    raise UnreadableEvent(reason)


def _build_event(source: dict[str, Any]) -> RobotalkerEvent:
    name = read_text(source, "event", max_length=100) or ""
    kind = EventKind(name) if name in set(EventKind) else EventKind.UNKNOWN
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
        amd_result=read_amd(source, "amd_result"),
        text=read_text(source, "text"),
        occurred_at=read_moment(source, "timestamp"),
        channel=_read_channel(source, kind),
    )


def _read_keys(source: Mapping[str, Any]) -> str:
    return read_keys(source, "digit") or read_keys(source, "dtmf_response")


def _read_channel(source: dict[str, Any], kind: EventKind) -> Channel | None:
    value = (read_text(source, "channel") or kind.partition(".")[0]).lower()
    return {"voice": Channel.VOICE, "call": Channel.VOICE, "sms": Channel.SMS}.get(value)


def _write_out_keys(source: dict[str, Any]) -> dict[str, Any]:
    return source | {name: str(source[name]) for name in _KEY_FIELDS if type(source.get(name)) is int}


def _split_form(body: bytes) -> list[tuple[str, str]]:
    try:
        return parse_qsl(body.decode("ascii"), max_num_fields=_MAX_FORM_FIELDS)
    except ValueError:  # not ASCII, or too many fields
        return []


def _split_parts(body: bytes, content_type: str) -> list[tuple[str, str]]:
    """The fields of a form in parts, as a message that has its content type as a header."""
    head = b"Content-Type: " + content_type.encode("ascii", errors="replace") + b"\r\n\r\n"
    with suppress(Exception):  # nobody promises what that parser raises for what isn't well formed
        parts = message_from_bytes(head + body).get_payload()
        if isinstance(parts, list) and (fields := list(_read_parts(parts[:_MAX_FORM_FIELDS]))):
            return fields
    raise UnreadableEvent("a form in parts that has none")


def _read_parts(parts: Iterable[object]) -> Iterator[tuple[str, str]]:
    for part in parts:
        assert isinstance(part, Message)  # noqa: S101 - a multipart message has nothing else
        name, value = part.get_param("name", header="content-disposition"), part.get_payload(decode=True)
        if isinstance(name, str) and isinstance(value, bytes) and value.isascii():
            yield name, value.decode()


def _build_from_form(pairs: Iterable[tuple[str, str]]) -> RobotalkerEvent:
    """The ids and the key of a form; a field that can't be read is left out.

    Of a name with several values all stand there in a row, so that none of them hides another.
    """
    source: dict[str, str] = {}
    for name, value in dict.fromkeys(pairs):
        if value.isprintable():
            source[name] = source.get(name, "") + value
    return RobotalkerEvent(
        kind=EventKind.UNKNOWN,
        call_id=_read_form_id(source, "call_id"),
        campaign_id=_read_form_id(source, "campaign_id"),
        sms_id=_read_form_id(source, "sms_id"),
        to=source.get("to", "")[:32] or None,
        keys=_read_keys(source),
    )


def _read_form_id(source: dict[str, str], key: str) -> str | None:
    try:
        return read_id(source, key)
    except WrongField:
        return None
