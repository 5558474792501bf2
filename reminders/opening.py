"""Opening a call: the last look, and the CallRecord that is written before the first byte leaves.

With appointment, number and reminder locked, decide() is asked once more, and only then the CallRecord is
written as `submitting`, to be committed before the POST. From then on the try is ambiguous until evidence
says otherwise, and never begun again.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.db import transaction
from django.db.models import Max
from django.db.models.functions import Now

from contacts.appointments import lock_appointments
from contacts.models.people import Channel
from reminders.decide import Verdict, decide
from reminders.locking import lock_numbers, read_database_clock
from reminders.models import CallBatch, CallRecord, Reminder
from reminders.scripts import caller_id, fill_variables, speak, used_variables
from reminders.sending import read_switch
from reminders.settling import put_back, settle
from reminders.situations import Look, read_look, with_situation
from reminders.states import CallState, ReminderState, check_reminder_move

LINE_TIME = timedelta(minutes=2)  # as long as a call may ring and talk


@transaction.atomic
def open_calls(reminder_ids: Sequence[int], claim: UUID, batch: CallBatch | None = None) -> list[CallRecord]:
    """The last look at claimed reminders; the calls to submit, as `submitting`.

    Only what this very claim still holds is touched (a worker that wakes late finds nothing). What isn't
    called now is settled: waits, is held, skipped or missed. A batch takes each number once.
    """
    _lock_for_last_look(reminder_ids)
    now = read_database_clock()
    paused = read_switch().paused_at is not None
    reminders = _still_ours(reminder_ids, claim)
    busy = _find_busy_lines(reminders, now)
    calls: list[CallRecord] = []
    for reminder in reminders:
        number_id = reminder.appointment.contact.phone_id
        look = read_look(reminder, sending_paused=paused, line_busy_until=busy.get(number_id or 0))
        decision = decide(look.situation, now)
        if decision.verdict != Verdict.CALL:
            settle(reminder, decision, now)
        elif _fits(call := _build_call(look, now, batch), calls):
            calls.append(call)
        else:
            put_back(reminder, next_look_at=now)
    return _save_opened(calls)


def _lock_for_last_look(reminder_ids: Sequence[int]) -> None:
    rows = Reminder.objects.filter(pk__in=reminder_ids).values_list(
        "appointment_id", "appointment__contact__phone_id"
    )
    pairs = list(rows)
    lock_appointments(appointment for appointment, _ in pairs)
    lock_numbers(number for _, number in pairs if number)


def _still_ours(reminder_ids: Sequence[int], claim: UUID) -> list[Reminder]:
    held = Reminder.objects.filter(
        pk__in=reminder_ids, state=ReminderState.CLAIMED, claim=claim, lease_until__gt=Now()
    )
    return list(with_situation(held).select_for_update(of=("self",)).order_by("pk"))


def _find_busy_lines(reminders: Sequence[Reminder], now: datetime) -> dict[int, datetime]:
    """Until when each number that may be ringing for us just now is left alone, by its id."""
    numbers = {reminder.appointment.contact.phone_id for reminder in reminders}
    ringing = CallRecord.objects.filter(
        number__in=numbers,
        channel=Channel.VOICE,
        state__in=[CallState.SUBMITTING, CallState.SUBMITTED, CallState.UNKNOWN],
        submitting_at__gt=now - LINE_TIME,
    )
    latest = ringing.values_list("number").annotate(Max("submitting_at")).order_by()
    return {number: submitting_at + LINE_TIME for number, submitting_at in latest}


def _build_call(look: Look, now: datetime, batch: CallBatch | None) -> CallRecord:
    assert look.number is not None and look.script_text is not None  # noqa: S101, PT018 - decide() saw to it
    reminder, script = look.reminder, look.script_text
    values = fill_variables(reminder.appointment, script.language)
    variables = {name: values[name] for name in sorted(used_variables(script.text)) if name in values}
    return CallRecord(
        reminder=reminder,
        number=look.number,
        batch=batch,
        channel=reminder.step.channel,
        try_number=1,
        ordered_by_id=reminder.ordered_by_id,
        from_number=caller_id(reminder.appointment.location),
        script_text=script,
        variables=variables,
        text=speak(script.text, variables),
        submitting_at=now,
    )


def _fits(call: CallRecord, others: Sequence[CallRecord]) -> bool:
    """Whether it can go out with the others: one script, one caller id, each number once."""
    return all(
        call.number_id != other.number_id
        and call.script_text_id == other.script_text_id
        and call.from_number == other.from_number
        for other in others
    )


def _save_opened(calls: list[CallRecord]) -> list[CallRecord]:
    reminders = [call.reminder for call in calls]
    made = dict(
        CallRecord.objects.filter(reminder__in=reminders)
        .values_list("reminder")
        .annotate(Max("try_number"))
        .order_by()
    )
    for call in calls:
        call.try_number = made.get(call.reminder_id, 0) + 1
        check_reminder_move(call.reminder.state, ReminderState.IN_PROGRESS)
    Reminder.objects.filter(pk__in=[reminder.pk for reminder in reminders]).update(
        state=ReminderState.IN_PROGRESS,
        reason="",
        ordered_by=None,  # the order is this try's now, and stands on the call
        claim=None,
        lease_until=None,
        updated_at=Now(),
    )
    return CallRecord.objects.bulk_create(calls)
