"""Reconciliation: finding calls without a result, claims of lost workers, and missed reminders.

Each is put right or put on the worklist. Nothing here places a call; call_status.py may ask Robotalker about
calls.
"""

from dataclasses import dataclass
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from contacts.database.clock import read_database_clock
from reminders.lifecycle.calls import close_call, reminders_of
from reminders.lifecycle.follow_ups import open_follow_up
from reminders.lifecycle.locking import lock_call
from reminders.models import CallCompanion, CallRecord, FollowUp, Reminder
from reminders.results.unanswered import account_for_all
from reminders.rules.reasons import CallReason
from reminders.rules.states import CallState, ReminderState
from reminders.sweeps.call_status import AskReport, ask_about_calls, askable
from reminders.sweeps.future_times import correct_future_times
from reminders.sweeps.missed import miss_what_is_too_late
from reminders.sweeps.overdue import close_as_overdue
from reminders.sweeps.told_providers import list_told_another_provider

WITHOUT_OUTCOME = (CallState.UNKNOWN, CallState.OVERDUE)
MOST_AT_ONCE = 500  # each round; the next one goes on


@dataclass(frozen=True)
class ReconcileReport:
    """Counts of a round. `questions`: GETs; `healed`: calls whose outcome they gave; `asked`: follow-ups
    about calls; `unaccounted`: visits that were found to stand nowhere, and put on the worklist.
    """

    released: int
    missed: int
    lost: int
    questions: int
    healed: int
    overdue: int
    asked: int
    unaccounted: int


def reconcile(*, ask: bool = True) -> ReconcileReport:
    """One round of everything below; without `ask` no request is made, so the round never waits for one."""
    correct_future_times()
    released = release_expired_claims()
    missed = miss_what_is_too_late(MOST_AT_ONCE)
    lost = mark_lost_submissions()
    list_told_another_provider()
    questions = ask_about_calls() if ask else AskReport()
    return ReconcileReport(
        released=released,
        missed=missed,
        lost=lost,
        questions=questions.asked,
        healed=questions.healed,
        overdue=mark_overdue(),
        asked=ask_about_unknown(),
        unaccounted=account_for_all(),
    )


def release_expired_claims() -> int:
    """Plan reminders again whose claim has expired: its worker was lost and had not sent them."""
    return Reminder.objects.filter(state=ReminderState.CLAIMED, lease_until__lt=Now()).update(
        state=ReminderState.PLANNED, claim=None, lease_until=None, updated_at=Now()
    )


def mark_lost_submissions() -> int:
    """Mark submissions past every deadline as `unknown`: they may have been sent, so are never sent again."""
    longest = timedelta(seconds=settings.DISPATCH_LEASE)
    waiting = CallRecord.objects.filter(state=CallState.SUBMITTING, submitting_at__lt=Now() - longest)
    return sum(_mark_lost(call_id) for call_id in _oldest(waiting))


def mark_overdue() -> int:
    """Mark accepted calls as overdue whose event has not come, and whose outcome Robotalker didn't give.

    Calls that Robotalker can be asked about are left to call_status.py until the grace time is over as well.
    After that they are overdue too, since sending (and so asking) may be paused for long.
    """
    patience, grace = _read_patience()
    waiting = CallRecord.objects.filter(
        ~askable() | Q(submitting_at__lt=Now() - patience - grace),
        state=CallState.SUBMITTED,
        submitting_at__lt=Now() - patience,
    )
    return sum(close_as_overdue(call_id, CallReason.NO_REPORT) for call_id in _oldest(waiting))


def ask_about_unknown() -> int:
    """Open a follow-up for calls without an outcome after the grace time, or at once past `not_after`.

    For an accepted call the grace time begins when its event is overdue. For a household's call the earliest
    `not_after` counts, and each of its appointments gets a follow-up, due by its own time.
    """
    patience, grace = _read_patience()
    too_late_for_one = Exists(
        CallCompanion.objects.filter(call=OuterRef("pk"), reminder__not_after__lte=Now())
    )
    asked_already = FollowUp.objects.filter(
        ~Q(state=FollowUp.State.RESOLVED), call=OuterRef("pk"), kind=FollowUp.Kind.UNKNOWN_OUTCOME
    )
    waiting = CallRecord.objects.filter(
        Q(state=CallState.UNKNOWN, submitting_at__lt=Now() - grace)
        | Q(state=CallState.OVERDUE, submitting_at__lt=Now() - patience - grace)
        | Q(reminder__not_after__lte=Now())
        | too_late_for_one,
        ~Exists(asked_already),
        state__in=WITHOUT_OUTCOME,
    )
    return sum(_ask_a_person(call_id) for call_id in _oldest(waiting))


@transaction.atomic
def _mark_lost(call_id: int) -> bool:
    call = lock_call(call_id)
    if call.state != CallState.SUBMITTING:  # its worker was only slow, or an event has come
        return False
    return close_call(call, CallState.UNKNOWN, CallReason.SENDER_LOST, read_database_clock())


@transaction.atomic
def _ask_a_person(call_id: int) -> bool:
    call = lock_call(call_id)
    if call.state not in WITHOUT_OUTCOME:  # an event has come, or a person has settled it
        return False
    for reminder in reminders_of(call):
        open_follow_up(
            FollowUp.Kind.UNKNOWN_OUTCOME,
            reminder=reminder,
            call=call,
            reason=call.reason,
            detail=call.detail,
        )
    return True


def _oldest(calls: "QuerySet[CallRecord]") -> list[int]:
    return list(calls.order_by("submitting_at").values_list("pk", flat=True)[:MOST_AT_ONCE])


def _read_patience() -> tuple[timedelta, timedelta]:
    """How long an event may take, and how long to wait after that until a follow-up is opened."""
    return timedelta(seconds=settings.EVENT_PATIENCE), timedelta(seconds=settings.UNKNOWN_GRACE)
