"""The sandbox's records: calls, campaigns, text messages, contacts."""

import asyncio
import secrets
import string
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from reminders.sandbox.clock import current_time, format_timestamp
from reminders.sandbox.scenarios import Scenario

Json = dict[str, Any]
SandboxChannel = Literal["voice", "sms"]

ID_LETTERS = string.ascii_lowercase + string.digits


def make_id(prefix: str) -> str:
    """An id in the guide's format: ``cal_9x7k2m4p``. Random, so that ids don't repeat after a restart."""
    return f"{prefix}_{''.join(secrets.choice(ID_LETTERS) for _ in range(8))}"


@dataclass(slots=True)
class Call:
    """One call to one number, alone or as part of a campaign."""

    id: str
    to: str
    sender: str
    message: str
    voice: str
    variables: dict[str, str]
    dtmf: dict[str, Json]
    webhook_url: str | None
    scenario: Scenario
    scripted: bool
    attempt: int
    campaign_id: str | None = None
    opted_out_at_acceptance: bool = False
    created_at: datetime = field(default_factory=current_time)
    answered_at: datetime | None = None
    ended_at: datetime | None = None
    state: Literal["queued", "ringing", "answered", "ended"] = "queued"
    outcome: str = "queued"
    reason: str | None = None
    amd_result: str | None = None
    answered_by: Literal["person", "scenario"] | None = None
    keys: list[str] = field(default_factory=list)
    duration_seconds: int = 0
    instant: bool = False
    changed: asyncio.Event = field(default_factory=asyncio.Event)

    @property
    def status(self) -> str:
        """``queued``, ``ringing``, ``in_progress``, then the outcome: ``answered``, ``voicemail``, ..."""
        if self.state == "ended":
            return self.outcome
        return "in_progress" if self.state == "answered" else self.state

    @property
    def last_key(self) -> str | None:
        return self.keys[-1] if self.keys else None

    def describe(self) -> Json:
        """The body of ``GET /api/v1/calls/{id}``."""
        return {
            "call_id": self.id,
            "campaign_id": self.campaign_id,
            "status": self.status,
            "to": self.to,
            "from": self.sender,
            "created_at": format_timestamp(self.created_at),
            "ended_at": format_timestamp(self.ended_at) if self.ended_at else None,
            "duration_seconds": self.duration_seconds,
            "dtmf_response": self.last_key,
            "amd_result": self.amd_result,
            "reason": self.reason,
        }

    def describe_phone(self) -> Json:
        """The body for the page of phones and ``GET /sandbox/calls``: more than the API's."""
        return self.describe() | {
            "state": self.state,
            "name": self.variables.get("FIRST_NAME", ""),
            "message": self.message,
            "voice": self.voice,
            "language": "-".join(self.voice.split("-")[:2]) or "en-US",
            "dtmf": {key: value["action"] for key, value in self.dtmf.items()},
            "keys": self.keys,
            "answered_by": self.answered_by,
            "scenario": self.scenario.value,
            "attempt": self.attempt,
            "opted_out": self.opted_out_at_acceptance,
        }


@dataclass(slots=True)
class PlacedCampaign:
    """A campaign: several calls with one message."""

    id: str
    calls: list[Call]
    created_at: datetime = field(default_factory=current_time)

    @property
    def status(self) -> str:
        states = {call.state for call in self.calls}
        if states == {"ended"}:
            return "completed"
        return "queued" if states == {"queued"} else "in_progress"

    def describe(self) -> Json:
        """The body of ``GET /api/v1/campaigns/{id}``."""
        stats: dict[str, int] = {}
        for call in self.calls:
            stats[call.status] = stats.get(call.status, 0) + 1
        return {
            "campaign_id": self.id,
            "status": self.status,
            "created_at": format_timestamp(self.created_at),
            "recipients": len(self.calls),
            "stats": stats,
        }


@dataclass(slots=True)
class TextMessage:
    """One SMS, to the patient or from the patient."""

    id: str
    to: str
    sender: str
    message: str
    webhook_url: str | None
    scenario: Scenario
    inbound: bool = False
    batch_id: str | None = None
    opted_out_at_acceptance: bool = False
    created_at: datetime = field(default_factory=current_time)
    status: str = "queued"
    reason: str | None = None
    replied: bool = False

    def describe(self) -> Json:
        """The body for the page of phones; ``to`` is the patient's number in both directions."""
        return {
            "sms_id": self.id,
            "batch_id": self.batch_id,
            "to": self.to,
            "from": self.sender,
            "text": self.message,
            "inbound": self.inbound,
            "status": self.status,
            "reason": self.reason,
            "created_at": format_timestamp(self.created_at),
        }


@dataclass(slots=True)
class ListedContact:
    """A number in Robotalker's list of contacts."""

    id: str
    to: str
    first_name: str = ""
    last_name: str = ""
    opted_out: dict[str, bool] = field(default_factory=lambda: {"voice": False, "sms": False})
    created_at: datetime = field(default_factory=current_time)

    def describe(self) -> Json:
        return {
            "contact_id": self.id,
            "to": self.to,
            "first_name": self.first_name,
            "last_name": self.last_name,
            "opted_out": dict(self.opted_out),
            "created_at": format_timestamp(self.created_at),
        }
