"""Folding what Robotalker reports into the call and its reminder.

The result is the same for every order and repetition of the same events: of two outcomes the stronger
evidence stands (states.OUTCOMES_BY_STRENGTH), keys are a sorted set of facts, and an answer belongs to
the moment it was given.
"""

from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q

from contacts.models.people import Channel
from contacts.people import mark_number_unusable, mark_numbers_usable
from reminders.answers import apply_key, ask_what_was_meant, key_in_text, opt_out
from reminders.calls import move_call
from reminders.followups import open_follow_up, open_if_nothing_follows, settle_by_itself
from reminders.locking import lock_call
from reminders.models import CallRecord, FollowUp, Reminder
from reminders.reasons import Reason
from reminders.retries import Outcome, RetryRule, next_try
from reminders.robotalker.events import EventKind, RobotalkerEvent
from reminders.robotalker.fields import AmdResult
from reminders.settling import finish, put_back
from reminders.states import REMINDER_OPEN, CallState, ReminderState

STATE_BY_KIND = {
    EventKind.CALL_NO_ANSWER: CallState.NO_ANSWER,
    EventKind.CALL_VOICEMAIL: CallState.VOICEMAIL,
    EventKind.CALL_FAILED: CallState.FAILED,
    EventKind.KEY_PRESSED: CallState.ANSWERED,
    EventKind.OPTED_OUT: CallState.ANSWERED,
    EventKind.SMS_DELIVERED: CallState.DELIVERED,
    EventKind.SMS_FAILED: CallState.FAILED,
    EventKind.SMS_RECEIVED: CallState.ANSWERED,
}
# The words a completed call may carry; only "answered" stands in the guide.
STATE_BY_STATUS = {
    "answered": CallState.ANSWERED,
    "no_answer": CallState.NO_ANSWER,
    "voicemail": CallState.VOICEMAIL,
    "busy": CallState.FAILED,
    "failed": CallState.FAILED,
}
REASON_BY_STATE = {
    CallState.ANSWERED: Reason.REACHED,
    CallState.VOICEMAIL: Reason.VOICEMAIL,
    CallState.DELIVERED: Reason.DELIVERED,
    CallState.NO_ANSWER: Reason.NOT_REACHED,
    CallState.FAILED: Reason.NOT_REACHED,
}
TOLD_BY_EVENTS = [
    "robotalker_id",
    "state",
    "reason",
    "ended_at",
    "duration_seconds",
    "amd_result",
    "keys",
    "key_pressed",
]
BUSY, INVALID_NUMBER = "busy", "invalid_number"
FOLLOWS_ITS_CALL = (*REMINDER_OPEN, ReminderState.DONE)
# Worklist entries that stronger evidence makes pointless.
SET_OFF_BY_AN_OUTCOME = (
    FollowUp.Kind.UNKNOWN_OUTCOME,
    FollowUp.Kind.WRONG_NUMBER,
    FollowUp.Kind.COULD_NOT_REACH,
)
RETRIED_OUTCOMES = {CallState.NO_ANSWER: Outcome.NO_ANSWER, CallState.FAILED: Outcome.FAILED}


@transaction.atomic(savepoint=False)
def fold_event(
    call_id: int, event: RobotalkerEvent, *, key_of_address: str = "", received_at: datetime
) -> None:
    """Record what `event` says of the call, and act on what is new.

    `key_of_address` is the key whose own address it came to ("" for the status address).
    """
    call = lock_call(call_id)
    at = min(event.occurred_at or received_at, received_at)
    _record_details(call, event)
    keys = _keys_in(event, key_of_address)
    for key in keys:
        _record_key(call, key, at)
    state = CallState.ANSWERED if keys else read_outcome(event)
    news = state is not None and _learn_outcome(call, state, _word_for(event, state), at)
    call.save(update_fields=TOLD_BY_EVENTS)
    if news:
        settle_reminder(call, at)
    for key in keys:
        apply_key(call, key, at)
    if event.kind == EventKind.SMS_RECEIVED and not keys:
        ask_what_was_meant(call, "wrote in words; the event shows the text")
    if event.kind == EventKind.OPTED_OUT:
        opt_out(call, at, Channel(event.channel) if event.channel else None)


def read_outcome(event: RobotalkerEvent) -> CallState | None:
    """What the event says became of the call; None when it says nothing of that."""
    if event.kind != EventKind.CALL_COMPLETED:
        return STATE_BY_KIND.get(event.kind)
    state = STATE_BY_STATUS.get((event.status or "").lower().replace("-", "_"))
    if state == CallState.ANSWERED and event.amd_result == AmdResult.MACHINE:
        return CallState.VOICEMAIL  # a machine took it: never counts as reached
    return state


