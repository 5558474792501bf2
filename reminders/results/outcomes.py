"""Folding what Robotalker reports into the call and its reminders.

The result is the same for every order and repetition of the same events: of two outcomes the stronger
evidence stands (states.OUTCOMES_BY_STRENGTH), keys are a sorted set of facts, and an answer belongs to
the moment it was given.
"""

from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from contacts.database.saving import save_row
from contacts.models.people import Channel
from contacts.people import mark_number_unusable, mark_numbers_usable
from reminders.lifecycle.call_reminders import find_calls_about, reminders_of
from reminders.lifecycle.calls import move_call
from reminders.lifecycle.follow_ups import open_follow_up, open_if_nothing_follows, resolve_automatically
from reminders.lifecycle.locking import lock_call
from reminders.lifecycle.reminders import finish_reminder
from reminders.models import CallRecord, FollowUp, Reminder
from reminders.results.answers import apply_key, ask_about_unclear_answer, key_in_text, opt_out
from reminders.results.next_tries import REACHED_NOBODY, plan_next_try
from reminders.robotalker.events import EventKind, RobotalkerEvent
from reminders.robotalker.fields import AmdResult
from reminders.rules.keys import OPT_OUT
from reminders.rules.reasons import (
    CALL_REASONS_OF_ROBOTALKER,
    REASON_BY_STATE,
    AnswerReason,
    CallReason,
    Reason,
)
from reminders.rules.states import CALL_OPEN, REMINDER_OPEN, CallState, ReminderState

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
TOLD_BY_EVENTS = [
    "robotalker_id",
    "state",
    "reason",
    "detail",
    "submitted_at",
    "ended_at",
    "duration_seconds",
    "amd_result",
    "keys",
    "key_pressed",
]
FOLLOWS_ITS_CALL = (*REMINDER_OPEN, ReminderState.DONE)
# Worklist entries that stronger evidence makes pointless.
SET_OFF_BY_AN_OUTCOME = (
    FollowUp.Kind.UNKNOWN_OUTCOME,
    FollowUp.Kind.WRONG_NUMBER,
    FollowUp.Kind.COULD_NOT_REACH,
)


@transaction.atomic(savepoint=False)
def fold_event(
    call_id: int, event: RobotalkerEvent, *, key_of_address: str = "", received_at: datetime
) -> None:
    """Record what `event` says of the call, and act on what is new.

    `key_of_address` is the key whose own address it came to ("" for the status address).
    """
    fold_into_call(lock_call(call_id), event, key_of_address=key_of_address, received_at=received_at)


def fold_into_call(
    call: CallRecord, event: RobotalkerEvent, *, key_of_address: str, received_at: datetime
) -> None:
    """The same for a call from lock_call() or lock_calls()."""
    at = date_event(event, call, received_at)
    _record_details(call, event)
    keys = find_keys(event, key_of_address)
    for key in keys:
        _record_key(call, key, at)
    state = CallState.ANSWERED if keys else read_outcome(event)
    was_open = call.state in CALL_OPEN
    news = state is not None and _learn_outcome(call, state, *_find_reason(event, state), at)
    if state is None:
        _note_accepted(call, received_at)
    save_row(call, TOLD_BY_EVENTS)
    if news:
        for reminder in reminders_of(call):
            _settle(reminder, call, at, was_open=was_open)
    for key in keys:
        apply_key(call, key, at)
    if event.kind == EventKind.SMS_RECEIVED and not keys:
        ask_about_unclear_answer(call, AnswerReason.IN_WORDS)
    if event.kind == EventKind.OPTED_OUT:
        opt_out(call, at, Channel(event.channel) if event.channel else None)


def mark_accepted(call: CallRecord, received_at: datetime) -> None:
    """All that an event tells which may not count yet; for a call from lock_call() or lock_calls()."""
    _note_accepted(call, received_at)
    save_row(call, TOLD_BY_EVENTS)


def date_event(event: RobotalkerEvent, call: CallRecord, received_at: datetime) -> datetime:
    """When it happened: not after we heard of it nor before the call began, whatever their clock says."""
    return max(min(event.occurred_at or received_at, received_at), call.submitting_at)


def read_outcome(event: RobotalkerEvent) -> CallState | None:
    """What the event says became of the call; None when it says nothing of that."""
    if event.kind != EventKind.CALL_COMPLETED:
        return STATE_BY_KIND.get(event.kind)
    state = STATE_BY_STATUS.get((event.status or "").lower().replace("-", "_"))
    if state == CallState.ANSWERED and event.amd_result == AmdResult.MACHINE:
        return CallState.VOICEMAIL  # a machine took it: never counts as reached
    return state


