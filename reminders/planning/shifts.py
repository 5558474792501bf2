"""Reminders of appointments whose moment changes while their wall time stays (contacts/shifts.py).

Nothing new is planned and nothing is planned twice: the reminders of the present revision that may still be
sent get the moments that their step means by the new reckoning. One whose moment has thereby passed is sent
late if it still is in time, as after any delay. One that would not have been planned at all by the new
reckoning is not sent, but a person is told.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.db.models import Exists, F, OuterRef, QuerySet

from contacts.appointments import lock_appointments
from contacts.database.clock import read_database_clock
from contacts.database.saving import save_rows
from contacts.models import Appointment, AppointmentChange, Location
from contacts.shifts import Shift, find_shifts, save_shifts
from reminders.deciding.situations import read_reminder_facts, with_situation
from reminders.lifecycle.follow_ups import find_due_time
from reminders.lifecycle.reminders import finish_reminder, mark_missed
from reminders.models import CallCompanion, CallRecord, Campaign, FollowUp, Reminder
from reminders.planning.owed_reminders import find_owed_reminder
from reminders.planning.replanning import replan_location
from reminders.rules.decide import Verdict, decide
from reminders.rules.schedule import TimingKind
from reminders.rules.states import REMINDER_OPEN, ReminderState


@dataclass(frozen=True)
class ReminderShift:
    """A reminder and its new moments (aware UTC). `not_owed`: a code of reasons.Reason if it isn't sent."""

    reminder: Reminder
    due_at: datetime
    not_after: datetime
    next_look_at: datetime
    not_owed: str = ""

    def is_too_late(self, now: datetime) -> bool:
        """Whether it is not sent any more, so that a person has to act."""
        return bool(self.not_owed) or self.not_after <= now

    @property
    def changes(self) -> bool:
        old = self.reminder
        return (self.due_at, self.not_after) != (old.due_at, old.not_after)


@dataclass(frozen=True)
class ShiftReport:
    """Which appointments get a new moment or zone (their rows have it already), and which reminders."""

    appointments: Sequence[Shift]
    reminders: Sequence[ReminderShift]


def rederive_times() -> int:
    """Give what is ahead the moments that its wall times have by the present rules; how many were wrong.

    Run after each migration, since a release may bring new zone data. Running it again changes nothing.
    """
    location_ids = Location.objects.order_by("pk").values_list("pk", flat=True)
    return sum(_rederive_at(location_id) for location_id in list(location_ids))


def recount_open_days() -> int:
    """Give what counts open days the moments that public holidays now mean; how many reminders changed.

    Run after each migration, since a release may bring new holidays. Running it again changes nothing.
    """
    counting = Campaign.objects.filter(steps__timing_kind=TimingKind.OPEN_DAYS_BEFORE)
    if not counting.exists():
        return 0
    return sum(
        sum(replan_location(location)) for location in Location.objects.exclude(country="").order_by("pk")
    )


@transaction.atomic
def _rederive_at(location_id: int) -> int:
    report = shift_appointments(lock_location(location_id), AppointmentChange.What.RULES_CHANGED)
    return len(report.appointments)


def lock_location(location_id: int) -> Location:
    """The location, locked so that nothing is booked or planned there. Raises Location.DoesNotExist."""
    locations = Location.objects.select_for_update(no_key=True).prefetch_related("closed_days")
    return locations.get(pk=location_id)


def shift_appointments(
    location: Location, what: str, *, zone: str = "", by: User | None = None
) -> ShiftReport:
    """Derive again the moments of what is ahead at a locked location, and those of its reminders.

    `zone`: the zone to go by from now on, which the row of the location has already; else each appointment's
    own. `what`: the kind of line that each story gets.
    """
    now = read_database_clock()
    ahead = Appointment.objects.filter(location=location)
    ids = [shift.appointment.pk for shift in find_shifts(ahead, now, zone=zone)]
    lock_appointments(ids)
    shifts = find_shifts(_with_people(ahead.filter(pk__in=ids)), now, zone=zone)
    save_shifts(shifts, what, now=now, by=by)
    waiting = Reminder.objects.select_for_update(of=("self",))
    reminders = _find_reminder_shifts(waiting, shifts, location, now)
    for each in reminders:
        _shift_reminder(each, now)
    save_rows([each.reminder for each in reminders])
    _bring_follow_ups_forward(shifts, now)
    return ShiftReport(shifts, reminders)


