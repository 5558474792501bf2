"""The end state is the same for every order and every repetition of the same events (product rule 14)."""

import json
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import transaction
from django.utils import timezone
from hypothesis import given
from hypothesis import strategies as st

from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import CallRecord, FollowUp, Reminder
from reminders.results.outcomes import fold_event
from reminders.results.post_results import record_accepted, record_failed_post
from reminders.robotalker.errors import ReadTimedOut
from reminders.robotalker.events import EventKind, RobotalkerEvent
from reminders.traffic.callback_urls import Callback
from tests.people import SARAH, make_contact, make_due_reminder
from tests.rule_examples import try_examples
from webhooks.applying import apply_event
from webhooks.inbox import store_event

pytestmark = pytest.mark.django_db


def make_event(event: str, second: int, **fields: Any) -> tuple[str, bytes]:
    """An event on the status address, `second` seconds into the call."""
    moment = f"2026-01-01T10:30:{second:02}Z"
    body = {"event": event, "call_id": "cal_1", "to": SARAH, "timestamp": moment, **fields}
    return "status", json.dumps(body).encode()


def press(key: str, second: int) -> tuple[str, bytes]:
    _, body = make_event("call.dtmf", second, digit=key)
    return f"key-{key}", body


# Some events are dated before it, as if Robotalker's clock were wrong.
BEGUN_AT = datetime(2026, 1, 1, 10, 30, 13, tzinfo=UTC)
# More events than one call could really have: contradictions must not matter either.
EVENTS = [
    make_event(
        "call.completed", 40, status="answered", duration_seconds=28, dtmf_response="1", amd_result="human"
    ),
    make_event(
        "call.completed", 41, status="answered", duration_seconds=5, dtmf_response=None, amd_result="machine"
    ),
    make_event("call.no_answer", 30, status="no_answer"),
    make_event("call.voicemail", 31, status="voicemail", amd_result="machine"),
    make_event("call.failed", 5, status="failed", reason="busy"),
    make_event("call.failed", 6, status="failed", reason="invalid_number"),
    make_event("contact.optout", 20, channel="voice"),
    press("1", 10),
    press("2", 12),
    press("1", 14),
    press("5", 8),
    make_event("call.initiated", 1),
    make_event("call.ringing", 2, call_id=None),
    make_event("call.completed", 39, status="completed", duration_seconds=28),
    ("status", b""),
]
# The response to the POST may arrive before or after the events of its call, too.
ACCEPTED, ANSWER_LOST = ("", b"accepted"), ("", b"lost")


def open_one_call(*people: str) -> CallRecord:
    """One call about an appointment of each of these people, who share a number."""
    for position, name in enumerate(people):
        starts_at = timezone.now() + timedelta(hours=3, minutes=position)
        make_due_reminder(make_contact(name), starts_at=starts_at)
    claim = claim_due(10)
    [call] = open_calls(claim.reminder_ids, claim.token)
    CallRecord.objects.update(submitting_at=BEGUN_AT)
    return call


def end_state(call: CallRecord, events: Sequence[tuple[str, bytes]]) -> dict[str, Any]:
    """The state after these events; the database is then rolled back to how it was before."""
    with transaction.atomic():
        for purpose, body in events:
            if not purpose:
                end_post(call, body)
                continue
            stored = store_event(Callback("c", call.public_id, purpose), body, "application/json")
            if stored:
                assert apply_event(stored) == "applied"
        call_after = CallRecord.objects.select_related("number").get()
        number, reminders = call_after.number, Reminder.objects.select_related("appointment").order_by("pk")
        appointments = [reminder.appointment for reminder in reminders]
        found = {
            "call": (
                call_after.state,
                call_after.keys,
                call_after.key_pressed,
                call_after.duration_seconds,
                call_after.amd_result,
            ),
            "id": call_after.robotalker_id,
            "reminders": [(reminder.state, reminder.reason) for reminder in reminders],
            "answers": [(appointment.answer, appointment.answered_at) for appointment in appointments],
            "number": (number.voice_opted_out_at, number.unusable_since is not None),
            "worklist": sorted(FollowUp.objects.exclude(state="resolved").values_list("appointment", "kind")),
        }
        transaction.set_rollback(True)
    return found


def end_post(call: CallRecord, how: bytes) -> None:
    if how == b"accepted":
        record_accepted({call.pk: "cal_1"})
    else:
        record_failed_post(call.pk, ReadTimedOut())


def test_the_wait_before_the_next_try_holds_although_robotalkers_clock_is_hours_behind() -> None:
    call = open_one_call("Sarah")
    call.submitting_at = timezone.now()
    call.save()
    behind = timezone.now() - timedelta(hours=5)
    missed = RobotalkerEvent(kind=EventKind.CALL_NO_ANSWER, name="call.no_answer", occurred_at=behind)
    fold_event(call.pk, missed, received_at=timezone.now())
    reminder = Reminder.objects.select_related("step").get()
    assert reminder.reason == "try_again"
    assert reminder.next_look_at >= call.submitting_at + reminder.step.retry_wait


@pytest.mark.parametrize("people", [["Sarah"], ["Anna", "Ben"]], ids=["one person", "a household"])
@given(data=st.data())
@try_examples(16)
def test_any_order_and_repetition_of_the_same_events_ends_in_the_same_state(
    db: None, people: list[str], data: st.DataObject
) -> None:
    with transaction.atomic():
        call = open_one_call(*people)
        chosen = data.draw(
            st.lists(st.sampled_from([*EVENTS, ACCEPTED, ANSWER_LOST]), min_size=1, max_size=5, unique=True)
        )
        again = data.draw(st.lists(st.sampled_from(chosen), max_size=3))
        shuffled = data.draw(st.permutations(chosen + again))
        assert end_state(call, shuffled) == end_state(call, chosen)
        transaction.set_rollback(True)
