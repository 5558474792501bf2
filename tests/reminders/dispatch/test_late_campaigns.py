"""A campaign whose answer comes late, or after some of its calls have been told of already."""

from datetime import timedelta

import pytest
from django.utils import timezone

from reminders.desk.worklist import resolve_unknown_outcome
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
    """Two calls as one campaign; their worker was lost, and a person has been asked about both."""
    for place, name in enumerate(["Sarah", "Noah"]):
        make_due_reminder(make_contact(name, number=f"+1202555014{place}"))
    claim, batch = claim_due(10), CallBatch.objects.create()
    assert len(open_calls(claim.reminder_ids, claim.token, batch)) == 2
    CallRecord.objects.update(submitting_at=timezone.now() - LONG_AGO)
    assert mark_lost_submissions() == 2
    assert ask_about_unknown() == 2
    return batch


def read_calls() -> list[CallRecord]:
    return list(CallRecord.objects.order_by("pk"))


def test_a_campaign_taken_for_lost_and_accepted_and_answered_leaves_the_worklist(batch: CallBatch) -> None:
    record_batch_accepted(batch, "cmp_1")
    batch.refresh_from_db()
    assert batch.robotalker_id == "cmp_1"
    for call in read_calls():
        assert (call.state, call.reason) == ("submitted", "")
        assert call.submitted_at is not None
        fold_event(call.pk, PRESSED_1, received_at=timezone.now())
    assert [call.state for call in read_calls()] == ["answered", "answered"]
    assert set(FollowUp.objects.values_list("state", flat=True)) == {"resolved"}


def test_a_campaigns_late_answer_takes_nothing_back_that_is_known_already(batch: CallBatch) -> None:
    answered, given_up = read_calls()
    fold_event(answered.pk, PRESSED_1, received_at=timezone.now())
    resolve_unknown_outcome(FollowUp.objects.get(call=given_up).pk, by=make_user(), call_again=False)
    record_batch_accepted(batch, "cmp_1")
    assert [call.state for call in read_calls()] == ["answered", "abandoned"]


def test_the_others_of_a_campaign_are_still_waited_for_when_one_was_told_of(batch: CallBatch) -> None:
    first, _ = read_calls()
    fold_event(first.pk, PRESSED_1, received_at=timezone.now())
    record_batch_accepted(batch, "cmp_1")
    assert [call.state for call in read_calls()] == ["answered", "submitted"]
