"""Visits as another system reports them: booked, moved, cancelled, recorded by bookings.py.

Nothing is asked about what stays as it is, so that the same report twice changes nothing and needs no answer.
What the system doesn't know, or leaves out, stays, and so does what staff corrected since it said the same
(reminders/desk/reported_values.py).
"""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from django.contrib.auth.models import User
from django.db import IntegrityError, transaction

from contacts.appointments import is_same_time, lock_appointment, lock_zones
from contacts.database.clock import read_database_clock
from contacts.models import Appointment, Contact, Way
from reminders.desk import bookings
from reminders.desk.booking_questions import (
    BookingQuestion,
    BookingQuestionsOpen,
    find_booking_questions,
    lock_bookings,
    lock_bookings_around,
)
from reminders.desk.reported_values import (
    CORRECTIONS,
    KeptCorrection,
    ReportedBooking,
    find_corrections,
    leave_out,
    read_said,
    read_said_before,
    remember_said,
)

Status = Appointment.Status
Check = Callable[[Appointment | None], None]


@dataclass(frozen=True)
class PutBooking:
    """What became of a report: the appointment's id, whether it is new, and what stays as staff have it."""

    appointment_id: int
    is_new: bool
    kept: Sequence[KeptCorrection] = ()


class OtherContact(ValueError):
    """It belongs to another contact, and no appointment changes its patient (product rule 42)."""


def put_booking(
    source: str,
    external_id: str,
    contact: Contact,
    wanted: ReportedBooking,
    *,
    by: User,
    confirmed: Collection[str] = (),
    check: Check,
    keeps_corrections: bool = True,
) -> PutBooking:
    """Make the visit with this id of `source`, or bring it up to date.

    `check` gets the locked row, or None for a new one, and may raise. Of two at the same time one makes it.
    `keeps_corrections`: see change_booking. Raises BookingQuestionsOpen, OtherContact and AppointmentClosed;
    then nothing is changed.
    """
    known = Appointment.objects.filter(source=source, external_id=external_id).values_list("pk", flat=True)
    if not known.exists():
        check(None)
        try:
            return PutBooking(_book(source, external_id, contact, wanted, by, confirmed), is_new=True)
        except IntegrityError:  # it was made since
            if not known.exists():
                raise
    pk = known.get()
    kept = change_booking(
        pk,
        wanted,
        by=by,
        confirmed=confirmed,
        check=check,
        contact=contact,
        keeps_corrections=keeps_corrections,
    )
    return PutBooking(pk, is_new=False, kept=kept)


@transaction.atomic
def change_booking(
    appointment_id: int,
    wanted: ReportedBooking,
    *,
    by: User,
    confirmed: Collection[str] = (),
    check: Check,
    contact: Contact | None = None,
    keeps_corrections: bool = False,
) -> Sequence[KeptCorrection]:
    """Change what differs; return what stays as staff have it. `check` gets the locked row, and may raise.

    `contact`: whose it has to be, if all of the visit is reported: then it takes place unless `wanted` says
    otherwise. `keeps_corrections`: it is only said how the visit is, not asked for a change, so what staff
    changed since the source said the same stays. What is said is remembered in any case.
    Raises Appointment.DoesNotExist, BookingQuestionsOpen, OtherContact and AppointmentClosed.
    """
    lock_bookings_around(appointment_id, wanted.provider)
    there = Appointment.objects.filter(pk=appointment_id).values_list("location_id", flat=True)
    lock_zones([*there, *([wanted.location.pk] if wanted.location else [])])
    appointment = lock_appointment(appointment_id)
    check(appointment)
    if contact and appointment.contact_id != contact.pk:
        raise OtherContact
    before = read_said_before(appointment)
    if contact and Status.CANCELLED in (appointment.status, before.get("status")) and not wanted.status:
        wanted = replace(wanted, status=Status.BOOKED)
    if wanted.status == Status.CANCELLED:
        wanted = ReportedBooking(status=Status.CANCELLED)  # nothing else of it counts
    said = read_said(appointment, wanted)
    kept: Collection[str] = ()
    if keeps_corrections:
        books_again = BookingQuestion.BOOK_AGAIN in confirmed
        kept = find_corrections(said, before, appointment, books_again=books_again)
    _apply(appointment, leave_out(wanted, kept, appointment), by, confirmed)
    remember_said(appointment, said, before)
    return [CORRECTIONS[name] for name in CORRECTIONS if name in kept]


