"""Forged, misaddressed and malformed requests to the real endpoint change nothing but a counter or a row."""

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import time_machine
from django.core.signing import Signer, TimestampSigner
from django.db import connection
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from contacts.models import Appointment, ConsentEntry, PhoneNumber
from reminders.models import CallRecord, FollowUp
from reminders.results.outcomes import find_keys
from reminders.robotalker.events import EventKind, RobotalkerEvent
from reminders.traffic.callback_urls import SALT, account_url, key_urls, name_key, status_url
from tests.people import SARAH, make_contact, make_due_reminder
from tests.waiting import find_free_port
from tests.webhooks.robotalker import ANSWERED, CALL_ID, make_event, post, post_for_response
from webhooks.address_checks import is_optout, must_be_verified
from webhooks.models import WebhookEvent
from webhooks.refusal_counts import forget_refusals, read_refusals

pytestmark = pytest.mark.django_db

FORM, PARTS = "application/x-www-form-urlencoded", "multipart/form-data; boundary=x"
OTHER = "+12025550177"
OTHER_KEY = "somebody-elses-" + "z" * 50


def token_of(url: str) -> str:
    return url.rpartition("/")[2]


def check_nothing_changed(call: CallRecord) -> None:
    call.refresh_from_db()
    call.reminder.refresh_from_db()
    number = PhoneNumber.objects.get(pk=call.number_id)
    assert (call.state, call.keys, call.robotalker_id) == ("submitted", [], CALL_ID)
    assert call.reminder.state == "in_progress"
    assert Appointment.objects.get(pk=call.reminder.appointment_id).current_answer == ""
    assert (number.voice_opted_out_at, number.sms_opted_out_at) == (None, None)
    assert not FollowUp.objects.exclude(kind=FollowUp.Kind.EVENT_KEPT_BACK).exists()


def forge_tokens(call: CallRecord, settings: Settings) -> Iterator[tuple[str, str]]:
    """Tokens that somebody could make up after seeing a valid one."""
    good, own_key = token_of(status_url(call)), settings.WEBHOOK_KEYS[0]
    value, stamp, mac = good.split(":")
    yield "another purpose", good.replace(".status.", ".key-1.")
    yield "another call", good.replace(call.public_id, "A" * 16)
    yield "a batch in place of a call", good.replace(".c.", ".b.")
    yield "the account in place of a call", good.replace(".c.", ".a.")
    yield "another database", f"{value}x:{stamp}:{mac}"
    yield "issued later", f"{value}:{stamp[:-1]}{'0' if stamp[-1] != '0' else '1'}:{mac}"
    yield "no MAC", f"{value}:{stamp}:"
    yield "half a MAC", good[:-20]
    yield "no parts but the MAC", f":{mac}"
    yield "signed by somebody else", TimestampSigner(key=OTHER_KEY, fallback_keys=[], salt=SALT).sign(value)
    yield "signed by the site's own secret", TimestampSigner(fallback_keys=[], salt=SALT).sign(value)
    yield "signed for another use", TimestampSigner(key=own_key, fallback_keys=[], salt="else").sign(value)
    yield "signed without a date", Signer(key=own_key, fallback_keys=[], salt=SALT).sign(value)
    yield (
        "signed with too few parts",
        TimestampSigner(key=own_key, fallback_keys=[], salt=SALT).sign(f"{name_key(own_key)}.c.status"),
    )
    yield "a path beyond it", f"{good}/more"
    yield "a single letter", "x"
    yield "characters of other scripts", "é.ü.日本:語:…"


def test_a_forged_token_gets_404_without_a_body_and_stores_nothing(
    call: CallRecord, settings: Settings
) -> None:
    for description, token in forge_tokens(call, settings):
        answer = Client().post(f"/hooks/robotalker/{token}", ANSWERED, content_type="application/json")
        assert (answer.status_code, answer.content) == (404, b""), description
    assert WebhookEvent.objects.count() == 0
    check_nothing_changed(call)


