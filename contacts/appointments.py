"""Book, move, cancel and confirm appointments. Only this module changes an existing appointment.

The exceptions are imports, which insert new appointments in bulk and set details that no reminder
depends on (contacts/imports/apply.py), and contacts/people.py, which gives an appointment a new revision.

Each function locks the row, changes it and adds an entry to the appointment's history, in one
transaction. reminders/desk/bookings.py calls these and then plans or withdraws the reminders.
"""

from collections.abc import Iterable
from datetime import datetime

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from contacts.database.clock import read_database_clock
from contacts.database.saving import add_row, save_row
from contacts.models import Appointment, AppointmentChange, Contact, ImportBatch, Location, Provider

What = AppointmentChange.What


class AppointmentClosed(ValueError):
    """The appointment is cancelled or its visit is recorded. The message is a sentence for staff."""


def lock_appointment(appointment_id: int) -> Appointment:
    """Return the row, locked until the transaction ends. Raises Appointment.DoesNotExist."""
    # NO KEY: other transactions can still add rows that refer to it (reminders, history entries)
    return Appointment.objects.select_for_update(no_key=True).get(pk=appointment_id)


def lock_appointments(ids: Iterable[int]) -> None:
    """Lock several appointments, always in the same order, so that two transactions can't deadlock."""
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
    """Add an entry to the appointment's history. `at`: aware; by default the database's time now."""
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
    """Create an appointment from `starts_at` to `ends_at` (aware), and the first entry of its history."""
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
    """Change the time, location or provider. A new time or location makes a new revision.

    A confirmation belongs to the revision it was given for, so a new revision is unconfirmed. Raises
    AppointmentClosed when the appointment is cancelled or the visit is recorded.
    """
    appointment = lock_appointment(appointment_id)
    if appointment.status != Appointment.Status.BOOKED:
        raise AppointmentClosed(_("Only a booked appointment can be moved. Book it again first."))
    before = appointment.starts_at
    new_location = location or appointment.location
    revised = starts_at != before or new_location != appointment.location
    appointment.starts_at, appointment.ends_at, appointment.location = starts_at, ends_at, new_location
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
    """Cancel it; cancelling twice changes nothing. Raises AppointmentClosed when the visit is recorded."""
    appointment = lock_appointment(appointment_id)
    if appointment.status == Appointment.Status.CANCELLED:
        return appointment
    if appointment.status != Appointment.Status.BOOKED:
        raise AppointmentClosed(_("The visit is already recorded, so the appointment can't be cancelled."))
    appointment.status = Appointment.Status.CANCELLED
    appointment.save(update_fields=["status", "updated_at"])
    add_change(appointment, What.CANCELLED, by=by, how=how)
    return appointment


@transaction.atomic
def reinstate_appointment(appointment_id: int, *, by: User | None = None, how: str = "") -> Appointment:
    """Book a cancelled appointment again, as a new revision, so that its reminders are planned again."""
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
    """Set the status to arrived, no_show or back to booked. Raises AppointmentClosed when cancelled."""
    appointment = lock_appointment(appointment_id)
    if appointment.status == Appointment.Status.CANCELLED:
        raise AppointmentClosed(_("The appointment is cancelled. Book it again first."))
    if appointment.status != status:
        appointment.status = status
        appointment.save(update_fields=["status", "updated_at"])
        add_change(appointment, What.CORRECTED if status == Appointment.Status.BOOKED else status, by=by)
    return appointment


@transaction.atomic(savepoint=False)
def record_answer(
    appointment_id: int, answer: str, *, revision: int, at: datetime, how: str, by: User | None = None
) -> bool:
    """Record what the patient answered for `revision` at `at` (aware UTC).

    Returns True if the appointment now has this answer. The latest answer counts, whatever the order in
    which answers are recorded. Of two given at the same moment the wish for another time counts, because
    somebody from the practice then asks the patient. An answer for an older revision changes nothing.
    """
    return record_answer_on_locked(
        lock_appointment(appointment_id), answer, revision=revision, at=at, how=how, by=by
    )


def record_answer_on_locked(
    appointment: Appointment, answer: str, *, revision: int, at: datetime, how: str, by: User | None = None
) -> bool:
    """Do what record_answer() does, for an appointment that is already locked."""
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
