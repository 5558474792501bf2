"""What was written while the clock was two hours ahead does not wait for two hours after it was set right.

Product rule 28. Each test writes rows as they would be then.
"""

from datetime import datetime, timedelta
from typing import Any

import pytest
from django.utils import timezone

from contacts.appointments import record_answer
from contacts.models import Appointment
from reminders.deciding.number_caps import read_use
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import CallRecord, ListedNumber, Reminder, SendingSwitch
from reminders.results.outcomes import fold_event
from reminders.robotalker.events import EventKind, RobotalkerEvent
from reminders.sweeps.future_times import correct_future_times
from reminders.sweeps.optout_push import _select_due
from reminders.sweeps.reconciliation import reconcile
from reminders.traffic.gate import count_failure, read_gate
from tests.people import make_due_reminder, make_number

pytestmark = pytest.mark.django_db

AHEAD = timedelta(hours=2)
NO_ANSWER = RobotalkerEvent(kind=EventKind.CALL_NO_ANSWER, name="call.no_answer")


def in_the_future(**less: float) -> datetime:
    return timezone.now() + AHEAD - timedelta(**less)


def open_future_call(**fields: Any) -> CallRecord:
    """A call that was submitted while the clock was ahead."""
    make_due_reminder()
    claim = claim_due(10)
    open_calls(claim.reminder_ids, claim.token)
    CallRecord.objects.update(state="submitted", submitting_at=in_the_future(minutes=5), **fields)
    return CallRecord.objects.get()


@pytest.mark.parametrize(
    ("gate", "is_open"), [(timedelta(minutes=14), False), (timedelta(minutes=16), True), (AHEAD, True)]
)
def test_a_gate_that_is_closed_for_longer_than_robotalker_may_ask_for_is_opened(
    gate: timedelta, is_open: bool
) -> None:
    SendingSwitch.objects.create(gate_until=timezone.now() + gate, gate_closings=1)
    reconcile(ask=False)
    assert (read_gate().closed_for == 0) is is_open


def test_failures_count_again_after_the_gate_was_opened() -> None:
    SendingSwitch.objects.create(gate_until=in_the_future())
    count_failure(asked_at=timezone.now())
    assert SendingSwitch.objects.get().failures == 0, "taken for an answer from before the gate closed"
    reconcile(ask=False)
    count_failure(asked_at=timezone.now() + timedelta(seconds=1))
    assert SendingSwitch.objects.get().failures == 1


def test_a_probe_does_not_wait_for_hours() -> None:
    now = timezone.now()
    SendingSwitch.objects.create(paused_at=now, cause="robotalker_failing", probe_at=in_the_future())
    reconcile(ask=False)
    probe_at = SendingSwitch.objects.get().probe_at
    assert probe_at is not None
    assert probe_at <= timezone.now()


def test_a_claim_from_the_future_ends_after_one_lease_at_most() -> None:
    reminder = make_due_reminder()
    claim = claim_due(1)
    Reminder.objects.update(lease_until=in_the_future())
    assert reconcile(ask=False).released == 0, "its dispatcher may be at work"
    reminder.refresh_from_db()
    assert reminder.lease_until is not None
    assert reminder.lease_until <= timezone.now() + timedelta(seconds=60)
    assert len(open_calls(claim.reminder_ids, claim.token)) == 1


def test_an_open_call_from_the_future_is_dated_now_so_that_its_result_is_missed_in_time() -> None:
    call = open_future_call()
    number = call.number_id
    busy_until = read_use([number], timezone.now())[number].line_busy_until
    assert busy_until is not None
    assert busy_until > timezone.now() + timedelta(hours=1)
    reconcile(ask=False)
    call.refresh_from_db()
    assert call.submitting_at <= timezone.now()
    busy_until = read_use([number], timezone.now())[number].line_busy_until
    assert busy_until is not None
    assert busy_until <= timezone.now() + timedelta(minutes=2)


def test_the_next_try_is_counted_from_now_and_not_from_the_future() -> None:
    open_future_call()
    Reminder.objects.update(not_after=timezone.now() + timedelta(days=1))
    CallRecord.objects.update(state="no_answer", ended_at=in_the_future())
    again = in_the_future() + timedelta(minutes=20)
    Reminder.objects.update(state="planned", reason="try_again", try_after=again, next_look_at=again)
    reconcile(ask=False)
    reminder = Reminder.objects.get()
    wanted = timezone.now() + timedelta(minutes=20)
    assert reminder.try_after == reminder.next_look_at
    assert abs(reminder.next_look_at - wanted) < timedelta(seconds=30)
    assert reminder.reason == "try_again"
    assert correct_future_times() == 0, "corrected once"


def test_an_answer_from_the_future_does_not_outlive_what_the_patient_says_after_it() -> None:
    appointment = make_due_reminder().appointment
    Appointment.objects.update(answer="confirmed", answer_revision=1, answered_at=in_the_future())
    reconcile(ask=False)
    later = timezone.now() + timedelta(seconds=1)
    assert record_answer(appointment.pk, "wants_another_time", revision=1, at=later, how="staff")
    assert Appointment.objects.get().current_answer == "wants_another_time"


@pytest.mark.parametrize(
    ("failures", "ahead", "is_due"),
    [
        (0, timedelta(minutes=1), False),
        (0, AHEAD, True),
        (1, AHEAD, True),
        (6, timedelta(minutes=63), False),
        (6, AHEAD, True),
        (9, AHEAD, False),
        (40, timedelta(hours=11), False),
        (40, timedelta(hours=14), True),
    ],
)
def test_an_optout_is_sent_to_robotalker_after_its_pause_at_most(
    failures: int, ahead: timedelta, is_due: bool
) -> None:
    number = make_number(voice_opted_out_at=timezone.now())
    ListedNumber.objects.create(number=number, failures=failures, next_attempt_at=timezone.now() + ahead)
    reconcile(ask=False)
    assert _select_due().exists() is is_due


def test_times_that_can_be_are_left_alone() -> None:
    call = open_future_call()
    CallRecord.objects.update(submitting_at=timezone.now())
    fold_event(call.pk, NO_ANSWER, received_at=timezone.now())
    before = list(Reminder.objects.values()), list(CallRecord.objects.values())
    assert correct_future_times() == 0
    assert (list(Reminder.objects.values()), list(CallRecord.objects.values())) == before
