"""Parsing what Robotalker posts: the guide's event, the assumed ones, and malformed bodies."""

import json
import time
from contextlib import suppress
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
    parse_for_optout,
    split_events,
)
from reminders.robotalker.vocabulary import AmdResult
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
        amd_word="human",
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
        ("CALL.COMPLETED", EventKind.CALL_COMPLETED, EventChannel.VOICE),
        ("Call-No_Answer", EventKind.CALL_NO_ANSWER, EventChannel.VOICE),
        ("sms_received", EventKind.SMS_RECEIVED, EventChannel.SMS),
        ("contact.opted_out", EventKind.OPTED_OUT, None),
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
        ("１", "1", "1"),
        ("1" * 33, "1" * 33, "1"),
        ("1" * 65, "", None),
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
    [("human", "human"), ("Machine", "machine"), ("fax", "machine"), ("", "unknown"), (None, "unknown")],
)
def test_a_missing_amd_result_is_read_as_unknown(sent: str | None, result: str) -> None:
    assert parse(event="call.completed", amd_result=sent).amd_result == result


@pytest.mark.parametrize(
    ("sent", "moment"),
    [
        (MOMENT, datetime(2025, 4, 15, 10, 30, 45, tzinfo=UTC)),
        ("2025-04-15T10:30:45.123456Z", datetime(2025, 4, 15, 10, 30, 45, 123456, tzinfo=UTC)),
        ("2025-04-15T06:30:45-04:00", datetime(2025, 4, 15, 10, 30, 45, tzinfo=UTC)),
        ("2025-04-15T10:30:45", datetime(2025, 4, 15, 10, 30, 45, tzinfo=UTC)),
        ("2025-04-15 10:30:45", datetime(2025, 4, 15, 10, 30, 45, tzinfo=UTC)),
        (" 2025-04-15T10:30:45Z ", datetime(2025, 4, 15, 10, 30, 45, tzinfo=UTC)),
        ("Tue, 15 Apr 2025 10:30:45 GMT", datetime(2025, 4, 15, 10, 30, 45, tzinfo=UTC)),
        ("Tue, 15 Apr 2025 06:30:45 -0400", datetime(2025, 4, 15, 10, 30, 45, tzinfo=UTC)),
        (1744713045, datetime(2025, 4, 15, 10, 30, 45, tzinfo=UTC)),
        (1744713045.0, datetime(2025, 4, 15, 10, 30, 45, tzinfo=UTC)),
        (1744713045000, datetime(2025, 4, 15, 10, 30, 45, tzinfo=UTC)),
        (1744713045000000, datetime(2025, 4, 15, 10, 30, 45, tzinfo=UTC)),
        ("1744713045", datetime(2025, 4, 15, 10, 30, 45, tzinfo=UTC)),
        ("1744713045000", datetime(2025, 4, 15, 10, 30, 45, tzinfo=UTC)),
        (None, None),
        ("yesterday", None),
        ("", None),
        ("2025-02-30T00:00:00Z", None),
        ("0001-01-01T00:00:00+14:00", None),
        ("9999-12-31T23:59:59-14:00", None),
        ("1970-01-01T00:00:00Z", None),
        (7, None),
        (True, None),
        ([2025, 4, 15], None),
        (10**30, None),
        (-1744713045, None),
    ],
)
def test_a_timestamp_is_converted_to_utc(sent: object, moment: datetime | None) -> None:
    assert parse(event="call.failed", timestamp=sent).occurred_at == moment


