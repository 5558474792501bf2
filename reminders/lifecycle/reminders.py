"""Changing the state of a locked reminder after a decision or an outcome: planned again, or finished.

The functions for one reminder change it, and leave it to their caller to save it: alone, or with many others.
"""

import random
from datetime import UTC, datetime, timedelta

from django.db import transaction
from django.db.models import Case, F, Q, QuerySet, Value, When
from django.db.models.functions import Greatest, Now

from reminders.lifecycle.follow_ups import open_follow_up
from reminders.models import FollowUp, Reminder
from reminders.rules.decide import CAP_LOOK, Decision, Verdict
from reminders.rules.reasons import Reason
from reminders.rules.states import REMINDER_MOVES, ReminderState

# How soon a held reminder is checked again: less often the longer it is held; there may be 50,000 of them.
HELD_LOOK, HELD_LOOK_CAP = timedelta(seconds=30), timedelta(minutes=2)
TOGETHER = timedelta(seconds=10)  # next looks are whole multiples of this, so that many fall together
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
# Reminders that are looked at later than they are due (Reminder.not_before); they have an index.
WAITING = Q(state=ReminderState.PLANNED, next_look_at__gt=Greatest("due_at", "try_after"))

_rng = random.SystemRandom()


class MoveNotAllowed(ValueError):
    """The table doesn't allow this move."""


def apply_decision(reminder: Reminder, decision: Decision, now: datetime) -> None:
    """Carry out a decision other than CALL for a locked reminder that is planned or claimed."""
    match decision.verdict:
        case Verdict.WAIT:
            until = decision.until or now
            if decision.reason == Reason.HELD_BY_CAP:
                until = min(until, now + CAP_LOOK)
            plan_again(reminder, next_look_at=until, reason=decision.reason)
        case Verdict.BLOCK:
            plan_again(reminder, next_look_at=_find_held_look(reminder, now), reason=decision.reason)
            # opened only once: after staff resolve it, the next check doesn't open it again
            lacks_number = decision.reason in (Reason.NO_NUMBER, Reason.NUMBER_UNUSABLE)
            if lacks_number and not _find_number_follow_ups(reminder).exists():
                open_follow_up(FollowUp.Kind.WRONG_NUMBER, reminder=reminder, reason=decision.reason)
        case Verdict.SKIP:
            finish_reminder(reminder, ReminderState.SKIPPED, decision.reason)
        case _:
            mark_missed(reminder, decision.reason)


def _find_held_look(reminder: Reminder, now: datetime) -> datetime:
    """After a quarter of the time it has been held, shortened at random, so that not all are due at once.

    Rounded down to TOGETHER, so that some are: a claim of two hundred costs little more than one of ten.
    """
    held_for = now - reminder.not_before
    wait = min(max(HELD_LOOK, held_for / 4), HELD_LOOK_CAP) * _rng.uniform(0.75, 1)
    return now + wait - (now + wait - EPOCH) % TOGETHER


@transaction.atomic
def recheck_now(held: "QuerySet[Reminder]") -> int:
    """Make waiting reminders due for a check at once, since what they wait for has changed; how many.

    Of `held` those that are looked at later than they are due: they are held, or wait for hours, a cap or a
    turn. Those that another transaction has locked are left out: a dispatch is looking at them just now, and
    sweeps/early_looks.py finds what it has not seen.
    """
    waiting = held.filter(WAITING, next_look_at__gt=Now()).order_by("pk")
    rows = waiting.select_for_update(of=("self",), skip_locked=True, no_key=True)
    ids = list(rows.values_list("pk", flat=True))
    # a turn at the desk is given up: all who wait there get new ones, in the order in which they are due
    reason = Case(When(reason=Reason.DESK_PACE, then=Value("")), default=F("reason"))
    look_at = Greatest(Now(), "due_at", "try_after")
    return Reminder.objects.filter(pk__in=ids).update(next_look_at=look_at, reason=reason, updated_at=Now())


def plan_again(
    reminder: Reminder, *, next_look_at: datetime, reason: str = "", try_after: datetime | None = None
) -> None:
    """Plan a locked reminder again, to be checked from `next_look_at` on.

    With `try_after` it is another try, not before that time. `next_look_at` is `not_after` at the latest, so
    that a reminder whose time is over is marked missed.
    """
    if reminder.state != ReminderState.PLANNED:
        check_reminder_move(reminder.state, ReminderState.PLANNED)
    reminder.state, reminder.reason = ReminderState.PLANNED, reason
    reminder.next_look_at = min(next_look_at, reminder.not_after)
    reminder.try_after = try_after or reminder.try_after
    reminder.claim, reminder.lease_until = None, None


def finish_reminder(reminder: Reminder, state: ReminderState, reason: str) -> None:
    """Move a locked reminder to a final state; in that state already, it only gets the new reason."""
    if reminder.state != state:
        check_reminder_move(reminder.state, state)
    reminder.state, reminder.reason = state, reason
    reminder.claim, reminder.lease_until, reminder.ordered_by = None, None, None


def check_reminder_move(old: str, new: str) -> None:
    """Raises MoveNotAllowed unless a reminder may move from `old` to `new`."""
    if new not in REMINDER_MOVES[old]:
        raise MoveNotAllowed(f"a reminder can't move from {old} to {new}")


def mark_missed(reminder: Reminder, reason: str) -> None:
    """Mark a reminder missed because its time is over, and put it on the worklist (product rule 4)."""
    finish_reminder(reminder, ReminderState.MISSED, reason)
    # an open follow-up about its number says this already, and why
    if not _find_number_follow_ups(reminder).exclude(state=FollowUp.State.RESOLVED).exists():
        why = "" if reason == Reason.TOO_LATE else reason
        open_follow_up(FollowUp.Kind.MISSED, reminder=reminder, reason=why)


def _find_number_follow_ups(reminder: Reminder) -> QuerySet[FollowUp]:
    return FollowUp.objects.filter(
        appointment=reminder.appointment_id, reminder=reminder, kind=FollowUp.Kind.WRONG_NUMBER
    )
