"""Measure planning, compared with a COPY of the same rows, and claiming, compared with a bare UPDATE."""

from collections.abc import Iterator
from uuid import uuid4

from django.conf import settings
from django.db import connection

from contacts.models import Appointment
from reminders.dispatch.claims import claim_due
from reminders.models import Reminder, Step
from reminders.planning.planner import plan_all
from tests.bench.measure import Line, compare, stopwatch
from tests.bench.rows import delete_reminders, make_due, vacuum_tables

ROUNDS = 3
CLAIMS = 10_000  # reminders per round
BARE_CLAIM = """
    UPDATE reminders_reminder
    SET state = 'claimed', claim = %s, lease_until = now() + interval '60 s', updated_at = now()
    WHERE id IN (
        SELECT id FROM reminders_reminder WHERE state = 'planned' AND next_look_at <= now()
        ORDER BY next_look_at, id LIMIT %s FOR NO KEY UPDATE SKIP LOCKED
    )
"""


def bench_planning() -> Iterator[Line]:
    """Plan all appointments from scratch in each round, then once more with nothing left to plan."""
    appointments, steps = Appointment.objects.count(), Step.objects.count()
    copy = _Copy()
    yield from compare(
        f"reminders planned: {appointments:,} appointments x {steps} steps",
        lambda: _plan(appointments * steps),
        {"COPY of the same rows": copy.load},
        unit="/s",
        rounds=ROUNDS,
    )
    with stopwatch() as watch:
        plan_all()
    yield Line(f"a round of planning that finds {appointments * steps:,} planned", f"{watch.seconds:.2f} s")


def bench_claiming() -> Iterator[Line]:
    """Claim due reminders, batch by batch, with no other worker."""
    yield from compare(
        f"reminders claimed, {settings.DISPATCH_BATCH} at once",
        lambda: _claim(bare=False),
        {"bare UPDATE": lambda: _claim(bare=True)},
        unit="/s",
        rounds=ROUNDS,
    )


def _plan(expected: int) -> float:
    delete_reminders()
    vacuum_tables()
    with stopwatch() as watch:
        added = plan_all().added
    if not added == Reminder.objects.count() == expected:
        raise RuntimeError(f"{added} reminders planned, not {expected}")
    return watch.rate(added)


class _Copy:
    """Copies the rows that planning has just made out of the table and back into it."""

    _INTO = "COPY reminders_reminder FROM STDIN"

    def load(self) -> float:
        with connection.cursor() as cursor, cursor.copy("COPY reminders_reminder TO STDOUT") as out:
            rows = b"".join(bytes(block) for block in out)
        delete_reminders()
        vacuum_tables()
        with connection.cursor() as cursor, stopwatch() as watch, cursor.copy(self._INTO) as into:
            into.write(rows)
        return watch.rate(rows.count(b"\n"))


def _claim(*, bare: bool) -> float:
    make_due(CLAIMS)
    left = CLAIMS
    with stopwatch() as watch:
        while left:
            left -= _claim_with_update() if bare else len(claim_due(settings.DISPATCH_BATCH).reminder_ids)
    return watch.rate(CLAIMS)


def _claim_with_update() -> int:
    with connection.cursor() as cursor:
        cursor.execute(BARE_CLAIM, [uuid4(), settings.DISPATCH_BATCH])
        return int(cursor.rowcount)