DEEP = b"[" * 500 + b"]" * 500
STOP = {"event": "sms.received", "to": "+12025550100", "text": "STOP"}
TOLERATED: dict[str, tuple[bytes, list[str]]] = {
    "a NUL in a field that doesn't matter": (b'{"event": "call.failed", "city": "\\u0000"}', ["removed"]),
    "a raw NUL": (b'{"event": "call.failed", "city": "\0"}', ["removed"]),
    "a NUL in a name": (b'{"event": "call.failed", "a": [{"b\\u0000": 1}]}', ["removed"]),
    "a lone surrogate": (b'{"event": "call.failed", "city": "\\ud800"}', ["removed"]),
    "NaN": (b'{"event": "call.failed", "a": NaN}', ["not_a_number"]),
    "Infinity": (b'{"event": "call.failed", "a": [-Infinity, 1e999]}', ["not_a_number"]),
    "a duplicate": (b'{"event": "call.failed", "a": 1, "a": 2}', ["repeated"]),
    "a duplicate that says the same": (b'{"event": "call.failed", "event": "call.failed"}', ["repeated"]),
    "a duplicate inside": (b'{"event": "call.failed", "x": {"a": 1, "a": 1}}', ["repeated"]),
    "a Latin-1 byte": (b'{"event": "call.failed", "city": "K\xf6ln"}', ["not_utf8"]),
    "UTF-16": (json.dumps({"event": "call.failed"}).encode("utf-16"), ["not_utf8"]),
    "UTF-16 without a BOM": (json.dumps({"event": "call.failed"}).encode("utf-16-be"), ["not_utf8"]),
    "UTF-8 with a BOM": (json.dumps({"event": "call.failed"}).encode("utf-8-sig"), []),
    "a comma too many": (b'{"event": "call.failed",}', ["loose_json"]),
    "single quotes": (b"{'event': 'call.failed'}", ["loose_json"]),
    "a comment": (b'{"event": "call.failed" /* busy */}', ["loose_json"]),
    "a list": (b'[{"event": "call.failed"}]', ["wrapped"]),
    "a list in a list": (b'[[{"event": "call.failed"}]]', ["wrapped"]),
    "data": (b'{"data": {"event": "call.failed"}}', ["wrapped"]),
    "payload": (b'{"payload": {"event": "call.failed"}}', ["wrapped"]),
    "a payload as a text": (b'{"payload": "{\\"event\\": \\"call.failed\\"}"}', ["wrapped"]),
    "data and payload": (b'{"data": {"event_type": "call.failed", "payload": {"to": "1"}}}', ["wrapped"]),
    "an event with a type": (b'{"event": {"type": "call.failed"}}', ["wrapped"]),
    "an event with a name": (b'{"event": {"name": "call.failed"}, "name": "Sarah"}', ["wrapped"]),
    "other spellings": (b'{"Event": "Call.Failed"}', []),
    "deep in what doesn't matter": (b'{"event": "call.failed", "a": ' + DEEP + b"}", ["too_deep"]),
    "a huge number": (b'{"event": "call.failed", "a": ' + b"9" * 16_000 + b"}", []),
    "an odd campaign": (b'{"event": "call.failed", "campaign_id": {}}', ["unreadable:campaign_id"]),
    "an odd reason": (b'{"event": "call.failed", "reason": {"a": 1}}', ["unreadable:reason"]),
    "an odd timestamp": (b'{"event": "call.failed", "timestamp": "soon"}', ["unreadable:timestamp"]),
    "two timestamps": (
        b'{"event": "call.failed", "timestamp": 1764064800, "timestamp": 1764064801}',
        ["repeated", "unreadable:timestamp"],
    ),
    "an odd duration": (b'{"event": "call.failed", "duration": []}', ["unreadable:duration_seconds"]),
}  # fmt: skip


