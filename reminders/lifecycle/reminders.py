"""Bringing a locked reminder to where a decision or an outcome leads: planned again, or settled."""

import random
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from contacts.database.saving import save_row
from reminders.lifecycle.follow_ups import open_follow_up
from reminders.models import FollowUp, Reminder
from reminders.rules.decide import CAP_LOOK, Decision, Verdict
from reminders.rules.reasons import Reason
from reminders.rules.states import ReminderState, check_reminder_move

# How soon a held reminder is looked at again: less often the longer it is held, for it may be one of 50,000.
HELD_LOOK, HELD_LOOK_CAP = timedelta(seconds=30), timedelta(minutes=2)
TOGETHER = timedelta(seconds=10)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

_rng = random.SystemRandom()


def apply_decision(reminder: Reminder, decision: Decision, now: datetime) -> None:
    """Do what a decision other than CALL says to a locked reminder that is planned or claimed."""
    match decision.verdict:
        case Verdict.WAIT:
            until = decision.until or now
            if decision.reason == Reason.HELD_BY_CAP:
                until = min(until, now + CAP_LOOK)
            plan_again(reminder, next_look_at=until, reason=decision.reason)
        case Verdict.BLOCK:
            plan_again(reminder, next_look_at=_find_held_look(reminder, now), reason=decision.reason)
            _ask_for_a_number(reminder, decision.reason)
        case Verdict.SKIP:
            finish_reminder(reminder, ReminderState.SKIPPED, decision.reason)
        case _:
            mark_missed(reminder, decision.reason)


def _find_held_look(reminder: Reminder, now: datetime) -> datetime:
    """After a quarter of the time it has been held; a little earlier by chance, so that not all come at once.

    On a whole TOGETHER, so that some do: looking at two hundred in one claim costs little more than at ten.
    """
    held_for = now - reminder.not_before
    wait = min(max(HELD_LOOK, held_for / 4), HELD_LOOK_CAP) * _rng.uniform(0.75, 1)
    return now + wait - (now + wait - EPOCH) % TOGETHER


@transaction.atomic
def recheck_now(held: "QuerySet[Reminder]") -> int:
    """Look at once at those that are held, since a person has changed what held them; how many.

    What a dispatcher has in hand just now it puts back, and looks at again within HELD_LOOK_CAP.
    """
    waiting = held.filter(state=ReminderState.PLANNED, next_look_at__gt=Now()).order_by("pk")
    rows = waiting.select_for_update(of=("self",), skip_locked=True, no_key=True)
    ids = list(rows.values_list("pk", flat=True))
    return Reminder.objects.filter(pk__in=ids).update(next_look_at=Now(), updated_at=Now())


def plan_again(
    reminder: Reminder, *, next_look_at: datetime, reason: str = "", try_after: datetime | None = None
) -> None:
    """Plan a locked reminder again, to be looked at from `next_look_at` on.

    With `try_after` it is another try, not before that moment. Nothing waits past its `not_after`: it is
    looked at then, and missed in the open.
    """
    if reminder.state != ReminderState.PLANNED:
        check_reminder_move(reminder.state, ReminderState.PLANNED)
    reminder.state, reminder.reason = ReminderState.PLANNED, reason
    reminder.next_look_at = min(next_look_at, reminder.not_after)
    reminder.try_after = try_after or reminder.try_after
    reminder.claim, reminder.lease_until = None, None
    save_row(reminder)


def finish_reminder(reminder: Reminder, state: ReminderState, reason: str) -> None:
    """Bring a locked reminder to a state it stays in; another reason for the same state is welcome."""
    if reminder.state != state:
        check_reminder_move(reminder.state, state)
    reminder.state, reminder.reason = state, reason
    reminder.claim, reminder.lease_until, reminder.ordered_by = None, None, None
    save_row(reminder)


def mark_missed(reminder: Reminder, reason: str) -> None:
    """Its time is over: visible, and on the worklist (product rule 4)."""
    finish_reminder(reminder, ReminderState.MISSED, reason)
    # where there is an entry about its number, that one says it already, and why
    if not _number_entries(reminder).exclude(state=FollowUp.State.RESOLVED).exists():
        why = "" if reason == Reason.TOO_LATE else reason
        open_follow_up(FollowUp.Kind.MISSED, reminder=reminder, reason=why)


def _ask_for_a_number(reminder: Reminder, reason: str) -> None:
    """Once: an entry that somebody has resolved isn't opened again at the next look."""
    lacks_number = reason in (Reason.NO_NUMBER, Reason.NUMBER_UNUSABLE)
    if lacks_number and not _number_entries(reminder).exists():
        open_follow_up(FollowUp.Kind.WRONG_NUMBER, reminder=reminder, reason=reason)


def _number_entries(reminder: Reminder) -> QuerySet[FollowUp]:
    return FollowUp.objects.filter(
        appointment=reminder.appointment_id, reminder=reminder, kind=FollowUp.Kind.WRONG_NUMBER
    )