def _settle(reminder: Reminder, call: CallRecord, at: datetime, *, was_open: bool) -> None:
    """Bring a reminder of a call that has ended where its outcome leads: done, another try, or its text.

    An older try's late news changes nothing for a reminder that a newer try has taken over, nor does any
    news for one that a person has settled or ordered anew.
    """
    is_its_open_call = was_open and reminder == call.reminder  # it has one at most, and that is its last
    taken_over = not is_its_open_call and _has_later_call(reminder, call)
    by_person = reminder.ordered_by_id or reminder.reason == Reason.SETTLED_BY_PERSON
    if taken_over or by_person or reminder.state not in FOLLOWS_ITS_CALL:
        return
    if not plan_next_try(call, reminder, at):
        finish_reminder(reminder, ReminderState.DONE, REASON_BY_STATE[CallState(call.state)])
        _hand_over(reminder, call, at)


def _has_later_call(reminder: Reminder, call: CallRecord) -> bool:
    return find_calls_about(reminder, leave_out=[CallState.NOT_SENT], pk__gt=call.pk).exists()


def _learn_outcome(call: CallRecord, state: CallState, reason: str, detail: str, at: datetime) -> bool:
    """Take the outcome over if it is stronger evidence than what stands; what that had set off is undone."""
    invalid_before = call.reason == CallReason.INVALID_NUMBER
    first_news = _was_never_unknown(call)
    if call.state == state == CallState.FAILED:
        if _strength(reason, detail) <= _strength(call.reason, call.detail):
            return False
        call.reason, call.detail = reason, detail
    elif not move_call(call, state, reason, at, detail=detail):
        return False
    if invalid_before and call.reason != CallReason.INVALID_NUMBER and call.channel == Channel.VOICE:
        mark_numbers_usable([call.number_id])
    if not first_news:
        resolve_automatically(call, SET_OFF_BY_AN_OUTCOME)
    return True


def _note_accepted(call: CallRecord, received_at: datetime) -> None:
    """It is `submitted` at least: of a call that was not accepted nobody could tell anything.

    What asks whether it was called at all leaves the worklist; without an outcome it comes back, as overdue.
    """
    if call.state in (CallState.UNKNOWN, CallState.SUBMITTED) and not _was_never_unknown(call):
        resolve_automatically(call, [FollowUp.Kind.UNKNOWN_OUTCOME])
    if move_call(call, CallState.SUBMITTED, "", received_at):
        call.submitted_at = received_at


def _was_never_unknown(call: CallRecord) -> bool:
    """Whether it has put nothing on the worklist yet; saves a query with nearly every event.

    What was accepted later than a lease was taken for lost before, and may have been asked about.
    """
    if call.state != CallState.SUBMITTED or call.submitted_at is None:
        return call.state == CallState.SUBMITTING
    return call.submitted_at - call.submitting_at < timedelta(seconds=settings.DISPATCH_LEASE)


def _strength(reason: str, detail: str) -> tuple[bool, bool, str, str]:
    """Of two reasons for one failure, the number's own fault says most, then a reason that we know; else any
    fixed order will do.
    """
    return reason == CallReason.INVALID_NUMBER, reason in CALL_REASONS_OF_ROBOTALKER, reason, detail


def _hand_over(reminder: Reminder, call: CallRecord, at: datetime) -> None:
    """What a person must do when the last try reached nobody."""
    # who can't be texted may be called
    if call.reason == CallReason.INVALID_NUMBER and call.channel == Channel.VOICE:
        mark_number_unusable(call.number_id, "Robotalker: invalid number", at)
        open_follow_up(FollowUp.Kind.WRONG_NUMBER, reminder=reminder, call=call)
    elif call.state in REACHED_NOBODY:
        open_if_nothing_follows(FollowUp.Kind.COULD_NOT_REACH, reminder=reminder, call=call)


def _record_details(call: CallRecord, event: RobotalkerEvent) -> None:
    call.robotalker_id = call.robotalker_id or event.call_id or event.sms_id or ""
    if event.duration_seconds is not None:
        call.duration_seconds = max(event.duration_seconds, call.duration_seconds or 0)
    if event.amd_result != AmdResult.UNKNOWN:
        call.amd_result = max(str(event.amd_result), call.amd_result)


def find_keys(event: RobotalkerEvent, key_of_address: str = "") -> list[str]:
    """The keys that an event counts for: pressed, written in a text message, or its address's own."""
    if event.kind == EventKind.OPTED_OUT:
        return [OPT_OUT]
    if event.kind == EventKind.SMS_RECEIVED:
        no = {OPT_OUT} & set(event.keys)  # beside its text a key may not answer, but a "no" is heard
        return sorted(({key_in_text(event.text or "")} | no) - {""})
    return list(event.keys) or ([key_of_address] if key_of_address else [])


def _record_key(call: CallRecord, key: str, at: datetime) -> None:
    pressed = {(moment, digit) for moment, digit in call.keys} | {(at.isoformat(), key)}
    call.keys = [list(fact) for fact in sorted(pressed)]
    call.key_pressed = call.keys[-1][1]


def _find_reason(event: RobotalkerEvent, state: CallState) -> tuple[str, str]:
    """Why a call failed, as a code; and Robotalker's own word for it where we have no code for that."""
    word = event.reason or event.status or ""
    if state != CallState.FAILED or word in ("", "failed"):
        return "", ""
    return (word, "") if word in CALL_REASONS_OF_ROBOTALKER else (CallReason.OTHER, word[:200])
