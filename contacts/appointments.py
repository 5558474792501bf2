"""Booking, moving, cancelling and answering: the only writers of an appointment.

Each locks the row, changes it, and adds a line to its story, in one transaction. What it means for
reminders is the business of reminders/desk/bookings.py, which calls these.
"""

from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction

from contacts.database.clock import read_database_clock
from contacts.database.saving import add_row, save_row
from contacts.models import Appointment, AppointmentChange, Contact, ImportBatch, Location, Provider

What = AppointmentChange.What


class AppointmentClosed(ValueError):
    """The appointment is cancelled or over, so the change makes no sense."""


def lock_appointment(appointment_id: int) -> Appointment:
    """The row, locked until the transaction ends. Raises Appointment.DoesNotExist."""
    # NO KEY: rows that only refer to it (reminders, story lines) can still be added meanwhile
    return Appointment.objects.select_for_update(no_key=True).get(pk=appointment_id)


def lock_appointments(ids: Iterable[int]) -> None:
    """Lock several, always in the same order, so that no two transactions wait for each other."""
    rows = Appointment.objects.filter(pk__in=set(ids)).order_by("pk")
    list(rows.select_for_update(no_key=True).values_list("pk"))


def add_change(
    appointment: Appointment,
    what: str,
    *,
    by: User | None = None,
    how: str = "",
    starts_before: datetime | None = None,
    at: datetime | None = None,
) -> AppointmentChange:
    """Add a line to the appointment's story."""
    change = AppointmentChange(
        appointment=appointment,
        what=what,
        revision=appointment.revision,
        by=by,
        how=how,
        starts_before=starts_before,
        starts_after=appointment.starts_at,
        at=at or read_database_clock(),
    )
    add_row(change)
    return change


@transaction.atomic
def book_appointment(
    *,
    contact: Contact,
    location: Location,
    provider: Provider | None,
    starts_at: datetime,
    ends_at: datetime,
    kind: str = "",
    by: User | None = None,
    source: str = "",
    external_id: str = "",
    batch: ImportBatch | None = None,
) -> Appointment:
    """A new appointment from `starts_at` to `ends_at` (aware), with the first line of its story."""
    now = read_database_clock()
    appointment = Appointment.objects.create(
        contact=contact,
        location=location,
        provider=provider,
        starts_at=starts_at,
        ends_at=ends_at,
        kind=kind,
        revised_at=now,
        source=source,
        external_id=external_id,
        batch=batch,
    )
    add_change(appointment, What.IMPORTED if batch else What.BOOKED, by=by, at=now)
    return appointment


@transaction.atomic
def move_appointment(
    appointment_id: int,
    *,
    starts_at: datetime,
    ends_at: datetime,
    location: Location | None = None,
    provider: Provider | None = None,
    by: User | None = None,
    how: str = "",
) -> Appointment:
    """Give it another time or place. A new time or place is a new revision, which un-confirms it.

    Raises AppointmentClosed when it is cancelled or the patient has been and gone.
    """
    appointment = lock_appointment(appointment_id)
    if appointment.status != Appointment.Status.BOOKED:
        raise AppointmentClosed("Only a booked appointment can be moved; book it again first.")
    before = appointment.starts_at
    place = location or appointment.location
    revised = starts_at != before or place != appointment.location
    appointment.starts_at, appointment.ends_at, appointment.location = starts_at, ends_at, place
    appointment.provider = provider or appointment.provider
    if revised:
        appointment.revision += 1
        appointment.revised_at = read_database_clock()
    appointment.save()
    if revised:
        at = appointment.revised_at
        add_change(appointment, What.MOVED, by=by, how=how, starts_before=before, at=at)
    return appointment


@transaction.atomic
def cancel_appointment(appointment_id: int, *, by: User | None = None, how: str = "") -> Appointment:
    """Cancel it; cancelling twice changes nothing. Raises AppointmentClosed when the patient came."""
    appointment = lock_appointment(appointment_id)
    if appointment.status == Appointment.Status.CANCELLED:
        return appointment
    if appointment.status != Appointment.Status.BOOKED:
        raise AppointmentClosed("The visit is already recorded, so it can't be cancelled.")
    appointment.status = Appointment.Status.CANCELLED
    appointment.save(update_fields=["status", "updated_at"])
    add_change(appointment, What.CANCELLED, by=by, how=how)
    return appointment


@transaction.atomic
def reinstate_appointment(appointment_id: int, *, by: User | None = None, how: str = "") -> Appointment:
    """Book a cancelled appointment again, as a new revision: it is owed its reminders anew."""
    appointment = lock_appointment(appointment_id)
    if appointment.status != Appointment.Status.CANCELLED:
        return appointment
    appointment.status = Appointment.Status.BOOKED
    appointment.revision += 1
    appointment.revised_at = read_database_clock()
    appointment.save()
    add_change(appointment, What.REINSTATED, by=by, how=how, at=appointment.revised_at)
    return appointment


@transaction.atomic
def record_attendance(appointment_id: int, status: str, *, by: User | None = None) -> Appointment:
    """Record arrived or no_show, or put it back to booked. Raises AppointmentClosed when cancelled."""
    appointment = lock_appointment(appointment_id)
    if appointment.status == Appointment.Status.CANCELLED:
        raise AppointmentClosed("It is cancelled; book it again first.")
    if appointment.status != status:
        appointment.status = status
        appointment.save(update_fields=["status", "updated_at"])
        add_change(appointment, What.CORRECTED if status == Appointment.Status.BOOKED else status, by=by)
    return appointment


@transaction.atomic(savepoint=False)
def record_answer(
    appointment_id: int, answer: str, *, revision: int, at: datetime, how: str, by: User | None = None
) -> bool:
    """Record what the person said about `revision`, at `at` (aware UTC); True if it now stands.

    The latest answer stands, in whatever order they are told; of two at the same moment, the wish for
    another time, since a person then asks. An answer for an older revision changes nothing.
    """
    return record_answer_on_locked(
        lock_appointment(appointment_id), answer, revision=revision, at=at, how=how, by=by
    )


def record_answer_on_locked(
    appointment: Appointment, answer: str, *, revision: int, at: datetime, how: str, by: User | None = None
) -> bool:
    """record_answer() for an appointment that is locked already."""
    if revision != appointment.revision or appointment.status == Appointment.Status.CANCELLED:
        return False
    standing = appointment.current_answer
    if standing and appointment.answered_at and (appointment.answered_at, standing) >= (at, answer):
        return standing == answer
    appointment.answer, appointment.answer_revision = answer, revision
    appointment.answered_at, appointment.answered_how = at, how
    save_row(appointment, ["answer", "answer_revision", "answered_at", "answered_how", "updated_at"])
    if answer != standing:
        add_change(appointment, answer, by=by, how=how, at=at)
    return True
