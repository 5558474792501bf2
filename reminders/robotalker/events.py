"""Parsing what Robotalker posts to a webhook. Pure: bytes in, a frozen RobotalkerEvent out.

The vocabulary is closed: an event we don't know has the kind UNKNOWN and is kept, not refused. What bears on
nothing (a timestamp, a duration, any field that we don't use) is passed over when it can't be read, and
`passed_over` says so; a field that decides what the event means must be clear, or the event is unreadable
(product rule 34). The guide shows `call.completed` and names the other
`call.*` events and `contact.optout`; `call.dtmf`, `sms.*` and every body but the first are assumptions
(docs/robotalker.md).
"""

import re
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime
from email import message_from_bytes
from email.message import Message
from enum import StrEnum
from typing import Any, TypeVar
from urllib.parse import parse_qsl

from reminders.robotalker.fields import (
    WrongField,
    parse_keys,
    read_amd,
    read_count,
    read_id,
    read_moment,
    read_pressed_keys,
    read_text,
)
from reminders.robotalker.tolerant_json import (
    Oddity,
    Several,
    UnreadableBody,
    decode,
    find_named_fields,
    fold_name,
    guess_fields,
    read_fields,
    split_list,
)
from reminders.robotalker.vocabulary import AmdResult

MAX_EVENT_BYTES = 16_384
_MAX_FORM_FIELDS = 50
_FORM, _MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
_KEYS = frozenset("0123456789*#")
_BEFORE_JSON = b"\xef\xbb\xbf\xff\xfe\0 \t\r\n"  # marks of the encoding, and blanks
_LONGEST_BARE_TEXT = 320  # letters: two text messages


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


T = TypeVar("T")
_PUNCTUATION = re.compile(r"[\W_]+")
_KIND_BY_NAME = {_PUNCTUATION.sub("", kind): kind for kind in EventKind} | {
    **dict.fromkeys(
        ["contactoptedout", "contactunsubscribed", "optout", "optedout", "unsubscribe", "unsubscribed"],
        EventKind.OPTED_OUT,
    ),
    **dict.fromkeys(["smsinbound", "smsreply", "messagereceived", "inboundsms"], EventKind.SMS_RECEIVED),
}
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
    keys says that there was none ("timeout"), `unread_keys` is what it says where that can't be read.
    `amd_word` is the word behind `amd_result`. `passed_over` are Oddity codes, sorted. `occurred_at` is aware
    UTC. `channel` is the body's own, else follows from the kind; None on an opt-out means every channel.
    `name` is the event's name as sent.
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
    unread_keys: str = field(default="", repr=False)
    amd_result: AmdResult = AmdResult.UNKNOWN
    amd_word: str = ""
    text: str | None = field(default=None, repr=False)
    occurred_at: datetime | None = None
    channel: EventChannel | None = None
    passed_over: tuple[str, ...] = ()

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
    if media_type not in (_FORM, _MULTIPART) or _is_json(body):  # HTTP clients label JSON a form by default
        return _read_json(body)
    found = _read_form(body)
    found = _name_reply(found)
    return found if found.kind in _KINDS_OF_FORMS else replace(found, kind=EventKind.UNKNOWN)


def parse_any_body(body: bytes) -> RobotalkerEvent:
    """The event in a body of any form, whatever its content type: JSON, a form, or a bare key. Raises
    UnreadableEvent for anything else.
    """
    _check_size(body)
    if not body.strip():
        return RobotalkerEvent(kind=EventKind.UNKNOWN)
    if _is_json(body):
        return _read_json(body)
    bare = _read_bare(body)
    if len(bare) == 1 and _KEYS.issuperset(bare):
        return RobotalkerEvent(kind=EventKind.UNKNOWN, keys=bare)
    found = _read_form(body)
    if found == RobotalkerEvent(kind=EventKind.UNKNOWN):
        raise UnreadableEvent("not JSON, a form or a key")
    return found