@pytest.mark.parametrize("token", ["", "%0A", "a%0Ab", "%ff%00", "//", "a/"])
def test_any_text_in_place_of_a_token_gets_404_without_a_body(token: str) -> None:
    forget_refusals()
    answer = Client().generic("POST", f"/hooks/robotalker/{token}", b"{}")
    assert (answer.status_code, answer.content) == (404, b"")
    assert read_refusals() == {"forged": 1}


def test_a_token_changed_at_any_position_is_refused(call: CallRecord) -> None:
    good = token_of(key_urls(call)["1"])
    for position, character in enumerate(good):
        other = "A" if character != "A" else "B"
        token = good[:position] + other + good[position + 1 :]
        assert post(f"/hooks/robotalker/{token}", b"") == 404, f"changed at {position}"
    check_nothing_changed(call)


def test_an_expired_token_is_refused(call: CallRecord, settings: Settings) -> None:
    url = status_url(call)
    settings.WEBHOOK_TOKEN_DAYS = 0
    answer = post_for_response(url, ANSWERED)
    assert (answer.status_code, answer.content) == (404, b"")
    check_nothing_changed(call)


def test_another_calls_event_on_this_address_changes_nothing(call: CallRecord) -> None:
    """A valid address, and the body of another call's event."""
    other = make_due_reminder(make_contact("Noah", number="+12025550142"))
    assert post(status_url(call), {**ANSWERED, "to": "+12025550142", "call_id": "cal_noah"}) == 200
    assert WebhookEvent.objects.get().state == "quarantined"
    check_nothing_changed(call)
    assert not Appointment.objects.get(pk=other.appointment_id).is_confirmed


UNREADABLE = {
    "HTML": b"<html>",
    "a list": b"[1]",
    "a string": b'"call.completed"',
    "null": b"null",
    "truncated": json.dumps(ANSWERED).encode()[:-10],
    "two objects": json.dumps(ANSWERED).encode() * 2,
    "a NUL in the key": b'{"event": "call.completed", "dtmf_response": "1\\u0000"}',
    "a lone surrogate in the number": b'{"event": "call.completed", "dtmf_response": "1", "to": "+1\\ud800"}',
    "NaN as the number": b'{"event": "call.completed", "dtmf_response": "1", "to": NaN}',
    "two different keys": b'{"event": "call.completed", "dtmf_response": "2", "dtmf_response": "1"}',
    "two different keys, and a comma too many": b'{"event": "call.completed", "digit": "2", "digit": "1",}',
    "two different numbers": b'{"event": "call.completed", "digit": "1", "to": "+12025550100", "to": "+1"}',
    "two different statuses": (
        b'{"event": "call.completed", "digit": "1", "status": "answered", "data": {"status": "busy"}}'
    ),
    "two different events": b'{"event": "call.completed", "digit": "1", "event": "call.no_answer"}',
    "two different answers by whom": (
        b'{"event": "call.completed", "digit": "1", "amd_result": "human", "amdResult": "machine"}'
    ),
    "a list of events cut off": b'[{"event": "call.completed", "dtmf_response": "1"}, {"event": "call.com',
    "a status that is an object": b'{"event": "call.completed", "dtmf_response": "1", "status": {"code": 1}}',
    "keys that are an object": b'{"event": "call.completed", "dtmf_response": {"1": true}}',
    "nested too deeply": b'{"event": "call.completed", "a": ' + b"[" * 5000 + b"]" * 5000 + b"}",
    "another number": json.dumps({**ANSWERED, "to": "+12025550177"}).encode(),
    "another call": json.dumps({**ANSWERED, "call_id": "cal_other"}).encode(),
    "another text message": json.dumps(
        make_event("sms.received", call_id=None, sms_id="sms_1", text="1")
    ).encode(),
    "a bare key": b"1",
}


@pytest.mark.parametrize("payload", UNREADABLE.values(), ids=UNREADABLE.keys())
def test_a_malformed_or_misaddressed_event_is_quarantined_and_changes_nothing(
    call: CallRecord, payload: bytes
) -> None:
    assert post(status_url(call), payload) == 200
    assert WebhookEvent.objects.get().state == "quarantined"
    check_nothing_changed(call)
    assert FollowUp.objects.get().kind == FollowUp.Kind.EVENT_KEPT_BACK


