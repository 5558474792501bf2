"""Reading many appointments and writing many reminders for planning, each in one statement.

Making a model object of each row would take several times as long as all the rest of planning it.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import QuerySet, TextField, Value
from django.db.models.expressions import Combinable
from django.db.models.functions import Cast

from contacts.models import Appointment

CHUNK = 5_000  # rows per statement: limits the memory and time that one takes

_INSERT = """
    INSERT INTO reminders_reminder
        (appointment_id, step_id, revision, due_at, not_after, next_look_at, state, reason,
         created_at, updated_at)
    SELECT owed.appointment_id, %s, owed.revision, owed.due_at, owed.not_after, owed.due_at, owed.state,
        owed.reason, now(), now()
    FROM unnest(
        %s::bigint[], %s::integer[], %s::timestamptz[],
        %s::timestamptz[], %s::timestamptz[], %s::text[], %s::text[]
    ) AS owed (appointment_id, revision, starts_at, due_at, not_after, state, reason)
    JOIN contacts_appointment AS appointment
        ON appointment.id = owed.appointment_id AND appointment.starts_at = owed.starts_at
    ON CONFLICT (appointment_id, step_id, revision) DO NOTHING
"""
_MOVE = """
    UPDATE reminders_reminder AS reminder
    SET due_at = owed.due_at, not_after = owed.not_after, next_look_at = owed.due_at,
        state = owed.state, reason = owed.reason, updated_at = now()
    FROM unnest(%s::bigint[], %s::timestamptz[], %s::timestamptz[], %s::text[], %s::text[])
        AS owed (id, due_at, not_after, state, reason)
    WHERE reminder.id = owed.id
"""
_LOCK_STEPS = "SELECT FROM reminders_step WHERE id = ANY(%s::bigint[]) ORDER BY id FOR SHARE"
_LOCK_STEPS_IN_USE = "SELECT FROM reminders_step WHERE removed_at IS NULL ORDER BY id FOR SHARE"
_LOCK_LOCATIONS = "SELECT FROM contacts_location WHERE id = ANY(%s::bigint[]) ORDER BY id FOR SHARE"


class PlannedAppointment(NamedTuple):
    """The columns of an appointment that planning needs; moments are aware UTC.

    `stated_zone` is the contact's, "" if not known; `number_zones` those of their phone number. Read where
    a step needs it, else None: `booked_at`, and `patient_at`, when what the campaign asks of the patient last
    changed (coverage.find_patient_change).
    """

    pk: int
    location_id: int
    revision: int
    starts_at: datetime
    revised_at: datetime
    details_at: datetime | None
    stated_zone: str
    number_zones: tuple[str, ...]
    booked_at: datetime | None = None
    patient_at: datetime | None = None


class OwedReminder(NamedTuple):
    """A step's reminder for one appointment: its moment and end (aware UTC), and the state it starts in."""

    due_at: datetime
    not_after: datetime
    state: str
    reason: str


def read_planned_appointments(
    appointments: "QuerySet[Appointment]", *, booked: bool = False, patient_at: Combinable | None = None
) -> Iterator[list[PlannedAppointment]]:
    """The appointments in the order of their keys, in chunks of at most CHUNK.

    `booked`: with `booked_at`; `patient_at`: the expression of coverage.find_patient_change().
    """
    # As text, since Python parses ISO 8601 twenty times as fast as the database driver.
    moments = [Cast(name, TextField()) for name in ("starts_at", "revised_at", "details_at")]
    zones: tuple[Any, ...] = ("contact__time_zone", Cast("contact__phone__time_zones", TextField()))
    asked = ["booked_at" if booked else None, patient_at]
    if booked or patient_at is not None:
        zones += tuple(Cast(one, TextField()) if one else Value(None, TextField()) for one in asked)
    rows = appointments.order_by("pk").values_list("pk", "location_id", "revision", *moments, *zones)
    last = 0
    while chunk := [_parse_appointment(*row) for row in rows.filter(pk__gt=last)[:CHUNK]]:
        yield chunk
        if len(chunk) < CHUNK:
            return
        last = chunk[-1].pk