@pytest.mark.parametrize(("body", "passed_over"), TOLERATED.values(), ids=TOLERATED)
def test_what_bears_on_nothing_is_passed_over_and_noted(body: bytes, passed_over: list[str]) -> None:
    """(product rule 34)"""
    event = parse_event(body, "application/json")
    assert event.kind == EventKind.CALL_FAILED
    assert list(event.passed_over) == passed_over


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"[]", "not a JSON object"),
        (b'"call.completed"', "not a JSON object"),
        (b"null", "not a JSON object"),
        (b"<html></html>", "not JSON"),
        (b'{"event": "call.completed"', "not JSON"),
        (b'{"a": 1} {"b": 2}', "not JSON"),
        (b'[{"event": "call.failed"}, {"event": "call.completed"}]', "several events in one body"),
        (b'{"event": "' + b"a" * MAX_EVENT_BYTES + b'"}', "too large"),
        (b'{"a":' * 1500 + b"1" + b"}" * 1500, "nested too deep"),
        (b"[" * MAX_EVENT_BYTES, "nested too deep"),
        (b'{"to": "+1\\u0000"}', "to: characters that can't be read"),
        (b'{"to": "\\ud800"}', "to: characters that can't be read"),
        (b'{"to": NaN}', "to: not a text"),
        (b'{"text": "a", "text": "b"}', "text: two values that contradict each other"),
        (b'{"digit": "1", "Digit": "2"}', "digit: two values that contradict each other"),
        (b'{"data": {"to": "1"}, "to": "2"}', "to: two values that contradict each other"),
        (b'{"digit": "1", "digit": "2",}', "digit: two values that contradict each other"),
        (
            b'{"event": "call.failed", "event": "call.completed"}',
            "event: two values that contradict each other",
        ),
        (b'{"event": ["call.completed", "call.failed"]}', "event: not a text"),
        (b'{"call_id": "a b"}', "call_id: not an id"),
        (b'{"call_id": "' + b"a" * 101 + b'"}', "call_id: not an id"),
        (b'{"call_id": true}', "call_id: not an id"),
        (b'{"sms_id": {}}', "sms_id: not a text"),
        (b'{"dtmf_response": {"1": 1}}', "dtmf_response: not a text"),
        (b'{"dtmf_response": ["1", ["2"]]}', "dtmf_response: not keys"),
        (b'{"amd_result": {"human": 1}}', "amd_result: not a text"),
        (b'{"status": []}', "status: not a text"),
    ],
)
def test_a_body_whose_meaning_is_uncertain_is_refused_with_a_reason(body: bytes, reason: str) -> None:
    with pytest.raises(UnreadableEvent) as caught:
        parse_event(body, "application/json")
    assert str(caught.value) == reason


@pytest.mark.parametrize(
    ("sent", "seconds"),
    [(28, 28), (28.4, 28), ("28", 28), ("28.6", 29), ("x", None), (True, None), (-1, None), (10**9, None),
     ([], None), ({}, None), ("1" * 5000, None), (None, None), ("nan", None), ("inf", None)],
)  # fmt: skip
def test_a_duration_is_read_if_it_can_be_and_never_costs_the_event(sent: object, seconds: int | None) -> None:
    event = parse(event="call.completed", duration_seconds=sent)
    assert (event.kind, event.duration_seconds) == (EventKind.CALL_COMPLETED, seconds)


@pytest.mark.parametrize(
    ("field", "sent", "read"),
    [
        ("dtmf_response", 1, "1"),
        ("dtmf_response", 21, "21"),
        ("dtmf_response", ["2", 1], "21"),
        ("digit", 9, "9"),
        ("digit", 1.0, "1"),
        ("digits", "9", "9"),
        ("call_id", 77, "77"),
        ("sms_id", "  77 ", "77"),
        ("to", 12025550100, "12025550100"),
        ("to", ["+12025550100"], "+12025550100"),
        ("reason", 486, "486"),
        ("status", 200, "200"),
        ("body", "STOP", "STOP"),
        ("message", "STOP", "STOP"),
    ],
)
def test_a_number_a_list_of_one_and_another_name_are_read(field: str, sent: object, read: str) -> None:
    event = parse(event="call.completed", **{field: sent})
    found = {event.keys, event.call_id, event.sms_id, event.to, event.reason, event.status, event.text}
    assert found - {None, ""} == {read}


