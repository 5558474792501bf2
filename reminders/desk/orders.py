"""What a member of staff may order for reminders: call one now; skip one or many; put one or many back.

An order bypasses no rule that protects the patient: it is checked by the same decide() as the worker's.
"""

from collections.abc import Sequence
from contextlib import suppress

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext
from django.utils.translation import gettext_lazy as _

from contacts.appointments import add_change, add_changes, lock_appointments
from contacts.database.clock import read_database_clock
from contacts.database.saving import save_rows
from contacts.models import AppointmentChange
from reminders.deciding.explanations import foresee_call
from reminders.deciding.households import choose_families, find_relatives
from reminders.deciding.number_caps import read_use
from reminders.deciding.situations import read_reminder_facts, with_situation
from reminders.desk.wake_dispatch import wake_dispatch
from reminders.lifecycle.calls import find_calls_about
from reminders.lifecycle.follow_ups import resolve_missed
from reminders.lifecycle.locking import lock_reminder
from reminders.lifecycle.reminders import finish_reminder, plan_again
from reminders.models import Reminder
from reminders.planning.owed_reminders import find_owed_reminder
from reminders.results.unanswered import account_for
from reminders.rules.decide import Verdict, decide
from reminders.rules.reasons import Reason, sentence_for
from reminders.rules.states import (
    REACHED_NOBODY_FOR_SURE,
    REMINDER_ENDED_WITHOUT_CALL,
    REMINDER_ORDERABLE,
    REMINDER_PENDING,
    ReminderState,
)
from reminders.traffic.switch import read_switch

SKIPPED_PER_TRANSACTION = 200
NOT_CALLABLE = {
    ReminderState.CLAIMED: _("A call is in progress."),
    ReminderState.IN_PROGRESS: _(
        "A call is in progress, or its result is not known yet. Wait for it, or decide on the worklist."
    ),
    ReminderState.WITHDRAWN: _("This reminder was for an old time or an old phone number."),
}


class OrderRefused(ValueError):
    """The order can't be carried out now. The message says why, in a sentence for staff."""


@transaction.atomic
def order_call(reminder_id: int, *, by: User) -> None:
    """Call now, regardless of the step's time, audience and number of tries. Raises OrderRefused."""
    reminder = lock_reminder(reminder_id)
    if reminder.state not in REMINDER_ORDERABLE:
        raise OrderRefused(str(NOT_CALLABLE[ReminderState(reminder.state)]))
    now = read_database_clock()
    reminder.ordered_by, reminder.channel = by, ""  # the step's own, even if a text was to follow
    plan_again(reminder, next_look_at=now, reason=Reason.ORDERED)
    reminder.save()
    _check_it_may_go(reminder_id)
    add_change(reminder.appointment, AppointmentChange.What.CALL_ORDERED, by=by, at=now)
    account_for([reminder.appointment_id])
    wake_dispatch()


@transaction.atomic
def order_household_call(reminder_id: int, *, by: User) -> list[Reminder]:
    """Call now about every visit of the number that day: one call (product rule 12). Who is called, by time.

    Raises OrderRefused as order_call() does for `reminder_id`; relatives who may not be called are left out.
    """
    lead = Reminder.objects.select_related("appointment__contact", "appointment__location").get(
        pk=reminder_id
    )
    relatives = find_relatives(lead.appointment, read_database_clock()).select_related(
        "appointment__contact", "appointment__location"
    )
    [family] = choose_families([lead], relatives).values()
    lock_appointments(one.appointment_id for one in family)  # before the first number
    order_call(lead.pk, by=by)
    refused = set()
    for relative in family:
        if relative.pk != lead.pk:
            try:
                order_call(relative.pk, by=by)
            except OrderRefused:
                refused.add(relative.pk)
    return [one for one in family if one.pk not in refused]


def skip_reminder(reminder_id: int, *, by: User) -> None:
    """Don't send this reminder. Raises OrderRefused when it is no longer waiting."""
    if not skip_reminders([reminder_id], by=by):
        raise OrderRefused(gettext("This reminder is no longer waiting, so it can't be skipped."))


