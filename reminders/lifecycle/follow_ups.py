"""Opening and closing follow-ups on the worklist automatically. Staff resolve them in desk/worklist.py."""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.db.models import Value
from django.db.models.functions import Greatest, Least, Now

from contacts.database.saving import save_collected
from reminders.models import CallRecord, FollowUp, Reminder, Step
from reminders.rules.states import REMINDER_OPEN

PATIENCE = timedelta(hours=4)  # a follow-up is due this long after it is opened,
BEFORE_VISIT = timedelta(hours=1)  # or, if that is earlier, this long before the appointment


def open_follow_up(
    kind: str, *, reminder: Reminder, call: CallRecord | None = None, reason: str = "", detail: str = ""
) -> None:
    """Put a follow-up on the worklist, unless one of that kind is open for the appointment.

    `reason` is a code of reasons.SENTENCES or "", `detail` is what phrase_for() adds to its sentence.
    """
    appointment = reminder.appointment
    follow_up = FollowUp(
        kind=kind,
        contact_id=appointment.contact_id,
        appointment=appointment,
        reminder=reminder,
        call=call,
        reason=reason,
        detail=detail[:300],
        due_at=due_by_database_clock(appointment.starts_at),
    )
    FollowUp.objects.bulk_create([follow_up], ignore_conflicts=True)


def find_due_time(starts_at: datetime, now: datetime) -> datetime:
    """When a follow-up is due: within four hours and an hour before the appointment, but not before now."""
    return max(now, min(now + PATIENCE, starts_at - BEFORE_VISIT))


def due_by_database_clock(starts_at: datetime) -> Greatest:
    """find_due_time() in SQL, by the database's clock when the row is written. A test compares both."""
    return Greatest(Now(), Least(Now() + PATIENCE, Value(starts_at - BEFORE_VISIT)))


def open_if_nothing_follows(kind: str, *, reminder: Reminder, call: CallRecord) -> None:
    """Put a follow-up on the worklist unless another reminder will be sent or the patient has answered."""
    save_collected()  # the query below must see this reminder's final state
    appointment = reminder.appointment
    more = appointment.reminders.filter(state__in=REMINDER_OPEN, revision=appointment.revision).exclude(
        step__audience=Step.Audience.CONFIRMED  # those aren't sent to a patient who has not confirmed
    )
    if not appointment.current_answer and not more.exists():
        open_follow_up(kind, reminder=reminder, call=call)


def resolve_automatically(call: CallRecord, kinds: Sequence[str]) -> None:
    """Resolve the call's open follow-ups of these kinds, because a later event has made them pointless."""
    open_ones = FollowUp.objects.filter(call=call, kind__in=kinds).exclude(state=FollowUp.State.RESOLVED)
    open_ones.update(
        state=FollowUp.State.RESOLVED, resolved_at=Now(), resolution=FollowUp.Resolution.OVERTAKEN
    )
