"""The state is the same for every order and every repetition of the same events."""

import json
from collections.abc import Sequence
from typing import Any

import pytest
from django.db import transaction
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from reminders.callbacks import Callback
from reminders.dispatch import claim_due
from reminders.models import CallRecord, FollowUp
from reminders.opening import open_calls
from tests.people import SARAH, make_due_reminder
from webhooks.inbox import apply_event, store_event

pytestmark = pytest.mark.django_db


def tell(event: str, second: int, **fields: Any) -> tuple[str, bytes]:
    """An event on the status address, `second` seconds into the call."""
    moment = f"2026-01-01T10:30:{second:02}Z"
    body = {"event": event, "call_id": "cal_1", "to": SARAH, "timestamp": moment, **fields}
    return "status", json.dumps(body).encode()


def press(key: str, second: int) -> tuple[str, bytes]:
    _, body = tell("call.dtmf", second, digit=key)
    return f"key-{key}", body


# More than any one call could really tell: contradictions must not matter either.
EVENTS = [
    tell("call.completed", 40, status="answered", duration_seconds=28, dtmf_response="1", amd_result="human"),
    tell(
        "call.completed", 41, status="answered", duration_seconds=5, dtmf_response=None, amd_result="machine"
    ),
    tell("call.no_answer", 30, status="no_answer"),
    tell("call.voicemail", 31, status="voicemail", amd_result="machine"),
    tell("call.failed", 5, status="failed", reason="busy"),
    tell("call.failed", 6, status="failed", reason="invalid_number"),
    tell("contact.optout", 20, channel="voice"),
    press("1", 10),
    press("2", 12),
    press("1", 14),
    press("5", 8),
]


def open_one_call() -> CallRecord:
    make_due_reminder()
    claim = claim_due(10)
    [call] = open_calls(claim.reminder_ids, claim.token)
    return call


def end_state(call: CallRecord, events: Sequence[tuple[str, bytes]]) -> dict[str, Any]:
    """What stands after these events; the database is then as it was before."""
    with transaction.atomic():
        for purpose, body in events:
            stored = store_event(Callback("c", call.public_id, purpose), body, "application/json")
            if stored:
                assert apply_event(stored.pk) == "applied"
        told = CallRecord.objects.select_related("reminder__appointment", "number").get()
        reminder, appointment, number = told.reminder, told.reminder.appointment, told.number
        found = {
            "call": (told.state, told.keys, told.key_pressed, told.duration_seconds, told.amd_result),
            "reminder": (reminder.state, reminder.reason),
            "answer": (appointment.answer, appointment.answered_at),
            "number": (number.voice_opted_out_at, number.unusable_since is not None),
            "worklist": sorted(FollowUp.objects.exclude(state="resolved").values_list("kind", flat=True)),
        }
        transaction.set_rollback(True)
    return found


@given(data=st.data())
@settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
def test_any_order_and_repetition_of_the_same_events_ends_the_same(db: None, data: st.DataObject) -> None:
    with transaction.atomic():
        call = open_one_call()
        chosen = data.draw(st.lists(st.sampled_from(EVENTS), min_size=1, max_size=5, unique=True))
        again = data.draw(st.lists(st.sampled_from(chosen), max_size=3))
        shuffled = data.draw(st.permutations(chosen + again))
        assert end_state(call, shuffled) == end_state(call, chosen)
        transaction.set_rollback(True)