def preview_shifts(location: Location, zone: str) -> ShiftReport:
    """What shift_appointments() would do if the location had this zone. Writes and locks nothing.

    `location` is given the zone in memory.
    """
    now = read_database_clock()
    location.time_zone = zone
    shifts = find_shifts(_with_people(Appointment.objects.filter(location=location)), now, zone=zone)
    for shift in shifts:
        shift.apply()
    return ShiftReport(shifts, _find_reminder_shifts(Reminder.objects.all(), shifts, location, now))


def _with_people(appointments: "QuerySet[Appointment]") -> "QuerySet[Appointment]":
    return appointments.select_related("contact__phone", "provider")


def _find_reminder_shifts(
    reminders: "QuerySet[Reminder]", shifts: Iterable[Shift], location: Location, now: datetime
) -> list[ReminderShift]:
    """Those of the present revision that may still be sent and get other moments. The shifts are applied."""
    by_id = {shift.appointment.pk: shift.appointment for shift in shifts}
    tries = CallRecord.objects.filter(reminder=OuterRef("pk"))
    joined = CallCompanion.objects.filter(reminder=OuterRef("pk"))
    found = with_situation(
        reminders.filter(
            appointment__in=by_id, revision=F("appointment__revision"), state__in=REMINDER_OPEN
        ).annotate(is_tried=Exists(tries) | Exists(joined))
    )
    reminder_shifts = []
    for reminder in found.order_by("pk"):
        reminder.appointment = by_id[reminder.appointment_id]
        reminder.appointment.location = location
        reminder_shifts.append(_find_new_moments(reminder, now))
    return [each for each in reminder_shifts if each.changes]


def _find_new_moments(reminder: Reminder, now: datetime) -> ReminderShift:
    """After a try only its end moves: when it is tried again goes by the last try, not by the visit."""
    appointment = reminder.appointment
    not_after = appointment.starts_at - reminder.step.stop_before
    next_look_at = min(reminder.next_look_at, not_after)
    if reminder.is_tried:  # type: ignore[attr-defined]
        return ReminderShift(reminder, reminder.due_at, not_after, next_look_at)
    owed = find_owed_reminder(reminder.step, appointment)
    due_at = owed.due_at if owed else reminder.due_at
    if reminder.ordered_by_id is not None:
        return ReminderShift(reminder, due_at, not_after, next_look_at)
    # What was due before the shift is under way already.
    is_skipped = owed is not None and owed.state == ReminderState.SKIPPED
    not_owed = owed.reason if owed and is_skipped and reminder.due_at > now else ""
    if reminder.state == ReminderState.PLANNED:
        next_look_at = min(max(due_at, now), not_after)
    return ReminderShift(reminder, due_at, not_after, next_look_at, not_owed)


def _shift_reminder(shift: ReminderShift, now: datetime) -> None:
    reminder = shift.reminder
    reminder.due_at, reminder.not_after = shift.due_at, shift.not_after
    reminder.next_look_at = shift.next_look_at
    if not shift.not_owed:
        return
    situation = read_reminder_facts(reminder, sending_paused=False).situation
    decision = decide(situation._replace(not_after=now), now)
    if decision.verdict == Verdict.SKIP:
        finish_reminder(reminder, ReminderState.SKIPPED, decision.reason)
    else:
        mark_missed(reminder, shift.not_owed)


def _bring_follow_ups_forward(shifts: Iterable[Shift], now: datetime) -> None:
    """What staff have to do before a visit is due earlier if the visit is."""
    starts = {shift.appointment.pk: shift.starts_at for shift in shifts}
    waiting = FollowUp.objects.filter(appointment__in=starts).exclude(state=FollowUp.State.RESOLVED)
    for follow_up in waiting.order_by("pk"):
        due_at = find_due_time(starts[follow_up.appointment_id or 0], now)
        if due_at < follow_up.due_at:
            FollowUp.objects.filter(pk=follow_up.pk).update(due_at=due_at)
