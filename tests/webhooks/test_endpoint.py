"""The webhook endpoint: which requests it accepts, what it stores, and what that changes."""

import json
from io import BytesIO
from typing import Any

import pytest
from django.test import Client
from pytest_django import Settings

from contacts.models import Appointment, ConsentEntry
from reminders.desk.bookings import cancel_and_withdraw
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import CallBatch, CallRecord, FollowUp
from reminders.traffic.callback_urls import key_urls, status_url
from tests.people import make_contact, make_due_reminder
from tests.webhooks.robotalker import ANSWERED, make_event, post
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db


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


def test_key_1_confirms_on_its_own_address_before_the_call_has_ended(call: CallRecord) -> None:
    assert post(key_urls(call)["1"], b"", "") == 200
    call.refresh_from_db()
    assert call.reminder.appointment.is_confirmed


def test_key_2_opens_one_follow_up_however_often_it_is_reported(call: CallRecord) -> None:
    post(key_urls(call)["2"], make_event("call.dtmf", digit="2"))
    post(status_url(call), {**ANSWERED, "dtmf_response": "2"})
    appointment = Appointment.objects.get()
    assert appointment.current_answer == "wants_another_time"
    assert FollowUp.objects.get().kind == "wants_another_time"


def test_an_opt_out_is_recorded_in_its_own_request(call: CallRecord, settings: Settings) -> None:
    """(product rule 10)"""
    settings.OPT_OUT_SCOPE = "channel"
    assert post(status_url(call), make_event("contact.optout", channel="voice")) == 200
    call.number.refresh_from_db()
    assert call.number.voice_opted_out_at is not None
    assert call.number.sms_opted_out_at is None
    entry = ConsentEntry.objects.get()
    assert (entry.what, entry.scope, entry.source) == ("opt_out", "voice", "key")


def test_a_key_without_a_meaning_is_stored_and_put_on_the_worklist(call: CallRecord) -> None:
    """(product rule 23)"""
    post(status_url(call), {**ANSWERED, "dtmf_response": "5"})
    call.refresh_from_db()
    assert call.key_pressed == "5"
    assert not call.reminder.appointment.is_confirmed
    assert FollowUp.objects.get().kind == "unclear_answer"


def test_an_empty_body_on_the_status_address_confirms_nothing(call: CallRecord) -> None:
    post(status_url(call), b"")
    assert not Appointment.objects.get().is_confirmed


def test_a_call_answered_by_a_machine_is_a_voicemail(call: CallRecord) -> None:
    post(status_url(call), make_event(status="answered", amd_result="machine", dtmf_response=None))
    call.refresh_from_db()
    assert call.state == "voicemail"


def test_a_repeated_request_is_stored_as_one_event(call: CallRecord) -> None:
    assert [post(status_url(call), ANSWERED) for _ in range(3)] == [200, 200, 200]
    assert WebhookEvent.objects.count() == 1


def test_a_token_signed_by_the_previous_key_is_still_valid(call: CallRecord, settings: Settings) -> None:
    url = status_url(call)
    settings.WEBHOOK_KEYS = ["the new key", *settings.WEBHOOK_KEYS]
    assert post(url, ANSWERED) == 200
    assert status_url(call) != url


def test_an_event_is_accepted_whatever_its_accept_header_says(call: CallRecord) -> None:
    path = status_url(call).removeprefix("http://127.0.0.1:8000")
    answer = Client().post(path, ANSWERED, content_type="application/json", headers={"accept": "text/csv"})
    assert answer.status_code == 200
    assert WebhookEvent.objects.get().state == "stored"


def test_a_chunked_body_is_read_to_its_end(call: CallRecord) -> None:
    path = status_url(call).removeprefix("http://127.0.0.1:8000")
    raw = json.dumps(ANSWERED).encode()
    environ: dict[str, Any] = {"wsgi.input": BytesIO(raw), "wsgi.input_terminated": True}
    answer = Client().post(path, content_type="application/json", CONTENT_LENGTH="", **environ)
    assert answer.status_code == 200
    assert bytes(WebhookEvent.objects.get().body) == raw


def test_a_confirmation_of_a_cancelled_appointment_opens_a_follow_up(call: CallRecord) -> None:
    cancel_and_withdraw(call.reminder.appointment_id)
    post(status_url(call), ANSWERED)
    assert FollowUp.objects.get().kind == "late_answer"


def test_an_event_of_an_unknown_kind_is_stored_and_changes_nothing(call: CallRecord) -> None:
    assert post(status_url(call), make_event("call.teleported")) == 200
    assert WebhookEvent.objects.get().state == "applied"
    call.refresh_from_db()
    assert call.state == "submitted"


def test_an_event_of_a_campaign_finds_its_call_by_the_number() -> None:
    make_due_reminder()
    make_due_reminder(make_contact("Noah", number="+12025550142"))
    claim = claim_due(10)
    batch = CallBatch.objects.create()
    open_calls(claim.reminder_ids, claim.token, batch)
    body = {**ANSWERED, "to": "+12025550142", "campaign_id": "cmp_1"}
    assert post(status_url(batch), body) == 200
    confirmed = [
        appointment.contact.first_name
        for appointment in Appointment.objects.all()
        if appointment.is_confirmed
    ]
    assert confirmed == ["Noah"]


def test_an_event_of_a_campaign_that_names_no_number_is_quarantined() -> None:
    make_due_reminder()
    claim = claim_due(10)
    batch = CallBatch.objects.create()
    open_calls(claim.reminder_ids, claim.token, batch)
    assert post(key_urls(batch)["1"], b"") == 200
    assert WebhookEvent.objects.get().state == "quarantined"
    assert not Appointment.objects.get().is_confirmed
