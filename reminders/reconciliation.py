"""Reconciliation: what nobody came back for is found, named, and healed or handed to a person.

Nothing here sends. What is due but too late is not found here: dispatch looks at every planned row, and
decide() says when its time is over.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now
from django.utils import timezone

from reminders.calls import close_call
from reminders.followups import open_follow_up
from reminders.locking import lock_call
from reminders.models import CallRecord, FollowUp, Reminder
from reminders.states import CallState, ReminderState

LOST_WORKER = "the worker was lost while it submitted"
NO_EVENT = "no event came in time"
MOST_AT_ONCE = 500  # each round; the next one goes on


@dataclass(frozen=True)
class ReconcileReport:
    """What a round found, in numbers."""

    released: int
    lost: int
    overdue: int
    asked: int


def reconcile() -> ReconcileReport:
    """One round of everything below."""
    return ReconcileReport(
        released=release_expired_claims(),
        lost=mark_lost_submissions(),
        overdue=mark_overdue(),
        asked=ask_about_unknown(),
    )


def release_expired_claims() -> int:
    """Plan again what a lost worker had claimed: it had sent nothing."""
    return Reminder.objects.filter(state=ReminderState.CLAIMED, lease_until__lt=Now()).update(
        state=ReminderState.PLANNED, claim=None, lease_until=None, updated_at=timezone.now()
    )


def mark_lost_submissions() -> int:
    """A submission that outlived every deadline is `unknown`: it may have left, so it is never sent again."""
    longest = timedelta(seconds=settings.DISPATCH_LEASE)
    return _close(CallState.SUBMITTING, longest, CallState.UNKNOWN, LOST_WORKER)


def mark_overdue() -> int:
    """Accepted, but no event came in time."""
    patience = timedelta(seconds=settings.EVENT_PATIENCE)
    return _close(CallState.SUBMITTED, patience, CallState.OVERDUE, NO_EVENT)


def ask_about_unknown() -> int:
    """After the grace time a person is asked whether the patient was called."""
    before = Now() - timedelta(seconds=settings.UNKNOWN_GRACE)
    unknown = (
        CallRecord.objects.filter(state__in=[CallState.UNKNOWN, CallState.OVERDUE], submitting_at__lt=before)
        .exclude(follow_ups__kind=FollowUp.Kind.UNKNOWN_OUTCOME)
        .select_related("reminder__appointment")
        .order_by("submitting_at")[:MOST_AT_ONCE]
    )
    calls = list(unknown)
    for call in calls:
        open_follow_up(FollowUp.Kind.UNKNOWN_OUTCOME, reminder=call.reminder, call=call, detail=call.reason)
    return len(calls)


def _close(state: CallState, longest: timedelta, to: CallState, reason: str) -> int:
    waiting = CallRecord.objects.filter(state=state, submitting_at__lt=Now() - longest)
    ids = list(waiting.order_by("submitting_at").values_list("pk", flat=True)[:MOST_AT_ONCE])
    return sum(_close_one(call_id, state, to, reason) for call_id in ids)


@transaction.atomic
def _close_one(call_id: int, state: CallState, to: CallState, reason: str) -> bool:
    call = lock_call(call_id)
    if call.state != state:  # an event came while we were looking
        return False
    return close_call(call, to, reason, timezone.now())