def _apply(appointment: Appointment, wanted: ReportedBooking, by: User, confirmed: Collection[str]) -> None:
    """Change what differs in a locked appointment."""
    if wanted.status == Status.CANCELLED:
        bookings.cancel_and_withdraw(appointment.pk, by=by, how=Way.API)
        return
    status = wanted.status or appointment.status
    is_moved = _differs(appointment, wanted)
    _check_questions(appointment, wanted, status, is_moved, confirmed)
    if appointment.status == Status.CANCELLED != status:
        bookings.reinstate_and_plan(appointment.pk, by=by, how=Way.API)
    elif appointment.status != Status.BOOKED and status == Status.BOOKED:
        bookings.record_visit(appointment.pk, status, by=by, how=Way.API)
    if is_moved:
        starts_at, ends_at = _read_times(appointment, wanted)
        bookings.move_and_replan(
            appointment.pk,
            starts_at=starts_at,
            ends_at=ends_at,
            location=wanted.location,
            provider=wanted.provider,
            by=by,
            how=Way.API,
        )
    if wanted.kind is not None and wanted.kind != appointment.kind:
        bookings.change_kind_and_replan(appointment.pk, wanted.kind)
    if status not in (Status.BOOKED, appointment.status):
        bookings.record_visit(appointment.pk, status, by=by, how=Way.API)


@transaction.atomic
def _book(
    source: str,
    external_id: str,
    contact: Contact,
    wanted: ReportedBooking,
    by: User,
    confirmed: Collection[str],
) -> int:
    provider = wanted.provider
    lock_bookings(contact_id=contact.pk, provider_id=provider.pk if provider else None)
    if Appointment.objects.filter(source=source, external_id=external_id).exists():
        raise IntegrityError("it was made since")  # by whoever was waited for: it isn't in its own way
    location, starts_at, ends_at = wanted.location, wanted.starts_at, wanted.ends_at
    if location is None or starts_at is None or ends_at is None:
        raise TypeError("a new appointment needs a location and its times")
    status = wanted.status or Status.BOOKED
    if status != Status.CANCELLED:
        questions = find_booking_questions(
            contact_id=contact.pk,
            location=location,
            provider=provider,
            starts_at=starts_at,
            ends_at=ends_at,
            now=read_database_clock(),
        )
        _raise_open(questions, status, confirmed)
    booked = bookings.book_and_plan(
        contact=contact,
        location=location,
        provider=provider,
        starts_at=starts_at,
        ends_at=ends_at,
        kind=wanted.kind or "",
        by=by,
        how=Way.API,
        source=source,
        external_id=external_id,
    )
    if status == Status.CANCELLED:
        bookings.cancel_and_withdraw(booked.pk, by=by, how=Way.API)
    elif status != Status.BOOKED:
        bookings.record_visit(booked.pk, status, by=by, how=Way.API)
    remember_said(booked, read_said(booked, wanted), {})
    return booked.pk


def _differs(appointment: Appointment, wanted: ReportedBooking) -> bool:
    """Whether time, length, location or provider are to be others."""
    starts_at, ends_at = _read_times(appointment, wanted)
    return (
        not is_same_time(appointment, starts_at, wanted.location or appointment.location)
        or ends_at - starts_at != appointment.ends_at - appointment.starts_at
        or wanted.provider not in (None, appointment.provider)
    )


def _read_times(appointment: Appointment, wanted: ReportedBooking) -> tuple[datetime, datetime]:
    starts_at = wanted.starts_at or appointment.wall_start
    return starts_at, wanted.ends_at or starts_at + (appointment.ends_at - appointment.starts_at)


def _check_questions(
    appointment: Appointment,
    wanted: ReportedBooking,
    status: str,
    is_moved: bool,
    confirmed: Collection[str],
) -> None:
    questions = []
    is_reinstated = appointment.status == Status.CANCELLED != status
    if is_reinstated:
        questions.append(BookingQuestion.BOOK_AGAIN)
    if is_moved or is_reinstated:
        starts_at, ends_at = _read_times(appointment, wanted)
        questions += find_booking_questions(
            contact_id=appointment.contact_id,
            location=wanted.location or appointment.location,
            provider=wanted.provider or appointment.provider,
            starts_at=starts_at,
            ends_at=ends_at,
            now=read_database_clock(),
            besides=appointment.pk,
        )
    _raise_open(questions, status, confirmed)


def _raise_open(questions: Collection[BookingQuestion], status: str, confirmed: Collection[str]) -> None:
    """Raises BookingQuestionsOpen. That a visit took place says that its time has passed."""
    answered = {*confirmed, *([BookingQuestion.TIME_HAS_PASSED] if status != Status.BOOKED else [])}
    if unanswered := [question for question in questions if question not in answered]:
        raise BookingQuestionsOpen(unanswered)
