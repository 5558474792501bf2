"""Opening a call and recording what the POST came to.

Opening is the last look: with appointment, number and reminder locked, decide() is asked once more, and
only then the CallRecord is written as `submitting`, to be committed before the first byte leaves. From
then on the try is ambiguous until evidence says otherwise, and never begun again.
"""

import random
from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Q, QuerySet
from django.db.models.functions import Now

from contacts.appointments import lock_appointments
from contacts.models.people import Channel
from contacts.people import mark_number_unusable
from reminders.decide import Decision, Verdict, decide
from reminders.followups import open_follow_up
from reminders.locking import lock_call, lock_numbers, read_database_clock
from reminders.models import CallBatch, CallRecord, FollowUp, Reminder
from reminders.reasons import Reason
from reminders.retries import provider_backoff, retry_after_or_backoff
from reminders.robotalker.errors import Meaning, RateLimited, Rejected, RobotalkerError, ServerError
from reminders.scripts import caller_id, fill_variables, speak, used_variables
from reminders.sending import Cause, pause_sending, read_switch
from reminders.situations import Look, read_look, with_situation
from reminders.states import CALL_OPEN, CallState, ReminderState, can_move_call, check_reminder_move

HELD_LOOK = timedelta(seconds=30)  # how soon a held reminder is looked at again
LINE_TIME = timedelta(minutes=2)  # as long as a call may ring and talk
BATCH_REFUSED = "campaign refused"  # a POST /campaigns that placed nothing: its members go out singly

_rng = random.SystemRandom()


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


def settle(reminder: Reminder, decision: Decision, now: datetime) -> None:
    """Do what a decision other than CALL says to a locked reminder that is planned or claimed."""
    match decision.verdict:
        case Verdict.WAIT:
            put_back(reminder, next_look_at=decision.until or now, reason=decision.reason)
        case Verdict.BLOCK:
            put_back(reminder, next_look_at=now + HELD_LOOK, reason=decision.reason)
            _ask_for_a_number(reminder, decision.reason)
        case Verdict.SKIP:
            finish(reminder, ReminderState.SKIPPED, decision.reason)
        case _:
            miss(reminder, decision.reason)


def put_back(
    reminder: Reminder, *, next_look_at: datetime, reason: str = "", try_after: datetime | None = None
) -> None:
    """Plan a locked reminder again, to be looked at from `next_look_at` on.

    With `try_after` it is another try, not before that moment. Nothing waits past its `not_after`: it is
    looked at then, and missed in the open.
    """
    if reminder.state != ReminderState.PLANNED:
        check_reminder_move(reminder.state, ReminderState.PLANNED)
    reminder.state, reminder.reason = ReminderState.PLANNED, reason
    reminder.next_look_at = min(next_look_at, reminder.not_after)
    reminder.try_after = try_after or reminder.try_after
    reminder.claim, reminder.lease_until = None, None
    reminder.save()


def finish(reminder: Reminder, state: ReminderState, reason: str) -> None:
    """Bring a locked reminder to a state it stays in; another reason for the same state is welcome."""
    if reminder.state != state:
        check_reminder_move(reminder.state, state)
    reminder.state, reminder.reason = state, reason
    reminder.claim, reminder.lease_until, reminder.ordered_by = None, None, None
    reminder.save()


def miss(reminder: Reminder, reason: str) -> None:
    """Its time is over: visible, and on the worklist (product rule 4)."""
    finish(reminder, ReminderState.MISSED, reason)
    if not _number_entries(reminder).exclude(state=FollowUp.State.RESOLVED).exists():
        open_follow_up(FollowUp.Kind.MISSED, reminder=reminder)  # else that entry says it already, and why


def record_accepted(call_id: int, robotalker_id: str) -> None:
    """Robotalker took it. If an event came first, only the id is new."""
    as_expected = CallRecord.objects.filter(pk=call_id, state=CallState.SUBMITTING, robotalker_id="")
    news = {"state": CallState.SUBMITTED, "robotalker_id": robotalker_id, "submitted_at": Now()}
    if not as_expected.update(**news):
        _record_accepted_late(call_id, robotalker_id)


@transaction.atomic
def _record_accepted_late(call_id: int, robotalker_id: str) -> None:
    call = lock_call(call_id)
    call.robotalker_id = call.robotalker_id or robotalker_id
    call.submitted_at = call.submitted_at or read_database_clock()
    if can_move_call(call.state, CallState.SUBMITTED):
        call.state, call.reason = CallState.SUBMITTED, ""
    call.save()