def test_an_oversized_body_is_refused_and_not_stored(call: CallRecord) -> None:
    oversized = b'{"event": "' + b"x" * 16_400 + b'"}'
    assert post(status_url(call), oversized) == 413
    assert WebhookEvent.objects.count() == 0
    check_nothing_changed(call)


def test_a_body_of_exactly_the_largest_size_is_accepted(call: CallRecord) -> None:
    frame = json.dumps(ANSWERED | {"x": ""}).encode()
    largest = frame[:-2] + b"x" * (16_384 - len(frame)) + b'"}'
    assert (len(largest), post(status_url(call), largest)) == (16_384, 200)
    assert Appointment.objects.get().is_confirmed


def test_key_9_counts_beside_the_text_of_a_message_but_no_other_key_does() -> None:
    assert find_keys(RobotalkerEvent(EventKind.SMS_RECEIVED, text="Thank you", keys="9")) == ["9"]
    assert find_keys(RobotalkerEvent(EventKind.SMS_RECEIVED, text="Thank you", keys="1")) == []


def test_a_text_message_can_not_answer_for_a_call(call: CallRecord) -> None:
    for body in (make_event("sms.received", text="1"), make_event("sms.delivered", digit="1")):
        assert post(status_url(call), body) == 200
    assert set(WebhookEvent.objects.values_list("state", flat=True)) == {"quarantined"}
    check_nothing_changed(call)


def test_a_key_in_the_text_of_a_message_must_be_verified_too(call: CallRecord, settings: Settings) -> None:
    """The event is held back by the key it counts for, even though no key was pressed."""
    settings.ROBOTALKER_VERIFY_EVENTS = True
    assert must_be_verified(call, RobotalkerEvent(EventKind.SMS_RECEIVED, text="1"), "")


OPT_OUT = {"event": "contact.optout", "to": SARAH}
REJECTED_OPT_OUTS: dict[str, tuple[bytes, str]] = {
    "another call": (json.dumps(make_event("call.dtmf", digit="9") | {"call_id": "cal_other"}).encode(), ""),
    "an opt-out of another call": (
        json.dumps(make_event("contact.optout") | {"call_id": "cal_other"}).encode(),
        "",
    ),
    "STOP": (json.dumps(make_event("sms.received", text="STOP")).encode(), ""),
    "a form labelled as text": (b"digit=9&to=+12025550199", "text/plain"),
    "a body that is cut off": (b'{"event": "call.completed", "dtmf_response": "9", "ti', "application/json"),
    "two keys that contradict each other": (b'{"event": "call.dtmf", "digit": "1", "digit": 9}', ""),
    "two answers by whom": (b'{"digit": 9, "amd_result": "human", "amd_result": "fax"}', ""),
    "a text without anything around it": (b"STOP", "text/plain"),
    "a bare key": (b"9", "text/plain"),
}


@pytest.mark.parametrize(("payload", "content_type"), REJECTED_OPT_OUTS.values(), ids=REJECTED_OPT_OUTS)
def test_an_opt_out_in_a_quarantined_event_is_recorded(
    call: CallRecord, payload: bytes, content_type: str
) -> None:
    payload = payload.replace(b"+12025550199", call.number.e164.encode())
    assert post(status_url(call), payload, content_type) == 200
    assert WebhookEvent.objects.get().state == "quarantined"
    call.number.refresh_from_db()
    assert call.number.voice_opted_out_at is not None
    assert not ConsentEntry.objects.exclude(number=call.number).exists()


