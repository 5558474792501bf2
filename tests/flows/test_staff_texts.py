"""Texts by staff, over real HTTP both ways: sent once, and what patients answer is kept (product rule 12)."""

from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import User
from django.db.models.functions import Now
from django.utils import timezone
from pytest_django import Settings

from contacts.models import PhoneNumber
from reminders.desk.staff_texts import write_text
from reminders.models import FollowUp, ReceivedText, SendingSwitch, StaffText
from reminders.robotalker.client import RobotalkerClient
from reminders.sweeps.staff_texts import send_staff_texts
from reminders.tasks import send_texts
from reminders.traffic.switch import pause_sending
from tests.flows.applying import is_all_applied
from tests.flows.optouts import opt_out
from tests.people import SARAH, make_due_reminder, make_user
from tests.sandbox_server import SandboxServer
from tests.waiting import wait_until


@pytest.fixture(autouse=True)
def _by_day(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is day where the patient is; what the night forbids is tested with the other objections."""
    monkeypatch.setattr("reminders.deciding.text_objections._is_night", lambda *_: False)


@pytest.fixture
def ann(sandbox: SandboxServer) -> User:
    sandbox.set_scenarios({SARAH: "listen"})  # Sarah answers only what a test lets her answer
    make_due_reminder()
    return make_user("ann")


def write(ann: User, words: str = "We found your keys.", public_id: str = "form-of-ann-1") -> StaffText:
    return write_text(PhoneNumber.objects.get().pk, words, by=ann, public_id=public_id)


def reread(text: StaffText) -> tuple[str, str]:
    text.refresh_from_db()
    return text.state, text.reason


def read_sent(sandbox: SandboxServer) -> list[str]:
    return [entry["message"] for entry in sandbox.ledger(SARAH)]


def test_a_text_is_sent_once_and_what_is_answered_is_kept_to_be_read(
    sandbox: SandboxServer, ann: User
) -> None:
    text = write(ann)
    for _ in range(3):
        send_texts()
    assert read_sent(sandbox) == ["We found your keys."]
    wait_until(lambda: reread(text)[0] == "delivered", "the text to be delivered")
    sandbox.reply(SARAH, "Thank you! I come at 5.")
    wait_until(ReceivedText.objects.exists, "the answer")
    wait_until(is_all_applied, "the last event to be applied")
    received = ReceivedText.objects.get()
    assert (received.text, received.call, received.needs_reader) == ("Thank you! I come at 5.", None, True)
    assert not FollowUp.objects.exists(), "no reminder has gone to this number"
    write(ann, "See you then.", "form-of-ann-2")
    received.refresh_from_db()
    assert received.read_by == ann, "who answers has read it"


def test_stop_in_answer_to_a_text_of_staff_stops_texts(sandbox: SandboxServer, ann: User) -> None:
    text = write(ann)
    send_texts()
    wait_until(lambda: reread(text)[0] == "delivered", "the text to be delivered")
    second = write(ann, "And your hat.", "form-of-ann-2")
    sandbox.reply(SARAH, "STOP")
    wait_until(PhoneNumber.objects.filter(sms_opted_out_at__isnull=False).exists, "the opt-out")
    wait_until(is_all_applied, "the last event to be applied")
    send_texts()
    assert reread(second) == ("dropped", "text_opted_out")
    assert read_sent(sandbox) == ["We found your keys."]
    assert not ReceivedText.objects.get().needs_reader


def test_a_yes_that_answers_staff_confirms_no_visit(sandbox: SandboxServer, ann: User) -> None:
    text = write(ann, "Did you lose a hat?")
    send_texts()
    wait_until(lambda: reread(text)[0] == "delivered", "the text to be delivered")
    sandbox.reply(SARAH, "1")
    wait_until(ReceivedText.objects.exists, "the answer")
    wait_until(is_all_applied, "the last event to be applied")
    assert ReceivedText.objects.get().needs_reader
    number = PhoneNumber.objects.get()
    assert number.contacts.get().appointments.get().answer == ""


@pytest.mark.parametrize("fault", ["drop_after", "error_500_after", "error_502", "html"])
def test_one_that_may_have_arrived_is_never_sent_again(sandbox: SandboxServer, ann: User, fault: str) -> None:
    text = write(ann)
    sandbox.faults({"kind": fault, "endpoint": "sms"}, {"kind": "lost"})
    send_staff_texts()
    sandbox.faults({"kind": "lost"})
    send_staff_texts()
    assert reread(text)[0] == "unknown"
    assert len(read_sent(sandbox)) <= 1


def test_of_a_worker_killed_while_sending_nobody_knows_and_nobody_tries_again(
    sandbox: SandboxServer, ann: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = write(ann)
    with monkeypatch.context() as patch:
        patch.setattr(RobotalkerClient, "send_sms", _die)
        with pytest.raises(KeyboardInterrupt):
            send_staff_texts()
    assert reread(text) == ("submitting", "")
    StaffText.objects.update(submitting_at=timezone.now() - timedelta(minutes=2))
    for _ in range(2):
        send_staff_texts()
    assert reread(text) == ("unknown", "sender_lost")
    assert read_sent(sandbox) == []


def _die(*_: Any) -> None:
    raise KeyboardInterrupt


def test_one_that_waits_too_long_is_dropped(sandbox: SandboxServer, ann: User, settings: Settings) -> None:
    text = write(ann)
    settings.ROBOTALKER_BASE_URL = "http://127.0.0.1:9"
    send_staff_texts()
    assert reread(text) == ("waiting", "connection_refused")
    settings.ROBOTALKER_BASE_URL = sandbox.url
    StaffText.objects.update(created_at=Now() - timedelta(minutes=6))
    send_staff_texts()
    assert reread(text) == ("dropped", "text_too_late")
    assert read_sent(sandbox) == []


def test_what_changes_before_it_goes_out_stops_it(sandbox: SandboxServer, ann: User) -> None:
    paused = write(ann)
    pause_sending(by=ann)
    send_staff_texts()
    assert reread(paused) == ("waiting", "")
    refused = StaffText.objects.get()
    opt_out(refused.number, "sms")
    SendingSwitch.objects.update(paused_at=None)
    send_staff_texts()
    assert reread(refused) == ("dropped", "text_opted_out")
    assert read_sent(sandbox) == []