def lock_steps_and_locations(step_ids: Iterable[int], location_ids: Iterable[int]) -> None:
    """Keep these steps and locations from being edited until the transaction ends; others may plan them.

    So an edit waits for what is being planned, and then moves it with all other reminders.
    """
    _execute(_LOCK_STEPS, [_write_numbers(step_ids)])
    _execute(_LOCK_LOCATIONS, [_write_numbers(location_ids)])


def lock_steps_in_use() -> None:
    """Keep all steps from being edited until the transaction ends; others may plan them.

    For a transaction that holds locations before it plans: an edit locks its steps before any location.
    """
    _execute(_LOCK_STEPS_IN_USE, [])


def insert_reminders(step_id: int, owed: Sequence[tuple[PlannedAppointment, OwedReminder]]) -> int:
    """Insert the reminders that don't exist yet; how many were inserted.

    When two planners insert the same reminder, its unique identity lets only one of them, without an error.
    An appointment whose moment has changed since it was read is left to the next round (planning/shifts.py).
    """
    ids = _write_numbers(appointment.pk for appointment, _ in owed)
    revisions = _write_numbers(appointment.revision for appointment, _ in owed)
    starts = _write_array(appointment.starts_at.isoformat() for appointment, _ in owed)
    columns = _write_owed([reminder for _, reminder in owed])
    return _execute(_INSERT, [step_id, ids, revisions, starts, *columns])


def move_reminders(owed: Sequence[tuple[int, OwedReminder]]) -> int:
    """Give these reminders, by id, their new moment, end and state; how many there were."""
    ids = _write_numbers(pk for pk, _ in owed)
    return _execute(_MOVE, [ids, *_write_owed([reminder for _, reminder in owed])])


def as_planned(appointment: Appointment) -> PlannedAppointment:
    """The same of one appointment, whose contact's phone number must be loaded."""
    contact = appointment.contact
    return PlannedAppointment(
        appointment.pk,
        appointment.location_id,
        appointment.revision,
        appointment.starts_at,
        appointment.revised_at,
        appointment.details_at,
        contact.time_zone,
        tuple(contact.phone.time_zones) if contact.phone else (),
        booked_at=appointment.booked_at,
    )


def _parse_appointment(
    pk: int,
    location_id: int,
    revision: int,
    starts_at: str,
    revised_at: str,
    details_at: str | None,
    stated_zone: str,
    number_zones: str | None,
    booked_at: str | None = None,
    patient_at: str | None = None,
) -> PlannedAppointment:
    read = datetime.fromisoformat
    zones = _parse_zones(number_zones or "{}")
    return PlannedAppointment(
        pk,
        location_id,
        revision,
        read(starts_at),
        read(revised_at),
        read(details_at) if details_at else None,
        stated_zone,
        zones,
        read(booked_at) if booked_at else None,
        read(patient_at) if patient_at else None,
    )


@lru_cache(maxsize=4096)
def _parse_zones(array: str) -> tuple[str, ...]:
    """An array in PostgreSQL's notation; the names of zones need no quotes."""
    return tuple(name.strip('"') for name in array.strip("{}").split(",") if name)


def _execute(statement: str, parameters: list[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)


def _write_numbers(numbers: Iterable[int]) -> str:
    return _write_array(map(str, numbers))


def _write_owed(reminders: Sequence[OwedReminder]) -> Iterator[str]:
    """An array for each column, in PostgreSQL's notation; states and reasons are our own codes."""
    yield _write_array(reminder.due_at.isoformat() for reminder in reminders)
    yield _write_array(reminder.not_after.isoformat() for reminder in reminders)
    yield _write_array(reminder.state for reminder in reminders)
    yield _write_array(f'"{reminder.reason}"' for reminder in reminders)


def _write_array(values: Iterable[str]) -> str:
    return f"{{{','.join(values)}}}"
