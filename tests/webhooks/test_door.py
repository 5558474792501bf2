"""The webhook door: who gets in, what is kept, and what it changes."""

import json
from collections.abc import Iterable
from io import BytesIO
from typing import Any

import pytest
from django.core.signing import Signer
from django.test import Client
from pytest_django import Settings

from contacts.models import Appointment, ConsentEntry
from reminders.callbacks import key_urls, status_url
from reminders.calls import record_accepted
from reminders.dispatch import claim_due
from reminders.models import CallBatch, CallRecord, FollowUp
from reminders.opening import open_calls
from reminders.rebooking import cancel_and_withdraw
from tests.people import SARAH, make_contact, make_due_reminder
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db

CALL_ID = "cal_9x7k2m4p"


@pytest.fixture
def call() -> CallRecord:
    """Sarah's call, accepted by Robotalker."""
    make_due_reminder()
    claim = claim_due(10)
    [opened] = open_calls(claim.reminder_ids, claim.token)
    record_accepted(opened.pk, CALL_ID)
    opened.refresh_from_db()
    return opened


def body(event: str = "call.completed", **fields: Any) -> dict[str, Any]:
    return {"event": event, "call_id": CALL_ID, "to": SARAH, "timestamp": "2026-01-01T10:30:45Z", **fields}


ANSWERED = body(status="answered", duration_seconds=28, dtmf_response="1", amd_result="human")


def post(url: str, payload: object, content_type: str = "application/json") -> int:
    path = url.removeprefix("http://127.0.0.1:8000")
    data = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    return Client().post(path, data, content_type=content_type).status_code


def test_a_completed_call_with_key_1_confirms_the_appointment(call: CallRecord) -> None:
    assert post(status_url(call), ANSWERED) == 200
    call.refresh_from_db()
    assert (call.state, call.key_pressed, call.duration_seconds, call.amd_result) == (
        "answered",
        "1",
        28,
        "human",
    )
    assert call.reminder.appointment.is_confirmed
    call.reminder.refresh_from_db()
    assert (call.reminder.state, call.reminder.reason) == ("done", "reached")


def test_key_1_confirms_on_its_own_address_while_the_call_goes_on(call: CallRecord) -> None:
    assert post(key_urls(call)["1"], b"", "") == 200
    call.refresh_from_db()
    assert call.reminder.appointment.is_confirmed


def test_key_2_opens_one_worklist_entry_however_often_it_is_told(call: CallRecord) -> None:
    post(key_urls(call)["2"], body("call.dtmf", digit="2"))
    post(status_url(call), {**ANSWERED, "dtmf_response": "2"})
    appointment = Appointment.objects.get()
    assert appointment.current_answer == "wants_another_time"
    assert FollowUp.objects.get().kind == "wants_another_time"


def test_an_opt_out_flips_the_numbers_flag_in_the_request_itself(call: CallRecord) -> None:
    assert post(status_url(call), body("contact.optout", channel="voice")) == 200
    call.number.refresh_from_db()
    assert call.number.voice_opted_out_at is not None
    assert call.number.sms_opted_out_at is None
    entry = ConsentEntry.objects.get()
    assert (entry.what, entry.scope, entry.source) == ("opt_out", "voice", "key")


def test_a_key_without_a_meaning_is_kept_and_put_on_the_worklist(call: CallRecord) -> None:
    post(status_url(call), {**ANSWERED, "dtmf_response": "5"})
    call.refresh_from_db()
    assert call.key_pressed == "5"
    assert not call.reminder.appointment.is_confirmed
    assert FollowUp.objects.get().kind == "unclear_answer"


def test_a_status_address_with_no_key_confirms_nothing(call: CallRecord) -> None:
    post(status_url(call), b"")
    assert not Appointment.objects.get().is_confirmed


def test_a_machine_that_took_the_call_is_a_voicemail_never_reached(call: CallRecord) -> None:
    post(status_url(call), body(status="answered", amd_result="machine", dtmf_response=None))
    call.refresh_from_db()
    assert call.state == "voicemail"


def test_the_same_request_twice_is_one_event(call: CallRecord) -> None:
    assert [post(status_url(call), ANSWERED) for _ in range(3)] == [200, 200, 200]
    assert WebhookEvent.objects.count() == 1


def forge(call: CallRecord) -> Iterable[str]:
    token = status_url(call).rpartition("/")[2]
    yield token[:-1] + ("A" if token[-1] != "A" else "B")
    yield token.replace(".status", ".key-1")
    yield "c.unknown.status:abc"
    yield Signer(key="another key", salt="callboard.callbacks").sign(f"c.{call.public_id}.status")
    yield Signer(key="another key").sign(f"c.{call.public_id}.status")
    yield "x"


