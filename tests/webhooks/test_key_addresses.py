"""A key's own address: the forms of body that it accepts, and bodies that must not count as its key."""

import json
from datetime import timedelta

import pytest
from django.utils import timezone
from hypothesis import given, settings
from hypothesis import strategies as st
from pytest_django import Settings

from contacts.models import Appointment
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import CallBatch, CallRecord, FollowUp
from reminders.robotalker.events import UnreadableEvent, parse_for_optout
from reminders.traffic.callback_urls import key_urls
from tests.people import SARAH, make_contact, make_due_reminder
from tests.waiting import find_free_port
from tests.webhooks.robotalker import CALL_ID, make_event, post
from tests.webhooks.test_hostile_events import UNREADABLE, check_nothing_changed
from webhooks.applying import apply_again
from webhooks.models import WebhookEvent
from webhooks.verification import verify_events

pytestmark = pytest.mark.django_db

FORM, TEXT = "application/x-www-form-urlencoded", "text/plain"
PARTS = "multipart/form-data; boundary=----boundary7MA4YWxk"
NOAH = "+12025550142"


def make_multipart(**fields: str) -> bytes:
    parts = [
        f'------boundary7MA4YWxk\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
        for name, value in fields.items()
    ]
    return "".join([*parts, "------boundary7MA4YWxk--\r\n"]).encode()


PRESSED = json.dumps(make_event("call.dtmf", digit="1")).encode()
FOR_A_KEY: dict[str, tuple[bytes, str]] = {
    "an empty body without a type": (b"", ""),
    "an empty body as JSON": (b"", "application/json"),
    "JSON": (PRESSED, "application/json"),
    "JSON with a charset": (PRESSED, "application/json; charset=utf-8"),
    "JSON labelled as text": (PRESSED, TEXT),
    "JSON without a type": (PRESSED, ""),
    "JSON labelled as a form": (PRESSED, FORM),
    "a key that is a number": (json.dumps(make_event("call.dtmf", digit=1)).encode(), "application/json"),
    "JSON with odd details": (
        json.dumps(make_event("call.dtmf", digit="1") | {"timestamp": 1732300000, "x": "\0"}).encode(),
        "",
    ),
    "a form": (f"call_id={CALL_ID}&digit=1".encode(), FORM),
    "an empty form": (b"", FORM),
    "a form with a plus sign that has become a space": (f"digit=1&to={SARAH}".encode(), FORM),
    "a form with the key twice": (b"digit=1&digit=1", FORM),
    "a form with an unescaped name": ("digit=1&name=Köln".encode(), FORM),
    "a multipart form with another boundary": (make_multipart(digit="1"), "multipart/form-data; boundary=x"),
    "a form labelled as text": (b"digit=1", TEXT),
    "a form without a type": (f"to=%2B{SARAH[1:]}&digit=1".encode(), ""),
    "a form without its key": (f"call_id={CALL_ID}".encode(), TEXT),
    "a multipart form": (make_multipart(digit="1", to=SARAH), PARTS),
    "a bare key": (b"1\n", TEXT),
    "a bare key without a type": (b"1", ""),
    "a key as a JSON string": (b'"1"', "application/json"),
}


@pytest.mark.parametrize(("payload", "content_type"), FOR_A_KEY.values(), ids=FOR_A_KEY.keys())
def test_a_keys_own_address_accepts_any_form_of_body(
    call: CallRecord, payload: bytes, content_type: str
) -> None:
    assert post(key_urls(call)["1"], payload, content_type) == 200
    assert Appointment.objects.get().is_confirmed


NESTED_PARTS = b"".join(
    b"--x%d\r\nContent-Type: multipart/mixed; boundary=x%d\r\n\r\n" % (depth, depth + 1)
    for depth in range(250)
)
NO_KEY_1 = {
    name: (body, TEXT)
    for name, body in UNREADABLE.items()
    if name not in ("a bare key", "a status that is an object")
}
NO_KEY_1 |= {
    "another key as JSON": (json.dumps(make_event("call.dtmf", digit="2")).encode(), "application/json"),
    "another key as JSON labelled as a form": (json.dumps(make_event("call.dtmf", digit="2")).encode(), FORM),
    "another key as a number": (b'{"digit": 2}', "application/json"),
    "another key in a form": (b"digit=2", FORM),
    "another key beside it": (b"digit=1&digit=2", FORM),
    "another key before it": (b"digit=2&digit=1", TEXT),
    "another key in a multipart form": (make_multipart(digit="2"), PARTS),
    "another bare key": (b"2", TEXT),
    "another number in a form": (b"digit=1&to=%2B12025550177", FORM),
    "another number in a form labelled as text": (b"digit=1&to=+12025550177", TEXT),
    "another number in a multipart form": (make_multipart(digit="1", to="+12025550177"), PARTS),
    "two numbers": (f"digit=1&to=%2B12025550177&to={SARAH}".encode(), FORM),
    "another call in a form": (b"digit=1&call_id=cal_other", TEXT),
    "parts without headers": (b"--x\r\ndigit\r\n\r\n1\r\n--x--", "multipart/form-data; boundary=x"),
    "nested parts": (NESTED_PARTS, "multipart/form-data; boundary=x0"),
    "a sentence": (b"Sarah pressed 1", TEXT),
    "two bare keys": (b"12", TEXT),
    "a digit of another script": ("１".encode(), TEXT),
    "a number that isn't a key": (b'{"digit": -1}', "application/json"),
    "a timeout": (json.dumps(make_event("call.dtmf", digit="timeout")).encode(), "application/json"),
    "a timeout in a form": (b"digit=timeout", FORM),
    "another key in the other field": (b"digit=1&dtmf_response=2", FORM),
    "no answer": (json.dumps(make_event("call.no_answer")).encode(), "application/json"),
    "no answer in a form": (b"event=call.no_answer&digit=1", FORM),
    "a voicemail": (
        json.dumps(make_event("call.voicemail", amd_result="machine")).encode(), "application/json"
    ),
    "a call answered by a machine": (
        json.dumps(make_event("call.completed", status="answered", amd_result="machine")).encode(), ""
    ),
    "another key beside an unescaped name": ("digit=2&name=Köln".encode(), FORM),
    "another number beside an unescaped name": ("digit=1&to=%2B12025550177&name=Köln".encode(), FORM),
    "another key and a line break": (b"digit=2%0A", FORM),
    "another key and a NUL": (b"digit=2%00", FORM),
    "another number and a line break": (b"digit=1&to=%2B12025550177%0A", FORM),
    "another number in a multipart form beside an unescaped name": (
        make_multipart(name="Köln", digit="1", to="+12025550177\xa0"), PARTS
    ),
    "a form of fields we do not know": (b"Digits=2&name=Sarah", FORM),
    "a machine's label": (
        json.dumps(make_event("call.dtmf", digit="1", amd_result="machine_start")).encode(), ""
    ),
    "a label of neither": (json.dumps(make_event("call.dtmf", digit="1", amd_result="squid")).encode(), ""),
    "a machine's label in a form": (b"digit=1&amd_result=fax", FORM),
    "a status of a machine without an event": (b'{"digit": "1", "status": "answering machine"}', ""),
    "an unreadable key": (b'{"digit": "one"}', ""),
}  # fmt: skip


