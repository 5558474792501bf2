"""Putting things on the worklist: the flow opens entries, staff settle them (worklist.py)."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Value
from django.db.models.functions import Greatest, Least, Now

from contacts.database.saving import save_collected
from reminders.models import CallRecord, FollowUp, Reminder, Step
from reminders.rules.states import REMINDER_OPEN

PATIENCE = timedelta(hours=4)  # by when somebody should have looked
BEFORE_VISIT = timedelta(hours=1)  # and in any case so long before the appointment


def open_follow_up(
    kind: str, *, reminder: Reminder, call: CallRecord | None = None, reason: str = "", detail: str = ""
) -> None:
    """Put it on the worklist; while an entry of that kind is open for the appointment, once is enough.

    `reason` is a code of reasons.SENTENCES or "", `detail` what phrase_for() says with it.
    """
    appointment = reminder.appointment
    entry = FollowUp(
        kind=kind,
        contact_id=appointment.contact_id,
        appointment=appointment,
        reminder=reminder,
        call=call,
        reason=reason,
        detail=detail[:300],
        due_at=due_by_database_clock(appointment.starts_at),
    )
    FollowUp.objects.bulk_create([entry], ignore_conflicts=True)


def find_due_time(starts_at: datetime, now: datetime) -> datetime:
    """By when to see to it: within four hours, and an hour before the visit, but not before now."""
    return max(now, min(now + PATIENCE, starts_at - BEFORE_VISIT))


def due_by_database_clock(starts_at: datetime) -> Greatest:
    """find_due_time() in SQL, by the clock that counts, when the row is written. A test holds both equal."""
    return Greatest(Now(), Least(Now() + PATIENCE, Value(starts_at - BEFORE_VISIT)))


def open_if_nothing_follows(kind: str, *, reminder: Reminder, call: CallRecord) -> None:
    """Put it on the worklist unless another reminder is still to come or the patient has answered."""
    save_collected()  # what is asked next must know how this reminder itself has ended
    appointment = reminder.appointment
    more = appointment.reminders.filter(state__in=REMINDER_OPEN, revision=appointment.revision).exclude(
        step__audience=Step.Audience.CONFIRMED  # who was never reached won't be called by those
    )
    if not appointment.current_answer and not more.exists():
        open_follow_up(kind, reminder=reminder, call=call)


def resolve_automatically(call: CallRecord, kinds: Sequence[str]) -> None:
    """Take from the worklist what the call had put there, because Robotalker has since told better."""
    entries = FollowUp.objects.filter(call=call, kind__in=kinds).exclude(state=FollowUp.State.RESOLVED)
    entries.update(state=FollowUp.State.RESOLVED, resolved_at=Now(), resolution=FollowUp.Resolution.OVERTAKEN)
