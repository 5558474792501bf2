"""Appointments whose moment changes while their wall time stays (product rule 27).

That happens when the zone of a location is corrected, and when a country changes its clock rules and new zone
data are installed. What patients were told is the wall time, so it stays, and with it the revision and every
confirmation. What has passed is history: it isn't touched.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.contrib.auth.models import User
from django.db.models import QuerySet

from contacts.database.saving import save_rows
from contacts.models import Appointment, AppointmentChange
from contacts.wall_times import find_moment

# More than any two zones differ, so that no appointment that is ahead by the new reckoning is left out.
MOST_SHIFT = timedelta(days=2)
BATCH_SIZE = 2000  # rows in one INSERT


@dataclass(frozen=True)
class Shift:
    """An appointment, the moment it had (`started_at`), and the moment and zone that it is to have."""

    appointment: Appointment
    started_at: datetime
    starts_at: datetime
    time_zone: str

    @property
    def moves_a_visit(self) -> bool:
        """Whether it is booked and has another moment, and not just another name for its zone."""
        is_booked = self.appointment.status == Appointment.Status.BOOKED
        return is_booked and self.starts_at != self.started_at

    def apply(self) -> Appointment:
        """Give the row in memory the new moment and zone; its wall time and its length stay."""
        appointment = self.appointment
        length = appointment.ends_at - appointment.starts_at
        appointment.starts_at, appointment.ends_at = self.starts_at, self.starts_at + length
        appointment.time_zone = self.time_zone
        return appointment


def find_shifts(appointments: "QuerySet[Appointment]", now: datetime, *, zone: str = "") -> list[Shift]:
    """Those whose moment or zone isn't what follows from their wall time in `zone`, or else in their own.

    Only what is ahead of `now`, by its old moment or by its new one: a visit that seems over by a wrong zone
    may still be to come. Those of a stored zone that doesn't exist are left out.
    """
    shifts = []
    for appointment in appointments.filter(starts_at__gt=now - MOST_SHIFT).order_by("pk"):
        wanted = zone or appointment.time_zone
        try:
            starts_at = find_moment(appointment.local_start, wanted, appointment.fold)
        except (KeyError, ValueError):
            continue
        is_ahead = max(starts_at, appointment.starts_at) > now
        if is_ahead and (starts_at, wanted) != (appointment.starts_at, appointment.time_zone):
            shifts.append(Shift(appointment, appointment.starts_at, starts_at, wanted))
    return shifts


def save_shifts(shifts: Sequence[Shift], what: str, *, now: datetime, by: User | None = None) -> None:
    """Give the locked appointments their new moments, and each story a line about it (`what`)."""
    changes = [_build_change(shift, what, now, by) for shift in shifts]
    save_rows([shift.apply() for shift in shifts], ["starts_at", "ends_at", "time_zone", "updated_at"])
    AppointmentChange.objects.bulk_create(changes, batch_size=BATCH_SIZE)


def find_overlaps(shifts: Iterable[Shift]) -> list[Appointment]:
    """Booked appointments that, once shifted, are at the same time as another of the same patient.

    The shifts must have been applied, at least in memory.
    """
    shifted = {shift.appointment.pk: shift.appointment for shift in shifts}
    booked = [one for one in shifted.values() if one.status == Appointment.Status.BOOKED]
    others = Appointment.objects.filter(
        contact__in={one.contact_id for one in booked}, status=Appointment.Status.BOOKED
    ).exclude(pk__in=shifted)
    by_contact: dict[int, list[Appointment]] = {}
    for other in others:
        by_contact.setdefault(other.contact_id, []).append(other)
    return [
        one
        for one in booked
        if any(
            one.starts_at < other.ends_at and other.starts_at < one.ends_at
            for other in by_contact.get(one.contact_id, [])
        )
    ]


def _build_change(shift: Shift, what: str, now: datetime, by: User | None) -> AppointmentChange:
    appointment = shift.appointment
    return AppointmentChange(
        appointment=appointment,
        what=what,
        revision=appointment.revision,
        by=by,
        starts_before=shift.started_at,
        starts_after=shift.starts_at,
        local_before=appointment.local_start,
        local_after=appointment.local_start,
        at=now,
    )