def parse_for_optout(body: bytes) -> RobotalkerEvent:
    """The same, to find an opt-out or what a body seems to say: everything in it that can be read at all.

    Raises UnreadableEvent. Such an event must confirm nothing: it may be a guess, and of contradicting values
    it has all.
    """
    with suppress(UnreadableEvent):
        return _name_reply(parse_any_body(body))
    _check_size(body)
    if _is_json(body):
        return _read_loosely(body)
    bare = _read_bare(body)
    if not bare or len(bare) > _LONGEST_BARE_TEXT or "<" in bare or "=" in bare:
        raise UnreadableEvent("not JSON, a form, a key or a text")
    keys = parse_keys(bare)
    if keys.pressed and not keys.unread:
        return RobotalkerEvent(kind=EventKind.UNKNOWN, keys=keys.pressed)
    return RobotalkerEvent(kind=EventKind.SMS_RECEIVED, text=bare, channel=EventChannel.SMS)


def split_events(body: bytes) -> list[bytes]:
    """The events in a body that is a list of several, each as it stands there (in UTF-8); else the body."""
    if len(body) > MAX_EVENT_BYTES or not body.lstrip(_BEFORE_JSON).startswith(b"["):
        return [body]
    return [part.encode() for part in split_list(decode(body)[0])] or [body]


def _check_size(body: bytes) -> None:
    if len(body) > MAX_EVENT_BYTES:
        raise UnreadableEvent("too large")


def _is_json(body: bytes) -> bool:
    return decode(body[:64])[0].lstrip().startswith(("{", "["))


def _read_bare(body: bytes) -> str:
    """A body that is a single word or sentence, without the quotes around it."""
    text = "".join(letter for letter in decode(body)[0] if letter.isprintable() or letter.isspace())
    return text.strip().strip('"').strip()


def _read_json(body: bytes) -> RobotalkerEvent:
    try:
        return _build_event(*read_fields(body))
    except (UnreadableBody, WrongField) as error:
        reason = str(error)
    raise UnreadableEvent(reason)


def _build_event(source: dict[str, Any], oddities: set[str]) -> RobotalkerEvent:
    """The event with these fields. Raises WrongField where one that decides what it means can't be read."""
    name = read_text(source, "event", max_length=100) or ""
    kind = read_kind(name)
    keys = read_pressed_keys(source)
    if not name and source.get("text") and not keys.pressed and not source.get("status"):
        kind = EventKind.SMS_RECEIVED  # nothing else has a text and neither a name, nor keys, nor a status
        oddities.add(Oddity.NO_NAME)
    amd_result, amd_word = read_amd(source, "amd_result")

    def read_unless_odd(read: Callable[[Mapping[str, Any], str], T], key: str) -> T | None:
        try:
            return read(source, key)
        except WrongField:
            oddities.add(f"{Oddity.UNREADABLE}:{key}")
            return None

    return RobotalkerEvent(
        kind=kind,
        name=name,
        call_id=read_id(source, "call_id"),
        campaign_id=read_unless_odd(read_id, "campaign_id"),
        sms_id=read_id(source, "sms_id"),
        to=read_text(source, "to", max_length=32),
        sender=(read_unless_odd(read_text, "from") or "")[:100] or None,
        status=read_text(source, "status", max_length=50),
        reason=(read_unless_odd(read_text, "reason") or "")[:200] or None,
        duration_seconds=read_unless_odd(read_count, "duration_seconds"),
        keys=keys.pressed,
        says_no_key=keys.says_none,
        unread_keys=keys.unread,
        amd_result=amd_result,
        amd_word=amd_word,
        text=read_text(source, "text"),
        occurred_at=read_unless_odd(read_moment, "timestamp"),
        channel=_read_channel(source, kind),
        passed_over=tuple(sorted(oddities)),
    )


def read_kind(name: str) -> EventKind:
    """The kind with this name, whatever its case and punctuation: "SMS_RECEIVED" is sms.received."""
    return _KIND_BY_NAME.get(_PUNCTUATION.sub("", name).casefold(), EventKind.UNKNOWN)


def _read_channel(source: Mapping[str, Any], kind: EventKind) -> EventChannel | None:
    value = (read_text(source, "channel") or kind.partition(".")[0]).lower()
    return {"voice": EventChannel.VOICE, "call": EventChannel.VOICE, "sms": EventChannel.SMS}.get(value)


