"""Events of test calls: shown where the test was ordered, and counted nowhere. Only a "no" counts."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import transaction

from contacts.database.clock import read_database_clock
from contacts.models import ConsentEntry
from contacts.models.people import Channel
from contacts.optouts import record_optout, scope_of_optout
from reminders.lifecycle.locking import lock_numbers
from reminders.models import TestCall
from reminders.results.outcomes import find_keys, read_outcome
from reminders.robotalker.events import EventKind, RobotalkerEvent
from reminders.rules.keys import OPT_OUT
from reminders.rules.states import CallState

MOST_NOTED = 40  # events of one test whose bodies are kept
LONGEST_BODY = 4_096  # characters kept of each
EVIDENCE = "in a test call"
State = TestCall.State
STATES = {
    CallState.ANSWERED: State.ANSWERED,
    CallState.VOICEMAIL: State.VOICEMAIL,
    CallState.NO_ANSWER: State.NO_ANSWER,
    CallState.FAILED: State.FAILED,
    CallState.DELIVERED: State.DELIVERED,
}


@dataclass(frozen=True)
class TestEvent:
    """A request on the address of a test call. `key`: the one that the address stands for, or "".

    `event`: None for a body that can't be read, which is kept all the same. `is_optout`: it says "no".
    """

    __test__ = False

    public_id: str
    purpose: str
    key: str
    body: bytes
    event: RobotalkerEvent | None
    is_optout: bool


@transaction.atomic
def record_test_event(said: TestEvent) -> bool:
    """Note an event for its test; False if there is no such test.

    A "no" opts the number out like any other: Robotalker has obeyed it too.
    """
    event = said.event
    lock_numbers(TestCall.objects.filter(public_id=said.public_id).values_list("number", flat=True))
    test = TestCall.objects.select_for_update(of=("self",)).filter(public_id=said.public_id).first()
    if test is None:
        return False
    now = read_database_clock()
    if said.is_optout:
        scope = scope_of_optout(_channel_of_no(event, test))
        source = ConsentEntry.Source.KEY if test.channel == Channel.VOICE else ConsentEntry.Source.SMS_REPLY
        record_optout(
            test.number_id, scope=scope, source=source, at=now, evidence=f"{EVIDENCE} {test.public_id}"
        )
    pressed = find_keys(event, said.key) if event else []
    if said.is_optout and not pressed:
        pressed = [OPT_OUT] if event and event.kind == EventKind.OPTED_OUT else []
    known = {key for _, key in test.keys}
    test.keys = [*test.keys, *([now.isoformat(), key] for key in dict.fromkeys(pressed) if key not in known)]
    _take_outcome(test, event, now)
    if len(test.exchange) < MOST_NOTED:
        test.exchange = [*test.exchange, _note_event(said, now)]
    test.save(update_fields=["keys", "state", "amd_result", "ended_at", "robotalker_id", "exchange"])
    return True


def _take_outcome(test: TestCall, event: RobotalkerEvent | None, now: datetime) -> None:
    outcome = read_outcome(event) if event else None
    if outcome in STATES and test.state not in (State.WAITING, State.DROPPED):
        test.state, test.ended_at = STATES[outcome], test.ended_at or now
    if event:
        test.amd_result = test.amd_result or event.amd_word[:20]
        test.robotalker_id = test.robotalker_id or (event.call_id or event.sms_id or "")[:100]


def _channel_of_no(event: RobotalkerEvent | None, test: TestCall) -> Channel | None:
    """The channel that a "no" names, else the test's own; None for both."""
    if event and event.kind == EventKind.OPTED_OUT:
        return Channel(event.channel) if event.channel else None
    return Channel(test.channel)


def _note_event(said: TestEvent, now: datetime) -> dict[str, Any]:
    text = said.body.decode(errors="replace").replace("\x00", "")[:LONGEST_BODY]
    return {"at": now.isoformat(), "what": f"event on {said.purpose}", "body": text}
