"""Calls whose events have not come: Robotalker is asked over real HTTP, or a follow-up is opened."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from django.db import connection, transaction
from django.db.models import Q
from django.utils import timezone
from pytest_django import Settings

from contacts.models import Appointment, PhoneNumber
from reminders.dispatch.rounds import dispatch_due
from reminders.models import CallRecord, FollowUp, Reminder, SendingSwitch
from reminders.sweeps.reconciliation import ask_about_unknown, reconcile
from reminders.traffic.gate import read_gate
from reminders.traffic.switch import pause_sending
from tests.people import SARAH, make_contact, make_due_reminder, make_step, make_user
from tests.sandbox_server import SandboxServer
from tests.waiting import wait_until

NOAH = "+12025550142"


def call_and_lose_every_event(sandbox: SandboxServer, story: str = "press_1", **booking: Any) -> CallRecord:
    """A call that has ended at Robotalker without any event coming; its event is overdue."""
    make_due_reminder(**booking)
    sandbox.set_scenarios({SARAH: story})
    sandbox.faults({"kind": "lost"})
    assert dispatch_due().calls == 1
    wait_until(lambda: sandbox.calls(SARAH, "ended"), "the call to end")
    make_older(timedelta(minutes=16))
    call = CallRecord.objects.get()
    assert call.state == "submitted"
    return call


def make_older(age: timedelta) -> None:
    CallRecord.objects.update(submitting_at=timezone.now() - age)


def make_time_pass(**time: float) -> None:
    """As if the last question had been asked this much earlier."""
    [asked_at] = CallRecord.objects.values_list("asked_at", flat=True)
    assert asked_at is not None
    CallRecord.objects.update(asked_at=asked_at - timedelta(**time))


def test_robotalker_is_asked_about_a_call_without_an_event_and_its_answer_confirms(
    sandbox: SandboxServer,
) -> None:
    call_and_lose_every_event(sandbox)
    report = reconcile()
    assert (report.questions, report.healed, report.overdue) == (1, 1, 0)
    call = CallRecord.objects.select_related("reminder").get()
    assert (call.state, call.key_pressed, call.reminder.state) == ("answered", "1", "done")
    assert Appointment.objects.get().is_confirmed
    assert not FollowUp.objects.exists()


def test_an_opt_out_known_only_from_the_answer_counts(sandbox: SandboxServer) -> None:
    call_and_lose_every_event(sandbox, "press_9")
    reconcile()
    assert PhoneNumber.objects.get().voice_opted_out_at is not None


def test_a_no_answer_known_only_from_the_answer_is_tried_again(sandbox: SandboxServer) -> None:
    call_and_lose_every_event(sandbox, "no_answer")
    reconcile()
    reminder = Reminder.objects.get()
    assert (CallRecord.objects.get().state, reminder.state, reminder.reason) == (
        "no_answer",
        "planned",
        "try_again",
    )


def test_a_call_is_not_asked_about_while_its_event_may_still_come(sandbox: SandboxServer) -> None:
    call_and_lose_every_event(sandbox)
    make_older(timedelta(minutes=14))
    assert reconcile().questions == 0


def test_a_call_still_ringing_is_overdue_and_asked_about_again_with_growing_pauses(
    sandbox: SandboxServer,
) -> None:
    sandbox.behave(attended=True, ring_seconds=3_000)
    make_due_reminder()
    dispatch_due()
    sandbox.wait_for_call(SARAH, "ringing")
    make_older(timedelta(minutes=16))
    assert reconcile().questions == 1
    call = CallRecord.objects.get()
    assert (call.state, call.reason, call.asked_times) == ("overdue", "no_report", 1)
    for pause in (3, 10, 30, 120):
        make_time_pass(minutes=pause - 1)
        assert reconcile().questions == 0, f"before {pause} minutes"
        make_time_pass(minutes=1)
        assert reconcile().questions == 1, f"after {pause} minutes"
    make_time_pass(days=1)
    assert reconcile().questions == 0, "five times are enough"


def test_an_unknown_call_becomes_submitted_when_robotalker_says_that_it_is_ringing(
    sandbox: SandboxServer,
) -> None:
    sandbox.behave(attended=True, ring_seconds=3_000)
    make_due_reminder()
    dispatch_due()
    sandbox.wait_for_call(SARAH, "ringing")
    CallRecord.objects.update(state="unknown", submitted_at=None)
    make_older(timedelta(minutes=11))
    ask_about_unknown()
    report = reconcile()
    assert (report.questions, report.healed, report.overdue) == (1, 0, 0)
    call = CallRecord.objects.get()
    assert (call.state, call.reason, call.submitted_at is None) == ("submitted", "", False)
    assert FollowUp.objects.get().state == "resolved"
    make_time_pass(minutes=4)
    assert reconcile().questions == 0, "its event may still come"
    make_older(timedelta(minutes=16))
    assert reconcile().questions == 1
    assert CallRecord.objects.get().state == "overdue"


def test_a_later_question_gives_an_overdue_call_its_outcome_and_resolves_its_follow_up(
    sandbox: SandboxServer,
) -> None:
    call_and_lose_every_event(sandbox)
    sandbox.faults({"kind": "lost"}, {"kind": "error_503", "method": "GET", "next": 1})
    reconcile()
    assert CallRecord.objects.get().state == "overdue", "there was no answer"
    make_older(timedelta(minutes=26))
    make_time_pass(minutes=4)
    CallRecord.objects.update(asked_times=4)  # the next question is not due for long
    assert reconcile().asked == 1
    CallRecord.objects.update(asked_times=1)
    assert reconcile().healed == 1
    assert FollowUp.objects.get().state == "resolved"
    assert Appointment.objects.get().is_confirmed


def test_a_call_that_robotalker_has_no_record_of_is_overdue_with_that_reason(sandbox: SandboxServer) -> None:
    call_and_lose_every_event(sandbox)
    CallRecord.objects.update(robotalker_id="cal_nowhere1")
    assert reconcile().healed == 0
    call = CallRecord.objects.get()
    assert (call.state, call.reason) == ("overdue", "no_such_call")


def test_an_answer_about_another_number_changes_nothing(sandbox: SandboxServer) -> None:
    call_and_lose_every_event(sandbox)
    sandbox.set_scenarios({NOAH: "press_1"})
    keys = {"1": {"action": "webhook", "url": "http://127.0.0.1:9/"}}
    order = {"to": NOAH, "from": "+18005550199", "message": "Hello", "dtmf": keys}
    noah = sandbox.api("POST", "/api/v1/calls", order)
    wait_until(lambda: sandbox.calls(NOAH, "ended"), "the other call to end")
    CallRecord.objects.update(robotalker_id=noah.json()["call_id"])
    reconcile()
    call = CallRecord.objects.get()
    assert (call.state, call.reason) == ("overdue", "other_number")
    assert not Appointment.objects.get().is_confirmed


def test_no_more_questions_than_the_budget_are_asked_in_one_round(
    sandbox: SandboxServer, settings: Settings
) -> None:
    settings.ROBOTALKER_ASK_BUDGET = 1
    make_due_reminder(make_contact("Noah", number=NOAH))
    call_and_lose_every_event_of_two(sandbox)
    assert reconcile().questions == 1
    states = sorted(CallRecord.objects.values_list("state", flat=True))
    assert states == ["answered", "submitted"], "the other is asked about in the next round"
    assert reconcile().questions == 1


def call_and_lose_every_event_of_two(sandbox: SandboxServer) -> None:
    make_due_reminder()
    sandbox.set_scenarios({SARAH: "press_1", NOAH: "press_1"})
    sandbox.faults({"kind": "lost"})
    assert dispatch_due().calls == 2
    wait_until(lambda: len(sandbox.calls(state="ended")) == 2 or None, "the calls to end")
    make_older(timedelta(minutes=16))


def test_while_sending_is_paused_robotalker_is_not_asked_and_a_follow_up_is_opened(
    sandbox: SandboxServer,
) -> None:
    call_and_lose_every_event(sandbox)
    pause_sending(by=make_user())
    assert reconcile().questions == 0
    assert CallRecord.objects.get().state == "submitted"
    make_older(timedelta(minutes=26))
    report = reconcile()
    assert (report.overdue, report.asked) == (1, 1)


def test_robotalker_is_not_asked_while_the_gate_is_closed(sandbox: SandboxServer) -> None:
    call_and_lose_every_event(sandbox)
    SendingSwitch.objects.update_or_create(
        pk=1, defaults={"gate_until": timezone.now() + timedelta(minutes=1)}
    )
    assert reconcile().questions == 0


def test_a_refused_key_pauses_sending(sandbox: SandboxServer, settings: Settings) -> None:
    call_and_lose_every_event(sandbox)
    settings.ROBOTALKER_API_KEY = "wrong"
    reconcile()
    assert SendingSwitch.objects.get().cause == "key_refused"


def test_failed_questions_do_not_pause_sending(sandbox: SandboxServer, settings: Settings) -> None:
    settings.ROBOTALKER_BREAKER = 1
    call_and_lose_every_event(sandbox)
    sandbox.faults({"kind": "lost"}, {"kind": "error_503", "method": "GET"})
    assert reconcile().questions == 1
    assert not SendingSwitch.objects.filter(Q(paused_at__isnull=False) | Q(failures__gt=0)).exists()


def test_a_429_to_a_question_closes_the_gate_for_all_requests(sandbox: SandboxServer) -> None:
    call_and_lose_every_event(sandbox)
    sandbox.faults({"kind": "lost"}, {"kind": "rate_limit", "retry_after": 60, "method": "GET"})
    reconcile()
    assert read_gate().closed_for > 30


def test_an_answer_with_an_outcome_that_an_event_gave_before_changes_nothing(sandbox: SandboxServer) -> None:
    call_and_lose_every_event(sandbox, "press_2")
    sandbox.faults()
    [completed] = sandbox.posts("call.completed", SARAH)
    sandbox.post_again(completed["id"])
    wait_until(CallRecord.objects.filter(state="answered").first, "the event")
    reconcile()
    assert FollowUp.objects.get().kind == "wants_another_time"
    CallRecord.objects.update(state="overdue")
    assert reconcile().healed == 1
    assert FollowUp.objects.get().kind == "wants_another_time"


@pytest.mark.parametrize("fault", ["html", "truncated", "no_id"])
def test_an_unreadable_answer_gives_no_outcome_and_does_not_pause_sending(
    sandbox: SandboxServer, fault: str
) -> None:
    call_and_lose_every_event(sandbox)
    sandbox.faults({"kind": "lost"}, {"kind": fault, "method": "GET"})
    reconcile()
    assert CallRecord.objects.get().state == "overdue"
    assert not SendingSwitch.objects.filter(paused_at__isnull=False).exists()


def test_no_row_is_locked_while_robotalker_is_asked(sandbox: SandboxServer) -> None:
    call_and_lose_every_event(sandbox)
    sandbox.faults({"kind": "lost"}, {"kind": "slow_headers", "method": "GET", "seconds": 1.5})
    with ThreadPoolExecutor(1) as pool:
        round_of_another = pool.submit(reconcile_elsewhere)
        wait_until(
            CallRecord.objects.filter(asked_times=1).exists, "the question to be recorded, before it is asked"
        )
        with transaction.atomic():
            CallRecord.objects.select_for_update(nowait=True).get()
        assert not round_of_another.done()
        assert reconcile().questions == 0, "no other worker asks the same meanwhile"


def reconcile_elsewhere() -> None:
    try:
        reconcile()
    finally:
        connection.close()


def test_robotalker_is_not_asked_about_a_text_message(sandbox: SandboxServer) -> None:
    make_step(channel="sms")
    make_due_reminder()
    sandbox.faults({"kind": "lost"})
    dispatch_due()
    make_older(timedelta(minutes=16))
    report = reconcile()
    assert (report.questions, report.overdue) == (0, 1)
