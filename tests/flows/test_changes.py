"""Appointments that change after their reminder was planned."""

from datetime import timedelta

from django.utils import timezone

from contacts.models import Appointment
from reminders.desk.bookings import cancel_and_withdraw, move_and_replan
from reminders.dispatch.claims import claim_due
from reminders.dispatch.post_threads import open_post_threads
from reminders.dispatch.rounds import dispatch_due, submit_claim
from reminders.models import CallRecord, FollowUp, Reminder
from tests.people import SARAH, make_due_reminder
from tests.sandbox_server import SandboxServer
from tests.waiting import wait_until


def test_a_cancelled_appointment_is_not_called(sandbox: SandboxServer) -> None:
    """(product rule 1)"""
    reminder = make_due_reminder()
    cancel_and_withdraw(reminder.appointment_id)
    assert dispatch_due().calls == 0
    reminder.refresh_from_db()
    assert (reminder.state, reminder.reason) == ("withdrawn", "cancelled")
    assert sandbox.ledger() == []


def test_an_appointment_cancelled_after_the_claim_is_not_called(sandbox: SandboxServer) -> None:
    """(product rule 1)"""
    reminder = make_due_reminder()
    claim = claim_due(10)
    cancel_and_withdraw(reminder.appointment_id)
    with open_post_threads(2) as threads:
        assert submit_claim(claim, threads) == 0
    assert sandbox.ledger() == []


def test_the_last_look_sees_a_cancellation_that_withdrew_no_reminder(
    sandbox: SandboxServer,
) -> None:
    """(product rule 1)"""
    reminder = make_due_reminder()
    Appointment.objects.update(status="cancelled")  # such as an import
    assert dispatch_due().calls == 0
    reminder.refresh_from_db()
    assert (reminder.state, reminder.reason) == ("skipped", "cancelled")
    assert sandbox.ledger() == []


def test_a_moved_appointment_is_called_for_its_new_time_only(sandbox: SandboxServer) -> None:
    """(product rule 2)"""
    reminder = make_due_reminder()
    later = reminder.appointment.starts_at + timedelta(minutes=15)
    moved = move_and_replan(reminder.appointment_id, starts_at=later, ends_at=later + timedelta(minutes=30))
    sandbox.set_scenarios({SARAH: "press_1"})
    assert dispatch_due().calls == 1
    [accepted] = sandbox.ledger()
    local = moved.starts_at.astimezone(moved.location.zone)
    assert f"at {local:%-I:%M %p}" in accepted["message"]
    wait_until(lambda: Appointment.objects.get().is_confirmed or None, "the confirmation")


def test_confirming_the_old_time_does_not_confirm_the_new_one(sandbox: SandboxServer) -> None:
    """(product rule 2)"""
    sandbox.behave(attended=True, ring_seconds=3_000)
    reminder = make_due_reminder()
    dispatch_due()
    ringing = sandbox.wait_for_call(SARAH, "ringing")
    later = reminder.appointment.starts_at + timedelta(days=1)
    move_and_replan(reminder.appointment_id, starts_at=later, ends_at=later + timedelta(minutes=30))
    sandbox.answer(ringing["call_id"])
    sandbox.press(ringing["call_id"], "1")
    follow_up = wait_until(FollowUp.objects.filter(kind="late_answer").first, "the follow-up")
    assert follow_up.call == CallRecord.objects.get()
    assert not Appointment.objects.get().is_confirmed


def test_a_reminder_that_is_too_late_is_missed_and_on_the_worklist(sandbox: SandboxServer) -> None:
    """(product rule 4)"""
    reminder = make_due_reminder()
    Reminder.objects.update(not_after=timezone.now())  # Robotalker was unreachable all day
    assert dispatch_due().calls == 0
    reminder.refresh_from_db()
    assert reminder.state == "missed"
    assert FollowUp.objects.get().kind == "missed"
    assert sandbox.ledger() == []