@transaction.atomic
def record_batch_accepted(batch: CallBatch, robotalker_id: str) -> None:
    """Robotalker took the campaign; its calls get their ids from their events."""
    CallBatch.objects.filter(pk=batch.pk).update(robotalker_id=robotalker_id)
    waiting = CallRecord.objects.filter(batch=batch, state__in=[CallState.SUBMITTING, CallState.UNKNOWN])
    waiting.update(state=CallState.SUBMITTED, submitted_at=Now(), reason="")


@transaction.atomic
def record_failure(call_id: int, error: RobotalkerError) -> None:
    """The POST failed; what that means for call, reminder, number and sending (design's table of answers)."""
    call = lock_call(call_id)
    now = read_database_clock()
    match _meaning_of(error):
        case Meaning.UNKNOWN:
            close_call(call, CallState.UNKNOWN, str(error), now)
        case Meaning.REJECTED if call.batch_id:
            if close_call(call, CallState.NOT_SENT, BATCH_REFUSED, now):
                put_back(call.reminder, next_look_at=now, try_after=now)
        case Meaning.REJECTED:
            if close_call(call, CallState.REJECTED, str(error), now):
                finish(call.reminder, ReminderState.DONE, Reason.REJECTED)
                _blame(call, error, now)
        case meaning:
            if meaning == Meaning.UNAUTHORIZED:
                pause_sending(cause=Cause.KEY_REFUSED)
            if close_call(call, CallState.NOT_SENT, str(error), now):
                again = now + _pause_before_next(call, error)
                call.reminder.ordered_by_id = call.ordered_by_id  # nothing was sent, so the order stands
                put_back(call.reminder, next_look_at=again, reason=Reason.PROVIDER_TROUBLE, try_after=again)


def close_call(call: CallRecord, state: CallState, reason: str, at: datetime) -> bool:
    """Move a locked call to `state`, and save it; False when evidence came first."""
    if not move_call(call, state, reason, at):
        return False
    call.save(update_fields=["state", "reason", "ended_at"])
    return True


def move_call(call: CallRecord, state: CallState, reason: str, at: datetime) -> bool:
    """Move a locked call to `state` if the table allows it; the caller saves it."""
    if not can_move_call(call.state, state):
        return False
    call.state, call.reason = state, reason[:200]
    if state not in CALL_OPEN:
        call.ended_at = at
    return True


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


def _ask_for_a_number(reminder: Reminder, reason: str) -> None:
    """Once: an entry that somebody has resolved isn't opened again at the next look."""
    lacks_number = reason in (Reason.NO_NUMBER, Reason.NUMBER_UNUSABLE)
    if lacks_number and not _number_entries(reminder).exists():
        open_follow_up(FollowUp.Kind.WRONG_NUMBER, reminder=reminder, detail=str(Reason(reason).label))


def _number_entries(reminder: Reminder) -> QuerySet[FollowUp]:
    return FollowUp.objects.filter(
        appointment=reminder.appointment_id, reminder=reminder, kind=FollowUp.Kind.WRONG_NUMBER
    )


def _meaning_of(error: RobotalkerError) -> Meaning:
    if isinstance(error, ServerError) and settings.ROBOTALKER_ON_500 == "unknown":
        return Meaning.UNKNOWN
    return error.meaning


def _blame(call: CallRecord, error: RobotalkerError, now: datetime) -> None:
    if isinstance(error, Rejected) and error.is_about_the_number:
        mark_number_unusable(call.number_id, f"Robotalker rejected it: {error.reason}"[:200], now)
        open_follow_up(FollowUp.Kind.WRONG_NUMBER, reminder=call.reminder, call=call, detail=error.reason)
    else:
        open_follow_up(FollowUp.Kind.COULD_NOT_REACH, reminder=call.reminder, call=call, detail=str(error))


def _pause_before_next(call: CallRecord, error: RobotalkerError) -> timedelta:
    """By Robotalker's wish, else by backoff over the failures since the last try that was sent."""
    sent = CallRecord.objects.filter(~Q(state=CallState.NOT_SENT), reminder=call.reminder_id)
    last_sent = sent.aggregate(last=Max("try_number"))["last"] or 0
    failures = call.try_number - last_sent
    if isinstance(error, RateLimited | ServerError):
        return retry_after_or_backoff(error.retry_after, failures, _rng)
    return provider_backoff(failures, _rng)
