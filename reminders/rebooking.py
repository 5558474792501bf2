"""What staff do to an appointment, and what it means for its reminders, in one transaction.

The doors of the browser and the admin call these. Each changes the appointment through
contacts/appointments.py and replans it at once, so that a cancelled or moved appointment has nothing
pending the moment the change is committed.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils import timezone

from contacts import appointments
from contacts.models import Appointment, Location, Provider
from reminders.models import Reminder, Step
from reminders.planning import active_steps, find_covered, plan_appointments, promise
from reminders.states import REMINDER_PENDING


@dataclass(frozen=True)
class PlannedMove:
    """What a move would do to one step: its moment before and after (aware UTC; None: no call)."""

    step: Step
    old_due_at: datetime | None
    new_due_at: datetime | None
    reason: str  # a code of reasons.Reason when there would be no call, else ""

    @property
    def changes(self) -> bool:
        return self.old_due_at != self.new_due_at


@transaction.atomic
def book_and_plan(**booking: Any) -> Appointment:
    """Book it (arguments of contacts.appointments.book_appointment) and plan its reminders."""
    appointment = appointments.book_appointment(**booking)
    plan_appointments([appointment.pk])
    return appointment


@transaction.atomic
def move_and_replan(
    appointment_id: int,
    *,
    starts_at: datetime,
    ends_at: datetime,
    location: Location | None = None,
    provider: Provider | None = None,
    by: User | None = None,
) -> Appointment:
    """Move it; what was pending for the old time is withdrawn, what the new time owes is planned."""
    moved = appointments.move_appointment(
        appointment_id, starts_at=starts_at, ends_at=ends_at, location=location, provider=provider, by=by
    )
    plan_appointments([appointment_id])
    return moved


@transaction.atomic
def cancel_and_withdraw(appointment_id: int, *, by: User | None = None, how: str = "") -> Appointment:
    """Cancel it; nothing of it is called any more once this is committed."""
    cancelled = appointments.cancel_appointment(appointment_id, by=by, how=how)
    plan_appointments([appointment_id])
    return cancelled


@transaction.atomic
def reinstate_and_plan(appointment_id: int, *, by: User | None = None) -> Appointment:
    """Book a cancelled appointment again, with its reminders."""
    booked = appointments.reinstate_appointment(appointment_id, by=by)
    plan_appointments([appointment_id])
    return booked


def confirm_by_staff(appointment_id: int, *, by: User) -> bool:
    """Mark it confirmed because the patient said so; True if that now stands."""
    appointment = Appointment.objects.get(pk=appointment_id)
    return appointments.record_answer(
        appointment_id,
        Appointment.Answer.CONFIRMED,
        revision=appointment.revision,
        at=timezone.now(),
        how="staff",
        by=by,
    )


def preview_move(
    appointment: Appointment, starts_at: datetime, location: Location | None = None
) -> list[PlannedMove]:
    """What moving it there would do to each step, without changing anything."""
    now = timezone.now()
    pending = {
        reminder.step_id: reminder.due_at
        for reminder in Reminder.objects.filter(appointment=appointment, state__in=REMINDER_PENDING)
    }
    moved = Appointment(
        pk=appointment.pk, location=location or appointment.location, starts_at=starts_at, revised_at=now
    )
    return [
        _preview_step(step, moved, pending.get(step.pk), now)
        for step in active_steps()
        if find_covered(step, Appointment.objects.filter(pk=appointment.pk)).exists()
    ]


def _preview_step(step: Step, moved: Appointment, old_due_at: datetime | None, now: datetime) -> PlannedMove:
    owed = promise(step, moved, now)
    if owed is None or owed.reason:
        return PlannedMove(step, old_due_at, None, owed.reason if owed else "")
    return PlannedMove(step, old_due_at, owed.due_at, "")
