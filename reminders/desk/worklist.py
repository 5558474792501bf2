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
    entry = _lock(follow_up_id)
    entry.state, entry.taken_by = FollowUp.State.TAKEN, by
    entry.save(update_fields=["state", "taken_by"])
    return entry


@transaction.atomic
def resolve_follow_up(follow_up_id: int, *, by: User, note: str = "") -> FollowUp:
    """Resolve it with a note of what was done. Raises AlreadyResolved.

    If it is about a call of unknown outcome, the call is abandoned: nobody waits for its result any more,
    and the follow-ups of its household are resolved too.
    """
    call = _lock_unknown(follow_up_id)
    entry = _lock(follow_up_id)
    if call:
        _abandon(call)
    _resolve(entry, by, Resolution.DONE, note)
    return entry


@transaction.atomic
def resolve_unknown_outcome(follow_up_id: int, *, by: User, call_again: bool) -> FollowUp:
    """Stop waiting for the result of a call and, if `call_again`, order a new one.

    If its result has come in the meantime, nothing is abandoned or ordered: the follow-up is OVERTAKEN
    (its `resolution`). Raises AlreadyResolved, and OrderRefused when no call may be made now: the follow-up
    then stays open.
    """
    call = _lock_unknown(follow_up_id)
    entry = _lock(follow_up_id)
    if call is None or not _abandon(call):
        _resolve(entry, None, Resolution.OVERTAKEN)
        return entry
    if call_again and entry.reminder_id:
        order_call(entry.reminder_id, by=by)
        _order_for_the_others(call, entry, by)
    _resolve(entry, by, Resolution.CALLED_AGAIN if call_again else Resolution.NOT_CALLED_AGAIN)
    return entry


def _lock_unknown(follow_up_id: int) -> CallRecord | None:
    """The call of an unknown-outcome follow-up, locked (before the follow-up); None for other kinds."""
    entry = FollowUp.objects.get(pk=follow_up_id)
    if entry.kind != FollowUp.Kind.UNKNOWN_OUTCOME or entry.call_id is None:
        return None
    return lock_call(entry.call_id)


def _abandon(call: CallRecord) -> bool:
    """Abandon a locked call; False when its result has come in the meantime."""
    if not close_call(call, CallState.ABANDONED, CallReason.GIVEN_UP, read_database_clock()):
        return False
    for reminder in reminders_of(call):
        if reminder.state == ReminderState.IN_PROGRESS:
            finish_reminder(reminder, ReminderState.DONE, Reason.SETTLED_BY_PERSON)
    return True


def _order_for_the_others(call: CallRecord, entry: FollowUp, by: User) -> None:
    """Order the call for the whole household; those who may not be called now are left out."""
    for reminder in reminders_of(call):
        if reminder.pk != entry.reminder_id:
            with suppress(OrderRefused):
                order_call(reminder.pk, by=by)


def _resolve(entry: FollowUp, by: User | None, resolution: Resolution, note: str = "") -> None:
    entry.state, entry.resolved_by = FollowUp.State.RESOLVED, by
    entry.resolved_at, entry.resolution, entry.note = read_database_clock(), resolution, note[:300]
    how = {
        name: getattr(entry, name) for name in ("state", "resolved_by", "resolved_at", "resolution", "note")
    }
    one_matter = Q(pk=entry.pk)
    if entry.kind == FollowUp.Kind.UNKNOWN_OUTCOME and entry.call_id:
        one_matter |= Q(call=entry.call_id, kind=entry.kind)  # the others of its household
    FollowUp.objects.filter(one_matter).exclude(state=FollowUp.State.RESOLVED).update(**how)


def _lock(follow_up_id: int) -> FollowUp:
    entry = FollowUp.objects.select_for_update().get(pk=follow_up_id)
    if entry.state == FollowUp.State.RESOLVED:
        raise AlreadyResolved(_("Somebody has already marked this as done."))
    return entry
