"""Robotalker's responses to accepted requests, read into frozen dataclasses.

A response is usable if it has its id. Any other field that is missing or invalid becomes "" or None, so that
a bad timestamp doesn't turn an accepted call into an unknown one. The guide shows the response to POST
/calls; the others are assumed (docs/robotalker.md).
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, TypeVar

from reminders.robotalker.fields import (
    KeyPresses,
    WrongField,
    read_amd,
    read_count,
    read_id,
    read_keys,
    read_moment,
    read_text,
)
from reminders.robotalker.vocabulary import AmdResult

T = TypeVar("T")
Json = Mapping[str, Any]
# Words for the status of a campaign that isn't over. The guide has only "queued", of a call.
SAYS_MORE = ("next", "next_page", "next_cursor", "has_more")  # of a list of which this is a part
RUNNING = frozenset({"queued", "scheduled", "pending", "running", "in_progress", "sending", "paused"})


@dataclass(frozen=True)
class CallAccepted:
    """The response to POST /calls. `created_at` is aware UTC."""

    call_id: str
    status: str = ""
    to: str = field(default="", repr=False)
    created_at: datetime | None = None


@dataclass(frozen=True)
class CallStatus:
    """The response to GET /calls/{id}. `status` is as Robotalker sent it; `keys` are DTMF keys."""

    call_id: str
    status: str = ""
    to: str = field(default="", repr=False)
    created_at: datetime | None = None
    duration_seconds: int | None = None
    keys: str = ""
    unread_keys: str = field(default="", repr=False)
    amd_result: AmdResult = AmdResult.UNKNOWN
    amd_word: str = ""
    reason: str = field(default="", repr=False)
    campaign_id: str | None = None


@dataclass(frozen=True)
class CampaignAccepted:
    """The response to POST /campaigns. It has no call ids; they come with the events."""

    campaign_id: str
    status: str = ""
    created_at: datetime | None = None


@dataclass(frozen=True)
class CampaignStatus:
    """The response to GET /campaigns/{id}. `stats` counts calls by status."""

    campaign_id: str
    status: str = ""
    created_at: datetime | None = None
    stats: Mapping[str, int] = field(default_factory=dict)

    @property
    def is_running(self) -> bool:
        """Whether calls of it are still to come, as far as its status says so in a word that we know."""
        return self.status.lower() in RUNNING


@dataclass(frozen=True)
class SmsAccepted:
    """The response to POST /sms for one message, or one entry of a batch's response."""

    sms_id: str
    status: str = ""
    to: str = field(default="", repr=False)
    created_at: datetime | None = None


@dataclass(frozen=True)
class SmsBatchAccepted:
    """The response to POST /sms for a batch. `messages` are those it lists, possibly none."""

    batch_id: str
    status: str = ""
    messages: tuple[SmsAccepted, ...] = field(default=(), repr=False)
    created_at: datetime | None = None


@dataclass(frozen=True)
class ContactStatus:
    """A number in Robotalker's list of contacts (E.164) and the channels it has opted out of."""

    to: str = field(repr=False)
    voice_opted_out: bool
    sms_opted_out: bool
    contact_id: str | None = None


@dataclass(frozen=True)
class ContactList:
    """The response to GET /contacts. `unreadable`: entries without a number or without opt-outs.

    `is_whole`: whether nothing says that there are more; how Robotalker would say it isn't known.
    """

    contacts: tuple[ContactStatus, ...] = field(repr=False)
    unreadable: int = 0
    is_whole: bool = True


def read_call_accepted(source: Json) -> CallAccepted:
    """Raises WrongField when there is no usable `call_id`."""
    return CallAccepted(call_id=_require_id(source, "call_id"), to=_word(source, "to"), **_common(source))


def read_call_status(source: Json) -> CallStatus:
    """Raises WrongField when there is no usable `call_id`."""
    keys = _or(KeyPresses(unread="?"), read_keys, source, "dtmf_response")
    amd_result, amd_word = _or((AmdResult.OTHER, "?"), read_amd, source, "amd_result")
    return CallStatus(
        call_id=_require_id(source, "call_id"),
        to=_word(source, "to"),
        duration_seconds=_or(None, read_count, source, "duration_seconds"),
        keys=keys.pressed,
        unread_keys=keys.unread,
        amd_result=amd_result,
        amd_word=amd_word,
        reason=_word(source, "reason"),
        campaign_id=_or(None, read_id, source, "campaign_id"),
        **_common(source),
    )