@pytest.mark.parametrize(
    ("body", "keys", "text"),
    [
        (b'{"event": "sms.received", "text": "STOP", "ci', "", "STOP"),
        (b'{"event": "sms.received", "text": "1", "text": "STOP"}', "", "1\nSTOP"),
        (b'{"event": "sms.received", "text": "STOP\\u0000"}', "", "STOP"),
        (b'[{"text": "1"}, {"text": "STOP"}]', "", "1\nSTOP"),
        (b'{"text": "1"}{"text": "STOP"}', "", "STOP"),
        (b'{"event": "call.dtmf", "digit": "1", "digit": "9"}', "19", None),
        (b'{"digit": "1", "digits": "9", "to": {}}', "91", None),
        (b'{"call_id": {}, "digit": [1, 9]}', "19", None),
        (b"STOP", "", "STOP"),
        (b"19", "19", None),
    ],
)
def test_of_a_body_that_confirms_nothing_everything_that_it_says_is_read(
    body: bytes, keys: str, text: str | None
) -> None:
    """So that a "no" in it is heard, and staff learn what it seems to say (product rule 34)."""
    with pytest.raises(UnreadableEvent):
        parse_event(body, "application/json")
    event = parse_for_optout(body)
    assert (event.keys, event.text) == (keys, text)


def test_several_events_in_a_list_are_told_apart() -> None:
    first, second = b'{"event": "sms.received", "text": "1]"}', b'{"a": [{}], "event": "call.failed"}'
    assert split_events(b" [" + first + b" ,\n" + second + b"] ") == [first, second]
    for single in (
        b"[" + first + b"]",
        first,
        b"[]",
        b"[1, 2]",
        b"[" + first + b", 1]",
        b"[" * 9000,
        b"",
        b"[",
    ):
        assert split_events(single) == [single]


HOSTILE = [
    b'{"' * 1024,
    b'["' * 1024,
    b"{'" * 1024,
    b"{," * 1024,
    b'{"a":[' * 600,
    b"[" * 4096,
    b'"' * 4096,
    b'{"a": "' + b'\\"' * 2000,
    b"//" * 2048,
    b'{"a": ' + b"1" * 16_000 + b",}",
    b'{"a":1,' * 2000,
    b"'" * 16_000,
    b'{"a": "' + b"x" * 16_000 + b'",}',
    b"{" + b'"digit": "1", ' * 1100 + b"}",
    b"{a:" * 1000,
    b"\xff" * 16_000,
    b'{"digit": [' + b"1," * 7000 + b"]}",
    b'[{"a":1},' * 1700,
    b"\0" * 16_000,
    b'{"timestamp": "' + b"9" * 16_000 + b'"}',
    b'{"reason": "' + b"a_" * 8000 + b'"}',
    b'{"payload": "' + b"{" * 16_000 + b'"}',
    b"1 " * 8000,
    b"a=" * 8000,
    b"",
]


@pytest.mark.parametrize("body", HOSTILE, ids=range(len(HOSTILE)))
def test_a_hostile_body_is_read_or_refused_in_bounded_time(body: bytes) -> None:
    started = time.process_time()
    with suppress(UnreadableEvent):
        parse_for_optout(body)
    split_events(body)
    assert time.process_time() - started < 3  # 0.4 s on an idle machine; without limits more than 20 s


def test_events_of_the_maximum_size_and_depth_are_read() -> None:
    filler = MAX_EVENT_BYTES - len(b'{"event": "call.failed", "x": ""}')
    assert parse(event="call.failed", x="a" * filler).kind == EventKind.CALL_FAILED
    assert parse_event(b'{"a": ' + b"[" * 18 + b"]" * 18 + b"}").passed_over == ()


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
    texts = (event.name, event.call_id, event.to, event.status, event.reason, event.text, event.keys)
    for text in (*texts, event.unread_keys, event.amd_word, *event.passed_over):
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
