"""A campaign whose answer is recorded late, or after events of some of its calls."""

from datetime import timedelta

import pytest
from django.utils import timezone

from reminders.desk.worklist_endings import resolve_unknown_outcome
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import CallBatch, CallRecord, FollowUp
from reminders.results.outcomes import fold_event
from reminders.results.post_results import record_batch_accepted
from reminders.robotalker.events import EventKind, RobotalkerEvent
from reminders.sweeps.reconciliation import ask_about_unknown, mark_lost_submissions
from tests.people import make_contact, make_due_reminder, make_user

pytestmark = pytest.mark.django_db

LONG_AGO = timedelta(minutes=20)
PRESSED_1 = RobotalkerEvent(EventKind.CALL_COMPLETED, status="answered", keys="1")


@pytest.fixture
def batch() -> CallBatch:
    """Two calls as one campaign; their worker was lost, and both are on the worklist as unknown."""
    for index, name in enumerate(["Sarah", "Noah"]):
        make_due_reminder(make_contact(name, number=f"+1202555014{index}"))
    claim, batch = claim_due(10), CallBatch.objects.create()
    assert len(open_calls(claim.reminder_ids, claim.token, batch)) == 2
    CallRecord.objects.update(submitting_at=timezone.now() - LONG_AGO)
    assert mark_lost_submissions() == 2
    assert ask_about_unknown() == 2
    return batch


def read_calls() -> list[CallRecord]:
    return list(CallRecord.objects.order_by("pk"))


def test_a_campaign_marked_lost_leaves_the_worklist_once_it_is_accepted_and_answered(
    batch: CallBatch,
) -> None:
    record_batch_accepted(batch, "cmp_1")
    batch.refresh_from_db()
    assert batch.robotalker_id == "cmp_1"
    for call in read_calls():
        assert (call.state, call.reason) == ("submitted", "")
        assert call.submitted_at is not None
        fold_event(call.pk, PRESSED_1, received_at=timezone.now())
    assert [call.state for call in read_calls()] == ["answered", "answered"]
    assert set(FollowUp.objects.values_list("state", flat=True)) == {"resolved"}


def test_a_late_acceptance_of_a_campaign_changes_no_call_that_has_its_result(batch: CallBatch) -> None:
    answered, given_up = read_calls()
    fold_event(answered.pk, PRESSED_1, received_at=timezone.now())
    resolve_unknown_outcome(FollowUp.objects.get(call=given_up).pk, by=make_user(), call_again=False)
    record_batch_accepted(batch, "cmp_1")
    assert [call.state for call in read_calls()] == ["answered", "abandoned"]


def test_calls_of_a_campaign_without_an_event_stay_submitted_after_one_is_answered(batch: CallBatch) -> None:
    first, _ = read_calls()
    fold_event(first.pk, PRESSED_1, received_at=timezone.now())
    record_batch_accepted(batch, "cmp_1")
    assert [call.state for call in read_calls()] == ["answered", "submitted"]