LONG = "b" * 70
ODD_OPT_OUTS: dict[str, tuple[bytes, str]] = {
    "a timestamp in seconds": (json.dumps(OPT_OUT | {"timestamp": 1732300000}).encode(), "application/json"),
    "an invalid timestamp": (json.dumps(OPT_OUT | {"timestamp": "yesterday"}).encode(), "application/json"),
    "an id that is a number": (json.dumps(OPT_OUT | {"call_id": 12345}).encode(), "application/json"),
    "a number as integer": (json.dumps(OPT_OUT | {"to": int(SARAH[1:])}).encode(), "application/json"),
    "a duration as a string": (
        json.dumps({"event": "call.dtmf", "to": SARAH, "digit": "9", "duration_seconds": "28"}).encode(),
        "application/json",
    ),
    "keys in a list": (
        json.dumps({"event": "call.completed", "to": SARAH, "dtmf_response": ["1", 9]}).encode(),
        "application/json",
    ),
    "a form": (f"event=contact.optout&to=%2B{SARAH[1:]}".encode(), FORM),
    "a form with STOP": (f"event=sms.received&text=Stop.&to=%2B{SARAH[1:]}".encode(), FORM),
    "a form with an unescaped name": (f"digit=9&to=%2B{SARAH[1:]}&name=Köln".encode(), FORM),
    "a form labelled as text": (f"to=%2B{SARAH[1:]}&dtmf_response=9".encode(), "text/plain"),
    "a long boundary": (
        "".join(
            f'--{LONG}\r\nContent-Disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in {"digit": "9", "to": SARAH, "name": "Köln"}.items()
        ).encode() + f"--{LONG}--\r\n".encode(),
        f"multipart/form-data; charset=utf-8; boundary={LONG}",
    ),
}  # fmt: skip


@pytest.mark.parametrize("where", ["status", "key", "account"])
@pytest.mark.parametrize(("payload", "content_type"), ODD_OPT_OUTS.values(), ids=ODD_OPT_OUTS)
def test_an_opt_out_with_an_invalid_detail_is_recorded(
    call: CallRecord, payload: bytes, content_type: str, where: str
) -> None:
    url = {"status": status_url(call), "key": key_urls(call)["1"], "account": account_url()}[where]
    assert post(url, payload, content_type) == 200
    call.number.refresh_from_db()
    assert call.number.voice_opted_out_at or call.number.sms_opted_out_at
    assert not Appointment.objects.get().is_confirmed


@pytest.mark.parametrize(
    "body", [b"digit=9", b"9", b'{"digit": 9}', b"event=contact.optout", b"dtmf_response=19"]
)
@pytest.mark.parametrize("content_type", [FORM, PARTS, "application/json", "text/plain", "", "x" * 200])
def test_an_opt_out_is_recorded_whatever_its_content_type(
    call: CallRecord, body: bytes, content_type: str
) -> None:
    assert is_optout(body)
    assert post(status_url(call), body, content_type) == 200
    call.number.refresh_from_db()
    assert call.number.voice_opted_out_at is not None


@pytest.mark.parametrize(
    "payload",
    [
        json.dumps(make_event("call.dtmf", digit="9", to=OTHER)),
        f"digit=9&to={OTHER}",
        f"digit=9&to={OTHER}%0A&name=Köln",
        json.dumps({"event": "contact.optout", "to": int(OTHER[1:])}),
    ],
)
def test_an_opt_out_of_another_number_opts_nobody_out_and_waits_for_a_person(
    call: CallRecord, payload: str
) -> None:
    assert post(status_url(call), payload.encode()) == 200
    event = WebhookEvent.objects.get()
    assert event.state == "quarantined"
    assert "an opt-out, but for no number that we called" in event.error
    check_nothing_changed(call)


def test_an_event_is_applied_by_the_databases_clock_even_if_ours_is_wrong(call: CallRecord) -> None:
    with time_machine.travel(timezone.now() - timedelta(minutes=5), tick=True):
        assert post(status_url(call), ANSWERED) == 200
    event = WebhookEvent.objects.get()
    assert event.applied_at is not None
    assert event.received_at <= event.applied_at


WITHOUT_AN_ANSWERING_EVENT: dict[str, tuple[bytes, str]] = {
    "an empty body": (b"", ""),
    "whitespace": (b"  \r\n", "application/json"),
    "an empty object": (b"{}", "application/json"),
    "a key without an event": (b'{"dtmf_response": "1"}', "application/json"),
    "a key in an event of an unknown kind": (
        b'{"event": "call.teleported", "digit": "1"}',
        "application/json",
    ),
    "a form": (b"digit=1", FORM),
    "a form with a plus sign that has become a space": (f"digit=1&to={SARAH}".encode(), FORM),
    "a multipart form": (b'--x\r\nContent-Disposition: form-data; name="digit"\r\n\r\n1\r\n--x--', PARTS),
    "a single key press": (json.dumps(make_event("call.dtmf", digit="1")).encode(), "application/json"),
    "JSON labelled as a form": (json.dumps(make_event("call.dtmf", digit="1")).encode(), FORM),
}


