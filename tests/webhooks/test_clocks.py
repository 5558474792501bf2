"""A web process or worker whose own clock is wrong: for events the database's clock counts."""

import json
from datetime import timedelta

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from contacts.models import Appointment
from reminders.models import CallRecord
from reminders.traffic.callback_urls import Callback, key_urls, status_url
from tests.webhooks.robotalker import make_event, post
from webhooks.applying import apply_event, apply_stored, set_aside
from webhooks.inbox import store_event
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db

SKEWS = [timedelta(days=-1), timedelta(days=1)]


def set_clock_wrong(skew: timedelta) -> time_machine.travel:
    return time_machine.travel(timezone.now() + skew)


def store_empty_event(call: CallRecord) -> int:
    event_id = store_event(Callback("c", call.public_id, "status"), b"", "")
    assert event_id is not None
    return event_id


@pytest.mark.parametrize("skew", SKEWS, ids=str)
def test_the_later_of_two_answers_stands_whichever_process_received_them(
    call: CallRecord, skew: timedelta
) -> None:
    first, second = key_urls(call)["1"], key_urls(call)["2"]
    with set_clock_wrong(skew):
        assert post(first, b"") == 200
    assert Appointment.objects.get().is_confirmed
    assert post(second, b"") == 200
    assert Appointment.objects.get().current_answer == "wants_another_time"
    with set_clock_wrong(-skew):
        assert post(first, b"digit=1", "text/plain") == 200
    assert Appointment.objects.get().is_confirmed


@pytest.mark.parametrize("skew", SKEWS, ids=str)
def test_an_event_is_dated_by_the_databases_clock(call: CallRecord, skew: timedelta) -> None:
    before = timezone.now()
    with set_clock_wrong(skew):
        post(status_url(call), make_event("call.ringing"))
    assert abs(WebhookEvent.objects.get().received_at - before) < timedelta(minutes=5)


@pytest.mark.parametrize("skew", SKEWS, ids=str)
def test_a_stored_event_is_applied_at_once_whatever_the_workers_clock_says(
    call: CallRecord, skew: timedelta
) -> None:
    store_empty_event(call)
    with set_clock_wrong(skew):
        assert apply_stored() == 1


@pytest.mark.parametrize("skew", SKEWS, ids=str)
def test_a_failed_event_is_tried_again_after_its_pause(call: CallRecord, skew: timedelta) -> None:
    event_id = store_empty_event(call)
    with set_clock_wrong(skew):
        set_aside(event_id, "failed", "a fault")
        assert apply_stored() == 0
    assert apply_stored() == 0
    assert apply_stored(timezone.now() + timedelta(minutes=5)) == 1


def test_an_event_that_must_be_verified_is_due_at_once(call: CallRecord, settings: Settings) -> None:
    settings.ROBOTALKER_VERIFY_EVENTS = True
    event_id = store_event(Callback("c", call.public_id, "key-1"), b"", "")
    assert event_id is not None
    with set_clock_wrong(timedelta(days=1)):
        assert apply_event(event_id) == "unverified"
    [asked_at] = WebhookEvent.objects.values_list("next_attempt_at", flat=True)
    assert asked_at is not None
    assert asked_at <= timezone.now()


@pytest.mark.parametrize(
    ("state", "fields"),
    [
        ("stored", {}),
        ("failed", {"attempts": 1, "next_attempt_at": timedelta(hours=2)}),
        ("failed", {"attempts": 7, "next_attempt_at": timedelta(hours=3)}),
    ],
)
def test_an_event_from_before_the_clock_was_set_back_is_applied_within_seconds(
    call: CallRecord, state: str, fields: dict[str, object]
) -> None:
    """Product rule 28: it waited until the clock had come so far again."""
    body = json.dumps(make_event("call.ringing", to=call.number.e164)).encode()
    pk = store_event(Callback("c", call.public_id, "status"), body, "application/json")
    ahead = timezone.now() + timedelta(hours=2)
    moved = {n: timezone.now() + v if isinstance(v, timedelta) else v for n, v in fields.items()}
    WebhookEvent.objects.filter(pk=pk or 0).update(state=state, received_at=ahead, **moved)
    assert apply_stored() == 1


def test_an_event_that_failed_keeps_its_pause(call: CallRecord) -> None:
    set_aside(store_empty_event(call), WebhookEvent.State.FAILED, "as a test")
    assert apply_stored() == 0
