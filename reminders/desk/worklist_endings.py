"""How an entry of the worklist ends: by one press, or by a decision about a call of unknown outcome."""

from collections.abc import Collection, Sequence
from contextlib import suppress
from typing import Any
from uuid import UUID

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from contacts.appointments import lock_appointments, read_answer
from contacts.database.clock import read_database_clock
from contacts.models import Appointment, UnusableReason
from contacts.people import mark_number_unusable
from reminders.desk.bookings import confirm_by_staff
from reminders.desk.orders import OrderRefused, order_call
from reminders.desk.rechecks import recheck_numbers
from reminders.desk.worklist import (
    NOTE_LENGTH,
    WorklistRefused,
    change_entry,
    find_follow_up,
    lock_entry,
)
from reminders.lifecycle.calls import close_call, reminders_of
from reminders.lifecycle.follow_ups import UNRESOLVED, due_by_database_clock, find_same_entry
from reminders.lifecycle.locking import lock_call, lock_numbers
from reminders.lifecycle.reminders import finish_reminder
from reminders.models import CallRecord, FollowUp, FollowUpDeed
from reminders.rules.reasons import CallReason, Reason
from reminders.rules.states import CallState, ReminderState

Kind, Resolution, What = FollowUp.Kind, FollowUp.Resolution, FollowUpDeed.What
# What one press of a button says. Moving isn't among them: what is moved closes by itself.
ENDINGS = (
    Resolution.LEFT_MESSAGE,
    Resolution.CONFIRMED_BY_PHONE,
    Resolution.WRONG_NUMBER,
    Resolution.NO_LONGER_NEEDED,
    Resolution.DONE,
)


@transaction.atomic
def end_follow_ups(
    follow_up_id: int, how: FollowUp.Resolution, *, by: User, note: str = "", seen: Collection[int] = ()
) -> UUID:
    """End its entry in one of the ways of ENDINGS; the id of the act, for an undo.

    `seen`: ids of those that the person had before them, or chose; what has come to the entry since stays
    open. A call of unknown outcome is abandoned with it: nobody waits for its result any more, and the
    follow-ups of its household are resolved too. Raises WorklistRefused.
    """
    calls = _lock_unknown_of(follow_up_id, seen)
    entry = lock_entry(follow_up_id, only=seen, with_visits=True)
    if how == Resolution.CONFIRMED_BY_PHONE:
        return _confirm(entry, calls, by, note)
    if how == Resolution.WRONG_NUMBER:
        return _find_number_wrong(entry, calls, by, note)
    return _end(entry, calls, how, by, note)


def resolve_follow_up(follow_up_id: int, *, by: User, note: str = "", seen: Collection[int] = ()) -> UUID:
    """End its entry without more, with a note of what was done. Raises AlreadyResolved."""
    return end_follow_ups(follow_up_id, Resolution.DONE, by=by, note=note, seen=seen)


@transaction.atomic
def resolve_unknown_outcome(follow_up_id: int, *, by: User, call_again: bool) -> FollowUp:
    """Stop waiting for the result of a call and, if `call_again`, order a new one.

    If its result has come in the meantime, nothing is abandoned or ordered: the follow-up is OVERTAKEN
    (its `resolution`). Raises AlreadyResolved, and OrderRefused when no call may be made now: the follow-up
    then stays open.
    """
    asked = find_follow_up(follow_up_id)
    is_unknown = asked.kind == Kind.UNKNOWN_OUTCOME and asked.call_id is not None
    call = lock_call(asked.call_id) if is_unknown and asked.call_id else None
    same_call = FollowUp.objects.filter(call=asked.call_id, kind=asked.kind) if call else None
    only = [follow_up_id] if same_call is None else [*same_call.values_list("pk", flat=True)]
    entry = lock_entry(follow_up_id, only=only)
    follow_up = next(one for one in entry if one.pk == follow_up_id)
    if call is None or not _abandon(call):
        _close(entry, Resolution.OVERTAKEN, None)
        return follow_up
    if call_again and follow_up.reminder_id:
        order_call(follow_up.reminder_id, by=by)
        _order_for_the_others(call, follow_up, by)
    how, what = (Resolution.CALLED_AGAIN, What.CALLED_AGAIN)
    if not call_again:
        how, what = (Resolution.NOT_CALLED_AGAIN, What.NOT_CALLED_AGAIN)
    change_entry(entry, what, by=by, was={"is_final": True})
    _close(entry, how, by)
    return follow_up


def find_visits_to_confirm(entry: Sequence[FollowUp]) -> list[Appointment]:
    """The coming visits that these follow-ups are about, each once."""
    now = read_database_clock()
    visits = {one.appointment.pk: one.appointment for one in entry if one.appointment}
    return [
        visit
        for visit in visits.values()
        if visit.status == Appointment.Status.BOOKED and visit.starts_at > now
    ]


