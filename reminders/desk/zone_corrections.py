"""Correcting the time zone of a location (product rule 27): what it would change, and doing it.

What was said stays: the date and time of every visit, its revision and its confirmation. What moves is when
we call.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from contacts.database.clock import read_database_clock
from contacts.models import Appointment, AppointmentChange, Location
from contacts.shifts import find_overlaps
from contacts.wall_times import is_skipped
from contacts.zones import is_zone_name
from reminders.desk.wake_dispatch import wake_dispatch
from reminders.models import Step
from reminders.planning.replanning import replan_location
from reminders.planning.shifts import ReminderShift, lock_location, preview_shifts, shift_appointments

MOST_EXAMPLES = 5


class ZoneNotCorrected(ValueError):
    """The zone was not corrected. The message says why, in a sentence for staff."""


@dataclass(frozen=True)
class ShiftExample:
    """One reminder: of whom, for which wall time, and when it was and will be due (aware UTC)."""

    name: str
    local_start: datetime
    step: Step
    was_due_at: datetime
    due_at: datetime
    is_too_late: bool


@dataclass(frozen=True)
class ZonePreview:
    """What a correction would change.

    `visits`: booked ones that get another moment; `reminders`: those that are due at another time;
    `sent_late`: of these, those whose new time has passed and that go out at once; `too_late`: those that are
    not sent any more, so that staff have to call; `skipped` and `overlapping`: visits to look at, at a time
    that the clocks there skip, or at the same time as another visit of the patient elsewhere.
    """

    location: Location
    visits: int
    reminders: int
    sent_late: int
    too_late: int
    skipped: Sequence[Appointment]
    overlapping: Sequence[Appointment]
    examples: Sequence[ShiftExample]


def preview_zone(location: Location, zone: str) -> ZonePreview:
    """What correct_zone() would change now. Changes nothing but `location` in memory."""
    now = read_database_clock()
    report = preview_shifts(location, zone)
    visits = [shift for shift in report.appointments if shift.moves_a_visit]
    too_late = [each for each in report.reminders if each.is_too_late(now)]
    late = [each for each in report.reminders if each.due_at <= now < each.reminder.due_at]
    shown = sorted(report.reminders, key=lambda each: (each.due_at, each.reminder.pk))[:MOST_EXAMPLES]
    return ZonePreview(
        location=location,
        visits=len(visits),
        reminders=len(report.reminders),
        sent_late=sum(not each.is_too_late(now) for each in late),
        too_late=len(too_late),
        skipped=[one.appointment for one in visits if is_skipped(one.appointment.local_start, zone)],
        overlapping=find_overlaps(visits),
        examples=[_build_example(each, now) for each in shown],
    )


def _build_example(shift: ReminderShift, now: datetime) -> ShiftExample:
    reminder = shift.reminder
    return ShiftExample(
        name=reminder.appointment.contact.full_name,
        local_start=reminder.appointment.local_start,
        step=reminder.step,
        was_due_at=reminder.due_at,
        due_at=shift.due_at,
        is_too_late=shift.is_too_late(now),
    )


@transaction.atomic
def correct_zone(location_id: int, zone: str, *, seen: str, by: User) -> int:
    """Give the location this zone (an IANA name) and keep all wall times; how many visits got a new moment.

    `seen`: the zone that it had when the effect was shown. Raises ZoneNotCorrected if it has another one by
    now, and Location.DoesNotExist.
    """
    if not is_zone_name(zone):
        raise ZoneNotCorrected(_("That is not a time zone."))
    location = lock_location(location_id)
    if location.time_zone != seen:
        raise ZoneNotCorrected(
            _("Somebody has changed the time zone of this location in the meantime. Look at it again.")
        )
    location.time_zone = zone
    location.save(update_fields=["time_zone"])
    what = AppointmentChange.What.ZONE_CORRECTED
    report = shift_appointments(location, what, zone=zone, by=by)
    replan_location(location)  # what could never be in time by the wrong zone may be owed after all
    wake_dispatch()
    return sum(shift.moves_a_visit for shift in report.appointments)
