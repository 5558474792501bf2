"""Planning: which reminders are owed, as rows. Set-wise, and the same however often it runs.

A reminder's identity is (appointment, step, revision); the database keeps it unique. Planning adds what
is missing and withdraws what a move or a cancellation has made pointless. It never sends anything.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.utils import timezone

from contacts.models import Appointment, Location
from reminders.models import CallRecord, Campaign, Reminder, Step
from reminders.reasons import Reason
from reminders.schedule import OpenDays, moment_due
from reminders.states import REMINDER_PENDING, ReminderState

CHUNK = 5_000  # rows per INSERT: bounds memory, and keeps each statement short


@dataclass(frozen=True)
class PlanReport:
    """What a round of planning did, in numbers of reminders."""

    added: int
    withdrawn: int


@dataclass(frozen=True)
class Promise:
    """What a step owes one appointment: the moment, the end, and the state it begins in."""

    due_at: datetime
    not_after: datetime
    state: ReminderState
    reason: str


def plan_all(now: datetime | None = None) -> PlanReport:
    """Plan every booked appointment ahead for every active campaign."""
    return _plan(Appointment.objects.all(), Reminder.objects.all(), now or timezone.now())


def plan_appointments(appointment_ids: Sequence[int], now: datetime | None = None) -> PlanReport:
    """The same for a few appointments, at once instead of within the minute."""
    return _plan(
        Appointment.objects.filter(pk__in=appointment_ids),
        Reminder.objects.filter(appointment_id__in=appointment_ids),
        now or timezone.now(),
    )


def promise(step: Step, appointment: Appointment, now: datetime) -> Promise | None:
    """What `step` owes `appointment` as it stands. `location` and `step.campaign` must be loaded.

    None when there is no such moment (a location that is never open): it is asked again at the next round.
    """
    location = appointment.location
    not_after = appointment.starts_at - step.stop_before
    try:
        due_at = moment_due(step.timing, appointment.starts_at, location.zone, open_days_of(location))
    except ValueError:  # one bad row must not stop the planning of all
        return None
    reason = _why_not(step, appointment, due_at, not_after, now)
    state = ReminderState.SKIPPED if reason else ReminderState.PLANNED
    return Promise(due_at, not_after, state, reason)


def open_days_of(location: Location) -> OpenDays:
    """The days a location is open, as schedule.py wants them."""
    return OpenDays(
        weekdays=frozenset(location.open_weekdays),
        closed_dates=frozenset(day.date for day in location.closed_days.all()),
    )


def covers(campaign: Campaign, appointment: Appointment) -> bool:
    """Whether the campaign is for this appointment; find_covered() asks the same of many."""
    locations = {location.pk for location in campaign.locations.all()}
    providers = {provider.pk for provider in campaign.providers.all()}
    return (
        (not locations or appointment.location_id in locations)
        and (not providers or appointment.provider_id in providers)
        and (not campaign.kinds or appointment.kind in campaign.kinds)
    )


def find_covered(step: Step, appointments: "QuerySet[Appointment]") -> "QuerySet[Appointment]":
    """Those of `appointments` that the step's campaign is for. Empty filters mean everybody."""
    campaign = step.campaign
    if locations := [location.pk for location in campaign.locations.all()]:
        appointments = appointments.filter(location__in=locations)
    if providers := [provider.pk for provider in campaign.providers.all()]:
        appointments = appointments.filter(provider__in=providers)
    if campaign.kinds:
        appointments = appointments.filter(kind__in=campaign.kinds)
    return appointments


def active_steps() -> "QuerySet[Step]":
    """Every step of every active campaign, with its filters."""
    return (
        Step.objects.filter(campaign__state=Campaign.State.ACTIVE)
        .select_related("campaign")
        .prefetch_related("campaign__locations", "campaign__providers")
        .order_by("pk")
    )


