"""Book, move, cancel and confirm appointments. Only this module changes an existing appointment.

The exceptions are contacts/listed_appointments.py, which changes those of a list together, imports, which
insert new appointments in bulk and keep what their file said (contacts/imports/apply.py),
contacts/undoing.py, which removes those again, contacts/people.py, which gives an appointment a new
revision, and contacts/shifts.py, which derives its moment again.

A time is given as an aware datetime, and stored as the wall time that the location's clocks show then
(product rule 27). A function that needs the zone of a location locks it before it locks the appointment.

Each function locks the row, changes it and adds an entry to the appointment's history, in one
transaction. reminders/desk/bookings.py calls these and then plans or withdraws the reminders.
"""

from collections.abc import Iterable, Mapping, Sequence
from copy import copy
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from django.contrib.auth.models import User
from django.db import connection, transaction
from django.utils.translation import gettext as _

from contacts.audit.trail import record_deed_of_page
from contacts.database.arrays import is_any
from contacts.database.clock import read_database_clock
from contacts.database.saving import Changes
from contacts.models import Appointment, AppointmentChange, Contact, ImportBatch, Location, Provider, Way
from contacts.wall_times import find_moment, read_clock

What = AppointmentChange.What
ANSWER_FIELDS = ("answer", "answer_revision", "answered_at", "answered_how", "updated_at")
_LOCK_ZONES = "SELECT id, time_zone FROM contacts_location WHERE id = ANY(%s) ORDER BY id FOR SHARE"


class AppointmentClosed(ValueError):
    """The appointment is cancelled, or its visit is recorded, or still ahead. The message is for staff."""


def lock_appointment(appointment_id: int) -> Appointment:
    """Return the row, locked until the transaction ends. Raises Appointment.DoesNotExist."""
    # NO KEY: other transactions can still add rows that refer to it (reminders, history entries)
    return Appointment.objects.select_for_update(no_key=True).get(pk=appointment_id)


def lock_appointments(ids: Iterable[int]) -> None:
    """Lock several appointments, always in the same order, so that two transactions can't deadlock."""
    rows = Appointment.objects.filter(is_any("pk", set(ids))).order_by("pk")
    list(rows.select_for_update(no_key=True).values_list("pk"))


def lock_zones(location_ids: Iterable[int]) -> dict[int, str]:
    """Keep the zones of these locations from being corrected until the transaction ends; return them by id.

    Others can lock them in the same way. To be called before an appointment is locked: correcting a zone
    locks the location first, and then its appointments.
    """
    with connection.cursor() as cursor:
        cursor.execute(_LOCK_ZONES, [sorted(set(location_ids))])
        return dict(cursor.fetchall())


def set_times(appointment: Appointment, starts_at: datetime, ends_at: datetime) -> Appointment:
    """Set the moments (aware) and, by its location's clock, the wall time that is booked. Saves nothing."""
    zone = appointment.location.time_zone
    appointment.local_start, appointment.fold = read_clock(starts_at, zone)
    appointment.time_zone = zone
    appointment.starts_at, appointment.ends_at = starts_at.astimezone(UTC), ends_at.astimezone(UTC)
    return appointment


def is_same_time(appointment: Appointment, starts_at: datetime, location: Location) -> bool:
    """Whether the location's clocks show at `starts_at` (aware) what is booked, and it is booked there."""
    booked = appointment.local_start, appointment.fold
    return location == appointment.location and read_clock(starts_at, location.time_zone) == booked


def make_change(
    appointment: Appointment,
    what: str,
    *,
    at: datetime,
    by: User | None = None,
    how: str = "",
    before: Appointment | None = None,
    provider_before: Provider | None = None,
    provider_after: Provider | None = None,
) -> AppointmentChange:
    """An entry of the appointment's history, not saved. `before`: as it was, if its time changes."""
    return AppointmentChange(
        appointment=appointment,
        what=what,
        revision=appointment.revision,
        by=by,
        how=how,
        starts_before=before.starts_at if before else None,
        starts_after=appointment.starts_at,
        local_before=before.local_start if before else None,
        local_after=appointment.local_start,
        at=at,
        provider_before=provider_before,
        provider_after=provider_after,
    )


def add_change(
    appointment: Appointment, what: str, *, by: User | None = None, how: str = "", at: datetime | None = None
) -> AppointmentChange:
    """Add an entry to the appointment's history. `at`: aware; by default the database's time now."""
    change = make_change(appointment, what, by=by, how=how, at=at or read_database_clock())
    change.save(force_insert=True)
    if by:
        record_deed_of_page(appointment)
    return change


def add_changes(appointments: Sequence[Appointment], what: str, *, at: datetime, by: User) -> None:
    """The same entry for many locked appointments, with one statement."""
    changes = [make_change(appointment, what, at=at, by=by) for appointment in appointments]
    AppointmentChange.objects.bulk_create(changes)
    if appointments:
        record_deed_of_page(appointments[0])


