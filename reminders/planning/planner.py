"""Planning: writes the reminders that are owed as rows, many at once; running it again changes nothing.

A reminder's identity is (appointment, step, revision); the database keeps it unique. Planning adds what is
missing, and withdraws what is pointless since its appointment was moved or cancelled. It sends nothing.
What a step owes, and what is skipped from the start, is found in owed_reminders.py.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from contacts.database.clock import read_database_clock
from contacts.models import Appointment, Location
from reminders.deciding.coverage import find_covered, find_patient_change, read_filters
from reminders.models import Campaign, Reminder, Step
from reminders.planning.bulk_rows import (
    PlannedAppointment,
    insert_reminders,
    lock_steps_and_locations,
    read_planned_appointments,
)
from reminders.planning.owed_reminders import find_owed, read_location_clocks, read_step_timing
from reminders.planning.planned_marks import (
    mark_editions_planned,
    mark_planned,
    read_editions,
    read_unplanned,
)
from reminders.planning.preferences import plan_wanted_again
from reminders.planning.replanning import replan_corrected_contacts
from reminders.rules.reasons import Reason
from reminders.rules.schedule import TimingKind
from reminders.rules.states import REMINDER_PENDING, ReminderState


class Missing(NamedTuple):
    """Appointments that have no reminder of a step yet. `booked`: their bookings were read, as it needs."""

    step_id: int
    booked: bool
    appointments: Sequence[PlannedAppointment]


@dataclass(frozen=True)
class PlanReport:
    """How many reminders a round of planning added and withdrew."""

    added: int
    withdrawn: int


def plan_all(now: datetime | None = None) -> PlanReport:
    """Plan every booked appointment after `now` (the database's, if None) for every active campaign."""
    editions = read_editions()
    report = _plan_for_steps(Appointment.objects.all(), Reminder.objects.all(), now or read_database_clock())
    mark_editions_planned(editions)
    replan_corrected_contacts()
    return report


def plan_appointments(appointment_ids: Sequence[int], now: datetime | None = None) -> PlanReport:
    """The same for a few appointments, at once instead of at the next round, up to a minute later."""
    return _plan_for_steps(
        Appointment.objects.filter(pk__in=appointment_ids),
        Reminder.objects.filter(appointment_id__in=appointment_ids),
        now or read_database_clock(),
        are_few=True,
    )


def plan_campaign(campaign: Campaign) -> int:
    """Plan what a campaign owes as it stands in the database, also while it is paused; how many were added.

    For a paused campaign the new reminders are held, like those planned before the pause.
    """
    steps = Step.objects.in_use().filter(campaign=campaign).exclude(campaign__state=Campaign.State.DRAFT)
    filters = ("campaign__locations", "campaign__providers")
    in_order = steps.select_related("campaign").prefetch_related(*filters).order_by("pk")
    appointments, now = Appointment.objects.all(), read_database_clock()
    return sum(_add([missing]) for step in in_order for missing in _find_missing(step, appointments, now))


def active_steps() -> "QuerySet[Step]":
    """Every step of every active campaign, with its filters."""
    return (
        Step.objects.in_use()
        .filter(campaign__state=Campaign.State.ACTIVE)
        .select_related("campaign")
        .prefetch_related("campaign__locations", "campaign__providers")
        .order_by("pk")
    )


def _plan_for_steps(
    appointments: "QuerySet[Appointment]",
    reminders: "QuerySet[Reminder]",
    now: datetime,
    *,
    are_few: bool = False,
) -> PlanReport:
    """`are_few`: what all steps owe them is found first, and then added in one transaction."""
    withdrawn = withdraw_pointless(reminders)
    unplanned = read_unplanned(appointments, now)
    plan_wanted_again(reminders)
    found = (missing for step in active_steps() for missing in _find_missing(step, appointments, now))
    added = _add(list(found)) if are_few else sum(_add([missing]) for missing in found)
    mark_planned(unplanned)
    return PlanReport(added=added, withdrawn=withdrawn)


def _find_missing(step: Step, appointments: "QuerySet[Appointment]", now: datetime) -> Iterator[Missing]:
    """In chunks, the next of which is read when it is asked for."""
    planned = Reminder.objects.filter(appointment=OuterRef("pk"), step=step, revision=OuterRef("revision"))
    missing = (
        find_covered(step, appointments)
        .filter(status=Appointment.Status.BOOKED, starts_at__gt=now)
        .filter(~Exists(planned))
    )
    booked = step.timing_kind == TimingKind.AFTER_BOOKING
    patient_at = find_patient_change(read_filters(step.campaign))
    for chunk in read_planned_appointments(missing, booked=booked, patient_at=patient_at):
        yield Missing(step.pk, booked, chunk)


@transaction.atomic
def _add(found: Sequence[Missing]) -> int:
    """Insert their reminders, with the steps and the locations locked against edits; how many.

    A step that has come to need the bookings, which weren't read, is left to the next round. One that was
    taken out meanwhile adds none.
    """
    location_ids = {appointment.location_id for missing in found for appointment in missing.appointments}
    if not location_ids:
        return 0
    step_ids = {missing.step_id for missing in found}
    lock_steps_and_locations(step_ids, location_ids)
    steps = Step.objects.select_related("campaign").in_bulk(step_ids)
    clocks = read_location_clocks(Location.objects.filter(pk__in=location_ids))
    added = 0
    for missing in found:
        step = steps.get(missing.step_id)
        timing = read_step_timing(step) if step else None
        if step is None or step.removed_at or (timing and timing.is_after_booking and not missing.booked):
            continue
        owed = [
            (appointment, reminder)
            for appointment in missing.appointments
            if (reminder := find_owed(timing, appointment, clocks.get(appointment.location_id)))
        ]
        added += insert_reminders(missing.step_id, owed)
    return added


def withdraw_pointless(reminders: "QuerySet[Reminder]") -> int:
    """Withdraw what is pending for an old revision, or for a cancelled appointment.

    What a dispatcher has locked is left to its last look, which finds the same. Recording that
    a patient came withdraws nothing: if that was a mistake and is undone, the reminders are still there.
    """
    pending = reminders.filter(state__in=REMINDER_PENDING)
    return sum(
        _withdraw(group, reason)
        for group, reason in [
            (pending.filter(appointment__status=Appointment.Status.CANCELLED), Reason.CANCELLED),
            (pending.filter(~Q(revision=F("appointment__revision"))), Reason.MOVED),
        ]
    )


@transaction.atomic
def _withdraw(pointless: "QuerySet[Reminder]", reason: str) -> int:
    held = pointless.order_by("pk").select_for_update(of=("self",), skip_locked=True)
    return Reminder.objects.filter(pk__in=list(held.values_list("pk", flat=True))).update(
        state=ReminderState.WITHDRAWN,
        reason=reason,
        claim=None,
        lease_until=None,
        updated_at=Now(),
    )
