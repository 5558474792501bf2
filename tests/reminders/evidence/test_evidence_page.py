"""Evidence of a call: the page and the signed file say what was recorded then, and each look is recorded."""

import html
import json
from base64 import b64decode, b64encode
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from django.contrib.admin.models import CHANGE, LogEntry
from django.contrib.auth.models import User
from django.contrib.contenttypes.models import ContentType
from django.core.management import call_command
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django.fixtures import Settings

from contacts.consent import record_consent_basis
from contacts.models import Contact, Location
from contacts.roles import AUDITOR, FRONT_DESK, MANAGER
from reminders.deciding.stored_decisions import read_decision
from reminders.desk.bookings import confirm_by_staff
from reminders.desk.orders import order_call
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.evidence.canonical import write_canonical
from reminders.evidence.dossier import collect_evidence, read_call
from reminders.models import CallRecord, Campaign, EvidenceLook, FollowUp
from reminders.planning.planner import plan_appointments
from reminders.rules.reasons import Reason
from tests.office import make_event
from tests.people import (
    make_appointment,
    make_contact,
    make_due_reminder,
    make_script,
    make_step,
    make_user,
    zone_at_noon,
)
from tests.reminders.pages.clinic import make_call, settle, sit_at_desk

pytestmark = pytest.mark.django_db

KEY = b64encode(bytes(range(32))).decode()


@pytest.fixture(autouse=True)
def key(settings: Settings) -> None:
    settings.EVIDENCE_KEY, settings.EVIDENCE_OLD_KEYS = KEY, []


@pytest.fixture
def ann() -> User:
    return make_user("ann", role=AUDITOR, first_name="Ann", last_name="Okafor")


@pytest.fixture
def desk(ann: User) -> Client:
    return sit_at_desk(ann)


def dispatch() -> CallRecord:
    """Open the call that is due, as a dispatcher does."""
    claim = claim_due(10)
    [call] = open_calls(claim.reminder_ids, claim.token)
    return call


def read_page(desk: Client, call: CallRecord) -> str:
    answer = desk.get(f"/calls/{call.pk}/evidence/")
    assert answer.status_code == 200
    return html.unescape(answer.content.decode())


def read_file(desk: Client, call: CallRecord) -> dict[str, Any]:
    answer = desk.get(f"/calls/{call.pk}/evidence.json")
    assert answer.status_code == 200
    assert answer["Content-Type"] == "application/json"
    found: dict[str, Any] = json.loads(answer.content)
    return found


def verify(document: dict[str, Any], folder: Path) -> None:
    """Raises CommandError unless the command finds it valid."""
    path = folder / "evidence.json"
    path.write_text(json.dumps(document))
    call_command("verify_evidence", str(path))


# --- what was recorded then ----------------------------------------------------------------------


def test_what_was_decided_by_is_kept_whatever_changes_later(desk: Client, ann: User) -> None:
    make_due_reminder(make_contact(time_zone=zone_at_noon(timezone.now())))
    Location.objects.update(calling_opens="08:00", calling_closes="21:00")
    call = dispatch()
    stored = read_decision(CallRecord.objects.get().decision)
    assert stored is not None
    assert (stored.values.zone_source, stored.values.consent_basis) == ("stated", "given_for_care")
    before = read_file(desk, call)["evidence"]
    Contact.objects.update(time_zone="Asia/Tokyo")
    Location.objects.update(calling_opens="10:00", time_zone="Asia/Tokyo")
    Campaign.objects.update(state="paused", name="Renamed")
    record_consent_basis(call.number_id, "none", evidence="told the desk", by=ann, at=timezone.now())
    after = read_file(desk, call)["evidence"]
    for section in ("time", "limits", "decision"):
        assert after[section] == before[section]
    assert after["decision"]["verdict"] == "call"
    assert {rule["result"] for rule in after["decision"]["rules"]} == {"passed"}
    assert after["consent"]["basis_at_the_call"] == "given_for_care"
    assert after["consent"]["basis_now"] == "none"
    assert after["consent"]["ledger_before"] == []
    [entry] = after["consent"]["ledger_since"]
    assert (entry["what"], entry["by"], entry["evidence"]) == ("consent", "Ann Okafor", "told the desk")
    assert entry["words"] == "consent recorded (no consent known)"