def _why_not(
    step: Step, appointment: Appointment, due_at: datetime, not_after: datetime, now: datetime
) -> str:
    """The reason to skip it from the start, or "" (product rules 5 and 6)."""
    activated_at = step.campaign.activated_at
    if activated_at is None or due_at < activated_at:
        return Reason.BEFORE_ACTIVATION
    if due_at >= not_after:
        return Reason.TOO_LATE
    if due_at >= appointment.revised_at:
        return ""
    send_late = step.if_late == Step.IfLate.SEND_NOW and now < not_after
    return "" if send_late else Reason.PAST_WHEN_BOOKED


def _plan(
    appointments: "QuerySet[Appointment]", reminders: "QuerySet[Reminder]", now: datetime
) -> PlanReport:
    withdrawn = withdraw_pointless(reminders)
    added = sum(_add_missing(step, appointments, now) for step in active_steps())
    return PlanReport(added=added, withdrawn=withdrawn)


def withdraw_pointless(reminders: "QuerySet[Reminder]") -> int:
    """Withdraw what is pending for an old revision, or for a cancelled appointment.

    What a dispatcher holds just now is left to its last look, which sees the same. A visit that is
    recorded withdraws nothing: should that have been a slip, the reminders still stand.
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
        updated_at=timezone.now(),
    )


@transaction.atomic
def replan_campaign(campaign: Campaign) -> int:
    """After an edit of its steps: give what waits and was never tried its new moment; how many moved."""
    now = timezone.now()
    waiting = (
        Reminder.objects.filter(step__campaign=campaign, state=ReminderState.PLANNED)
        .filter(~Exists(CallRecord.objects.filter(reminder=OuterRef("pk"))))
        .select_related("step__campaign", "appointment__location")
        .prefetch_related("appointment__location__closed_days")
        .order_by("pk")
        .select_for_update(of=("self",), skip_locked=True)
    )
    moved = [reminder for reminder in waiting if _take_new_moment(reminder, now)]
    Reminder.objects.bulk_update(
        moved, ["due_at", "not_after", "next_look_at", "state", "reason"], batch_size=CHUNK
    )
    return len(moved)


def _take_new_moment(reminder: Reminder, now: datetime) -> bool:
    owed = promise(reminder.step, reminder.appointment, now)
    if owed is None or (owed.due_at, owed.not_after) == (reminder.due_at, reminder.not_after):
        return False
    reminder.due_at, reminder.not_after, reminder.next_look_at = owed.due_at, owed.not_after, owed.due_at
    reminder.state, reminder.reason = owed.state, owed.reason
    return True


def _add_missing(step: Step, appointments: "QuerySet[Appointment]", now: datetime) -> int:
    planned = Reminder.objects.filter(appointment=OuterRef("pk"), step=step, revision=OuterRef("revision"))
    missing = (
        find_covered(step, appointments)
        .filter(status=Appointment.Status.BOOKED, starts_at__gt=now)
        .filter(~Exists(planned))
        .order_by("pk")
    )
    added = 0
    for chunk in _chunks(missing):
        rows = [row for appointment in chunk if (row := _build_reminder(step, appointment, now))]
        # two planners at once: the unique identity lets one of them win, silently
        Reminder.objects.bulk_create(rows, ignore_conflicts=True)
        added += len(rows)
    return added


def _chunks(missing: "QuerySet[Appointment]") -> Iterator[list[Appointment]]:
    """The appointments in chunks, by key, each with its location (one object per location)."""
    locations = {location.pk: location for location in Location.objects.prefetch_related("closed_days")}
    fields = ("pk", "location_id", "starts_at", "revision", "revised_at")
    last = 0
    while chunk := list(missing.filter(pk__gt=last).only(*fields)[:CHUNK]):
        for appointment in chunk:
            appointment.location = locations[appointment.location_id]
        yield chunk
        last = chunk[-1].pk


def _build_reminder(step: Step, appointment: Appointment, now: datetime) -> Reminder | None:
    owed = promise(step, appointment, now)
    if owed is None:
        return None
    return Reminder(
        appointment=appointment,
        step=step,
        revision=appointment.revision,
        due_at=owed.due_at,
        not_after=owed.not_after,
        next_look_at=owed.due_at,
        state=owed.state,
        reason=owed.reason,
    )
