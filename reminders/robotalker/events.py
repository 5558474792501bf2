"""Reading what Robotalker posts to a webhook. Pure: bytes in, a frozen RobotalkerEvent out.

The vocabulary is closed: an event we don't know has the kind UNKNOWN and is kept, not refused. What no honest
Robotalker would send raises UnreadableEvent. The guide shows `call.completed` and names the other `call.*`
events and `contact.optout`; `call.dtmf`, `sms.*` and every body but the first are assumptions
(docs/robotalker.md).
"""

from dataclasses import dataclass, field
from datetime import datetime
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
    if content_type.partition(";")[0].strip().lower() == "application/x-www-form-urlencoded":
        return _read_form(body)
    return _read_json(body)


def _read_json(body: bytes) -> RobotalkerEvent:
    try:
        return _build_event(read_object(body, max_bytes=MAX_EVENT_BYTES))
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
        keys=read_keys(source, "digit") or read_keys(source, "dtmf_response"),
        amd_result=read_amd(source, "amd_result"),
        text=read_text(source, "text"),
        occurred_at=read_moment(source, "timestamp"),
        channel=_read_channel(source, kind),
    )


def _read_channel(source: dict[str, Any], kind: EventKind) -> Channel | None:
    value = (read_text(source, "channel") or kind.partition(".")[0]).lower()
    return {"voice": Channel.VOICE, "call": Channel.VOICE, "sms": Channel.SMS}.get(value)


def _read_form(body: bytes) -> RobotalkerEvent:
    """The ids and the key of a form; a field that can't be read is left out."""
    try:
        pairs = parse_qsl(body.decode("ascii"), max_num_fields=_MAX_FORM_FIELDS)
    except ValueError:  # not ASCII, or too many fields
        pairs = []
    source = {name: value for name, value in pairs if value.isprintable()}
    return RobotalkerEvent(
        kind=EventKind.UNKNOWN,
        call_id=_read_form_id(source, "call_id"),
        campaign_id=_read_form_id(source, "campaign_id"),
        sms_id=_read_form_id(source, "sms_id"),
        to=source.get("to", "")[:32] or None,
        keys=read_keys(source, "digit") or read_keys(source, "dtmf_response"),
    )


def _read_form_id(source: dict[str, str], key: str) -> str | None:
    try:
        return read_id(source, key)
    except WrongField:
        return None
