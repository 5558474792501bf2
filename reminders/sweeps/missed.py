"""Marking reminders as missed when their last moment is over, independently of dispatch.

Dispatch claims nothing while the gate is closed or the rate used up, and does not run while all workers are
stuck. This sweep calls the same decide() and sends nothing. A row that another transaction has locked waits
for the next round, so that it delays neither the others nor reconciliation.
"""

from collections.abc import Sequence
from typing import Any

from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from contacts.database.clock import read_database_clock
from contacts.models import Appointment, PhoneNumber
from reminders.deciding.situations import read_reminder_facts, with_situation
from reminders.lifecycle.reminders import apply_decision
from reminders.models import Reminder
from reminders.results.unanswered import account_for
from reminders.rules.decide import Verdict, decide
from reminders.rules.states import ReminderState
from reminders.traffic.switch import read_switch

CHUNK = 100  # reminders locked at once


def miss_what_is_too_late(most: int) -> int:
    """Settle up to `most` planned reminders whose `not_after` is over; how many were settled."""
    late = _late().order_by("next_look_at", "id")
    rows = list(late.values_list("pk", "appointment_id", "appointment__contact__phone_id")[:most])
    return sum(_settle_chunk(rows[start : start + CHUNK]) for start in range(0, len(rows), CHUNK))


def _late() -> "QuerySet[Reminder]":
    # next_look_at is never after not_after, and has the index
    return Reminder.objects.filter(state=ReminderState.PLANNED, next_look_at__lte=Now(), not_after__lte=Now())


@transaction.atomic
def _settle_chunk(rows: Sequence[tuple[int, int, int | None]]) -> int:
    held = with_situation(_late().filter(pk__in=_lock_around(rows))).order_by("pk")
    now = read_database_clock()
    paused = read_switch().paused_at is not None
    settled: list[int] = []
    for reminder in held.select_for_update(of=("self",), skip_locked=True):
        decision = decide(read_reminder_facts(reminder, sending_paused=paused).situation, now)
        if decision.verdict in (Verdict.MISS, Verdict.SKIP):
            apply_decision(reminder, decision, now)
            reminder.save()
            settled.append(reminder.appointment_id)
    account_for(settled)
    return len(settled)


def _lock_around(rows: Sequence[tuple[int, int, int | None]]) -> list[int]:
    """Lock their appointments and numbers; return the reminders for which that needed no waiting."""
    appointments = _lock_free(Appointment.objects.filter(pk__in={appointment for _, appointment, _ in rows}))
    numbers = _lock_free(PhoneNumber.objects.filter(pk__in={number for *_, number in rows if number}))
    return [
        pk
        for pk, appointment, number in rows
        if appointment in appointments and (not number or number in numbers)
    ]


def _lock_free(found: "QuerySet[Any]") -> set[int]:
    free = found.order_by("pk").select_for_update(skip_locked=True, no_key=True)
    return set(free.values_list("pk", flat=True))