def test_an_order_and_the_counted_calls_are_recorded(desk: Client, ann: User) -> None:
    reminder = make_due_reminder()
    first = make_call(reminder, "voicemail", submitting_at=timezone.now() - timedelta(minutes=30))
    settle(reminder, "skipped", Reason.SKIPPED_BY_PERSON)
    order_call(reminder.pk, by=ann)
    found = read_file(desk, dispatch())["evidence"]
    assert found["decision"]["reason"] == "ordered"
    assert found["decision"]["ordered_by"] == "Ann Okafor"
    assert found["limits"]["counted_in_the_day"] == 1
    assert [one["id"] for one in found["limits"]["tries_in_the_week_before"]] == [first.public_id]
    assert "Ordered a call now." in [one["what"] for one in found["people"]]


def test_a_call_of_an_earlier_release_says_what_was_not_recorded(desk: Client) -> None:
    call = make_call(make_due_reminder(), "answered")
    page, found = read_page(desk, call), read_file(desk, call)["evidence"]
    for section in ("consent", "time", "limits", "decision"):
        assert found[section]["recorded"] is False
    assert "rules" not in found["decision"]
    assert "was not recorded with the call" in page
    assert "these are today's" in page


def test_the_request_is_built_again_and_has_no_callback_address(desk: Client) -> None:
    make_due_reminder()
    call = dispatch()
    request = read_file(desk, call)["evidence"]["request"]
    text = request["body"]["message"]
    for name, value in request["body"]["variables"].items():
        text = text.replace(f"{{{name}}}", value)
    assert text == call.text
    assert (request["built_again"], request["path"]) == (True, "/calls")
    assert request["body"]["to"] == "+12025550100"
    assert "/hooks/" not in json.dumps(read_file(desk, call)["evidence"]["request"])


def test_a_household_names_everybody_whom_the_call_was_about(desk: Client) -> None:
    start = timezone.now() + timedelta(hours=3)
    make_due_reminder(starts_at=start)
    make_due_reminder_for("Ben", start + timedelta(minutes=30))
    found = read_file(desk, dispatch())["evidence"]
    assert [one["patient"] for one in found["appointments"]] == ["Sarah Lindqvist", "Ben Lindqvist"]


def make_due_reminder_for(name: str, start: Any) -> None:
    plan_appointments([make_appointment(make_contact(name), starts_at=start).pk])


def test_answers_people_and_changes_in_the_admin_are_told(desk: Client, ann: User) -> None:
    reminder = make_due_reminder()
    call = make_call(reminder, "answered", key_pressed="1", keys=[[timezone.now().isoformat(), "1"]])
    confirm_by_staff(reminder.appointment_id, by=ann)
    FollowUp.objects.create(
        kind="could_not_reach",
        contact=reminder.appointment.contact,
        appointment=reminder.appointment,
        due_at=timezone.now(),
        state="resolved",
        resolved_by=ann,
        resolved_at=timezone.now(),
        note="left a note",
    )
    for model, pk, what in ((Campaign, reminder.step.campaign_id, "Renamed."), (Location, 424242, "Other.")):
        LogEntry.objects.create(
            user=ann,
            content_type=ContentType.objects.get_for_model(model),
            object_id=str(pk),
            object_repr="Reminders",
            action_flag=CHANGE,
            change_message=what,
        )
    found = read_file(desk, call)["evidence"]
    assert [(one["answer"], one["by"]) for one in found["answers"]] == [("confirmed", "Ann Okafor")]
    done = [one for one in found["people"] if "left a note" in one["what"]]
    assert [one["who"] for one in done] == ["Ann Okafor"]
    assert [(one["who"], one["what"]) for one in found["admin"]] == [("Ann Okafor", "Renamed.")]
    page = read_page(desk, call)
    for words in ("Confirmed, as the patient told the staff.", "left a note", "Renamed.", "+12025550100"):
        assert words in page


