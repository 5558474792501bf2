"""The response to the POST was lost, and then an event of the call arrives: so the call was accepted.

(product rule 15)
"""

from datetime import timedelta

import pytest
from django.utils import timezone
from pytest_django import Settings

from contacts.models import Appointment
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import CallRecord, FollowUp
from reminders.results.post_results import record_accepted, record_failed_post
from reminders.robotalker.errors import ReadTimedOut
from reminders.sweeps.reconciliation import ask_about_unknown, reconcile
from reminders.traffic.callback_urls import key_urls, status_url
from tests.people import make_due_reminder
from tests.webhooks.robotalker import ANSWERED, CALL_ID, make_event, post

pytestmark = pytest.mark.django_db

WITHOUT_OUTCOME = {
    "ringing": make_event("call.ringing"),
    "initiated": make_event("call.initiated"),
    "completed without an outcome": make_event(status="completed", duration_seconds=28),
    "completed without a status": make_event(),
    "an empty body": b"",
    "a key on the status address": make_event("call.dtmf", digit="1"),
}


@pytest.fixture
def call() -> CallRecord:
    """Sarah's call, being submitted."""
    make_due_reminder()
    claim = claim_due(10)
    [opened] = open_calls(claim.reminder_ids, claim.token)
    return opened


def put_on_worklist(call: CallRecord) -> None:
    CallRecord.objects.update(submitting_at=timezone.now() - timedelta(minutes=11))
    assert ask_about_unknown() == 1


@pytest.mark.parametrize("body", WITHOUT_OUTCOME.values(), ids=WITHOUT_OUTCOME.keys())
def test_any_event_of_an_unknown_call_proves_that_it_was_accepted(call: CallRecord, body: object) -> None:
    record_failed_post(call.pk, ReadTimedOut())
    put_on_worklist(call)
    assert post(status_url(call), body) == 200
    call.refresh_from_db()
    assert (call.state, call.reason, call.submitted_at is None) == ("submitted", "", False)
    assert FollowUp.objects.get().state == "resolved"
    assert not Appointment.objects.get().current_answer


def test_it_then_becomes_overdue_and_is_asked_about_like_every_accepted_call(call: CallRecord) -> None:
    record_failed_post(call.pk, ReadTimedOut())
    put_on_worklist(call)
    post(status_url(call), make_event("call.ringing"))
    report = reconcile(ask=False)
    assert (report.overdue, report.asked) == (0, 0)
    CallRecord.objects.update(submitting_at=timezone.now() - timedelta(minutes=26))
    report = reconcile(ask=False)
    assert (report.overdue, report.asked) == (1, 1)
    post(status_url(call), ANSWERED)
    assert not FollowUp.objects.exclude(state="resolved").exists()
    assert Appointment.objects.get().is_confirmed


def test_an_event_that_does_not_fit_the_call_leaves_it_unknown(call: CallRecord) -> None:
    record_failed_post(call.pk, ReadTimedOut())
    assert post(key_urls(call)["1"], b"digit=2") == 200
    call.refresh_from_db()
    assert call.state == "unknown"


def test_an_event_that_waits_to_be_verified_proves_it_too(call: CallRecord, settings: Settings) -> None:
    settings.ROBOTALKER_VERIFY_EVENTS = True
    record_failed_post(call.pk, ReadTimedOut())
    assert post(status_url(call), ANSWERED) == 200
    call.refresh_from_db()
    assert (call.state, call.keys, call.robotalker_id) == ("submitted", [], "")
    assert not Appointment.objects.get().current_answer


def test_an_event_before_the_response_is_lost_proves_it_too(call: CallRecord) -> None:
    assert post(status_url(call), make_event("call.ringing")) == 200
    record_failed_post(call.pk, ReadTimedOut())
    call.refresh_from_db()
    assert call.state == "submitted"


def test_the_id_in_a_late_response_is_stored(call: CallRecord) -> None:
    assert post(status_url(call), b"") == 200
    record_accepted({call.pk: CALL_ID})
    call.refresh_from_db()
    assert (call.state, call.robotalker_id) == ("submitted", CALL_ID)


@pytest.mark.parametrize("state", ["overdue", "abandoned", "not_sent", "answered"])
def test_it_does_not_change_a_call_whose_state_says_more(call: CallRecord, state: str) -> None:
    CallRecord.objects.update(state=state)
    assert post(status_url(call), make_event("call.ringing")) == 200
    call.refresh_from_db()
    assert (call.state, call.submitted_at) == (state, None)
