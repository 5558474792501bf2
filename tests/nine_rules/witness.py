"""An outsider's memory: what Robotalker was asked and has told, and what people did, and what follows of it.

It judges each call that is opened by that alone; of the project's rules it uses none.
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
class Visit:
    """An appointment as people last left it."""

    starts_at: datetime
    zone: ZoneInfo
    callee_zone: ZoneInfo
    status: str = "booked"
    revision: int = 1


@dataclass
class Try:
    """A call as the outside knows it. `accepted`: it stands in Robotalker's ledger."""

    pk: int
    public_id: str
    batch_id: str
    number: str
    channel: str
    reminder_ids: frozenset[int]
    ordered: bool
    accepted: bool = False
    refused: bool = False  # Robotalker said so, or could not be reached
    told: list[str] = field(default_factory=list)

    @property
    def ids(self) -> dict[str, str]:
        """What an event says to tell which call it is about."""
        name = "sms_id" if self.channel == "sms" else "call_id"
        return {name: f"cal_{self.public_id}", "to": self.number}

    @property
    def outcome(self) -> str:
        """The strongest of what was told, or ""."""
        return max(self.told, key=STRENGTH.index, default="")


@dataclass(frozen=True)
class News:
    """What Robotalker may tell of a call: what became of it by that, on which address, in which words."""

    outcome: str
    purpose: str
    body: dict[str, str]

    @property
    def refuses(self) -> set[str]:
        """The channels that the person wants no more of."""
        if self.body.get("event") == "contact.optout" or self.body.get("dtmf_response") == "9":
            return {"voice"}
        return {"sms"} if self.body.get("text") == "STOP" else set()

    def write(self, about: Try | None, at: datetime) -> bytes:
        """The body of the event; the moment is left out where a key's own address tells all."""
        moment = {"timestamp": f"{at:%Y-%m-%dT%H:%M:%SZ}"} if self.body else {}
        return json.dumps({**self.body, **(about.ids if about else {}), **moment}).encode()


# Contradictions must not matter, so a call may hear any of them.
CALL_NEWS = [
    News("no_answer", "status", {"event": "call.no_answer"}),
    News("answered", "status", {"event": "call.completed", "status": "answered", "amd_result": "human"}),
    News("answered", "status", {"event": "call.completed", "status": "answered", "dtmf_response": "1"}),
    News("answered", "status", {"event": "call.completed", "status": "answered", "dtmf_response": "9"}),
    News("voicemail", "status", {"event": "call.completed", "status": "answered", "amd_result": "machine"}),
    News("voicemail", "status", {"event": "call.voicemail"}),
    News("no_answer", "status", {"event": "call.completed", "status": "no_answer"}),
    News("failed", "status", {"event": "call.failed", "reason": "busy"}),
    News("failed", "status", {"event": "call.failed", "reason": "carrier"}),
    News("invalid_number", "status", {"event": "call.failed", "reason": "invalid_number"}),
    News("answered", "status", {"event": "contact.optout", "channel": "voice"}),
    News("answered", "key-1", {}),
    News("answered", "key-2", {"event": "call.dtmf", "digit": "2"}),
]
TEXT_NEWS = [
    News("delivered", "status", {"event": "sms.delivered"}),
    News("failed", "status", {"event": "sms.failed", "reason": "carrier"}),
    News("answered", "status", {"event": "sms.received", "text": "1"}),
    News("answered", "status", {"event": "sms.received", "text": "STOP"}),
]


class Witness:
    """Remembers, and finds what must not be."""

    def __init__(self) -> None:
        self.visits: dict[int, Visit] = {}
        self.tries: dict[int, Try] = {}
        self.no: dict[str, set[str]] = defaultdict(set)  # channels, by number
        self.ordered: set[int] = set()
        self.paused = False

    @property
    def ledger(self) -> list[Try]:
        """The calls that Robotalker has accepted."""
        return [known for known in self.tries.values() if known.accepted]

    def hear(self, about: Try, news: News) -> None:
        """An event that has been applied."""
        about.told.append(news.outcome)
        self.no[about.number] |= news.refuses

    def see_opened(self, calls: Sequence[CallRecord], now: datetime, max_tries: dict[int, int]) -> None:
        """Calls that are about to be POSTed. Raises AssertionError for one that must not be."""
        for call in calls:
            reminders = [call.reminder, *(companion.reminder for companion in call.companions.all())]
            assert call.pk not in self.tries, "rule 1: a call is begun once"
            assert not self.paused, "nothing is sent while a person has paused sending"
            assert call.channel not in self.no[call.number.e164], "rule 5: who opted out is left alone"
            for reminder in reminders:
                self._check_visit(reminder.appointment_id, reminder.revision, call.text, now)
                self._check_evidence(reminder.pk, max_tries[reminder.step_id], call)
            self.tries[call.pk] = Try(
                call.pk,
                call.public_id,
                call.batch.public_id if call.batch else "",
                call.number.e164,
                call.channel,
                frozenset(reminder.pk for reminder in reminders),
                call.ordered_by_id is not None,
            )
            self.ordered -= self.tries[call.pk].reminder_ids

    def _check_visit(self, appointment_id: int, revision: int, text: str, now: datetime) -> None:
        visit = self.visits[appointment_id]
        assert visit.status == "booked", "rule 6: a visit that is cancelled or over is not reminded of"
        assert now < visit.starts_at, "rule 6: nor is one that is over"
        local = now.astimezone(visit.callee_zone).time()
        assert OPENS <= local < CLOSES, f"rule 6: it is {local} there"
        assert revision == visit.revision, "rule 6: it was planned for an old time"
        assert f"{visit.starts_at.astimezone(visit.zone):%-I:%M %p}" in text, "rule 6: an old time is said"

    def _check_evidence(self, reminder_id: int, max_tries: int, call: CallRecord) -> None:
        """Another try needs evidence that the last was not accepted, an outcome, or a person's order."""
        before = [one for one in self.tries.values() if reminder_id in one.reminder_ids and not one.refused]
        if not before or reminder_id in self.ordered:
            return
        assert before[-1].outcome in RETRIED, f"rule 1: the last one's outcome is {before[-1].outcome!r}"
        if call.channel == "voice":
            assert len(before) < max_tries, "rule 1: more tries than the step allows"
        else:
            assert all(one.channel == "voice" for one in before), "rule 1: a second text"
