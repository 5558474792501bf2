"""Actions on the worklist: assign a follow-up, resolve it, or decide about a call of unknown outcome."""

from collections.abc import Collection
from contextlib import suppress

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Q, QuerySet
from django.utils.translation import gettext as _

from contacts.appointments import lock_appointments
from contacts.database.clock import read_database_clock
from reminders.desk.orders import OrderRefused, order_call
from reminders.lifecycle.call_reminders import reminders_of
from reminders.lifecycle.calls import close_call
from reminders.lifecycle.follow_ups import find_same_entry
from reminders.lifecycle.locking import lock_call
from reminders.lifecycle.reminders import finish_reminder
from reminders.models import CallRecord, FollowUp
from reminders.rules.reasons import CallReason, Reason
from reminders.rules.states import CallState, ReminderState

Resolution = FollowUp.Resolution


class AlreadyResolved(ValueError):
    """Somebody else has resolved it already, or it is gone. The message is a sentence for staff."""


@transaction.atomic
def take_follow_up(follow_up_id: int, *, by: User) -> FollowUp:
    """Assign it to this user, with the others of its entry. Raises AlreadyResolved."""
    _lock_in_order(find_same_entry(_find(FollowUp.objects.select_related("contact"), follow_up_id)))
    follow_up = _lock(follow_up_id)
    find_same_entry(follow_up).update(state=FollowUp.State.TAKEN, taken_by=by)
    follow_up.state, follow_up.taken_by = FollowUp.State.TAKEN, by
    return follow_up


@transaction.atomic
def resolve_follow_up(follow_up_id: int, *, by: User, note: str = "", seen: Collection[int] = ()) -> FollowUp:
    """Resolve it, with the others of its entry, with a note of what was done. Raises AlreadyResolved.

    `seen`: ids of those that the person had before them; what has come to the entry since stays open. For
    what is about a call of unknown outcome, the call is abandoned: nobody waits for its result any more, and
    the follow-ups of its household are resolved too.
    """
    entry = find_same_entry(_find(FollowUp.objects.select_related("contact"), follow_up_id))
    if seen:
        entry = entry.filter(pk__in={follow_up_id, *seen})
    ids = set(entry.values_list("pk", flat=True))
    calls = _lock_unknown_of(ids)
    _lock_in_order(entry)
    follow_up = _lock(follow_up_id)
    for call in calls:
        _abandon(call)
    of_calls = Q(call__in=calls, kind=FollowUp.Kind.UNKNOWN_OUTCOME)
    _resolve(follow_up, Q(pk__in=ids) | of_calls, by, Resolution.DONE, note)
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
        _resolve(follow_up, _same_call(follow_up), None, Resolution.OVERTAKEN)
        return follow_up
    if call_again and follow_up.reminder_id:
        order_call(follow_up.reminder_id, by=by)
        _order_for_the_others(call, follow_up, by)
    how = Resolution.CALLED_AGAIN if call_again else Resolution.NOT_CALLED_AGAIN
    _resolve(follow_up, _same_call(follow_up), by, how)
    return follow_up


def _lock_unknown(follow_up_id: int) -> CallRecord | None:
    """The call of an unknown-outcome follow-up, locked (before the follow-up); None for other kinds."""
    follow_up = _find(FollowUp.objects.all(), follow_up_id)
    if follow_up.kind != FollowUp.Kind.UNKNOWN_OUTCOME or follow_up.call_id is None:
        return None
    return lock_call(follow_up.call_id)


def _lock_unknown_of(follow_up_ids: Collection[int]) -> list[CallRecord]:
    """The calls of unknown outcome that these follow-ups are about, locked in the order of locking.py."""
    about = FollowUp.objects.filter(
        pk__in=follow_up_ids, kind=FollowUp.Kind.UNKNOWN_OUTCOME, call__isnull=False
    )
    ids = sorted(set(about.values_list("call", flat=True)))
    if len(ids) > 1:  # the appointments of all come before the first call
        household = FollowUp.objects.filter(call__in=ids).values_list("appointment", flat=True)
        lock_appointments(household)
    return [lock_call(call_id) for call_id in ids if call_id]


def _same_call(follow_up: FollowUp) -> Q:
    """It, and those of its household that are about the same call."""
    if follow_up.kind == FollowUp.Kind.UNKNOWN_OUTCOME and follow_up.call_id:
        return Q(pk=follow_up.pk) | Q(call=follow_up.call_id, kind=follow_up.kind)
    return Q(pk=follow_up.pk)


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


def _resolve(
    follow_up: FollowUp, with_it: Q, by: User | None, resolution: Resolution, note: str = ""
) -> None:
    """Resolve it, and those of `with_it` that are unresolved, each with the note, for its own story."""
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
    FollowUp.objects.filter(with_it).exclude(state=FollowUp.State.RESOLVED).update(**how)


def _lock_in_order(entry: "QuerySet[FollowUp]") -> None:
    """Before one of them is locked: events close several at once (results/unanswered.py), in this order."""
    list(entry.select_related(None).order_by("pk").select_for_update(of=("self",)).values_list("pk"))


def _find(rows: "QuerySet[FollowUp]", follow_up_id: int) -> FollowUp:
    """Raises AlreadyResolved if it is gone: an undo or an erasure removes what nobody has worked on."""
    if (follow_up := rows.filter(pk=follow_up_id).first()) is None:
        raise AlreadyResolved(
            _("This is no longer on the worklist: what it was about has been removed meanwhile.")
        )
    return follow_up


def _lock(follow_up_id: int) -> FollowUp:
    follow_up = _find(FollowUp.objects.select_for_update(), follow_up_id)
    if follow_up.state == FollowUp.State.RESOLVED:
        raise AlreadyResolved(_("Somebody has already marked this as done."))
    return follow_up