def read_campaign_accepted(source: Json) -> CampaignAccepted:
    """Raises WrongField when there is no usable `campaign_id`."""
    return CampaignAccepted(campaign_id=_require_id(source, "campaign_id"), **_common(source))


def read_campaign_status(source: Json) -> CampaignStatus:
    """Raises WrongField when there is no usable `campaign_id`."""
    found = source.get("stats")
    stats = found if isinstance(found, dict) else {}
    counts = {name: _or(None, read_count, stats, name) for name in stats}
    return CampaignStatus(
        campaign_id=_require_id(source, "campaign_id"),
        stats={name: count for name, count in counts.items() if count is not None},
        **_common(source),
    )


def read_sms_accepted(source: Json) -> SmsAccepted:
    """Raises WrongField when there is no usable `sms_id`."""
    return SmsAccepted(sms_id=_require_id(source, "sms_id"), to=_word(source, "to"), **_common(source))


def read_sms_batch_accepted(source: Json) -> SmsBatchAccepted:
    """Raises WrongField when there is no usable `batch_id`."""
    return SmsBatchAccepted(
        batch_id=_require_id(source, "batch_id"),
        messages=tuple(
            read_sms_accepted(item) for item in _objects(source, "messages") if item.get("sms_id")
        ),
        **_common(source),
    )


def read_contact(source: Json) -> ContactStatus:
    """Raises WrongField without a number or without opt-outs: neither may be guessed."""
    to, flags = read_text(source, "to"), source.get("opted_out")
    if not to or not isinstance(flags, dict):
        raise WrongField("a contact without number or opt-outs")
    voice, sms = flags.get("voice"), flags.get("sms")
    if not isinstance(voice, bool) or not isinstance(sms, bool):
        raise WrongField("opted_out: not true or false")
    return ContactStatus(
        to=to,
        voice_opted_out=voice,
        sms_opted_out=sms,
        contact_id=_or(None, read_id, source, "contact_id"),
    )


def read_contacts(source: Json) -> ContactList:
    """The list under `contacts`: an entry that can't be read hides none of the others.

    Raises WrongField if there is no list, or none of its entries can be read.
    """
    entries = source.get("contacts")
    if not isinstance(entries, list):
        raise WrongField("contacts: not a list")
    contacts = tuple(filter(None, map(_read_listed, entries)))
    if entries and not contacts:
        raise WrongField("contacts: none can be read")
    total = source.get("total")
    is_part = any(source.get(name) for name in SAYS_MORE)
    is_part = is_part or (isinstance(total, int) and total > len(entries))
    return ContactList(contacts, unreadable=len(entries) - len(contacts), is_whole=not is_part)


def _read_listed(entry: object) -> ContactStatus | None:
    """One entry of the list; None if it has no number or no opt-outs. One that isn't clear counts as a no."""
    flags = entry.get("opted_out") if isinstance(entry, dict) else None
    to = _word(entry, "to") if isinstance(entry, dict) else ""
    if not to or not isinstance(flags, dict) or not isinstance(entry, dict):
        return None
    return ContactStatus(
        to=to,
        voice_opted_out=flags.get("voice") is not False,
        sms_opted_out=flags.get("sms") is not False,
        contact_id=_or(None, read_id, entry, "contact_id"),
    )


def _require_id(source: Json, key: str) -> str:
    found = read_id(source, key)
    if found is None:
        raise WrongField(f"{key}: missing")
    return found


def _common(source: Json) -> dict[str, Any]:
    return {"status": _word(source, "status"), "created_at": _or(None, read_moment, source, "created_at")}


def _word(source: Json, key: str) -> str:
    value = source.get(key)
    return value[:200] if isinstance(value, str) else ""


def _or(default: T, read: Callable[[Json, str], T], source: Json, key: str) -> T:
    try:
        return read(source, key)
    except WrongField:
        return default


def _objects(source: Json, key: str) -> list[dict[str, Any]]:
    found = source.get(key)
    return [item for item in found if isinstance(item, dict)] if isinstance(found, list) else []
