"""A person verifies their number by a code that a call speaks, and gets a test call: against the sandbox."""

import re
from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from contacts.models import PhoneNumber
from reminders.models import CallRecord, FollowUp, Reminder, ScriptText, TestCall
from reminders.sweeps.test_calls import TestReport, send_tests
from reminders.traffic.callback_urls import status_url
from tests.people import make_due_reminder, make_location, make_number, make_script
from tests.sandbox_server import SandboxServer
from tests.waiting import wait_until

MINE = "+12025550123"


def read_code(sandbox: SandboxServer) -> str:
    """What somebody would hear who answers."""
    found = re.search(r"Your code is: ([\d, ]+)\.", sandbox.ledger(MINE)[-1]["message"])
    assert found
    return found[1].replace(", ", "")


def verify(office: Client, sandbox: SandboxServer) -> None:
    office.post("/test-calls/number/", {"number": "(202) 555-0123"})
    assert send_tests() == TestReport(sent=1)
    office.post("/test-calls/code/", {"code": read_code(sandbox)})
    assert PhoneNumber.objects.get(e164=MINE).verified_at is not None


def order(office: Client, channel: str = "voice") -> TestCall:
    office.post(f"/test-calls/scripts/{ScriptText.objects.latest('pk').pk}/", {"channel": channel})
    return TestCall.objects.latest("pk")


@pytest.fixture
def place(transactional_db: None) -> None:
    make_location()
    make_script()
    make_number(MINE)  # without a zone of its own: it is noon at the location


def test_a_spoken_code_verifies_the_number_and_is_stored_nowhere(
    sandbox: SandboxServer, office: Client, sam: User, place: None
) -> None:
    verify(office, sandbox)
    number, test = PhoneNumber.objects.get(e164=MINE), TestCall.objects.get()
    assert number.verified_by == sam
    assert (test.purpose, test.code_hash, test.variables) == (
        "code",
        "",
        {"PRACTICE": "Harbor Clinic, Downtown"},
    )
    assert read_code(sandbox) not in f"{test.text} {test.message} {test.exchange}"


def test_a_wrong_code_is_refused_and_after_three_the_right_one_too(
    sandbox: SandboxServer, office: Client, place: None
) -> None:
    office.post("/test-calls/number/", {"number": MINE})
    send_tests()
    code = read_code(sandbox)
    wrong = "000000" if code != "000000" else "111111"
    for left in ("2 more times", "1 more time", "Ask for a new one"):
        assert left in office.post("/test-calls/code/", {"code": wrong}, follow=True).content.decode()
    office.post("/test-calls/code/", {"code": code})
    assert PhoneNumber.objects.get(e164=MINE).verified_at is None


def test_a_code_is_too_old_after_ten_minutes_and_works_only_once_and_for_one_person(
    sandbox: SandboxServer, office: Client, place: None
) -> None:
    office.post("/test-calls/number/", {"number": MINE})
    send_tests()
    code = read_code(sandbox)
    other = Client()
    other.force_login(User.objects.create(username="mia", is_superuser=True))
    assert (
        "No code is waiting" in other.post("/test-calls/code/", {"code": code}, follow=True).content.decode()
    )
    spoken_at = timezone.now() - timedelta(minutes=10, seconds=5)
    TestCall.objects.update(submitting_at=spoken_at)
    assert "too old" in office.post("/test-calls/code/", {"code": code}, follow=True).content.decode()
    TestCall.objects.update(submitting_at=timezone.now())
    office.post("/test-calls/code/", {"code": " " + " ".join(code)})  # as it was heard
    assert PhoneNumber.objects.get(e164=MINE).verified_at is not None
    PhoneNumber.objects.update(verified_at=None, verified_by=None)
    office.post("/test-calls/code/", {"code": code})
    assert PhoneNumber.objects.get(e164=MINE).verified_at is None