def _read_loosely(body: bytes) -> RobotalkerEvent:
    """What a damaged JSON body seems to be. Contradicting keys and texts are joined, others left out."""
    try:
        source = guess_fields(body)
    except UnreadableBody as error:
        reason = str(error)
    else:
        event = _build_loosely(source)
        if event != RobotalkerEvent(kind=EventKind.UNKNOWN):
            return event
        reason = "no field that can be read"
    raise UnreadableEvent(reason)


def _build_loosely(source: Mapping[str, Any]) -> RobotalkerEvent:
    def read_all(key: str) -> list[str]:
        values = source.get(key)
        texts = []
        for value in values if isinstance(values, Several | list) else [values]:
            with suppress(WrongField):
                texts.append(read_text({key: str(value) if isinstance(value, str) else value}, key) or "")
        return [text for text in texts if text]

    def read_one(key: str) -> str | None:
        values = read_all(key)
        return values[0] if len(values) == 1 else None

    names = read_all("event")
    kinds = {read_kind(name) for name in names}
    texts, keys = read_all("text"), parse_keys(" ".join(read_all("dtmf_response") + read_all("digit")))
    kind = kinds.pop() if len(kinds) == 1 else EventKind.UNKNOWN
    if EventKind.OPTED_OUT in kinds:
        kind = EventKind.OPTED_OUT
    elif EventKind.SMS_RECEIVED in kinds or (texts and kinds | {kind} == {EventKind.UNKNOWN}):
        kind = EventKind.SMS_RECEIVED  # else the text may be our own message, sent back
    amd_result, amd_word = read_amd({"amd_result": read_one("amd_result")}, "amd_result")
    return RobotalkerEvent(
        kind=kind,
        name=(read_one("event") or "")[:100],
        to=(read_one("to") or "")[:32] or None,
        sender=(read_one("from") or "")[:100] or None,
        status=(read_one("status") or "")[:50] or None,
        reason=(read_one("reason") or "")[:200] or None,
        keys=keys.pressed,
        says_no_key=keys.says_none,
        unread_keys=keys.unread,
        amd_result=amd_result,
        amd_word=amd_word,
        text="\n".join(texts) or None,
        channel=_read_channel({"channel": read_one("channel")}, kind),
    )


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
    for name, value in dict.fromkeys((fold_name(name), value.strip()) for name, value in pairs):
        raw[name] = raw.get(name, "") + value
    raw = {name: str(value) for name, value in find_named_fields(raw).items()}
    source = {name: "".join(filter(str.isprintable, value)) for name, value in raw.items()}
    kind = read_kind(source.get("event", ""))
    keys = read_pressed_keys(source)
    amd_result, amd_word = read_amd(source, "amd_result")
    text = raw.get("text", "").replace("\x00", "") or None  # with its line breaks, which end a sentence
    return RobotalkerEvent(
        kind=kind,
        name=source.get("event", "")[:100] if text else "",  # a reply has no other name
        call_id=_read_form_id(raw, "call_id"),
        campaign_id=_read_form_id(raw, "campaign_id"),
        sms_id=_read_form_id(raw, "sms_id"),
        to=source.get("to", "")[:32] or None,
        sender=source.get("from", "")[:100] or None,
        status=source.get("status", "")[:50] or None,
        reason=source.get("reason", "")[:200] or None,
        keys=keys.pressed,
        says_no_key=keys.says_none,
        unread_keys=keys.unread,
        amd_result=amd_result,
        amd_word=amd_word,
        text=text,
        channel=_read_channel(source, kind),
    )


def _name_reply(found: RobotalkerEvent) -> RobotalkerEvent:
    """An event without a name, a status and keys that has a text is a reply, in a form as in JSON."""
    if found.kind != EventKind.UNKNOWN or found.name or found.status or found.keys or not found.text:
        return found
    passed_over = tuple(sorted({*found.passed_over, Oddity.NO_NAME}))
    return replace(found, kind=EventKind.SMS_RECEIVED, channel=EventChannel.SMS, passed_over=passed_over)


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
                fields.append((name, _decode_part(value)))
        return fields
    return []


def _decode_part(value: bytes) -> str:
    with suppress(UnicodeDecodeError):
        return value.decode()
    return value.decode("latin-1")


def _read_form_id(source: dict[str, str], key: str) -> str | None:
    try:
        return read_id(source, key)
    except WrongField:
        return None
