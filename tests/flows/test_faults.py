"""What each answer to a POST leads to, against a sandbox with faults."""

from datetime import timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import Settings

from contacts.models import Appointment
from reminders.desk.orders import order_call
from reminders.desk.worklist_endings import resolve_unknown_outcome
from reminders.dispatch.rounds import dispatch_due
from reminders.models import CallRecord, FollowUp, Reminder, SendingSwitch
from reminders.sweeps.reconciliation import reconcile
from reminders.traffic.gate import read_gate
from reminders.traffic.switch import resume_sending
from tests.flows.one_claim import dispatch_one_claim
from tests.people import SARAH, make_contact, make_due_reminder, make_user
from tests.sandbox_server import SandboxServer
from tests.waiting import wait_until

NOT_SENT: list[dict[str, Any]] = [
    {"kind": "rate_limit", "retry_after": 7},
    {"kind": "rate_limit"},
    {"kind": "error_500_before"},
    {"kind": "error_503"},
]
UNKNOWN: list[dict[str, Any]] = [
    {"kind": "error_502"},
    {"kind": "error_504"},
    {"kind": "drop_before"},
    {"kind": "drop_after"},
    {"kind": "slow_headers"},
    {"kind": "slow_drip", "seconds": 60},
    {"kind": "truncated"},
    {"kind": "no_id"},
    {"kind": "html"},
    {"kind": "redirect"},
    {"kind": "huge"},
]


def name_fault(fault: dict[str, Any]) -> str:
    return " ".join(str(part) for part in fault.values())


def make_due_again() -> None:
    """As if the backoff were over and the gate open."""
    now = timezone.now()
    SendingSwitch.objects.update(gate_until=None)
    Reminder.objects.filter(state="planned").update(next_look_at=now, try_after=now - timedelta(seconds=1))


@pytest.mark.parametrize("fault", NOT_SENT, ids=name_fault)
def test_a_request_that_was_not_accepted_is_planned_again_and_sent_once(
    sandbox: SandboxServer, fault: dict[str, Any]
) -> None:
    make_due_reminder()
    sandbox.faults({**fault, "next": 1})
    dispatch_one_claim()
    assert CallRecord.objects.get(try_number=1).state == "not_sent"
    make_due_again()
    dispatch_due()
    assert CallRecord.objects.count() == 2
    assert len(sandbox.ledger()) == 1


@pytest.mark.parametrize("fault", UNKNOWN, ids=name_fault)
def test_a_request_without_a_clear_answer_is_unknown_and_never_sent_again_automatically(
    sandbox: SandboxServer, settings: Settings, fault: dict[str, Any]
) -> None:
    """(product rule 15)"""
    settings.ROBOTALKER_TOTAL_DEADLINE = 4.0
    make_due_reminder()
    sandbox.faults({**fault, "next": 1}, {"kind": "lost"})
    dispatch_due()
    assert CallRecord.objects.get().state == "unknown"
    make_due_again()
    reconcile()
    assert dispatch_due().calls == 0
    assert len(sandbox.ledger()) <= 1
    assert sandbox.control("GET", "/sandbox/health")["followed_redirects"] == 0, "no redirect is followed"


def test_all_requests_wait_as_long_as_robotalker_asks(sandbox: SandboxServer) -> None:
    make_due_reminder()
    make_due_reminder(make_contact("Noah", number="+12025550142"))
    sandbox.faults({"kind": "rate_limit", "retry_after": 120})
    dispatch_due()
    assert 110 <= read_gate().closed_for <= 120
    assert dispatch_due().claimed == 0, "nothing is even claimed while the gate is closed"
    assert set(Reminder.objects.values_list("state", flat=True)) == {"planned"}
    assert sandbox.ledger() == []


def test_a_call_is_not_sent_when_nothing_listens_at_robotalkers_address(
    sandbox: SandboxServer, settings: Settings
) -> None:
    reminder = make_due_reminder()
    settings.ROBOTALKER_BASE_URL = "http://127.0.0.1:9"
    dispatch_one_claim()
    reminder.refresh_from_db()
    assert (CallRecord.objects.get().state, reminder.state) == ("not_sent", "planned")


def test_an_error_500_counts_as_a_lost_answer_when_the_setting_says_so(
    sandbox: SandboxServer, settings: Settings
) -> None:
    settings.ROBOTALKER_ON_500 = "unknown"
    make_due_reminder()
    sandbox.faults({"kind": "error_500_after", "next": 1}, {"kind": "lost"})
    dispatch_due()
    assert CallRecord.objects.get().state == "unknown"
    assert len(sandbox.ledger()) == 1


def test_a_call_whose_answer_was_lost_gets_its_outcome_by_an_event(sandbox: SandboxServer) -> None:
    reminder = make_due_reminder()
    sandbox.set_scenarios({SARAH: "press_1"})
    sandbox.faults({"kind": "drop_after", "next": 1})
    dispatch_due()
    wait_until(CallRecord.objects.filter(state="answered").first, "the event")
    reminder.refresh_from_db()
    assert reminder.state == "done"
    assert Appointment.objects.get().is_confirmed
    assert CallRecord.objects.get().robotalker_id == sandbox.ledger()[0]["id"]