@pytest.mark.parametrize(
    ("payload", "content_type"), WITHOUT_AN_ANSWERING_EVENT.values(), ids=WITHOUT_AN_ANSWERING_EVENT.keys()
)
def test_the_status_address_confirms_nothing_without_an_event_that_may_answer(
    call: CallRecord, payload: bytes, content_type: str
) -> None:
    assert post(status_url(call), payload, content_type) == 200
    assert WebhookEvent.objects.get().state == "applied"
    check_nothing_changed(call)


@pytest.mark.parametrize("event", ["call.no_answer", "call.voicemail", "call.failed"])
def test_a_key_in_the_event_of_an_unanswered_call_confirms_nothing(call: CallRecord, event: str) -> None:
    assert post(status_url(call), make_event(event, digit="1", dtmf_response="1")) == 200
    call.refresh_from_db()
    assert (call.state, call.keys) == (event.removeprefix("call."), [])
    assert not Appointment.objects.get().is_confirmed


@pytest.mark.parametrize("event", ["call.teleported", "call.dtmf", "call.no_answer"])
def test_an_opt_out_counts_in_an_event_that_may_not_answer(call: CallRecord, event: str) -> None:
    assert post(status_url(call), make_event(event, digit="9")) == 200
    call.number.refresh_from_db()
    assert call.number.voice_opted_out_at is not None


def test_a_timestamp_in_the_future_counts_as_now(call: CallRecord) -> None:
    """Otherwise an answer dated in the future would stand against every later one."""
    ahead = (datetime.now(UTC) + timedelta(days=300)).isoformat()
    assert post(status_url(call), {**ANSWERED, "timestamp": ahead}) == 200
    appointment = Appointment.objects.get()
    assert appointment.is_confirmed
    assert appointment.answered_at is not None
    assert appointment.answered_at <= timezone.now()


@pytest.mark.parametrize("method", ["GET", "PUT", "PATCH", "DELETE", "HEAD", "OPTIONS"])
def test_no_method_but_post_is_allowed(call: CallRecord, method: str) -> None:
    answer = Client().generic(method, status_url(call).removeprefix("http://127.0.0.1:8000"), b"{}")
    assert answer.status_code == 405
    assert b"/hooks/" not in answer.content, "the response doesn't describe the endpoint"
    assert WebhookEvent.objects.count() == 0


def test_the_endpoint_sets_no_cookie_and_sends_the_security_headers(call: CallRecord) -> None:
    answer = post_for_response(status_url(call), ANSWERED)
    assert not answer.cookies
    assert answer.headers["X-Content-Type-Options"] == "nosniff"
    assert answer.headers["X-Frame-Options"] == "DENY"


def test_forged_requests_cost_no_query(call: CallRecord, django_assert_num_queries: Any) -> None:
    with django_assert_num_queries(0):
        post_for_response("/hooks/robotalker/x", ANSWERED)
        post_for_response("/hooks/robotalker/" + "a.b.c.d.e:f:" + "g" * 43, ANSWERED)


@pytest.mark.django_db(transaction=True)
def test_a_request_gets_503_while_the_database_is_away_and_can_be_sent_again(call: CallRecord) -> None:
    url, there = status_url(call), connection.settings_dict
    connection.close()
    connection.settings_dict = {**there, "HOST": "127.0.0.1", "PORT": str(find_free_port())}
    try:
        answer = post_for_response(url, ANSWERED)
    finally:
        connection.close()
        connection.settings_dict = there
    assert (answer.status_code, answer.content) == (503, b"")
    assert post(url, ANSWERED) == 200
    assert Appointment.objects.get().is_confirmed