def test_a_forged_token_gets_404_without_a_body_and_changes_nothing(call: CallRecord) -> None:
    for token in forge(call):
        answer = Client().post(f"/hooks/robotalker/{token}", ANSWERED, content_type="application/json")
        assert (answer.status_code, answer.content) == (404, b""), token
    assert WebhookEvent.objects.count() == 0
    call.refresh_from_db()
    assert call.state == "submitted"


def test_a_token_signed_by_the_key_before_still_opens(call: CallRecord, settings: Settings) -> None:
    url = status_url(call)
    settings.WEBHOOK_KEYS = ["the new key", *settings.WEBHOOK_KEYS]
    assert post(url, ANSWERED) == 200
    assert status_url(call) != url


def test_whatever_robotalker_accepts_its_event_is_taken(call: CallRecord) -> None:
    path = status_url(call).removeprefix("http://127.0.0.1:8000")
    answer = Client().post(path, ANSWERED, content_type="application/json", headers={"accept": "text/csv"})
    assert answer.status_code == 200
    assert WebhookEvent.objects.get().state == "applied"


def test_a_chunked_body_is_read_to_its_end(call: CallRecord) -> None:
    path = status_url(call).removeprefix("http://127.0.0.1:8000")
    raw = json.dumps(ANSWERED).encode()
    server_says: dict[str, Any] = {"wsgi.input": BytesIO(raw), "wsgi.input_terminated": True}
    answer = Client().post(path, content_type="application/json", CONTENT_LENGTH="", **server_says)
    assert answer.status_code == 200
    assert bytes(WebhookEvent.objects.get().body) == raw


def test_a_yes_to_an_appointment_cancelled_meanwhile_is_a_persons_to_tell(call: CallRecord) -> None:
    cancel_and_withdraw(call.reminder.appointment_id)
    post(status_url(call), ANSWERED)
    assert FollowUp.objects.get().kind == "late_answer"


def test_an_oversized_body_is_refused_and_not_stored(call: CallRecord) -> None:
    assert post(status_url(call), b'{"event": "' + b"x" * 16_400 + b'"}') == 413
    assert WebhookEvent.objects.count() == 0


CONTRADICTIONS = {
    "another number": body(status="answered", dtmf_response="1", to="+12025550177"),
    "another call": body(status="answered", dtmf_response="1", call_id="cal_other"),
    "not JSON": b"<html>",
    "no object": b"[1]",
    "NaN": b'{"event": "call.completed", "duration_seconds": NaN}',
    "NUL": b'{"event": "call.completed", "status": "a\\u0000b"}',
    "a key twice": b'{"event": "call.completed", "event": "contact.optout"}',
    "nested deeply": b'{"a":' * 500 + b"1" + b"}" * 500,
}


@pytest.mark.parametrize("payload", CONTRADICTIONS.values(), ids=CONTRADICTIONS.keys())
def test_what_does_not_fit_is_kept_in_quarantine_and_changes_nothing(
    call: CallRecord, payload: object
) -> None:
    assert post(status_url(call), payload) == 200
    assert WebhookEvent.objects.get().state == "quarantined"
    call.refresh_from_db()
    assert (call.state, call.keys) == ("submitted", [])
    assert not call.reminder.appointment.is_confirmed


def test_an_event_of_an_unknown_kind_is_kept_and_changes_nothing(call: CallRecord) -> None:
    assert post(status_url(call), body("call.teleported")) == 200
    assert WebhookEvent.objects.get().state == "applied"
    call.refresh_from_db()
    assert call.state == "submitted"


def test_an_event_of_a_campaign_finds_its_call_by_the_number() -> None:
    make_due_reminder()
    make_due_reminder(make_contact("Noah", number="+12025550142"))
    claim = claim_due(10)
    batch = CallBatch.objects.create()
    open_calls(claim.reminder_ids, claim.token, batch)
    told = {**ANSWERED, "to": "+12025550142", "campaign_id": "cmp_1"}
    assert post(status_url(batch), told) == 200
    confirmed = [visit.contact.first_name for visit in Appointment.objects.all() if visit.is_confirmed]
    assert confirmed == ["Noah"]


def test_an_event_of_a_campaign_that_names_nobody_is_kept_in_quarantine() -> None:
    make_due_reminder()
    claim = claim_due(10)
    batch = CallBatch.objects.create()
    open_calls(claim.reminder_ids, claim.token, batch)
    assert post(key_urls(batch)["1"], b"") == 200
    assert WebhookEvent.objects.get().state == "quarantined"
    assert not Appointment.objects.get().is_confirmed