@pytest.mark.parametrize(("payload", "content_type"), NO_KEY_1.values(), ids=NO_KEY_1.keys())
def test_an_unreadable_body_or_one_for_another_key_number_or_call_confirms_nothing(
    call: CallRecord, payload: bytes, content_type: str
) -> None:
    assert post(key_urls(call)["1"], payload, content_type) == 200
    assert WebhookEvent.objects.get().state == "quarantined"
    check_nothing_changed(call)


@pytest.mark.parametrize(
    ("payload", "content_type"),
    [
        (b"digit=9", TEXT),
        (b"digit=1&digit=9", FORM),
        (b"9", ""),
        (make_multipart(digit="9"), PARTS),
        (b'{"digit": 9}', ""),
        ("digit=9&name=Köln".encode(), FORM),
        (b"digit=1&dtmf_response=9", FORM),
        (b"event=contact.optout", TEXT),
        (b'{"digit": "9", "duration_seconds": "28"}', ""),
    ],
)
def test_an_opt_out_on_a_keys_address_is_recorded_and_confirms_nothing(
    call: CallRecord, payload: bytes, content_type: str
) -> None:
    assert post(key_urls(call)["1"], payload, content_type) == 200
    call.number.refresh_from_db()
    assert call.number.voice_opted_out_at is not None
    assert not Appointment.objects.get().is_confirmed


def test_a_campaigns_key_finds_its_call_in_a_form_whose_plus_sign_has_become_a_space() -> None:
    make_due_reminder()
    make_due_reminder(make_contact("Noah", number=NOAH))
    claim = claim_due(10)
    batch = CallBatch.objects.create()
    open_calls(claim.reminder_ids, claim.token, batch)
    assert post(key_urls(batch)["1"], f"to={NOAH}".encode(), TEXT) == 200
    assert [
        appointment.contact.first_name
        for appointment in Appointment.objects.all()
        if appointment.is_confirmed
    ] == ["Noah"]


def test_a_key_in_a_form_waits_to_be_verified_where_that_is_configured(
    call: CallRecord, settings: Settings
) -> None:
    settings.ROBOTALKER_VERIFY_EVENTS = True
    settings.ROBOTALKER_BASE_URL = f"http://127.0.0.1:{find_free_port()}"
    assert post(key_urls(call)["1"], b"digit=1", TEXT) == 200
    event = WebhookEvent.objects.get()
    assert event.state == "unverified"
    assert verify_events(timezone.now() + timedelta(minutes=1)) == 0
    event.refresh_from_db()
    assert (event.state, event.attempts) == ("unverified", 1)
    assert "could not be asked" in event.error
    assert not FollowUp.objects.exists()
    WebhookEvent.objects.update(attempts=7, next_attempt_at=timezone.now())
    verify_events(timezone.now() + timedelta(minutes=1))
    assert FollowUp.objects.get().kind == FollowUp.Kind.EVENT_KEPT_BACK, "nobody asks any more"
    apply_again([event.pk])
    assert Appointment.objects.get().is_confirmed


@settings(deadline=None)  # a busy machine must not fail the test
@given(
    st.binary(max_size=300)
    | st.text('-x\r\n:;=" ContentTypeDispositionmultipart/form-data1\0', max_size=300),
    st.sampled_from([b"", b"--x\r\n", b'{"digit": ']),
)
def test_any_bytes_are_parsed_or_raise_unreadable_event(body: bytes | str, start: bytes) -> None:
    try:
        event = parse_for_optout(start + (body if isinstance(body, bytes) else body.encode()))
    except UnreadableEvent:
        return
    for text in (event.name, event.call_id, event.to, event.keys):
        assert "\x00" not in (text or "")
