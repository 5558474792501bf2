"""A practice of some years: reminders by the million and contacts by the hundred thousand, copied by SQL."""

from datetime import datetime, time, timedelta

from django.db import connection, transaction
from django.db.models import Model
from django.utils import timezone

from contacts.appointments import set_times
from contacts.models import Appointment, Contact, Location
from reminders.models import Reminder, Step
from tests.bench.rows import CHUNK, delete_reminders, vacuum_tables

VISITS_TODAY = 360
A_VISIT = timedelta(minutes=30)


def make_many_rows(*, contacts: int, reminders: int) -> None:
    """Copy what is there until there are so many; and a full day today."""
    delete_reminders()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")  # no triggers: they'd take minutes
        _copy(Contact, contacts, {"search_text": "search_text || ' ' || round"})
    _make_today()
    steps = Step.objects.count()
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL session_replication_role = replica")
        back = "round * interval '40 days'"
        earlier = {name: f"{name} - {back}" for name in ("starts_at", "ends_at", "local_start")}
        _copy(Appointment, reminders // steps, earlier)
        _make_reminders()
    vacuum_tables()


def _copy(model: type[Model], wanted: int, changes: dict[str, str]) -> None:
    """Each row again and again, `round` by `round`, with these columns changed, until there are `wanted`."""
    there = model._default_manager.count()
    table = model._meta.db_table
    columns = [
        str(one.column) for one in model._meta.concrete_fields if not (one.primary_key or one.generated)
    ]
    values = ", ".join(changes.get(name, name) for name in columns)
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} ({', '.join(columns)}) SELECT {values}"  # noqa: S608 - tables of ours
            f" FROM generate_series(1, %s) AS round CROSS JOIN {table} LIMIT %s",
            [wanted // there + 1, max(wanted - there, 0)],
        )


def _make_today() -> None:
    location, now = Location.objects.get(), timezone.now()
    opens = datetime.combine(now.astimezone(location.zone).date(), time(7), location.zone)
    people = Contact.objects.order_by("pk")[:VISITS_TODAY]
    visits = [
        set_times(Appointment(contact=person, location=location, revised_at=now), starts, starts + A_VISIT)
        for place, person in enumerate(people)
        if (starts := opens + timedelta(minutes=2 * place))
    ]
    Appointment.objects.bulk_create(visits, CHUNK)


def _make_reminders() -> None:
    """One of each step for each visit: done where it is past, else planned."""
    due = "visit.starts_at - step.position * interval '1 day'"
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {Reminder._meta.db_table}"  # noqa: S608 - a table of ours
            " (appointment_id, step_id, revision, due_at, not_after, next_look_at, state, reason, channel,"
            " created_at, updated_at)"
            f" SELECT visit.id, step.id, visit.revision, {due}, visit.starts_at, {due},"
            f" CASE WHEN {due} < now() THEN 'done' ELSE 'planned' END, '', '', now(), now()"
            f" FROM {Appointment._meta.db_table} visit CROSS JOIN {Step._meta.db_table} step"
        )
