"""What a named person may order: call now, or skip it, or skip many.

An order passes no rule that protects the patient: it asks the same decide() as the worker.
"""

from collections.abc import Sequence

from django.contrib.auth.models import User
from django.db import transaction

from contacts.appointments import add_change, lock_appointments
from contacts.database.clock import read_database_clock
from contacts.database.saving import saving_together
from contacts.models import AppointmentChange
from reminders.deciding.situations import read_reminder_facts, with_situation
from reminders.desk.wake_dispatch import wake_dispatch
from reminders.lifecycle.locking import lock_reminder
from reminders.lifecycle.reminders import finish_reminder, plan_again
from reminders.models import Reminder
from reminders.rules.decide import Verdict, decide
from reminders.rules.reasons import Reason, sentence_for
from reminders.rules.states import REMINDER_ORDERABLE, REMINDER_PENDING, ReminderState
from reminders.traffic.switch import read_switch

SKIPPED_AT_ONCE = 200
NOT_CALLABLE = {
    ReminderState.CLAIMED: "It is just being called.",
    ReminderState.IN_PROGRESS: "A call for it is under way, or its outcome is unknown; settle that first.",
    ReminderState.WITHDRAWN: "It was for a time or number that no longer holds.",
}


class OrderRefused(ValueError):
    """It can't be done now; the message says why, in a sentence for staff."""


@transaction.atomic
def order_call(reminder_id: int, *, by: User) -> None:
    """Call now, whatever the step's moment, audience or number of tries. Raises OrderRefused."""
    reminder = lock_reminder(reminder_id)
    if reminder.state not in REMINDER_ORDERABLE:
        raise OrderRefused(NOT_CALLABLE[ReminderState(reminder.state)])
    now = read_database_clock()
    # what the step says is ordered, whatever was to follow
    reminder.ordered_by, reminder.channel = by, reminder.step.channel
    plan_again(reminder, next_look_at=now, reason=Reason.ORDERED)
    _check_it_may_go(reminder_id)
    add_change(reminder.appointment, AppointmentChange.What.CALL_ORDERED, by=by, at=now)
    wake_dispatch()


def skip_reminder(reminder_id: int, *, by: User) -> None:
    """Don't send this one. Raises OrderRefused when it is past skipping."""
    if not skip_reminders([reminder_id], by=by):
        raise OrderRefused("It is not waiting any more, so there is nothing to skip.")


def skip_reminders(reminder_ids: Sequence[int], *, by: User) -> int:
    """Don't send these; how many still waited. A group is a transaction, so that the worker waits briefly."""
    groups = range(0, len(reminder_ids), SKIPPED_AT_ONCE)
    return sum(_skip_group(reminder_ids[start : start + SKIPPED_AT_ONCE], by) for start in groups)


@transaction.atomic
def _skip_group(reminder_ids: Sequence[int], by: User) -> int:
    asked = Reminder.objects.filter(pk__in=reminder_ids)
    lock_appointments(asked.values_list("appointment", flat=True))
    waiting = asked.filter(state__in=REMINDER_PENDING).select_related("appointment").order_by("pk")
    reminders, now = list(waiting.select_for_update(of=("self",))), read_database_clock()
    with saving_together():
        for reminder in reminders:
            finish_reminder(reminder, ReminderState.SKIPPED, Reason.SKIPPED_BY_PERSON)
            add_change(reminder.appointment, AppointmentChange.What.STEP_SKIPPED, by=by, at=now)
    return len(reminders)


def _check_it_may_go(reminder_id: int) -> None:
    reminder = with_situation(Reminder.objects.filter(pk=reminder_id)).get()
    facts = read_reminder_facts(reminder, sending_paused=read_switch().paused_at is not None)
    decision = decide(facts.situation, read_database_clock())
    if decision.verdict != Verdict.CALL:
        raise OrderRefused(sentence_for(decision.reason))