def test_a_lost_answer_without_an_event_is_settled_by_a_person(
    sandbox: SandboxServer, settings: Settings
) -> None:
    settings.UNKNOWN_GRACE = 0
    make_due_reminder()
    sandbox.faults({"kind": "drop_before", "next": 1})
    dispatch_due()
    assert reconcile().asked == 1
    assert reconcile().asked == 0, "only once"
    follow_up = FollowUp.objects.get()
    assert follow_up.kind == "unknown_outcome"
    resolve_unknown_outcome(follow_up.pk, by=make_user(), call_again=True)
    assert dispatch_due().calls == 1
    assert CallRecord.objects.get(try_number=1).state == "abandoned"
    assert len(sandbox.ledger()) == 1


def test_an_event_may_come_before_the_answer(sandbox: SandboxServer) -> None:
    """(product rule 14)"""
    make_due_reminder()
    sandbox.set_scenarios({SARAH: "press_1"})
    sandbox.faults({"kind": "before_answer"})
    dispatch_due()
    call = CallRecord.objects.get()
    assert (call.state, call.key_pressed) == ("answered", "1")
    assert call.robotalker_id == sandbox.ledger()[0]["id"]
    assert Appointment.objects.get().is_confirmed


def test_repeated_and_reordered_events_change_nothing_more(sandbox: SandboxServer) -> None:
    """(product rule 14)"""
    make_due_reminder()
    sandbox.set_scenarios({SARAH: "press_2"})
    sandbox.faults({"kind": "doubled", "times": 4}, {"kind": "shuffled"})
    dispatch_due()
    wait_until(CallRecord.objects.filter(state="answered").first, "the outcome")
    wait_until(lambda: len(sandbox.posts("call.completed")) >= 4 or None, "all the repeated events")
    assert FollowUp.objects.get().kind == "wants_another_time"
    assert Appointment.objects.get().changes.filter(what="wants_another_time").count() == 1


def test_a_rejected_number_is_not_tried_again(sandbox: SandboxServer) -> None:
    """(product rule 17)"""
    reminder = make_due_reminder()
    sandbox.faults({"kind": "error_400"})
    dispatch_due()
    reminder.refresh_from_db()
    assert (CallRecord.objects.get().state, reminder.state) == ("rejected", "done")
    assert FollowUp.objects.count() == 1
    assert dispatch_due().calls == 0


def test_a_campaign_refused_as_a_whole_is_sent_as_single_calls(
    sandbox: SandboxServer, settings: Settings
) -> None:
    settings.CAMPAIGN_MINIMUM = 2
    make_due_reminder()
    make_due_reminder(make_contact("Noah", number="+12025550142"))
    sandbox.faults({"kind": "error_400", "endpoint": "campaigns"})
    dispatch_due()
    assert sorted(line["kind"] for line in sandbox.ledger()) == ["call", "call"]


def test_a_refused_key_pauses_all_sending_and_loses_no_reminder(
    sandbox: SandboxServer, settings: Settings
) -> None:
    reminder = make_due_reminder()
    settings.ROBOTALKER_API_KEY = "wrong"
    dispatch_due()
    switch = SendingSwitch.objects.get()
    assert switch.cause == "key_refused"
    make_due_again()
    assert dispatch_due().calls == 0
    reminder.refresh_from_db()
    assert (reminder.state, reminder.reason) == ("planned", "sending_paused")
    settings.ROBOTALKER_API_KEY = sandbox.api_key
    resume_sending(by=make_user())
    make_due_again()
    assert dispatch_due().calls == 1
    assert len(sandbox.ledger()) == 1


def test_an_order_is_kept_when_its_request_was_not_accepted(sandbox: SandboxServer) -> None:
    reminder = make_due_reminder()
    order_call(reminder.pk, by=make_user())
    sandbox.faults({"kind": "rate_limit", "retry_after": 60, "next": 1})
    dispatch_due()
    reminder.refresh_from_db()
    assert (reminder.state, reminder.ordered_by is not None) == ("planned", True)
    assert dispatch_due().calls == 0, "not before the time that Robotalker asked for"
    make_due_again()
    assert dispatch_due().calls == 1


def test_an_event_proves_that_a_request_with_an_error_500_was_accepted(sandbox: SandboxServer) -> None:
    reminder = make_due_reminder()
    sandbox.set_scenarios({SARAH: "press_1"})
    sandbox.faults({"kind": "error_500_after", "next": 1})
    dispatch_one_claim()
    wait_until(CallRecord.objects.filter(state="answered").first, "the event")
    reminder.refresh_from_db()
    assert reminder.state == "done", "so the planned retry is cancelled"
    assert len(sandbox.ledger()) == 1


def test_no_reminder_waits_past_its_last_moment(sandbox: SandboxServer) -> None:
    """(product rule 4)"""
    reminder = make_due_reminder(starts_at=timezone.now() + timedelta(minutes=35))
    sandbox.faults({"kind": "error_503", "retry_after": 800})
    dispatch_due()
    reminder.refresh_from_db()
    assert reminder.next_look_at == reminder.not_after
