"""Many appointments in a few statements: what a list changes in them, and what the undo of it puts back.

The changes themselves and their history are those of contacts/appointments.py.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction

from contacts.appointments import AppointmentLog
from contacts.database.arrays import is_any
from contacts.database.clock import read_database_clock
from contacts.database.saving import save_rows
from contacts.models import Appointment, AppointmentChange, Contact, Location, Provider
from contacts.wall_times import find_moment

CHANGES_AT_ONCE = 2000  # entries of the history in one INSERT


@dataclass(frozen=True)
class ListedChange:
    """What a list changes in one appointment; what isn't given stays.

    `starts_at` and `ends_at` are aware and come together; `attended`: arrived or no_show; `details`: values
    of kind, source and external_id; `file_values`: see Appointment.
    """

    appointment_id: int
    cancels: bool = False
    books_again: bool = False
    starts_at: datetime | None = None
    ends_at: datetime | None = None
    location: Location | None = None
    provider: Provider | None = None
    attended: str = ""
    contact: Contact | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    file_values: Mapping[str, Any] | None = None


@transaction.atomic
def change_appointments(wanted: Sequence[ListedChange], *, by: User | None = None, how: str = "") -> None:
    """Apply a list's changes, each to an appointment of its own, in a few statements.

    The caller has locked the zones of all locations, then the appointments, and has seen that each is in a
    state that allows its change.
    """
    log = AppointmentLog(read_database_clock(), by, how)
    by_id = {each.appointment_id: each for each in wanted}
    rows = Appointment.objects.select_related("location", "provider").filter(is_any("pk", by_id))
    changed = list(rows.order_by("pk"))
    for appointment in changed:
        _apply_listed(appointment, by_id[appointment.pk], log)
    save_rows(changed)
    AppointmentChange.objects.bulk_create(log.changes, batch_size=CHANGES_AT_ONCE)


def _apply_listed(appointment: Appointment, wanted: ListedChange, log: AppointmentLog) -> None:
    if "kind" in wanted.details:
        appointment.details_at = log.at
    for name, value in wanted.details.items():
        setattr(appointment, name, value)
    if wanted.file_values is not None:
        appointment.file_values = dict(wanted.file_values)
    if wanted.contact:
        log.give_to(appointment, wanted.contact)
    if wanted.cancels:
        log.cancel(appointment)
    if wanted.books_again:
        log.reinstate(appointment)
    if wanted.starts_at and wanted.ends_at:
        location = wanted.location or appointment.location
        log.move(appointment, wanted.starts_at, wanted.ends_at, location, wanted.provider)
    if wanted.attended:
        log.attend(appointment, wanted.attended)


@dataclass(frozen=True)
class FormerState:
    """What one appointment had before an import that is undone; what isn't given stays.

    `answer`: of the patient, which the import voided. `local_start`: wall time, with `fold`; `provider`
    counts if `has_provider`, also None; `details`, `file_values`: as in ListedChange.
    """

    appointment_id: int
    status: str = ""
    answer: str = ""
    local_start: datetime | None = None
    fold: int = 0
    length: timedelta | None = None
    location: Location | None = None
    provider: Provider | None = None
    has_provider: bool = False
    contact: Contact | None = None
    details: Mapping[str, str] = field(default_factory=dict)
    file_values: Mapping[str, Any] | None = None


@transaction.atomic
def put_back_appointments(wanted: Sequence[FormerState], *, by: User | None = None, how: str = "") -> None:
    """Give each appointment what it had, in a few statements; what is put back anew is a new revision, which
    keeps the answer that the patient gave for it: nobody has told them of anything else.

    Nothing that was due before is sent late (product rule 29). The caller has locked the zones of all
    locations, then the appointments, and has seen that each may change so.
    """
    log = AppointmentLog(read_database_clock(), by, how)
    by_id = {each.appointment_id: each for each in wanted}
    rows = Appointment.objects.select_related("location", "provider").filter(is_any("pk", by_id))
    changed = list(rows.order_by("pk"))
    before = {appointment.pk: appointment.revision for appointment in changed}
    for appointment in changed:
        _put_back(appointment, by_id[appointment.pk], log)
    later = read_database_clock()  # than the new revisions: what was due before is of no campaign's concern
    for appointment in changed:
        if appointment.revision != before[appointment.pk]:
            appointment.details_at = later
    save_rows(changed)
    AppointmentChange.objects.bulk_create(log.changes, batch_size=CHANGES_AT_ONCE)


def _put_back(appointment: Appointment, former: FormerState, log: AppointmentLog) -> None:
    is_moved = former.local_start or former.location
    answer = former.answer or ("" if is_moved else appointment.current_answer)
    if "kind" in former.details:
        appointment.details_at = log.at
    for name, value in former.details.items():
        setattr(appointment, name, value)
    if former.file_values is not None:
        appointment.file_values = dict(former.file_values)
    if former.contact:
        log.give_to(appointment, former.contact)
    if former.status == Appointment.Status.CANCELLED:
        log.cancel(appointment)
    elif former.status and appointment.status == Appointment.Status.CANCELLED:
        log.reinstate(appointment)
    elif former.status:
        log.attend(appointment, former.status)
    location = former.location or appointment.location
    if former.local_start or former.location or former.length:
        local, fold = former.local_start or appointment.local_start, appointment.fold
        fold = former.fold if former.local_start else fold
        starts_at = find_moment(local, location.time_zone, fold)
        length = former.length or appointment.ends_at - appointment.starts_at
        log.move(appointment, starts_at, starts_at + length, location, None)
    if former.has_provider:
        log.change_provider(appointment, former.provider)
    if answer and appointment.answer == answer:
        appointment.answer_revision = appointment.revision
