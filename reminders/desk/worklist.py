"""Actions on the worklist: assign a follow-up, resolve it, or decide about a call of unknown outcome."""

from contextlib import suppress

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from contacts.database.clock import read_database_clock
from reminders.desk.orders import OrderRefused, order_call
from reminders.lifecycle.call_reminders import reminders_of
from reminders.lifecycle.calls import close_call
from reminders.lifecycle.locking import lock_call
from reminders.lifecycle.reminders import finish_reminder
from reminders.models import CallRecord, FollowUp
from reminders.rules.reasons import CallReason, Reason
from reminders.rules.states import CallState, ReminderState

Resolution = FollowUp.Resolution


class AlreadyResolved(ValueError):
    """Somebody else has resolved it already. The message is a sentence for staff."""


@transaction.atomic
def take_follow_up(follow_up_id: int, *, by: User) -> FollowUp:
    """Assign it to this user. Raises AlreadyResolved."""
    follow_up = _lock(follow_up_id)
    follow_up.state, follow_up.taken_by = FollowUp.State.TAKEN, by
    follow_up.save(update_fields=["state", "taken_by"])
    return follow_up


@transaction.atomic
def resolve_follow_up(follow_up_id: int, *, by: User, note: str = "") -> FollowUp:
    """Resolve it with a note of what was done. Raises AlreadyResolved.

    If it is about a call of unknown outcome, the call is abandoned: nobody waits for its result any more,
    and the follow-ups of its household are resolved too.
    """
    call = _lock_unknown(follow_up_id)
    follow_up = _lock(follow_up_id)
    if call:
        _abandon(call)
    _resolve(follow_up, by, Resolution.DONE, note)
    return follow_up


@transaction.atomic
def resolve_unknown_outcome(follow_up_id: int, *, by: User, call_again: bool) -> FollowUp:
    """Stop waiting for the result of a call and, if `call_again`, order a new one.

    If its result has come in the meantime, nothing is abandoned or ordered: the follow-up is OVERTAKEN
    (its `resolution`). Raises AlreadyResolved, and OrderRefused when no call may be made now: the follow-up
    then stays open.
    """
    call = _lock_unknown(follow_up_id)
    follow_up = _lock(follow_up_id)
    if call is None or not _abandon(call):
        _resolve(follow_up, None, Resolution.OVERTAKEN)
        return follow_up
    if call_again and follow_up.reminder_id:
        order_call(follow_up.reminder_id, by=by)
        _order_for_the_others(call, follow_up, by)
    _resolve(follow_up, by, Resolution.CALLED_AGAIN if call_again else Resolution.NOT_CALLED_AGAIN)
    return follow_up


def _lock_unknown(follow_up_id: int) -> CallRecord | None:
    """The call of an unknown-outcome follow-up, locked (before the follow-up); None for other kinds."""
    follow_up = FollowUp.objects.get(pk=follow_up_id)
    if follow_up.kind != FollowUp.Kind.UNKNOWN_OUTCOME or follow_up.call_id is None:
        return None
    return lock_call(follow_up.call_id)


def _abandon(call: CallRecord) -> bool:
    """Abandon a locked call; False when its result has come in the meantime."""
    if not close_call(call, CallState.ABANDONED, CallReason.GIVEN_UP, read_database_clock()):
        return False
    for reminder in reminders_of(call):
        if reminder.state == ReminderState.IN_PROGRESS:
            finish_reminder(reminder, ReminderState.DONE, Reason.SETTLED_BY_PERSON)
    return True


def _order_for_the_others(call: CallRecord, follow_up: FollowUp, by: User) -> None:
    """Order the call for the whole household; those who may not be called now are left out."""
    for reminder in reminders_of(call):
        if reminder.pk != follow_up.reminder_id:
            with suppress(OrderRefused):
                order_call(reminder.pk, by=by)


def _resolve(follow_up: FollowUp, by: User | None, resolution: Resolution, note: str = "") -> None:
    follow_up.state, follow_up.resolved_by = FollowUp.State.RESOLVED, by
    follow_up.resolved_at, follow_up.resolution, follow_up.note = (
        read_database_clock(),
        resolution,
        note[:300],
    )
    how = {
        name: getattr(follow_up, name)
        for name in ("state", "resolved_by", "resolved_at", "resolution", "note")
    }
    one_matter = Q(pk=follow_up.pk)
    if follow_up.kind == FollowUp.Kind.UNKNOWN_OUTCOME and follow_up.call_id:
        one_matter |= Q(call=follow_up.call_id, kind=follow_up.kind)  # the others of its household
    FollowUp.objects.filter(one_matter).exclude(state=FollowUp.State.RESOLVED).update(**how)


def _lock(follow_up_id: int) -> FollowUp:
    follow_up = FollowUp.objects.select_for_update().get(pk=follow_up_id)
    if follow_up.state == FollowUp.State.RESOLVED:
        raise AlreadyResolved(_("Somebody has already marked this as done."))
    return follow_up