def keep_said(appointment_id: int, source: str, said: Mapping[str, str]) -> None:
    """Keep what this source said last of a locked appointment (Appointment.file_values).

    It is no change of the appointment: who has read it still has its newest version.
    """
    held = Appointment.objects.only("file_values").get(pk=appointment_id).file_values
    if held.get(source) != said:
        Appointment.objects.filter(pk=appointment_id).update(file_values={**held, source: dict(said)})


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
    how: str = "",
    source: str = "",
    external_id: str = "",
    batch: ImportBatch | None = None,
) -> Appointment:
    """Create an appointment from `starts_at` to `ends_at` (aware), and the first entry of its history.

    If the location's zone has been corrected since `location` was read, the wall time counts, not the moment.
    """
    starts_at, ends_at = _keep_wall_time(starts_at, ends_at, location)
    now = read_database_clock()
    appointment = Appointment(
        contact=contact,
        location=location,
        provider=provider,
        kind=kind,
        revised_at=now,
        booked_at=None if batch else now,  # a list doesn't say when its visits were booked
        source=source,
        external_id=external_id,
        batch=batch,
    )
    set_times(appointment, starts_at, ends_at).save(force_insert=True)
    add_change(appointment, What.IMPORTED if batch else What.BOOKED, by=by, how=how, at=now)
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

    The time is the wall time that the location's clocks show at `starts_at` (aware). A confirmation belongs
    to the revision it was given for, so a new revision is unconfirmed. A new provider is an entry of the
    history, and no new revision: the patient's answer stands. Raises AppointmentClosed when the appointment
    is cancelled or the visit is recorded.
    """
    booked_at = Appointment.objects.filter(pk=appointment_id).values_list("location_id", flat=True)
    lock_zones([*booked_at, *([location.pk] if location else [])])  # both at once: in one order everywhere
    if location:
        starts_at, ends_at = _keep_wall_time(starts_at, ends_at, location)
    appointment = _lock_with_zone(appointment_id)
    if appointment.status != Appointment.Status.BOOKED:
        raise AppointmentClosed(_("Only a booked appointment can be moved. Book it again first."))
    log = AppointmentLog(read_database_clock(), by, how)
    log.move(appointment, starts_at, ends_at, location or appointment.location, provider)
    appointment.save()
    AppointmentChange.objects.bulk_create(log.changes)
    if by:
        record_deed_of_page(appointment)
    return appointment


@dataclass
class AppointmentLog:
    """Changes of locked appointments that aren't saved yet, with the entries of their history."""

    at: datetime
    by: User | None
    how: str
    changes: list[AppointmentChange] = field(default_factory=list)

    def add(self, appointment: Appointment, what: str, **changed: Any) -> None:
        self.changes.append(make_change(appointment, what, at=self.at, by=self.by, how=self.how, **changed))

    def move(
        self,
        appointment: Appointment,
        starts_at: datetime,
        ends_at: datetime,
        location: Location,
        provider: Provider | None,
    ) -> None:
        """Give it a time, location and provider (None: as it is); the zone of the location is locked."""
        before = copy(appointment)
        revised = not is_same_time(before, starts_at, location)
        appointment.location = location
        if revised:
            set_times(appointment, starts_at, ends_at)
            appointment.revision += 1
            appointment.revised_at = appointment.booked_at = self.at
            self.add(appointment, What.MOVED, before=before)
        else:
            appointment.ends_at = appointment.starts_at + (ends_at - starts_at)
        self.change_provider(appointment, provider or appointment.provider)

    def change_provider(self, appointment: Appointment, provider: Provider | None) -> None:
        """Give it to another provider, or to none; nothing if it is theirs."""
        before, appointment.provider = appointment.provider, provider
        if provider != before:
            appointment.details_at = self.at
            self.add(appointment, What.PROVIDER_CHANGED, provider_before=before, provider_after=provider)

    def cancel(self, appointment: Appointment) -> None:
        appointment.status = Appointment.Status.CANCELLED
        self.add(appointment, What.CANCELLED)

    def reinstate(self, appointment: Appointment) -> None:
        """Book it again, as a new revision."""
        appointment.status = Appointment.Status.BOOKED
        appointment.revision += 1
        appointment.revised_at = appointment.booked_at = self.at
        self.add(appointment, What.REINSTATED)

    def attend(self, appointment: Appointment, status: str) -> None:
        """Set arrived, no_show, or back to booked."""
        appointment.status = status
        self.add(appointment, What.CORRECTED if status == Appointment.Status.BOOKED else status)

    def give_to(self, appointment: Appointment, contact: Contact) -> None:
        """Give it to another record of the patient: a new revision, which keeps the patient's answer."""
        if appointment.answer_revision == appointment.revision:
            appointment.answer_revision = appointment.revision + 1
        appointment.contact = contact
        appointment.revision += 1
        appointment.revised_at = self.at
        self.add(appointment, What.PATIENT_MERGED)


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
    appointment = _lock_with_zone(appointment_id)  # the zone, since its reminders are planned
    if appointment.status != Appointment.Status.CANCELLED:
        return appointment
    appointment.status = Appointment.Status.BOOKED
    appointment.revision += 1
    appointment.revised_at = appointment.booked_at = read_database_clock()
    appointment.save()
    add_change(appointment, What.REINSTATED, by=by, how=how, at=appointment.revised_at)
    return appointment


