"""Planning's way to the tables: many appointments read, many reminders written, each in one statement.

Making a model object of each row would take several times as long as all else about planning it.
"""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from django.db import connection
from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from contacts.models import Appointment

CHUNK = 5_000  # rows per statement: bounds memory, and keeps each statement short

_INSERT = """
    INSERT INTO reminders_reminder
        (appointment_id, step_id, revision, due_at, not_after, next_look_at, state, reason, channel,
         created_at, updated_at)
    SELECT appointment_id, %s, revision, due_at, not_after, due_at, state, reason, %s, now(), now()
    FROM unnest(%s::bigint[], %s::integer[], %s::timestamptz[], %s::timestamptz[], %s::text[], %s::text[])
        AS owed (appointment_id, revision, due_at, not_after, state, reason)
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
_HOLD_STEP = "SELECT FROM reminders_step WHERE id = %s FOR SHARE"
_HOLD_PLACES = "SELECT FROM contacts_location WHERE id = ANY(%s::bigint[]) ORDER BY id FOR SHARE"


class PlannedAppointment(NamedTuple):
    """What planning asks of an appointment, by the names of its columns; moments are aware UTC."""

    pk: int
    location_id: int
    revision: int
    starts_at: datetime
    revised_at: datetime


class OwedReminder(NamedTuple):
    """What a step owes one appointment: the moment, the end (aware UTC), and the state it begins in."""

    due_at: datetime
    not_after: datetime
    state: str
    reason: str


def read_planned_appointments(appointments: "QuerySet[Appointment]") -> Iterator[list[PlannedAppointment]]:
    """The appointments by key, in chunks of at most CHUNK."""
    # As text, since Python's own reader of ISO 8601 is twenty times as fast as the database driver's.
    moments = [Cast(name, TextField()) for name in ("starts_at", "revised_at")]
    rows = appointments.order_by("pk").values_list("pk", "location_id", "revision", *moments)
    last = 0
    while chunk := [_read_visit(*row) for row in rows.filter(pk__gt=last)[:CHUNK]]:
        yield chunk
        last = chunk[-1].pk


def lock_step_and_locations(step_id: int, location_ids: Iterable[int]) -> None:
    """Let nobody edit the step or these locations until the transaction ends; other planners needn't wait.

    An edit thus waits for what is being planned, and gives it its new moment with all the rest.
    """
    _execute(_HOLD_STEP, [step_id])
    _execute(_HOLD_PLACES, [_write_numbers(location_ids)])


def insert_reminders(
    step_id: int, channel: str, owed: Sequence[tuple[PlannedAppointment, OwedReminder]]
) -> int:
    """Insert what isn't there yet, by the step's `channel`; how many were new.

    Of two planners at once, the unique identity lets one win, silently.
    """
    visits, promises = [visit for visit, _ in owed], [promise for _, promise in owed]
    ids, revisions = (visit.pk for visit in visits), (visit.revision for visit in visits)
    return _execute(
        _INSERT,
        [step_id, channel, _write_numbers(ids), _write_numbers(revisions), *_write_promises(promises)],
    )


def move_reminders(owed: Sequence[tuple[int, OwedReminder]]) -> int:
    """Give these reminders, by id, what they are now owed; how many there were."""
    ids, promises = (pk for pk, _ in owed), [promise for _, promise in owed]
    return _execute(_MOVE, [_write_numbers(ids), *_write_promises(promises)])


def _read_visit(
    pk: int, location_id: int, revision: int, starts_at: str, revised_at: str
) -> PlannedAppointment:
    read = datetime.fromisoformat
    return PlannedAppointment(pk, location_id, revision, read(starts_at), read(revised_at))


def _execute(statement: str, parameters: list[Any]) -> int:
    with connection.cursor() as cursor:
        cursor.execute(statement, parameters)
        return int(cursor.rowcount)


def _write_numbers(numbers: Iterable[int]) -> str:
    return _write_array(map(str, numbers))


def _write_promises(promises: Sequence[OwedReminder]) -> Iterator[str]:
    """A column each, as PostgreSQL writes arrays; states and reasons are codes of ours."""
    yield _write_array(promise.due_at.isoformat() for promise in promises)
    yield _write_array(promise.not_after.isoformat() for promise in promises)
    yield _write_array(promise.state for promise in promises)
    yield _write_array(f'"{promise.reason}"' for promise in promises)


def _write_array(values: Iterable[str]) -> str:
    return f"{{{','.join(values)}}}"