def skip_reminders(
    reminder_ids: Sequence[int], *, by: User, reason: Reason = Reason.SKIPPED_BY_PERSON
) -> int:
    """Don't send these; returns how many were still waiting. In groups, so that each transaction is short."""
    groups = range(0, len(reminder_ids), SKIPPED_PER_TRANSACTION)
    return sum(
        _skip_group(reminder_ids[start : start + SKIPPED_PER_TRANSACTION], by, reason) for start in groups
    )


@transaction.atomic
def _skip_group(reminder_ids: Sequence[int], by: User, reason: Reason) -> int:
    asked = Reminder.objects.filter(pk__in=reminder_ids)
    lock_appointments(asked.values_list("appointment", flat=True))
    waiting = asked.filter(state__in=REMINDER_PENDING).select_related("appointment").order_by("pk")
    reminders, now = list(waiting.select_for_update(of=("self",))), read_database_clock()
    for reminder in reminders:
        finish_reminder(reminder, ReminderState.SKIPPED, reason)
    save_rows(reminders)
    skipped = [reminder.appointment for reminder in reminders]
    add_changes(skipped, AppointmentChange.What.STEP_SKIPPED, by=by, at=now)
    account_for({reminder.appointment_id for reminder in reminders})
    return len(reminders)


@transaction.atomic
def put_back_reminder(reminder_id: int, *, by: User) -> None:
    """Plan a reminder again that was skipped or missed, as by a mistaken setting. Raises OrderRefused.

    Not if a call of it may have reached somebody, nor if planning or decide() would skip or miss it again.
    Its times are those of the step and the location as they are now.
    """
    reminder = lock_reminder(reminder_id)
    if reminder.state not in REMINDER_ENDED_WITHOUT_CALL:
        raise OrderRefused(gettext("This reminder was not skipped or missed, so it can't be put back."))
    if find_calls_about(reminder, leave_out=REACHED_NOBODY_FOR_SURE).exists():
        raise OrderRefused(gettext("This reminder may have reached the patient, so it can't be put back."))
    if owed := find_owed_reminder(reminder.step, reminder.appointment):
        if owed.state == ReminderState.SKIPPED:  # planning would skip it again
            raise OrderRefused(sentence_for(owed.reason))
        reminder.due_at, reminder.not_after = owed.due_at, owed.not_after
    now = read_database_clock()
    plan_again(reminder, next_look_at=max(now, reminder.not_before))
    reminder.save()
    _check_it_can_be_in_time(reminder_id)
    add_change(reminder.appointment, AppointmentChange.What.STEP_PUT_BACK, by=by, at=now)
    resolve_missed(reminder, by=by, at=now)
    account_for([reminder.appointment_id])
    wake_dispatch()


def put_back_reminders(reminder_ids: Sequence[int], *, by: User) -> int:
    """Put these back, each in a transaction of its own; returns how many could be."""
    put_back = 0
    for reminder_id in reminder_ids:
        with suppress(OrderRefused):
            put_back_reminder(reminder_id, by=by)
            put_back += 1
    return put_back


def _check_it_can_be_in_time(reminder_id: int) -> None:
    """By decide(), asked as pages ask it; what is held until a person acts is planned all the same."""
    reminder = with_situation(Reminder.objects.filter(pk=reminder_id)).get()
    now, number_id = read_database_clock(), reminder.appointment.contact.phone_id
    use = read_use([number_id], now)[number_id] if number_id else None
    facts = read_reminder_facts(reminder, sending_paused=read_switch().paused_at is not None)
    decision = foresee_call(reminder, facts.situation, now, use).decision
    if decision.verdict in (Verdict.SKIP, Verdict.MISS):
        raise OrderRefused(sentence_for(decision.reason))


def _check_it_may_go(reminder_id: int) -> None:
    reminder = with_situation(Reminder.objects.filter(pk=reminder_id)).get()
    facts = read_reminder_facts(reminder, sending_paused=read_switch().paused_at is not None)
    decision = decide(facts.situation, read_database_clock())
    if decision.verdict != Verdict.CALL:
        raise OrderRefused(sentence_for(decision.reason))
