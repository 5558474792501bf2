"""A reference model: what staff did, and what Robotalker was sent and reported.

It checks each opened call against these facts only and uses none of the project's own rules.
"""

import json
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, time
from zoneinfo import ZoneInfo

from reminders.models import CallRecord

OPENS, CLOSES = time(9), time(19)
STRENGTH = ["failed", "invalid_number", "no_answer", "voicemail", "delivered", "answered"]
RETRIED = {"failed", "no_answer"}


@dataclass
class KnownAppointment:
    """An appointment after the latest change by staff."""

    starts_at: datetime
    zone: ZoneInfo
    patient_zone: ZoneInfo
    status: str = "booked"
    revision: int = 1


@dataclass
class KnownCall:
    """A call or text as Robotalker knows it. `accepted`: Robotalker accepted it."""

    pk: int
    public_id: str
    batch_id: str
    number: str
    channel: str
    reminder_ids: frozenset[int]
    ordered: bool
    accepted: bool = False
    refused: bool = False  # Robotalker refused it or could not be reached
    reported: list[str] = field(default_factory=list)

    @property
    def ids(self) -> dict[str, str]:
        """The fields of an event that identify the call."""
        name = "sms_id" if self.channel == "sms" else "call_id"
        return {name: f"cal_{self.public_id}", "to": self.number}

    @property
    def outcome(self) -> str:
        """The strongest reported outcome, or ""."""
        return max(self.reported, key=STRENGTH.index, default="")


@dataclass(frozen=True)
class RobotalkerEvent:
    """An event about a call: the outcome it reports, the purpose of its address, and its body."""

    outcome: str
    purpose: str
    body: dict[str, str]

    @property
    def optouts(self) -> set[str]:
        """The channels the patient opts out of by this event: both, as OPT_OUT_SCOPE is by default."""
        is_no = (
            self.body.get("event") == "contact.optout"
            or self.body.get("dtmf_response") == "9"
            or self.body.get("text") == "STOP"
        )
        return {"voice", "sms"} if is_no else set()

    def write(self, about: KnownCall | None, at: datetime) -> bytes:
        """Return the body of the event. An event on a key's own address has no timestamp."""
        timestamp = {"timestamp": f"{at:%Y-%m-%dT%H:%M:%SZ}"} if self.body else {}
        return json.dumps({**self.body, **(about.ids if about else {}), **timestamp}).encode()


# A call can get any of these in any order, because contradictory events must do no harm.
CALL_EVENTS = [
    RobotalkerEvent("no_answer", "status", {"event": "call.no_answer"}),
    RobotalkerEvent(
        "answered", "status", {"event": "call.completed", "status": "answered", "amd_result": "human"}
    ),
    RobotalkerEvent(
        "answered", "status", {"event": "call.completed", "status": "answered", "dtmf_response": "1"}
    ),
    RobotalkerEvent(
        "answered", "status", {"event": "call.completed", "status": "answered", "dtmf_response": "9"}
    ),
    RobotalkerEvent(
        "voicemail", "status", {"event": "call.completed", "status": "answered", "amd_result": "machine"}
    ),
    RobotalkerEvent("voicemail", "status", {"event": "call.voicemail"}),
    RobotalkerEvent("no_answer", "status", {"event": "call.completed", "status": "no_answer"}),
    RobotalkerEvent("failed", "status", {"event": "call.failed", "reason": "busy"}),
    RobotalkerEvent("failed", "status", {"event": "call.failed", "reason": "carrier"}),
    RobotalkerEvent("invalid_number", "status", {"event": "call.failed", "reason": "invalid_number"}),
    RobotalkerEvent("answered", "status", {"event": "contact.optout", "channel": "voice"}),
    RobotalkerEvent("answered", "key-1", {}),
    RobotalkerEvent("answered", "key-2", {"event": "call.dtmf", "digit": "2"}),
]
SMS_EVENTS = [
    RobotalkerEvent("delivered", "status", {"event": "sms.delivered"}),
    RobotalkerEvent("failed", "status", {"event": "sms.failed", "reason": "carrier"}),
    RobotalkerEvent("answered", "status", {"event": "sms.received", "text": "1"}),
    RobotalkerEvent("answered", "status", {"event": "sms.received", "text": "STOP"}),
]


class ReferenceModel:
    """Records what happened, and raises AssertionError for a call that must not be made."""

    def __init__(self) -> None:
        self.appointments: dict[int, KnownAppointment] = {}
        self.calls: dict[int, KnownCall] = {}
        self.opted_out: dict[str, set[str]] = defaultdict(set)  # channels, by number
        self.ordered: set[int] = set()
        self.paused = False

    @property
    def ledger(self) -> list[KnownCall]:
        """The calls that Robotalker has accepted."""
        return [known for known in self.calls.values() if known.accepted]

    def record_event(self, about: KnownCall, event: RobotalkerEvent) -> None:
        """Record an applied event."""
        about.reported.append(event.outcome)
        self.opted_out[about.number] |= event.optouts

    def check_opened_calls(
        self, calls: Sequence[CallRecord], now: datetime, max_tries: dict[int, int]
    ) -> None:
        """Check and record calls that are about to be POSTed. `max_tries`: by step id."""
        for call in calls:
            reminders = [call.reminder, *(companion.reminder for companion in call.companions.all())]
            assert call.pk not in self.calls, "rule 1: a call is opened once"
            assert not self.paused, "nothing is sent while sending is paused"
            assert call.channel not in self.opted_out[call.number.e164], (
                "rule 5: an opted-out number gets no call or text"
            )
            for reminder in reminders:
                self._check_appointment(reminder.appointment_id, reminder.revision, call.text, now)
                self._check_evidence(reminder.pk, max_tries[reminder.step_id], call)
            self.calls[call.pk] = KnownCall(
                call.pk,
                call.public_id,
                call.batch.public_id if call.batch else "",
                call.number.e164,
                call.channel,
                frozenset(reminder.pk for reminder in reminders),
                call.ordered_by_id is not None,
            )
            self.ordered -= self.calls[call.pk].reminder_ids

    def _check_appointment(self, appointment_id: int, revision: int, text: str, now: datetime) -> None:
        known = self.appointments[appointment_id]
        assert known.status == "booked", "rule 6: no reminder unless the appointment is booked"
        assert now < known.starts_at, "rule 6: no reminder after the appointment has started"
        local = now.astimezone(known.patient_zone).time()
        assert OPENS <= local < CLOSES, f"rule 6: outside calling hours, it is {local} for the patient"
        assert revision == known.revision, "rule 6: the reminder was planned for an old time"
        said_time = f"{known.starts_at.astimezone(known.zone):%-I:%M %p}"
        assert said_time in text, "rule 6: the message has an old time"

    def _check_evidence(self, reminder_id: int, max_tries: int, call: CallRecord) -> None:
        """Check that another try is allowed: not accepted before, a retried outcome, or ordered by staff."""
        before = [one for one in self.calls.values() if reminder_id in one.reminder_ids and not one.refused]
        if not before or reminder_id in self.ordered:
            return
        assert before[-1].outcome in RETRIED, f"rule 1: the last one's outcome is {before[-1].outcome!r}"
        if call.channel == "voice":
            assert len(before) < max_tries, "rule 1: more tries than the step allows"
        else:
            assert all(one.channel == "voice" for one in before), "rule 1: a second text"