def _confirm(entry: Sequence[FollowUp], calls: Sequence[CallRecord], by: User, note: str) -> UUID:
    visits = find_visits_to_confirm(entry)
    if not visits:
        raise WorklistRefused(_("There is no coming visit to confirm."))
    former = {str(visit.pk): read_answer(visit) for visit in visits}
    act = _end(entry, calls, Resolution.CONFIRMED_BY_PHONE, by, note, answers=former)
    for visit in visits:
        confirm_by_staff(visit.pk, by=by)
    return act


def _find_number_wrong(entry: Sequence[FollowUp], calls: Sequence[CallRecord], by: User, note: str) -> UUID:
    """The number isn't called again until it is corrected; each coming visit asks for the right one."""
    number = entry[0].contact.phone if entry[0].contact else None
    if number is None:
        raise WorklistRefused(_("There is no number here that could be wrong."))
    if number.unusable_since:
        raise WorklistRefused(_("This number is marked as one that can't be used already."))
    mark_number_unusable(number.pk, UnusableReason.FOUND_WRONG, read_database_clock())
    opened = _ask_for_right_number(entry)
    act = _end(entry, calls, Resolution.WRONG_NUMBER, by, note, number=number.pk, opened=opened)
    recheck_numbers([number.pk])
    return act


def _ask_for_right_number(entry: Sequence[FollowUp]) -> list[int]:
    """Put the coming visits on the worklist again, as ones without a working number; the ids."""
    by_visit = {one.appointment_id: one for one in entry}
    opened = []
    for visit in find_visits_to_confirm(entry):
        last = by_visit[visit.pk]
        if visit.follow_ups.filter(UNRESOLVED, kind=Kind.WRONG_NUMBER).exists():
            continue
        asked = FollowUp.objects.create(
            kind=Kind.WRONG_NUMBER,
            contact=last.contact,
            appointment=visit,
            reminder=last.reminder,
            reason=Reason.NUMBER_UNUSABLE,
            due_at=due_by_database_clock(visit.starts_at),
        )
        opened.append(asked.pk)
    return opened


def _end(
    entry: Sequence[FollowUp],
    calls: Sequence[CallRecord],
    how: FollowUp.Resolution,
    by: User,
    note: str,
    **was: Any,
) -> UUID:
    if how == Resolution.WRONG_NUMBER:  # what asks for the right number stays
        entry = [one for one in entry if one.kind != Kind.WRONG_NUMBER]
    abandoned = [call for call in calls if _abandon(call)]
    was |= {"is_final": True} if abandoned else {}
    act = change_entry(entry, What(how), by=by, deed={"note": note[:NOTE_LENGTH]}, was=was)
    _close(entry, how, by, note)
    of_calls = FollowUp.objects.filter(UNRESOLVED, call__in=calls, kind=Kind.UNKNOWN_OUTCOME)
    _close(list(of_calls), how, by, note)
    return act


def _close(entry: Sequence[FollowUp], how: FollowUp.Resolution, by: User | None, note: str = "") -> None:
    """Resolve them, each with the note, for its own story."""
    values: dict[str, Any] = {
        "state": FollowUp.State.RESOLVED,
        "resolved_by": by,
        "resolved_at": read_database_clock(),
        "resolution": how,
        "note": note[:NOTE_LENGTH],
    }
    for one in entry:
        for name, value in values.items():
            setattr(one, name, value)
    ids = [one.pk for one in entry]
    FollowUp.objects.filter(UNRESOLVED, pk__in=ids).update(**values)


def _lock_unknown_of(follow_up_id: int, seen: Collection[int]) -> list[CallRecord]:
    """The calls of unknown outcome that its entry is about, locked in the order of locking.py."""
    entry = find_same_entry(find_follow_up(follow_up_id))
    if seen:
        entry = entry.filter(pk__in={follow_up_id, *seen})
    about = entry.filter(kind=Kind.UNKNOWN_OUTCOME, call__isnull=False)
    ids = sorted(set(about.values_list("call", flat=True)))
    if ids:  # the appointments of all come before the first call
        household = FollowUp.objects.filter(call__in=ids).values_list("appointment", flat=True)
        own = list(entry.values_list("appointment", "contact__phone"))
        lock_appointments([*household, *(visit for visit, _number in own if visit)])
        lock_numbers(number for _visit, number in own if number)
    return [lock_call(call_id) for call_id in ids if call_id]


def _abandon(call: CallRecord) -> bool:
    """Abandon a locked call; False when its result has come in the meantime."""
    if not close_call(call, CallState.ABANDONED, CallReason.GIVEN_UP, read_database_clock()):
        return False
    for reminder in reminders_of(call):
        if reminder.state == ReminderState.IN_PROGRESS:
            finish_reminder(reminder, ReminderState.DONE, Reason.SETTLED_BY_PERSON)
            reminder.save()
    return True


def _order_for_the_others(call: CallRecord, follow_up: FollowUp, by: User) -> None:
    """Order the call for the whole household; those who may not be called now are left out."""
    for reminder in reminders_of(call):
        if reminder.pk != follow_up.reminder_id:
            with suppress(OrderRefused):
                order_call(reminder.pk, by=by)