@transaction.atomic
def record_attendance(
    appointment_id: int, status: str, *, by: User | None = None, how: str = ""
) -> Appointment:
    """Set the status to arrived, no_show or back to booked. Raises AppointmentClosed when cancelled."""
    appointment = lock_appointment(appointment_id)
    if appointment.status == Appointment.Status.CANCELLED:
        raise AppointmentClosed(_("The appointment is cancelled. Book it again first."))
    if appointment.status != status:
        appointment.status = status
        appointment.save(update_fields=["status", "updated_at"])
        what = What.CORRECTED if status == Appointment.Status.BOOKED else status
        add_change(appointment, what, by=by, how=how)
    return appointment


@transaction.atomic
def change_kind(appointment_id: int, kind: str) -> Appointment:
    """Change the kind of appointment, a detail for which histories have no entry.

    A campaign that is new to it sends nothing that was due before.
    """
    appointment = lock_appointment(appointment_id)
    if appointment.kind != kind:
        appointment.kind, appointment.details_at = kind, read_database_clock()
        appointment.save(update_fields=["kind", "details_at", "updated_at"])
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
    appointment, changes = lock_appointment(appointment_id), Changes()
    is_answer = give_answer(appointment, answer, changes, revision=revision, at=at, how=how, by=by)
    changes.write()
    if by and is_answer:
        record_deed_of_page(appointment)
    return is_answer


def give_answer(
    appointment: Appointment,
    answer: str,
    changes: Changes,
    *,
    revision: int,
    at: datetime,
    how: str,
    by: User | None = None,
) -> bool:
    """Do what record_answer() does, for an appointment that is already locked; into `changes` goes what to
    write.
    """
    if revision != appointment.revision or appointment.status == Appointment.Status.CANCELLED:
        return False
    standing = appointment.current_answer
    if standing and appointment.answered_at and (appointment.answered_at, standing) >= (at, answer):
        return standing == answer
    appointment.answer, appointment.answer_revision = answer, revision
    appointment.answered_at, appointment.answered_how = at, how
    changes.save(appointment, ANSWER_FIELDS)
    if answer != standing:
        changes.add(make_change(appointment, answer, by=by, how=how, at=at))
    return True


def take_back_confirmation(appointment_id: int, *, former: Mapping[str, str], by: User) -> bool:
    """Undo a confirmation that staff entered by mistake; whether it still was the answer.

    `former`: the answer before, as read_answer() gives it. Another answer that came since stays.
    """
    appointment = lock_appointment(appointment_id)
    if (appointment.current_answer, appointment.answered_how) != (Appointment.Answer.CONFIRMED, Way.STAFF):
        return False
    was_at = datetime.fromisoformat(former["at"]) if former.get("at") else None
    appointment.answer, appointment.answered_how = former["answer"], former["how"]
    appointment.answer_revision = appointment.revision if former["answer"] else None
    appointment.answered_at = was_at
    appointment.save(update_fields=ANSWER_FIELDS)
    add_change(appointment, What.ANSWER_TAKEN_BACK, by=by)
    return True


def read_answer(appointment: Appointment) -> dict[str, str]:
    """The answer for its present revision, to be put back by take_back_confirmation()."""
    if not appointment.current_answer:
        return {"answer": "", "at": "", "how": ""}
    at = appointment.answered_at.isoformat() if appointment.answered_at else ""
    return {"answer": appointment.current_answer, "at": at, "how": appointment.answered_how}


def keep_answer(appointment_id: int, former: Mapping[str, str]) -> None:
    """The answer that read_answer() gave before a change counts again: the visit is as it was then.

    Not if another one was given since.
    """
    appointment = lock_appointment(appointment_id)
    if former["answer"] and not appointment.current_answer:
        appointment.answer, appointment.answer_revision = former["answer"], appointment.revision
        appointment.answered_at = datetime.fromisoformat(former["at"]) if former["at"] else None
        appointment.answered_how = former["how"]
        appointment.save(update_fields=ANSWER_FIELDS)


def _keep_wall_time(starts_at: datetime, ends_at: datetime, location: Location) -> tuple[datetime, datetime]:
    """The moments at which the location's clocks, by its present zone, show what they showed by `location`.

    `location` may have been read before its zone was corrected; its zone is brought up to date, and locked.
    """
    seen = location.time_zone
    location.time_zone = lock_zones([location.pk]).get(location.pk, seen)
    if location.time_zone == seen:
        return starts_at, ends_at
    local, fold = read_clock(starts_at, seen)
    moment = find_moment(local, location.time_zone, fold)
    return moment, moment + (ends_at - starts_at)


def _lock_with_zone(appointment_id: int) -> Appointment:
    """The locked appointment, with its location's zone locked before it. Raises Appointment.DoesNotExist."""
    lock_zones(Appointment.objects.filter(pk=appointment_id).values_list("location_id", flat=True))
    return lock_appointment(appointment_id)
