"""The worklist, as staff work it: take an entry, settle it, or settle a call of unknown outcome."""

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from reminders.calls import close_call
from reminders.locking import lock_call
from reminders.models import FollowUp
from reminders.orders import order_call
from reminders.reasons import Reason
from reminders.settling import finish
from reminders.states import CallState, ReminderState


class AlreadyResolved(ValueError):
    """Somebody else has settled it."""


@transaction.atomic
def take_follow_up(follow_up_id: int, *, by: User) -> FollowUp:
    """Say who is on it. Raises AlreadyResolved."""
    entry = _lock(follow_up_id)
    entry.state, entry.taken_by = FollowUp.State.TAKEN, by
    entry.save(update_fields=["state", "taken_by"])
    return entry


@transaction.atomic
def resolve_follow_up(follow_up_id: int, *, by: User, resolution: str) -> FollowUp:
    """Settle it with a note of what was done. Raises AlreadyResolved.

    A call of unknown outcome is given up with its entry: nobody waits for news of it any more.
    """
    entry = FollowUp.objects.get(pk=follow_up_id)
    if entry.kind == FollowUp.Kind.UNKNOWN_OUTCOME and entry.call_id:
        _abandon(entry.call_id)
    entry = _lock(follow_up_id)
    entry.state, entry.resolved_by = FollowUp.State.RESOLVED, by
    entry.resolved_at, entry.resolution = timezone.now(), resolution[:300]
    entry.save(update_fields=["state", "resolved_by", "resolved_at", "resolution"])
    return entry


@transaction.atomic
def settle_unknown(follow_up_id: int, *, by: User, call_again: bool) -> FollowUp:
    """Give up waiting for what became of a call; order a new one, or leave it at that.

    Raises AlreadyResolved, and OrderRefused when no call may be made now (the entry then stays).
    """
    entry = FollowUp.objects.select_related("call").get(pk=follow_up_id)
    if entry.call_id:
        _abandon(entry.call_id)
    if call_again and entry.reminder_id:
        order_call(entry.reminder_id, by=by)
    return resolve_follow_up(
        follow_up_id, by=by, resolution="called again" if call_again else "settled without another call"
    )


def _abandon(call_id: int) -> None:
    call = lock_call(call_id)
    now = timezone.now()
    given_up = close_call(call, CallState.ABANDONED, "settled by a person", now)
    if given_up and call.reminder.state == ReminderState.IN_PROGRESS:
        finish(call.reminder, ReminderState.DONE, Reason.SETTLED_BY_PERSON)


def _lock(follow_up_id: int) -> FollowUp:
    entry = FollowUp.objects.select_for_update().get(pk=follow_up_id)
    if entry.state == FollowUp.State.RESOLVED:
        raise AlreadyResolved("Somebody has settled this already.")
    return entry
