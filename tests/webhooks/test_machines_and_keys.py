"""Machines that answer, reasons of failed calls, several keys, end to end (product rules 36, 37 and 38)."""

from datetime import timedelta
from typing import Any

import pytest

from contacts.models import Appointment, ConsentEntry
from contacts.optouts import record_optin
from reminders.models import CallRecord, FollowUp, Reminder
from reminders.results.outcomes import find_keys, names_nobody, read_outcome
from reminders.robotalker.events import RobotalkerEvent, parse_event
from reminders.traffic.callback_urls import key_urls, status_url
from tests.people import make_user
from tests.webhooks.robotalker import ANSWERED, make_event, post

pytestmark = pytest.mark.django_db

BY_NOBODY: list[dict[str, Any]] = [
    {"amd_result": "machine_start"},
    {"amd_result": "machine_end_beep"},
    {"amd_result": "fax"},
    {"amd_result": "answering machine"},
    {"amd_result": "voicemail"},
    {"amd_result": "squid"},
    {"answered_by": "machine_start", "amd_result": None},
    {"status": "voicemail"},
    {"status": "Voice-Mail", "amd_result": None},
    {"status": "machine", "amd_result": None},
    {"status": "answering_machine", "amd_result": "human"},
    {"status": "no_answer", "amd_result": None},
    {"status": "busy", "amd_result": None},
]


@pytest.mark.parametrize("label", BY_NOBODY, ids=str)
@pytest.mark.parametrize("key", ["1", "2", "21"])
def test_a_key_counts_for_nothing_where_no_person_answered(
    call: CallRecord, label: dict[str, Any], key: str
) -> None:
    post(status_url(call), {**ANSWERED, "dtmf_response": key, **label})
    call.refresh_from_db()
    assert call.state in ("voicemail", "no_answer", "failed")
    assert (call.keys, Appointment.objects.get().current_answer) == ([], "")
    follow_up = FollowUp.objects.get(kind=FollowUp.Kind.EVENT_KEPT_BACK)
    assert (follow_up.reason, follow_up.detail) == ("key_by_nobody", " ".join(key))


@pytest.mark.parametrize("label", BY_NOBODY, ids=str)
@pytest.mark.parametrize("where", ["status", "1", "2"])
def test_key_9_counts_whoever_answered(call: CallRecord, label: dict[str, Any], where: str) -> None:
    url = status_url(call) if where == "status" else key_urls(call)[where]
    post(url, {**ANSWERED, "dtmf_response": "19", **label})
    call.number.refresh_from_db()
    assert call.number.voice_opted_out_at is not None
    assert Appointment.objects.get().current_answer == ""


@pytest.mark.parametrize("label", BY_NOBODY, ids=str)
@pytest.mark.parametrize("key", ["1", "2"])
def test_a_keys_own_address_keeps_back_what_no_person_pressed(
    call: CallRecord, label: dict[str, Any], key: str
) -> None:
    post(key_urls(call)[key], {**make_event("call.dtmf", digit=key), **label})
    assert Appointment.objects.get().current_answer == ""
    assert FollowUp.objects.get().kind == FollowUp.Kind.EVENT_KEPT_BACK


@pytest.mark.parametrize("first", ["key", "label"])
def test_staff_are_told_when_a_key_and_a_machine_are_reported_by_two_events(
    call: CallRecord, first: str
) -> None:
    key = (key_urls(call)["1"], make_event("call.dtmf", digit="1"))
    label = (status_url(call), make_event(status="answered", amd_result="machine_start"))
    for url, body in [key, label] if first == "key" else [label, key]:
        post(url, body)
    assert FollowUp.objects.get(kind="event_kept_back").reason == "key_by_nobody"


def test_the_word_for_who_answered_is_shown_where_we_do_not_know_it(call: CallRecord) -> None:
    post(status_url(call), make_event(status="answered", amd_result="squid"))
    call.refresh_from_db()
    assert (call.state, call.amd_result) == ("voicemail", "squid")


