"""Calls whose events are overdue: which they are, when Robotalker is asked about them, and closing them."""

from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Now

from contacts.database.clock import read_database_clock
from reminders.lifecycle.calls import close_call
from reminders.lifecycle.locking import lock_call
from reminders.rules.reasons import CallReason
from reminders.rules.states import CALL_OPEN, CallState

UNKNOWN_WAIT = timedelta(minutes=1)  # for its event to come
ASK_AGAIN_AFTER = [timedelta(minutes=minutes) for minutes in (3, 10, 30, 120)]  # then never again
MOST_QUESTIONS = 1 + len(ASK_AGAIN_AFTER)


def waits_too_long() -> Q:
    """Open calls whose events are overdue, so that Robotalker may be asked about them."""
    patience = timedelta(seconds=settings.EVENT_PATIENCE)
    accepted = Q(state=CallState.SUBMITTED, submitting_at__lt=Now() - patience)
    without_outcome = Q(
        state__in=[CallState.UNKNOWN, CallState.OVERDUE], submitting_at__lt=Now() - UNKNOWN_WAIT
    )
    return (accepted | without_outcome) & Q(state__in=CALL_OPEN)  # the last so that its index is used


@transaction.atomic
def close_as_overdue(call_id: int, reason: CallReason) -> bool:
    """Close an accepted call whose outcome was not reported; False when an event came meanwhile."""
    call = lock_call(call_id)
    if call.state != CallState.SUBMITTED:
        return False
    return close_call(call, CallState.OVERDUE, reason, read_database_clock())