# --- the file ------------------------------------------------------------------------------------


def test_the_file_is_valid_and_a_change_is_found_out(desk: Client, tmp_path: Path) -> None:
    make_due_reminder()
    document = read_file(desk, dispatch())
    verify(document, tmp_path)
    document["evidence"]["words"]["text"] += " And bring money."
    with pytest.raises(Exception, match=r"Changed: words\.text"):
        verify(document, tmp_path)


HOSTILE_BODIES = [
    b'{"event": "call.completed", "x": "\x00"}',
    rb'{"event": "call.completed", "x": "\ud800"}',
    b"\xed\xa0\x80 \xff\xfe",
    b"</pre><script>alert(1)</script>",
    b'{"a": 1.5, "a": NaN, "b": ' + b"9" * 400 + b"}",
    b"a" * 16_384,
    b"[" * 16_384,
    b"\x1b]0;title\x07\x9b31m\r\n\x0b",
    "\u202e\u2066evil\u0000".encode(),
    b"",
]


def test_hostile_events_break_neither_the_page_nor_the_file(desk: Client, tmp_path: Path) -> None:
    call = make_call(make_due_reminder(), "answered")
    for body in HOSTILE_BODIES:
        make_event(call, body, kind="call.completed")
    document = read_file(desk, call)
    verify(document, tmp_path)
    events = document["evidence"]["events"]
    assert [b64decode(one["body_base64"]) for one in events] == HOSTILE_BODIES
    assert not any("\x00" in one["body_as_text"] or "\x1b" in one["body_as_text"] for one in events)
    page = desk.get(f"/calls/{call.pk}/evidence/").content
    assert b"<script>alert" not in page
    assert b"\x00" not in page
    page.decode()


def test_a_key_that_two_events_report_does_not_read_as_two_presses(desk: Client) -> None:
    begun = timezone.now().replace(microsecond=0)
    keys = [[(begun + timedelta(seconds=place)).isoformat(), key] for place, key in enumerate("1121")]
    call = make_call(make_due_reminder(), "answered", key_pressed="1", keys=keys)
    again = "the same key, reported again; it may be the same press"
    lines = [one.split("</dd>")[0] for one in read_page(desk, call).split("<dt>Key</dt>")[1:]]
    assert [again in one for one in lines] == [False, True, False, False]
    assert read_file(desk, call)["evidence"]["call"]["keys"] == keys  # nothing is left out


HOSTILE_WORDS = '</script><img src=x onerror="alert(1)"> {FIRST_NAME} %s %(x)s {{ x }} {% x %} \u202e\ufeff'


def test_hostile_words_and_names_break_neither_the_page_nor_the_file(desk: Client, tmp_path: Path) -> None:
    make_step(script=make_script(HOSTILE_WORDS))
    reminder = make_due_reminder(make_contact(HOSTILE_WORDS[:60]))
    Campaign.objects.update(name=HOSTILE_WORDS[:100])
    variables = {"FIRST_NAME": HOSTILE_WORDS, "number": 1.5, "deep": [[{"a": None}]], "large": 10**20}
    keys = [["not a moment", "<b>"], ["2026-12-01T10:00:00+00:00", "5"]]
    call = make_call(
        reminder, "answered", text=HOSTILE_WORDS * 500, variables=variables, keys=keys, key_pressed="<b>"
    )
    document = read_file(desk, call)
    verify(document, tmp_path)
    assert document["evidence"]["words"]["text"] == HOSTILE_WORDS * 500
    assert document["evidence"]["words"]["variables"]["number"] == "1.5"
    page = desk.get(f"/calls/{call.pk}/evidence/").content.decode()
    assert "<img src=x" not in page
    assert "&lt;img src=x" in page


def test_a_zone_that_does_not_exist_breaks_nothing(desk: Client) -> None:
    call = make_call(make_due_reminder(), "answered")
    Contact.objects.update(time_zone="Mars/Olympus")
    assert read_file(desk, call)["evidence"]["time"]["zones"] == []
    assert "No time zone is known." in read_page(desk, call)


