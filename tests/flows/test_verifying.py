"""With ROBOTALKER_VERIFY_EVENTS, keys 1 and 2 count only after Robotalker was asked about the call."""

from collections.abc import Iterable
from datetime import timedelta
from urllib.parse import urlsplit

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from contacts.models import Appointment, PhoneNumber
from reminders.dispatch.rounds import dispatch_due
from reminders.models import CallRecord
from reminders.traffic.callback_urls import status_url
from tests.flows.applying import is_all_applied
from tests.people import SARAH, make_due_reminder
from tests.sandbox_server import SandboxServer
from tests.waiting import find_free_port, wait_until
from webhooks.applying import MOST_ATTEMPTS, apply_again, count_stuck
from webhooks.models import WebhookEvent
from webhooks.verification import verify_events

LATER = timedelta(hours=2)


@pytest.fixture(autouse=True)
def verifying(settings: Settings) -> None:
    settings.ROBOTALKER_VERIFY_EVENTS = True


def call_sarah(sandbox: SandboxServer, story: str) -> CallRecord:
    """Sarah is called, and the call has ended; its events have been posted."""
    make_due_reminder()
    sandbox.set_scenarios({SARAH: story})
    assert dispatch_due().calls == 1
    sandbox.wait_for_call(SARAH, "ended")
    return CallRecord.objects.get()


def states() -> Iterable[str]:
    return WebhookEvent.objects.order_by("pk").values_list("state", flat=True)


def wait_for_states(*wanted: str) -> None:
    wait_until(lambda: sorted(states()) == sorted(wanted), f"events to be {wanted}")


def forge_answer(call: CallRecord) -> None:
    """Someone who knows the status address claims that Sarah pressed 1."""
    body = {"event": "call.completed", "to": SARAH, "status": "answered", "dtmf_response": "1"}
    path = urlsplit(status_url(call)).path
    assert Client().post(path, body, content_type="application/json").status_code == 200
    wait_until(is_all_applied, "the event to be applied")


def is_confirmed() -> bool:
    return Appointment.objects.get().is_confirmed


def test_a_key_counts_when_robotalker_gives_the_same_key(sandbox: SandboxServer) -> None:
    call_sarah(sandbox, "press_1")
    wait_for_states("unverified", "unverified")  # the key's own event, and the call's end
    assert not is_confirmed()
    assert verify_events() == 2
    assert is_confirmed()
    assert set(states()) == {"applied"}


def test_an_answer_that_robotalker_contradicts_is_quarantined(sandbox: SandboxServer) -> None:
    call = call_sarah(sandbox, "voicemail")
    wait_for_states("applied")
    forge_answer(call)
    assert verify_events() == 0
    wait_for_states("applied", "quarantined")
    assert not is_confirmed()


def test_an_opt_out_counts_at_once(sandbox: SandboxServer) -> None:
    call_sarah(sandbox, "press_9")
    opted_out = PhoneNumber.objects.filter(e164=SARAH, voice_opted_out_at__isnull=False)
    wait_until(opted_out.exists, "the opt-out")


def test_key_9_beside_another_key_counts_at_once(sandbox: SandboxServer) -> None:
    call = call_sarah(sandbox, "voicemail")
    wait_for_states("applied")
    body = {"event": "call.completed", "to": SARAH, "status": "answered", "dtmf_response": "19"}
    Client().post(urlsplit(status_url(call)).path, body, content_type="application/json")
    assert PhoneNumber.objects.get(e164=SARAH).voice_opted_out_at is not None
    assert not is_confirmed()


def test_an_answer_waits_while_robotalker_can_not_be_asked(
    sandbox: SandboxServer, settings: Settings
) -> None:
    call_sarah(sandbox, "press_1")
    wait_for_states("unverified", "unverified")
    settings.ROBOTALKER_BASE_URL = f"http://127.0.0.1:{find_free_port()}"
    assert verify_events() == 0
    settings.ROBOTALKER_BASE_URL = sandbox.url
    event = WebhookEvent.objects.exclude(error="").get()  # only one was asked about, since Robotalker fails
    assert (event.state, event.attempts) == ("unverified", 1)
    assert "could not be asked" in event.error
    assert verify_events() == 1, "the other one; the wait of this one isn't over"
    assert verify_events(timezone.now() + LATER) == 1
    assert set(states()) == {"applied"}


def test_an_answer_waits_while_the_call_goes_on(sandbox: SandboxServer) -> None:
    sandbox.behave(attended=True)
    make_due_reminder()
    dispatch_due()
    ringing = sandbox.wait_for_call(SARAH, "ringing")
    forge_answer(CallRecord.objects.get())
    assert verify_events() == 0
    assert "doesn't have this key yet" in WebhookEvent.objects.get().error
    sandbox.answer(ringing["call_id"])
    sandbox.press(ringing["call_id"], "1")
    wait_until(lambda: verify_events(timezone.now() + LATER), "Robotalker to give the key")
    assert is_confirmed()


def test_an_event_that_could_not_be_verified_waits_for_a_person(sandbox: SandboxServer) -> None:
    call_sarah(sandbox, "press_1")
    wait_for_states("unverified", "unverified")
    WebhookEvent.objects.update(attempts=MOST_ATTEMPTS)
    assert verify_events(timezone.now() + LATER) == 0
    assert count_stuck() == 2
    apply_again(WebhookEvent.objects.values_list("pk", flat=True))
    assert is_confirmed(), "after a person's decision it needs no verification"