@pytest.mark.parametrize("amd_result", ["human", "Person", "LIVE", None, "", "unknown"])
def test_a_person_or_no_label_counts_as_before(call: CallRecord, amd_result: str | None) -> None:
    post(status_url(call), {**ANSWERED, "amd_result": amd_result})
    assert Appointment.objects.get().is_confirmed


OUTCOMES = [
    ({"event": "call.completed", "status": "answered"}, "answered"),
    ({"event": "call.completed", "status": "Answered", "amd_result": "human"}, "answered"),
    ({"event": "call.completed", "status": "answered", "amd_result": "fax"}, "voicemail"),
    ({"event": "call.completed", "amd_result": "machine_start"}, "voicemail"),
    ({"event": "call.completed", "status": "completed"}, None),
    ({"event": "call.completed", "status": "No Answer"}, "no_answer"),
    ({"event": "call.completed", "status": "Line-Busy"}, "failed"),
    ({"event": "call.completed", "status": "failed", "reason": "no_answer"}, "no_answer"),
    ({"event": "call.failed", "reason": "ring timeout"}, "no_answer"),
    ({"event": "call.failed", "reason": "machine detected"}, "voicemail"),
    ({"event": "call.failed", "reason": "squid"}, "failed"),
    ({"event": "call.no_answer", "amd_result": "machine"}, "no_answer"),
    ({"event": "call.dtmf", "digit": "1"}, "answered"),
    ({"event": "call.dtmf", "digit": "1", "amd_result": "machine"}, "voicemail"),
    ({"event": "call.ringing", "status": "ringing"}, None),
    ({"event": "sms.delivered", "amd_result": "machine"}, "delivered"),
]


@pytest.mark.parametrize(("body", "outcome"), OUTCOMES, ids=str)
def test_the_outcome_that_an_event_reports(body: dict[str, Any], outcome: str | None) -> None:
    assert read_outcome(read(body)) == outcome


def read(body: dict[str, Any]) -> RobotalkerEvent:
    import json

    return parse_event(json.dumps(body).encode())


@pytest.mark.parametrize("status", ["answered", "completed", "ringing", None])
def test_an_event_without_a_label_names_a_person_or_leaves_it_open(status: str | None) -> None:
    event = read({"event": "call.completed", "status": status, "dtmf_response": "1"})
    assert not names_nobody(event)
    assert find_keys(event) == ["1"]


@pytest.mark.parametrize(
    "reason", ["invalid number", "INVALID_NUMBER", "unallocated_number", "not_in_service", "410 Gone"]
)
def test_a_bad_number_is_never_tried_again(call: CallRecord, reason: str) -> None:
    post(status_url(call), make_event("call.failed", status="failed", reason=reason))
    call.number.refresh_from_db()
    assert call.number.unusable_since is not None
    assert FollowUp.objects.get().kind == "wrong_number"
    assert Reminder.objects.get().state == "done"


@pytest.mark.parametrize("reason", ["busy", "Busy", "user_busy", "17 user busy", "486"])
def test_a_busy_line_is_tried_again_after_a_quarter_of_an_hour(call: CallRecord, reason: str) -> None:
    post(status_url(call), {**make_event("call.failed", reason=reason), "timestamp": None})
    reminder = Reminder.objects.get()
    call.refresh_from_db()
    assert (call.reason, reminder.reason) == ("busy", "try_again")
    assert reminder.try_after is not None
    assert call.ended_at is not None
    assert reminder.try_after - call.ended_at == timedelta(minutes=15)


@pytest.mark.parametrize(
    ("reason", "code", "detail"),
    [
        ("carrier failure", "carrier", ""),
        ("User_Declined", "declined", ""),
        ("phone off", "unreachable", ""),
        ("Squid in the line", "other", "Squid in the line"),
        ("404", "other", "404"),
    ],
)
def test_another_reason_is_shown_and_marks_no_number(
    call: CallRecord, reason: str, code: str, detail: str
) -> None:
    post(status_url(call), make_event("call.failed", status="failed", reason=reason))
    call.refresh_from_db()
    call.number.refresh_from_db()
    assert (call.reason, call.detail, call.number.unusable_since) == (code, detail, None)
    assert Reminder.objects.get().reason == "try_again"