def test_the_file_is_the_same_whatever_language_the_reader_has(desk: Client) -> None:
    make_due_reminder()
    call = dispatch()
    english = read_file(desk, call)["evidence"]
    answer = desk.get(f"/calls/{call.pk}/evidence.json", headers={"Accept-Language": "es"})
    spanish = json.loads(answer.content)["evidence"]
    for section in ("call", "words", "decision", "consent"):
        assert write_canonical(spanish[section]) == write_canonical(english[section])


def test_without_a_key_the_page_is_shown_and_says_so(desk: Client, settings: Settings) -> None:
    call = make_call(make_due_reminder(), "answered")
    settings.DEBUG, settings.EVIDENCE_KEY = False, ""
    page = read_page(desk, call)
    assert "no key is set up for it" in page
    assert "evidence.json" not in page
    answer = desk.get(f"/calls/{call.pk}/evidence.json", follow=True)
    assert answer.redirect_chain == [(f"/calls/{call.pk}/evidence/", 302)]
    assert EvidenceLook.objects.filter(how="file").count() == 0


# --- who may, and who did ------------------------------------------------------------------------


def test_each_look_is_recorded_with_who_and_what(desk: Client, ann: User) -> None:
    call = make_call(make_due_reminder(), "answered")
    page = read_page(desk, call)
    found = read_file(desk, call)["evidence"]
    assert list(EvidenceLook.objects.order_by("pk").values_list("call", "by", "how")) == [
        (call.pk, ann.pk, "page"),
        (call.pk, ann.pk, "file"),
    ]
    assert "looked at the page" in page
    assert [one["who"] for one in found["looks"]] == ["Ann Okafor", "Ann Okafor"]


@pytest.mark.parametrize(
    ("role", "may"), [(FRONT_DESK, False), (MANAGER, True), (AUDITOR, True), ("", False)]
)
def test_only_some_roles_may_look_and_see_the_link(role: str, may: bool) -> None:
    call = make_call(make_due_reminder(), "answered")
    client = sit_at_desk(make_user("someone", role=role))
    for page in ("evidence/", "evidence.json"):
        assert client.get(f"/calls/{call.pk}/{page}").status_code == (200 if may else 403)
    assert EvidenceLook.objects.exists() == may
    if role:
        story = client.get(f"/appointments/{call.reminder.appointment_id}/").content.decode()
        assert (f"/calls/{call.pk}/evidence/" in story) == may


def test_a_call_that_does_not_exist_is_not_found_and_nothing_is_recorded(desk: Client) -> None:
    for page in ("evidence/", "evidence.json"):
        assert desk.get(f"/calls/424242/{page}").status_code == 404
        assert desk.get(f"/calls/99999999999999999999999/{page}").status_code == 404
        assert desk.post(f"/calls/424242/{page}").status_code == 405
    assert not EvidenceLook.objects.exists()


def count_queries(call: CallRecord, by: User) -> int:
    with CaptureQueriesContext(connection) as asked:
        collect_evidence(read_call(call.pk), by, timezone.now())
    return len(asked)


def test_the_evidence_needs_as_many_queries_for_much_as_for_little(ann: User) -> None:
    reminder = make_due_reminder()
    call = make_call(reminder, "answered")
    make_event(call)
    count_queries(call, ann)  # the types of rows are remembered after the first time
    few = count_queries(call, ann)
    for index in range(8):
        make_call(reminder, "no_answer", submitting_at=timezone.now() - timedelta(minutes=9 + index))
        make_event(call, b"{}", occurrence=index)
        confirm_by_staff(reminder.appointment_id, by=ann)
        record_consent_basis(
            call.number_id, ["none", "written"][index % 2], evidence="", by=ann, at=timezone.now()
        )
        EvidenceLook.objects.create(call=call, by=ann, how="page", at=timezone.now())
    assert count_queries(call, ann) == few
    assert few <= 8