def settle_reminder(call: CallRecord, at: datetime) -> None:
    """Bring the reminder of a call that has ended where its outcome leads: done, or another try.

    An older try's late news changes nothing for a reminder that a newer try has taken over, nor does any
    news for one that a person has settled or ordered anew.
    """
    reminder = call.reminder
    later = reminder.calls.filter(~Q(state=CallState.NOT_SENT), try_number__gt=call.try_number)
    taken_over = later.exists()
    by_person = reminder.ordered_by_id or reminder.reason == Reason.SETTLED_BY_PERSON
    if taken_over or by_person or reminder.state not in FOLLOWS_ITS_CALL:
        return
    again = _plan_retry(call, reminder, at)
    if again and again < reminder.not_after:
        put_back(reminder, next_look_at=again, reason=Reason.TRY_AGAIN, try_after=again)
    else:
        finish(reminder, ReminderState.DONE, REASON_BY_STATE[CallState(call.state)])
        _hand_over(call, at)


def _learn_outcome(call: CallRecord, state: CallState, reason: str, at: datetime) -> bool:
    """Take the outcome over if it is stronger evidence than what stands; what that had set off is undone."""
    invalid_before = call.reason == INVALID_NUMBER
    first_news = call.state in (CallState.SUBMITTING, CallState.SUBMITTED)
    if call.state == state == CallState.FAILED:
        if _strength(reason) <= _strength(call.reason):
            return False
        call.reason = reason
    elif not move_call(call, state, reason, at):
        return False
    if invalid_before and call.reason != INVALID_NUMBER:
        mark_numbers_usable([call.number_id])
    if not first_news:
        settle_by_itself(call, SET_OFF_BY_AN_OUTCOME)
    return True


def _strength(reason: str) -> tuple[bool, str]:
    """Of two reasons for one failure, the number's own fault says more; else any fixed order will do."""
    return reason == INVALID_NUMBER, reason


def _hand_over(call: CallRecord, at: datetime) -> None:
    """What a person must do when the last try reached nobody."""
    if call.reason == INVALID_NUMBER:
        mark_number_unusable(call.number_id, "Robotalker: invalid number", at)
        open_follow_up(FollowUp.Kind.WRONG_NUMBER, reminder=call.reminder, call=call)
    elif call.state in RETRIED_OUTCOMES:
        open_if_nothing_follows(FollowUp.Kind.COULD_NOT_REACH, reminder=call.reminder, call=call)


def _plan_retry(call: CallRecord, reminder: Reminder, at: datetime) -> datetime | None:
    outcome = {BUSY: Outcome.BUSY, INVALID_NUMBER: Outcome.INVALID_NUMBER}.get(call.reason)
    outcome = outcome or RETRIED_OUTCOMES.get(CallState(call.state))
    if outcome is None:
        return None
    step = reminder.step
    rule = RetryRule(max_tries=step.max_tries, wait=max(step.retry_wait, timedelta(minutes=1)))
    tries = reminder.calls.filter(~Q(state=CallState.NOT_SENT)).count()
    return next_try(rule, outcome, tries, at)


def _record_details(call: CallRecord, event: RobotalkerEvent) -> None:
    call.robotalker_id = call.robotalker_id or event.call_id or event.sms_id or ""
    if event.duration_seconds is not None:
        call.duration_seconds = max(event.duration_seconds, call.duration_seconds or 0)
    if event.amd_result != AmdResult.UNKNOWN:
        call.amd_result = max(str(event.amd_result), call.amd_result)


def _keys_in(event: RobotalkerEvent, key_of_address: str) -> list[str]:
    if event.kind == EventKind.OPTED_OUT:
        return ["9"]
    if event.kind == EventKind.SMS_RECEIVED:
        return [key] if (key := key_in_text(event.text or "")) else []
    return list(event.keys) or ([key_of_address] if key_of_address else [])


def _record_key(call: CallRecord, key: str, at: datetime) -> None:
    pressed = {(moment, digit) for moment, digit in call.keys} | {(at.isoformat(), key)}
    call.keys = [list(fact) for fact in sorted(pressed)]
    call.key_pressed = call.keys[-1][1]


def _word_for(event: RobotalkerEvent, state: CallState) -> str:
    if state != CallState.FAILED:
        return ""
    return event.reason or event.status or ""