def test_a_number_opted_out_at_the_carrier_is_opted_out_here(call: CallRecord) -> None:
    post(status_url(call), make_event("call.failed", reason="recipient_opted_out"))
    entry = ConsentEntry.objects.get()
    assert (entry.what, entry.scope, entry.source) == ("opt_out", "all", "robotalker")
    assert Reminder.objects.get().reason != "try_again"


def test_staff_who_opted_somebody_in_again_are_not_overruled_by_an_old_list(call: CallRecord) -> None:
    call.number.voice_opted_out_at = call.submitting_at
    call.number.save()
    record_optin(call.number_id, scope="voice", evidence="asked", by=make_user(), at=call.submitting_at)
    post(status_url(call), make_event("call.failed", reason="opted_out"))
    call.number.refresh_from_db()
    assert call.number.voice_opted_out_at is None


@pytest.mark.parametrize(
    ("sent", "pressed", "answer"),
    [
        ("21", "21", "confirmed"),
        ("1,2", "12", "wants_another_time"),
        ("2w1", "21", "confirmed"),
        (["1", "2"], "12", "wants_another_time"),
        ("15", "15", "confirmed"),
        ("33", "33", ""),
        ("12" * 20, "12" * 20, "wants_another_time"),
    ],
)
def test_the_last_key_with_a_meaning_is_the_answer(
    call: CallRecord, sent: object, pressed: str, answer: str
) -> None:
    post(status_url(call), {**ANSWERED, "dtmf_response": sent})
    call.refresh_from_db()
    assert "".join(key for _, key in call.keys) == pressed
    assert Appointment.objects.get().current_answer == answer
    kinds = set(FollowUp.objects.values_list("kind", flat=True))
    assert kinds == {
        "confirmed": set(), "wants_another_time": {"wants_another_time"}, "": {"unclear_answer"}
    }[answer]  # fmt: skip


def test_a_9_counts_among_more_keys_than_a_person_presses(call: CallRecord) -> None:
    post(status_url(call), {**ANSWERED, "dtmf_response": "3" * 90 + "9" + "1" * 9})
    call.number.refresh_from_db()
    assert call.number.voice_opted_out_at is not None
    assert FollowUp.objects.get().reason == "unread_keys"
    assert not Appointment.objects.get().is_confirmed


def test_keys_that_can_not_be_read_are_shown_and_go_to_the_worklist(call: CallRecord) -> None:
    post(status_url(call), {**ANSWERED, "dtmf_response": "one"})
    call.refresh_from_db()
    assert (call.state, call.key_pressed) == ("answered", "one")
    follow_up = FollowUp.objects.get()
    assert (follow_up.kind, follow_up.reason, follow_up.detail) == ("unclear_answer", "unread_keys", "one")


@pytest.mark.parametrize("order", [[0, 1], [1, 0]])
def test_keys_of_several_events_keep_the_order_of_time(call: CallRecord, order: list[int]) -> None:
    events = [
        (key_urls(call)["2"], {**make_event("call.dtmf", digit="2"), "timestamp": "2030-01-01T00:00:00Z"}),
        (status_url(call), {**ANSWERED, "dtmf_response": "21", "timestamp": None}),
    ]
    CallRecord.objects.update(submitting_at=call.submitting_at - timedelta(minutes=5))
    events[0][1]["timestamp"] = (call.submitting_at - timedelta(minutes=1)).isoformat()
    for place in order:
        post(*events[place])
    call.refresh_from_db()
    assert [key for _, key in call.keys] == ["2", "2", "1"]
    assert call.key_pressed == "1"
    assert Appointment.objects.get().is_confirmed
