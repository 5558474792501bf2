"""Parsing what Robotalker posts: the guide's event, the assumed ones, and malformed bodies."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reminders.robotalker.events import (
    MAX_EVENT_BYTES,
    EventChannel,
    EventKind,
    RobotalkerEvent,
    UnreadableEvent,
    parse_event,
)
from reminders.robotalker.fields import AmdResult
from tests.reminders.robotalker.guide import CALL_COMPLETED

FORM = "application/x-www-form-urlencoded; charset=utf-8"
MOMENT = "2025-04-15T10:30:45Z"


def parse(**body: Any) -> RobotalkerEvent:
    return parse_event(json.dumps(body).encode(), "application/json")


def test_the_guides_event_is_read_in_full() -> None:
    event = parse_event(CALL_COMPLETED.encode(), "application/json")
    assert event == RobotalkerEvent(
        kind=EventKind.CALL_COMPLETED,
        name="call.completed",
        call_id="cal_9x7k2m4p",
        to="+12125550100",
        status="answered",
        duration_seconds=28,
        keys="1",
        amd_result=AmdResult.HUMAN,
        occurred_at=datetime(2025, 4, 15, 10, 30, 45, tzinfo=UTC),
        channel=EventChannel.VOICE,
    )
    assert event.key == "1"


@pytest.mark.parametrize(
    ("name", "kind", "channel"),
    [
        ("call.completed", EventKind.CALL_COMPLETED, EventChannel.VOICE),
        ("call.no_answer", EventKind.CALL_NO_ANSWER, EventChannel.VOICE),
        ("call.voicemail", EventKind.CALL_VOICEMAIL, EventChannel.VOICE),
        ("call.failed", EventKind.CALL_FAILED, EventChannel.VOICE),
        ("call.dtmf", EventKind.KEY_PRESSED, EventChannel.VOICE),
        ("contact.optout", EventKind.OPTED_OUT, None),
        ("sms.delivered", EventKind.SMS_DELIVERED, EventChannel.SMS),
        ("sms.failed", EventKind.SMS_FAILED, EventChannel.SMS),
        ("sms.received", EventKind.SMS_RECEIVED, EventChannel.SMS),
        ("call.transferred", EventKind.UNKNOWN, None),
        ("CALL.COMPLETED", EventKind.UNKNOWN, None),
        ("", EventKind.UNKNOWN, None),
    ],
)
def test_an_event_with_an_unknown_name_has_the_kind_unknown(
    name: str, kind: EventKind, channel: EventChannel | None
) -> None:
    event = parse(event=name)
    assert (event.kind, event.name, event.channel) == (kind, name, channel)


def test_a_key_that_was_pressed_is_read() -> None:
    event = parse(event="call.dtmf", call_id="cal_1", to="+12125550100", digit="2", timestamp=MOMENT)
    assert (event.kind, event.key, event.call_id) == (EventKind.KEY_PRESSED, "2", "cal_1")


@pytest.mark.parametrize(
    ("sent", "keys", "last"),
    [
        ("1", "1", "1"),
        ("12", "12", "2"),
        ("1 9", "19", "9"),
        ("*", "*", "*"),
        ("#", "#", "#"),
        ("", "", None),
        (None, "", None),
        ("none", "", None),
        ("timeout", "", None),
        ("１", "", None),
        ("1" * 33, "", None),
    ],
)
def test_all_keys_are_kept_and_key_is_the_last_one(sent: str | None, keys: str, last: str | None) -> None:
    event = parse(event="call.completed", dtmf_response=sent)
    assert (event.keys, event.key) == (keys, last)


@pytest.mark.parametrize(
    ("sent", "channel"),
    [("voice", EventChannel.VOICE), ("sms", EventChannel.SMS), ("SMS", EventChannel.SMS), ("fax", None)],
)
def test_the_channel_of_an_opt_out_is_read_and_none_means_every_channel(
    sent: str, channel: EventChannel | None
) -> None:
    event = parse(
        event="contact.optout", to="+12125550100", channel=sent, sms_id="sms_1", campaign_id="cmp_1"
    )
    assert (event.kind, event.channel, event.sms_id, event.campaign_id) == (
        EventKind.OPTED_OUT,
        channel,
        "sms_1",
        "cmp_1",
    )


def test_a_reply_by_sms_is_read() -> None:
    event = parse(event="sms.received", sms_id="sms_1", to="+12125550100", text="C", timestamp=MOMENT)
    assert (event.kind, event.text, event.channel) == (EventKind.SMS_RECEIVED, "C", EventChannel.SMS)


@pytest.mark.parametrize(
    ("sent", "result"),
    [("human", "human"), ("Machine", "machine"), ("fax", "unknown"), ("", "unknown"), (None, "unknown")],
)
def test_an_unknown_amd_result_is_read_as_unknown(sent: str | None, result: str) -> None:
    assert parse(event="call.completed", amd_result=sent).amd_result == result


@pytest.mark.parametrize(
    ("sent", "moment"),
    [
        (MOMENT, datetime(2025, 4, 15, 10, 30, 45, tzinfo=UTC)),
        ("2025-04-15T10:30:45.123456Z", datetime(2025, 4, 15, 10, 30, 45, 123456, tzinfo=UTC)),
        ("2025-04-15T06:30:45-04:00", datetime(2025, 4, 15, 10, 30, 45, tzinfo=UTC)),
        ("2025-04-15T10:30:45", datetime(2025, 4, 15, 10, 30, 45, tzinfo=UTC)),
        (None, None),
    ],
)
def test_a_timestamp_is_converted_to_utc(sent: str | None, moment: datetime | None) -> None:
    assert parse(event="call.failed", timestamp=sent).occurred_at == moment


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"[]", "not a JSON object"),
        (b'"call.completed"', "not a JSON object"),
        (b"null", "not a JSON object"),
        (b"<html></html>", "not JSON"),
        (b'{"event": "call.completed"', "not JSON"),
        (b"{'event': 1}", "not JSON"),
        (b'{"a": 1} {"b": 2}', "not JSON"),
        (b'{"duration_seconds": ' + b"9" * 5000 + b"}", "not JSON"),
        (b'{"event": "\xff"}', "not UTF-8"),
        ('{"event": "call.failed"}'.encode("utf-16"), "not UTF-8"),
        (b'{"event": "' + b"a" * MAX_EVENT_BYTES + b'"}', "too large"),
        (b'{"a": ' + b"[" * 21 + b"]" * 21 + b"}", "nested too deep"),
        (b'{"a":' * 1500 + b"1" + b"}" * 1500, "nested too deep"),
        (b"[" * MAX_EVENT_BYTES, "nested too deep"),
        (b'{"a": NaN}', "NaN is not a number"),
        (b'{"a": [-Infinity]}', "-Infinity is not a number"),
        (b'{"duration_seconds": 1e999}', "a number out of range"),
        (b'{"to": "+1\\u0000"}', "a NUL character"),
        (b'{"a": [{"b\\u0000": 1}]}', "a NUL character"),
        (b'{"to": "\\ud800"}', "a lone surrogate"),
        (b'{"event": "call.failed", "event": "call.completed"}', "a duplicate key"),
        (b'{"x": {"a": 1, "a": 1}}', "a duplicate key"),
        (b'{"event": 1}', "event: not a string"),
        (b'{"event": ["call.completed"]}', "event: not a string"),
        (b'{"call_id": 7}', "call_id: not a string"),
        (b'{"call_id": "a b"}', "call_id: not an id"),
        (b'{"call_id": "' + b"a" * 101 + b'"}', "call_id: not an id"),
        (b'{"sms_id": {}}', "sms_id: not a string"),
        (b'{"to": 12125550100}', "to: not a string"),
        (b'{"digit": 1}', "digit: not a string"),
        (b'{"dtmf_response": 1}', "dtmf_response: not a string"),
        (b'{"amd_result": true}', "amd_result: not a string"),
        (b'{"duration_seconds": "28"}', "duration_seconds: not a whole number"),
        (b'{"duration_seconds": true}', "duration_seconds: not a whole number"),
        (b'{"duration_seconds": 2.5}', "duration_seconds: not a whole number"),
        (b'{"duration_seconds": -1}', "duration_seconds: out of range"),
        (b'{"duration_seconds": 99999999999}', "duration_seconds: out of range"),
        (b'{"timestamp": 1744713045}', "timestamp: not a string"),
        (b'{"timestamp": "yesterday"}', "timestamp: not a date and time"),
        (b'{"timestamp": ""}', "timestamp: not a date and time"),
        (b'{"timestamp": "2025-02-30T00:00:00Z"}', "timestamp: not a date and time"),
        (b'{"timestamp": "0001-01-01T00:00:00+14:00"}', "timestamp: not a date and time"),
        (b'{"timestamp": "9999-12-31T23:59:59-14:00"}', "timestamp: not a date and time"),
        (b'{"timestamp": "1970-01-01T00:00:00Z"}', "timestamp: not a date and time"),
    ],
)
def test_a_malformed_body_is_refused_with_a_reason(body: bytes, reason: str) -> None:
    with pytest.raises(UnreadableEvent) as caught:
        parse_event(body, "application/json")
    assert str(caught.value) == reason


def test_events_of_the_maximum_size_and_depth_are_read() -> None:
    filler = MAX_EVENT_BYTES - len(b'{"event": "call.failed", "x": ""}')
    assert parse(event="call.failed", x="a" * filler).kind == EventKind.CALL_FAILED
    assert parse_event(b'{"a": ' + b"[" * 18 + b"]" * 18 + b"}").kind == EventKind.UNKNOWN


def test_an_unreadable_event_error_contains_nothing_of_the_body() -> None:
    with pytest.raises(UnreadableEvent) as caught:
        parse_event(b'{"to": "+12125550100", "text": "Sarah"')
    links = [caught.value, caught.value.__cause__, caught.value.__context__]
    assert links[1:] == [None, None]
    assert "Sarah" not in repr(links)


@pytest.mark.parametrize("body", [b"", b"  \r\n"])
@pytest.mark.parametrize("content_type", ["", "application/json", FORM])
def test_an_empty_body_is_an_unknown_event_without_fields(body: bytes, content_type: str) -> None:
    assert parse_event(body, content_type) == RobotalkerEvent(kind=EventKind.UNKNOWN)


def test_the_fields_of_a_form_are_read() -> None:
    event = parse_event(b"call_id=cal_1&to=%2B12125550100&digit=1&x=y", FORM)
    assert event == RobotalkerEvent(kind=EventKind.UNKNOWN, call_id="cal_1", to="+12125550100", keys="1")


@pytest.mark.parametrize("body", [b"call_id=a%00b", b"call_id=a+b&to=%00", b"&&&==", "name=Köln".encode()])
def test_invalid_fields_of_a_form_are_left_out(body: bytes) -> None:
    assert parse_event(body, FORM) == RobotalkerEvent(kind=EventKind.UNKNOWN)


@pytest.mark.parametrize("body", [b"\xff\xfe", b"&".join([b"a=b"] * 60), b"%", b"--x\r\n\r\n--x--"])
def test_a_form_with_no_fields_or_too_many_is_unreadable(body: bytes) -> None:
    with pytest.raises(UnreadableEvent, match="a form that has no fields"):
        parse_event(body, FORM)


def test_the_repr_of_an_event_shows_no_number_and_no_text() -> None:
    event = parse(event="sms.received", to="+12125550100", text="Sarah is ill", reason="Sarah")
    assert "2125550100" not in repr(event)
    assert "Sarah" not in repr(event)


ANY_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=12,
)
KNOWN = [
    "event", "call_id", "campaign_id", "sms_id", "to", "status", "reason", "duration_seconds",
    "digit", "dtmf_response", "amd_result", "text", "timestamp", "channel",
]  # fmt: skip
NAMES = st.sampled_from([*EventKind, "call.completed"])


def check_parses_or_is_unreadable(body: bytes, content_type: str) -> None:
    try:
        event = parse_event(body, content_type)
    except UnreadableEvent:
        return
    assert event.occurred_at is None or event.occurred_at.tzinfo is UTC
    for text in (event.name, event.call_id, event.to, event.status, event.reason, event.text, event.keys):
        assert "\x00" not in (text or "")
        (text or "").encode()


@settings(deadline=None)  # a slow machine must not fail the test
@given(st.binary(max_size=300), st.sampled_from(["", "application/json", FORM, "multipart/form-data"]))
def test_random_bytes_raise_no_other_error(body: bytes, content_type: str) -> None:
    check_parses_or_is_unreadable(body, content_type)


@settings(deadline=None)  # a slow machine must not fail the test
@given(st.dictionaries(st.sampled_from(KNOWN) | st.text(), ANY_JSON | NAMES, max_size=10))
def test_random_json_raises_no_other_error(body: dict[str, Any]) -> None:
    check_parses_or_is_unreadable(json.dumps(body).encode(), "application/json")


@settings(deadline=None)  # a slow machine must not fail the test
@given(st.dictionaries(st.sampled_from(KNOWN), st.text(max_size=60), max_size=10))
def test_random_texts_in_known_fields_raise_no_other_error(body: dict[str, str]) -> None:
    check_parses_or_is_unreadable(json.dumps(body).encode(), "application/json")
    check_parses_or_is_unreadable(
        "&".join(f"{key}={value}" for key, value in body.items()).encode("utf-8", "replace"), FORM
    )