@pytest.mark.parametrize("in_batch", [False, True])
def test_a_test_call_says_the_script_and_shows_what_was_pressed(
    sandbox: SandboxServer, office: Client, sam: User, place: None, in_batch: bool
) -> None:
    verify(office, sandbox)
    sandbox.set_scenarios({MINE: "press_1"})
    test = order(office)
    TestCall.objects.filter(pk=test.pk).update(in_batch=in_batch)
    assert send_tests() == TestReport(sent=1)
    wait_until(lambda: TestCall.objects.get(pk=test.pk).state == "answered", "the test to be answered")
    wait_until(lambda: TestCall.objects.get(pk=test.pk).keys, "the key to be reported")
    test.refresh_from_db()
    assert test.text.startswith("Hello Alex, this is Harbor Clinic, Downtown. You have an appointment on ")
    assert [key for _at, key in test.keys] == ["1"]
    assert test.exchange[0]["what"] == ("POST /api/v1/campaigns" if in_batch else "POST /api/v1/calls")
    assert "You pressed 1." in office.get("/test-calls/").content.decode()


def test_a_test_counts_nowhere(sandbox: SandboxServer, office: Client, place: None) -> None:
    verify(office, sandbox)
    for story in ("press_2", "press_1"):
        sandbox.set_scenarios({MINE: story})
        test = order(office)
        send_tests()
        wait_until(lambda pk=test.pk: TestCall.objects.get(pk=pk).keys, "the key to be reported")  # type: ignore[misc]
    assert not CallRecord.objects.exists()
    assert not FollowUp.objects.exists()
    assert not Reminder.objects.exists()


def test_a_nine_in_a_test_opts_the_number_out_as_everywhere(
    sandbox: SandboxServer, office: Client, place: None
) -> None:
    verify(office, sandbox)
    sandbox.set_scenarios({MINE: "press_9"})
    order(office)
    send_tests()
    wait_until(lambda: PhoneNumber.objects.get(e164=MINE).voice_opted_out_at, "the opt-out to be recorded")
    refused = office.post(
        f"/test-calls/scripts/{ScriptText.objects.latest('pk').pk}/", {"channel": "voice"}, follow=True
    )
    assert "has opted out" in refused.content.decode()


def test_a_test_text_is_sent_and_reported(sandbox: SandboxServer, office: Client, place: None) -> None:
    make_script("{PRACTICE}: visit {APPT_DATE} {APPT_TIME}. {CALLBACK_NUMBER}", name="Text")
    verify(office, sandbox)
    test = order(office, "sms")
    send_tests()
    wait_until(lambda: TestCall.objects.get(pk=test.pk).state == "delivered", "the text to be delivered")
    assert sandbox.texts(MINE)


def test_what_a_visits_step_would_say_is_said_word_for_word(
    sandbox: SandboxServer, office: Client, place: None, settings: Settings
) -> None:
    reminder = make_due_reminder()
    verify(office, sandbox)
    office.post(f"/test-calls/reminders/{reminder.pk}/")
    send_tests()
    test = TestCall.objects.latest("pk")
    assert test.text.startswith("Hello Sarah, this is Harbor Clinic, Downtown.")
    assert {entry["to"] for entry in sandbox.ledger()} == {MINE}
    reminder.refresh_from_db()
    assert (reminder.state, reminder.calls.count()) == ("planned", 0)


@pytest.mark.parametrize(("kind", "state"), [("drop_after", "unknown"), ("drop_before", "dropped")])
def test_what_may_have_left_is_not_sent_again(
    sandbox: SandboxServer, office: Client, place: None, kind: str, state: str
) -> None:
    verify(office, sandbox)
    sandbox.faults({"kind": kind, "endpoint": "calls", "next": 1})
    test = order(office)
    assert send_tests().sent == 0
    assert send_tests().sent == 0
    test.refresh_from_db()
    assert test.state in (state, "unknown")


def test_a_code_call_reaches_an_unverified_number_on_trial_and_a_test_the_verified_one(
    sandbox: SandboxServer, office: Client, sam: User, place: None
) -> None:
    office.post("/sending/mode/", {"mode": "trial"})
    verify(office, sandbox)
    order(office)
    assert send_tests() == TestReport(sent=1)
    assert TestCall.objects.latest("pk").mode == "trial"


def test_events_on_a_test_address_of_no_test_are_refused(sandbox: SandboxServer, settings: Settings) -> None:
    lost = TestCall(public_id="nowhere", number=make_number(MINE))
    path = status_url(lost).removeprefix(settings.PUBLIC_BASE_URL)
    assert Client().post(path, b"{}", content_type="application/json").status_code == 404
