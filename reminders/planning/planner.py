"""Planning: writes the reminders that are owed as rows, many at once; running it again changes nothing.

A reminder's identity is (appointment, step, revision); the database keeps it unique. Planning adds what is
missing, and withdraws what is pointless since its appointment was moved or cancelled. It sends nothing.

What can't or must not be sent is skipped from the start, with its reason (SKIPPED_BY_PLANNING): what was due
before it was booked or before somebody was meant (rules/reaching_back.py), and what can never be in time,
calling hours included. A step may have the latter brought forward instead. When a step, a location or a
contact's time zone is corrected, what was skipped so is looked at again.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import Exists, F, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from contacts.database.clock import read_database_clock
from contacts.models import Appointment, Location
from reminders.deciding.coverage import find_covered
from reminders.deciding.situations import hours_of, zones_of
from reminders.models import CallCompanion, CallRecord, Campaign, Reminder, Step
from reminders.planning.bulk_rows import (
    OwedReminder,
    PlannedAppointment,
    as_planned,
    insert_reminders,
    lock_step_and_locations,
    move_reminders,
    read_planned_appointments,
)
from reminders.planning.early_looks import look_again, look_again_at_turns
from reminders.planning.planned_marks import (
    mark_editions_planned,
    mark_planned,
    read_editions,
    read_unplanned,
)
from reminders.planning.preferences import plan_wanted_again
from reminders.rules.calling_hours import CallingHours, last_allowed, next_allowed
from reminders.rules.reaching_back import MeantSince, find_reaching_back
from reminders.rules.reasons import ALWAYS_TOO_LATE, SKIPPED_BY_PLANNING, Reason
from reminders.rules.schedule import OpenDays, Timing, moment_due
from reminders.rules.states import REMINDER_PENDING, ReminderState

REPLANNED_AT_ONCE = 1_000  # reminders, each read with all that its new moment depends on
LONG_AGO = datetime.min.replace(tzinfo=UTC)
MINUTE = timedelta(minutes=1)
# What is brought forward goes out at least this long before calling hours end, where they last as long, so
# that a desk's pace or a busy line doesn't make it too late.
ROOM_BEFORE_CLOSING = timedelta(minutes=30)


@dataclass(frozen=True)
class PlanReport:
    """How many reminders a round of planning added and withdrew."""

    added: int
    withdrawn: int


class StepTiming(NamedTuple):
    """What planning needs of a step, read once for all appointments."""

    timing: Timing
    stop_before: timedelta
    send_late: bool
    bring_forward: bool
    since: MeantSince


class LocationClock(NamedTuple):
    """What planning needs of a location: its clock, its open days and its calling hours."""

    zone: ZoneInfo
    open_days: OpenDays
    hours: CallingHours


class NeverInTime(NamedTuple):
    """For how many of the appointments ahead (`of`) a step can never be in time, and what becomes of it."""

    too_late: int  # its moment is too late: no reminder
    no_hours: int  # no calling hours are left: no reminder
    brought_forward: int  # either of the two: the reminder is sent earlier
    of: int


class ReplanReport(NamedTuple):
    """After an edit: how many reminders have a new time, and how many are now skipped with a reason."""

    moved: int
    skipped: int


def plan_all(now: datetime | None = None) -> PlanReport:
    """Plan every booked appointment after `now` (the database's, if None) for every active campaign."""
    editions = read_editions()
    report = _plan_for_steps(Appointment.objects.all(), Reminder.objects.all(), now or read_database_clock())
    mark_editions_planned(editions)
    _replan_corrected_contacts()
    return report


def plan_appointments(appointment_ids: Sequence[int], now: datetime | None = None) -> PlanReport:
    """The same for a few appointments, at once instead of at the next round, up to a minute later."""
    return _plan_for_steps(
        Appointment.objects.filter(pk__in=appointment_ids),
        Reminder.objects.filter(appointment_id__in=appointment_ids),
        now or read_database_clock(),
    )


def find_owed_reminder(step: Step, appointment: Appointment) -> OwedReminder | None:
    """What `step` owes `appointment` as it stands.

    `location`, `contact.phone` and `step.campaign` must be loaded. None when there is no such moment (the
    location is never open): the next round tries again.
    """
    location = _read_location_clock(appointment.location)
    return _find_owed(_read_step_timing(step), as_planned(appointment), location)


def _find_owed(
    step: StepTiming | None, appointment: PlannedAppointment, location: LocationClock | None
) -> OwedReminder | None:
    if step is None or location is None:
        return None
    not_after = appointment.starts_at - step.stop_before
    try:
        due_at = moment_due(step.timing, appointment.starts_at, location.zone, location.open_days)
    except ValueError:  # one bad row must not stop the planning of all others
        return None
    zones = zones_of(appointment.stated_zone, location.zone.key, appointment.number_zones)
    reason = _find_skip_reason(step, appointment, due_at, not_after) or _find_lack_of_hours(
        max(due_at, appointment.revised_at), not_after, location.hours, zones
    )
    if reason in ALWAYS_TOO_LATE and step.bring_forward and zones:
        earlier = _bring_forward(due_at, not_after, location.hours, zones)
        if earlier and earlier >= max(appointment.revised_at, step.since.latest or earlier):
            return OwedReminder(earlier, not_after, ReminderState.PLANNED, Reason.BROUGHT_FORWARD)
    return OwedReminder(due_at, not_after, ReminderState.SKIPPED if reason else ReminderState.PLANNED, reason)


def _find_lack_of_hours(
    owed_from: datetime, not_after: datetime, hours: CallingHours, zones: Sequence[ZoneInfo]
) -> str:
    """NEVER_IN_HOURS when no moment from `owed_from` until `not_after` is within calling hours, else "".

    Without a zone, or where the hours of several zones never overlap, it is planned and held: that is for a
    person to correct, and not a matter of this appointment's hour.
    """
    if not zones:
        return ""
    allowed = next_allowed(owed_from, hours, zones)
    if allowed is None:
        return Reason.NEVER_IN_HOURS if last_allowed(owed_from, hours, zones, MINUTE) else ""
    return Reason.NEVER_IN_HOURS if allowed >= not_after else ""


def _bring_forward(
    due_at: datetime, not_after: datetime, hours: CallingHours, zones: Sequence[ZoneInfo]
) -> datetime | None:
    """The last allowed moment before it would be too late, with ROOM_BEFORE_CLOSING where possible."""
    latest = min(due_at, not_after - ROOM_BEFORE_CLOSING)
    return last_allowed(latest, hours, zones, ROOM_BEFORE_CLOSING) or last_allowed(
        latest, hours, zones, MINUTE
    )


def _read_step_timing(step: Step) -> StepTiming | None:
    try:
        timing = step.timing
    except ValueError:
        return None
    campaign = step.campaign
    return StepTiming(
        timing,
        step.stop_before,
        send_late=step.if_late == Step.IfLate.SEND_NOW,
        bring_forward=step.if_never_in_time == Step.IfNeverInTime.BRING_FORWARD,
        since=MeantSince(campaign.activated_at, step.since, campaign.filters_since),
    )


def _read_location_clock(location: Location) -> LocationClock | None:
    try:
        return LocationClock(location.zone, open_days_of(location), hours_of(location))
    except (KeyError, ValueError):  # no zone of that name
        return None


def _read_location_clocks(locations: "QuerySet[Location]") -> dict[int, LocationClock | None]:
    return {
        location.pk: _read_location_clock(location) for location in locations.prefetch_related("closed_days")
    }


def open_days_of(location: Location) -> OpenDays:
    """The days on which a location is open, as schedule.py takes them."""
    return OpenDays(
        weekdays=frozenset(location.open_weekdays),
        closed_dates=frozenset(day.date for day in location.closed_days.all()),
    )


def count_never_in_time(step: Step) -> NeverInTime:
    """For how many appointments ahead the step can never be in time, whenever they were booked.

    Calling hours are included. `step.campaign` must be loaded; it need not be active.
    """
    timing = _read_step_timing(step)
    if timing is None:
        return NeverInTime(0, 0, 0, 0)
    timing = timing._replace(since=MeantSince(LONG_AGO, LONG_AGO))
    ahead = Appointment.objects.filter(status=Appointment.Status.BOOKED, starts_at__gt=Now())
    clocks = _read_location_clocks(Location.objects.all())
    counts: Counter[str] = Counter()
    for appointments in read_planned_appointments(find_covered(step, ahead)):
        for appointment in appointments:
            booked_early = appointment._replace(revised_at=LONG_AGO)
            owed = _find_owed(timing, booked_early, clocks.get(appointment.location_id))
            counts[owed.reason if owed else ""] += 1
    return NeverInTime(
        too_late=counts[Reason.NEVER_IN_TIME],
        no_hours=counts[Reason.NEVER_IN_HOURS],
        brought_forward=counts[Reason.BROUGHT_FORWARD],
        of=counts.total(),
    )


def active_steps() -> "QuerySet[Step]":
    """Every step of every active campaign, with its filters."""
    return (
        Step.objects.filter(campaign__state=Campaign.State.ACTIVE)
        .select_related("campaign")
        .prefetch_related("campaign__locations", "campaign__providers")
        .order_by("pk")
    )


def _find_skip_reason(
    step: StepTiming, appointment: PlannedAppointment, due_at: datetime, not_after: datetime
) -> str:
    """The reason to skip it from the start, calling hours aside, or "" (product rules 5, 6 and 29).

    The time of planning doesn't matter: what was owed and is planned too late is missed, and shown as missed.
    """
    booked_at = appointment.revised_at
    if reason := find_reaching_back(max(due_at, booked_at), step.since):
        return reason
    if due_at >= not_after:
        return Reason.NEVER_IN_TIME
    if due_at >= booked_at or (step.send_late and booked_at < not_after):
        return ""
    return Reason.PAST_WHEN_BOOKED


def _plan_for_steps(
    appointments: "QuerySet[Appointment]", reminders: "QuerySet[Reminder]", now: datetime
) -> PlanReport:
    withdrawn = withdraw_pointless(reminders)
    unplanned = read_unplanned(appointments, now)
    plan_wanted_again(reminders)
    added = sum(_add_missing(step, appointments, now) for step in active_steps())
    mark_planned(unplanned)
    return PlanReport(added=added, withdrawn=withdrawn)


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


def plan_campaign(campaign: Campaign) -> int:
    """Plan what a campaign owes as it stands in the database, also while it is paused; how many were added.

    For a paused campaign the new reminders are held, like those planned before the pause.
    """
    now = read_database_clock()
    steps = Step.objects.filter(campaign=campaign).exclude(campaign__state=Campaign.State.DRAFT)
    filters = ("campaign__locations", "campaign__providers")
    in_order = steps.select_related("campaign").prefetch_related(*filters).order_by("pk")
    return sum(_add_missing(step, Appointment.objects.all(), now) for step in in_order)


def replan_campaign(campaign: Campaign) -> int:
    """After an edit of its steps: give reminders without a try their new moment; how many changed.

    One whose new moment lies before the edit is skipped; one that planning had skipped is planned if its new
    moment is still ahead. editing.py records since when the steps have their time.
    """
    return sum(replan_steps(list(campaign.steps.values_list("pk", flat=True))))


def replan_steps(step_ids: Sequence[int]) -> ReplanReport:
    """The same for some steps, with how many were moved and how many are now skipped.

    What waits is looked at again at once (product rule 30).
    """
    reminders = Reminder.objects.filter(step__in=step_ids)
    report = _replan(reminders)
    look_again(reminders)
    return report


def replan_location(location: Location) -> int:
    """The same after an edit of a location: its zone, open days, calling hours or calls per minute."""
    return sum(replan_at_location(location))


@transaction.atomic
def replan_at_location(location: Location) -> ReplanReport:
    """The same, with how many were moved and how many are now skipped.

    What could never be in time by the old hours, and can by the new, is planned even if its moment has
    passed: it waits for the hours like any other.
    """
    # lock it, which waits for every planner that is using it
    list(Location.objects.select_for_update(no_key=True).filter(pk=location.pk))
    reminders = Reminder.objects.filter(appointment__location=location)
    report = _replan(reminders, hours_changed=True)
    look_again_at_turns([location.pk])
    look_again(reminders)
    return report


def _replan_corrected_contacts() -> None:
    """Look again at what had no calling hours, where the contact was edited since: maybe their time zone."""
    edited = Reminder.objects.filter(
        _ARE_SKIPPED,
        reason=Reason.NEVER_IN_HOURS,
        appointment__contact__updated_at__gt=F("updated_at"),
    )
    _replan(edited, hours_changed=True)


_ARE_SKIPPED = Q(
    state=ReminderState.SKIPPED,
    reason__in=SKIPPED_BY_PLANNING,
    revision=F("appointment__revision"),
    appointment__status=Appointment.Status.BOOKED,
    appointment__starts_at__gt=Now(),
)


def _replan(reminders: "QuerySet[Reminder]", *, hours_changed: bool = False) -> ReplanReport:
    waiting = (
        reminders.filter(Q(state=ReminderState.PLANNED) | _ARE_SKIPPED, ordered_by=None)
        .filter(~Exists(CallRecord.objects.filter(reminder=OuterRef("pk"))))
        .filter(~Exists(CallCompanion.objects.filter(reminder=OuterRef("pk"))))
        .select_related("step__campaign", "appointment__location", "appointment__contact__phone")
        .prefetch_related("appointment__location__closed_days")
        .order_by("pk")
        .select_for_update(of=("self",), skip_locked=True)
    )
    now = read_database_clock()
    moved = skipped = last = 0
    while True:
        with transaction.atomic():
            chunk = list(waiting.filter(pk__gt=last)[:REPLANNED_AT_ONCE])
            new = [(one.pk, owed) for one in chunk if (owed := _find_change(one, now, hours_changed))]
            move_reminders(new)
        if not chunk:
            return ReplanReport(moved, skipped)
        last = chunk[-1].pk
        skipped += (dropped := sum(owed.state == ReminderState.SKIPPED for _, owed in new))
        moved += len(new) - dropped


def _find_change(reminder: Reminder, now: datetime, hours_changed: bool) -> OwedReminder | None:
    """What the reminder becomes after an edit; None if it stays as it is."""
    step = _read_step_timing(reminder.step)
    if step and step.since.filters and reminder.created_at < step.since.filters:
        step = step._replace(since=replace(step.since, filters=None))  # it was covered before they changed
    location = _read_location_clock(reminder.appointment.location)
    owed = _find_owed(step, as_planned(reminder.appointment), location)
    if owed is None:
        return None
    if reminder.state == ReminderState.SKIPPED:
        may_be_late = hours_changed and reminder.reason in ALWAYS_TOO_LATE
        is_owed_after_all = owed.state == ReminderState.PLANNED and (owed.due_at > now or may_be_late)
        return owed if is_owed_after_all else None
    if (owed.due_at, owed.not_after) != (reminder.due_at, reminder.not_after):
        return owed
    # The same moment, but no hours are left for it. Once it is due, the last look misses it instead.
    return owed if owed.reason in ALWAYS_TOO_LATE and owed.due_at > now else None


def _add_missing(step: Step, appointments: "QuerySet[Appointment]", now: datetime) -> int:
    planned = Reminder.objects.filter(appointment=OuterRef("pk"), step=step, revision=OuterRef("revision"))
    missing = (
        find_covered(step, appointments)
        .filter(status=Appointment.Status.BOOKED, starts_at__gt=now)
        .filter(~Exists(planned))
    )
    return sum(_add(step.pk, appointments) for appointments in read_planned_appointments(missing))


@transaction.atomic
def _add(step_id: int, appointments: Sequence[PlannedAppointment]) -> int:
    """Insert the step's reminders for them, with the step and the locations locked against edits."""
    location_ids = {appointment.location_id for appointment in appointments}
    lock_step_and_locations(step_id, location_ids)
    timing = _read_step_timing(Step.objects.select_related("campaign").get(pk=step_id))
    clocks = _read_location_clocks(Location.objects.filter(pk__in=location_ids))
    owed = [
        (appointment, reminder)
        for appointment in appointments
        if (reminder := _find_owed(timing, appointment, clocks.get(appointment.location_id)))
    ]
    return insert_reminders(step_id, owed)
