"""Folding what Robotalker reports into the call and its reminders.

The result is the same for every order and repetition of the same events: of two outcomes the stronger
evidence stands (states.OUTCOMES_BY_STRENGTH), keys are a sorted set, and answers are compared by the time at
which they were given. Keys in an event that says that a machine or nobody answered count for nothing, except
9 (product rule 36).
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction

from contacts.database.saving import Changes
from contacts.models import ConsentEntry
from contacts.models.people import Channel, UnusableReason
from contacts.optouts import record_optout, scope_of_optout
from contacts.people import mark_number_unusable, mark_numbers_usable
from reminders.lifecycle.calls import find_calls_about, move_call, reminders_of
from reminders.lifecycle.follow_ups import keep_back, open_follow_up, resolve_automatically
from reminders.lifecycle.locking import lock_call
from reminders.lifecycle.reminders import finish_reminder
from reminders.models import CallBatch, CallRecord, FollowUp, Reminder
from reminders.results.answers import apply_key, apply_reply, ask_about_unclear_answer, opt_out
from reminders.results.next_tries import REACHED_NOBODY, plan_next_try
from reminders.results.unanswered import account_for, account_for_number
from reminders.robotalker.events import EventKind, RobotalkerEvent
from reminders.robotalker.vocabulary import AmdResult, FailureReason, fold_amd, fold_reason, fold_words
from reminders.rules.keys import ANOTHER_TIME, CONFIRM, OPT_OUT, find_answer, find_counting_keys
from reminders.rules.reasons import (
    CALL_REASONS_OF_ROBOTALKER,
    REASON_BY_STATE,
    AnswerReason,
    CallReason,
    Reason,
)
from reminders.rules.replies import KEY_BY_MEANING, UNCLEAR, Reply, read_reply
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
# The words that a completed call may have as its status, folded; the guide has only "answered". A word for a
# machine, and one for why a call failed, may be a status too.
STATE_BY_STATUS = {
    "answered": CallState.ANSWERED,
    "human": CallState.ANSWERED,
    "no answer": CallState.NO_ANSWER,
    "failed": CallState.FAILED,
}
STATE_BY_REASON = {
    FailureReason.NO_ANSWER: CallState.NO_ANSWER,
    FailureReason.VOICEMAIL: CallState.VOICEMAIL,
}
_TEXT_KINDS = frozenset({EventKind.SMS_DELIVERED, EventKind.SMS_FAILED, EventKind.SMS_RECEIVED})
NO_PERSON = frozenset({AmdResult.MACHINE, AmdResult.OTHER})
_AMD_RANK = {"": 0, AmdResult.HUMAN: 1, AmdResult.MACHINE: 3}  # a word that we don't know: 2
SAVED_FIELDS = [
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
# Kinds of follow-ups that stronger evidence makes pointless.
FOLLOW_UPS_OF_AN_OUTCOME = (
    FollowUp.Kind.UNKNOWN_OUTCOME,
    FollowUp.Kind.WRONG_NUMBER,
    FollowUp.Kind.COULD_NOT_REACH,
    FollowUp.Kind.NOTHING_FOLLOWS,
)


@transaction.atomic(savepoint=False)
def fold_event(
    call_id: int, event: RobotalkerEvent, *, key_of_address: str = "", received_at: datetime
) -> None:
    """Record what `event` reports about the call, and act on what is new.

    `key_of_address` is the key to whose own address it was posted ("" for the status address).
    """
    call, changes = lock_call(call_id), Changes()
    news = fold_into_call(call, event, changes, key_of_address=key_of_address, received_at=received_at)
    changes.write()
    account_for(news)


def fold_into_call(
    call: CallRecord, event: RobotalkerEvent, changes: Changes, *, key_of_address: str, received_at: datetime
) -> set[int]:
    """The same for a call from lock_call() or lock_calls(); what to write of it, its reminders and its
    appointments goes into `changes`.

    Returns the ids of the appointments for which the caller must then account (unanswered.account_for), in
    the same transaction, once the changes of all events are written.
    """
    at = date_event(event, call, received_at)
    pressed, counting = _find_pressed(event, key_of_address), find_keys(event, key_of_address)
    by_nobody = names_nobody(event)
    state = read_outcome(event)
    if pressed and not by_nobody:
        state = CallState.ANSWERED
    _record_details(call, event, by_machine=by_nobody and state == CallState.VOICEMAIL)
    unread = [event.unread_keys] if event.unread_keys else []
    moments = _record_keys(call, counting if by_nobody else [*pressed, *unread], at)
    was_open = call.state in CALL_OPEN
    reason, detail = _find_reason(event, state)
    has_changed = state is not None and _record_outcome(call, state, reason, detail, at)
    if state is None:
        _record_accepted(call, received_at)
    changes.save(call, SAVED_FIELDS)
    if has_changed:
        for reminder in reminders_of(call):
            if _follow_outcome(reminder, call, at, was_open=was_open):
                changes.save(reminder)
    by_text = event.kind == EventKind.SMS_RECEIVED
    if by_text:  # before its key, since "stop calls" stops more than the key by itself
        apply_reply(call, read_reply_in(event), at)
    for key in counting:
        apply_key(call, key, moments[key], changes, by_text=by_text)
    if unread and not counting and not by_nobody:
        ask_about_unclear_answer(call, AnswerReason.UNREAD_KEYS, event.unread_keys)
    _keep_back_doubtful_keys(call, event, [*pressed, *unread] if by_nobody else unread if counting else [])
    if event.kind == EventKind.OPTED_OUT:
        opt_out(call, at, Channel(event.channel) if event.channel else None)
    if reason == CallReason.OPTED_OUT_THERE:
        _heed_optout_elsewhere(call, at)
    is_news = has_changed or moments or event.kind in (EventKind.SMS_RECEIVED, EventKind.OPTED_OUT)
    return {reminder.appointment_id for reminder in reminders_of(call)} if is_news else set()


def mark_accepted(call: CallRecord, changes: Changes, received_at: datetime) -> None:
    """Record only that Robotalker accepted the call, for an event that doesn't count before it is verified.

    For a call from lock_call() or lock_calls().
    """
    _record_accepted(call, received_at)
    changes.save(call, SAVED_FIELDS)


def date_event(event: RobotalkerEvent, call: CallRecord, received_at: datetime) -> datetime:
    """When it happened; never after it was received or before the call began, as with a wrong clock."""
    return max(min(event.occurred_at or received_at, received_at), call.submitting_at)


def read_outcome(event: RobotalkerEvent) -> CallState | None:
    """The outcome of the call that the event reports; None when it reports none.

    Whatever names a machine is a voicemail. A word for who answered that we don't know is never a person, so
    it counts as one too (product rule 36).
    """
    if event.kind in _TEXT_KINDS:
        return STATE_BY_KIND[event.kind]
    state = _read_status(event)
    if event.kind != EventKind.CALL_COMPLETED:
        if event.kind not in STATE_BY_KIND:
            return None
        said, state = state, STATE_BY_KIND[event.kind]
        if state == CallState.ANSWERED and said == CallState.VOICEMAIL:
            return said
    if state == CallState.FAILED:
        return STATE_BY_REASON.get(fold_reason(event.reason or "") or FailureReason.CARRIER, state)
    if state in (None, CallState.ANSWERED) and event.amd_result in NO_PERSON:
        return CallState.VOICEMAIL
    return state


def names_nobody(event: RobotalkerEvent) -> bool:
    """Whether an event says that a machine or nobody answered the call: then no key counts but 9."""
    if event.kind in _TEXT_KINDS:
        return False
    ended = {read_outcome(event), _read_status(event)}
    return event.amd_result in NO_PERSON or not ended.isdisjoint({*REACHED_NOBODY, CallState.VOICEMAIL})


def _read_status(event: RobotalkerEvent) -> CallState | None:
    """The outcome that the status says, in an event of any kind."""
    return read_status_word(event.status or "")


def read_status_word(word: str) -> CallState | None:
    """The outcome that Robotalker's word for a call's status means; None for a call that has not ended."""
    words = fold_words(word)
    if words in STATE_BY_STATUS:
        return STATE_BY_STATUS[words]
    if reason := fold_reason(words):
        return STATE_BY_REASON.get(reason, CallState.FAILED)
    return CallState.VOICEMAIL if fold_amd(words) == AmdResult.MACHINE else None


def _follow_outcome(reminder: Reminder, call: CallRecord, at: datetime, *, was_open: bool) -> bool:
    """Plan another try or the text message for a reminder of a call that has ended, or else finish it.

    Whether the reminder has changed, and is to be saved.

    A late event of an older call changes nothing for a reminder that has a newer call, nor does any event for
    a reminder that a person has settled or ordered again.
    """
    # a reminder has at most one open call, and that is its last: then no query is needed
    has_later_call = (
        not (was_open and reminder == call.reminder)
        and find_calls_about(reminder, leave_out=[CallState.NOT_SENT], pk__gt=call.pk).exists()
    )
    by_person = reminder.ordered_by_id or reminder.reason == Reason.SETTLED_BY_PERSON
    if has_later_call or by_person or reminder.state not in FOLLOWS_ITS_CALL:
        return False
    if plan_next_try(call, reminder, at):
        return True
    finish_reminder(reminder, ReminderState.DONE, REASON_BY_STATE[CallState(call.state)])
    # a number that can't get texts can still be called
    if call.reason == CallReason.INVALID_NUMBER and call.channel == Channel.VOICE:
        mark_number_unusable(call.number_id, UnusableReason.INVALID_NUMBER, at)
        account_for_number(call.number_id)
        open_follow_up(FollowUp.Kind.WRONG_NUMBER, reminder=reminder, call=call)
    return True


def _record_outcome(call: CallRecord, state: CallState, reason: str, detail: str, at: datetime) -> bool:
    """Record the outcome if it is stronger evidence than the present one, and undo what that one had caused.

    Whether it was recorded.
    """
    invalid_before = call.reason == CallReason.INVALID_NUMBER
    was_never_unknown = _was_never_unknown(call)
    if call.state == state == CallState.FAILED:
        if _strength(reason, detail) <= _strength(call.reason, call.detail):
            return False
        call.reason, call.detail = reason, detail
    elif not move_call(call, state, reason, at, detail=detail):
        return False
    if invalid_before and call.reason != CallReason.INVALID_NUMBER and call.channel == Channel.VOICE:
        mark_numbers_usable([call.number_id], by=None)
    if not was_never_unknown:
        resolve_automatically(call, FOLLOW_UPS_OF_AN_OUTCOME)
    return True


def _record_accepted(call: CallRecord, received_at: datetime) -> None:
    """Mark the call `submitted`: Robotalker has no events for a call that it did not accept.

    A follow-up that asks whether it was called at all is resolved; without an outcome the call becomes
    overdue and gets a new one.
    """
    if call.state in (CallState.UNKNOWN, CallState.SUBMITTED) and not _was_never_unknown(call):
        resolve_automatically(call, [FollowUp.Kind.UNKNOWN_OUTCOME])
    if move_call(call, CallState.SUBMITTED, "", received_at):
        call.submitted_at = received_at


def _was_never_unknown(call: CallRecord) -> bool:
    """Whether it can't have any follow-up yet; that saves a query for nearly every event.

    A call that was accepted after its lease was over had become `unknown`, and may have a follow-up.
    """
    if call.state != CallState.SUBMITTED or call.submitted_at is None:
        return call.state == CallState.SUBMITTING
    return call.submitted_at - call.submitting_at < timedelta(seconds=settings.DISPATCH_LEASE)


def _strength(reason: str, detail: str) -> tuple[bool, bool, str, str]:
    """A key to order two reasons for one failure: an invalid number is the strongest, then a reason that we
    know; for the others any fixed order will do.
    """
    return reason == CallReason.INVALID_NUMBER, reason in CALL_REASONS_OF_ROBOTALKER, reason, detail


def _record_details(call: CallRecord, event: RobotalkerEvent, *, by_machine: bool) -> None:
    call.robotalker_id = call.robotalker_id or event.call_id or event.sms_id or ""
    if call.batch_id and event.campaign_id and call.state == CallState.UNKNOWN:
        # the response to the campaign's POST was lost; with its id Robotalker can be asked about it
        CallBatch.objects.filter(pk=call.batch_id, robotalker_id="").update(robotalker_id=event.campaign_id)
    if event.duration_seconds is not None:
        call.duration_seconds = max(event.duration_seconds, call.duration_seconds or 0)
    said = "" if event.amd_result == AmdResult.UNKNOWN else str(event.amd_result)
    if event.amd_result == AmdResult.OTHER:
        said = event.amd_word[:20] or "?"
    elif by_machine:
        said = str(AmdResult.MACHINE)
    call.amd_result = max(call.amd_result, said, key=lambda word: (_AMD_RANK.get(word, 2), word))


def _record_keys(call: CallRecord, pressed: Sequence[str], at: datetime) -> dict[str, datetime]:
    """Add the keys to the call's, in the order pressed; the moment of each (of its last press)."""
    # an event has one time for all its keys: a microsecond each keeps their order
    presses = [(at + timedelta(microseconds=place), key) for place, key in enumerate(pressed)]
    if presses:
        facts = {(moment, key) for moment, key in call.keys}
        facts |= {(moment.isoformat(), key) for moment, key in presses}
        call.keys = [list(fact) for fact in sorted(facts)]
        call.key_pressed = find_answer([key for _, key in call.keys])[:8]
    return {key: moment for moment, key in presses}


def _keep_back_doubtful_keys(call: CallRecord, event: RobotalkerEvent, doubtful: Sequence[str]) -> None:
    """Tell staff of keys pressed though a machine or nobody answered, and of unreadable ones beside others.

    The former also when the two were reported by different events, in any order: then the key has counted.
    """
    ignored = [key for key in dict.fromkeys(doubtful) if key != OPT_OUT]
    if not ignored and call.channel == Channel.VOICE and _AMD_RANK.get(call.amd_result, 2) > 1:
        counted = {key for _, key in call.keys}
        ignored = [key for key in (CONFIRM, ANOTHER_TIME) if key in counted]
    if ignored:
        unread = event.unread_keys in ignored and not names_nobody(event)
        keep_back(call, AnswerReason.UNREAD_KEYS if unread else AnswerReason.KEY_BY_NOBODY, " ".join(ignored))


def _find_pressed(event: RobotalkerEvent, key_of_address: str) -> str:
    """Every key of an event in the order pressed, or what a text message or the address stands for."""
    if event.kind in (EventKind.OPTED_OUT, EventKind.SMS_RECEIVED):
        return "".join(find_keys(event))
    return event.keys or key_of_address


def find_keys(event: RobotalkerEvent, key_of_address: str = "") -> list[str]:
    """The keys that count for an event: pressed, written in a text message, or the key of its address."""
    if event.kind == EventKind.OPTED_OUT:
        return [OPT_OUT]
    if event.kind == EventKind.SMS_RECEIVED:
        optout = {OPT_OUT} & set(event.keys)  # in a text message's event no key counts but the opt-out
        written = KEY_BY_MEANING.get(read_reply_in(event).meaning, "")
        return sorted(({written} | optout) - {""})
    counting = find_counting_keys(event.keys or key_of_address)
    if names_nobody(event):
        return [OPT_OUT] if OPT_OUT in counting else []
    return list(counting)


def read_reply_in(event: RobotalkerEvent) -> Reply:
    """What the text in an event means; UNCLEAR for an event that is no text from a patient."""
    return read_reply(event.text or "") if event.kind == EventKind.SMS_RECEIVED else UNCLEAR


def _find_reason(event: RobotalkerEvent, state: CallState | None) -> tuple[str, str]:
    """Why it failed, as a code; and Robotalker's own words when we have no code for them."""
    if state != CallState.FAILED:
        return "", ""
    said = [words for words in (event.reason, event.status) if fold_words(words or "") not in ("", "failed")]
    for words in said:
        found = fold_reason(words or "")
        if found and found not in STATE_BY_REASON:
            return CallReason(found), ""
    return (CallReason.OTHER, (said[0] or "")[:200]) if said else ("", "")


def _heed_optout_elsewhere(call: CallRecord, at: datetime) -> None:
    """Opt out a number that Robotalker or the carrier has as opted out, unless staff opted it in since.

    Then Robotalker may not know of it yet, and staff see the failed try with its reason.
    """
    last = call.number.consent_entries.order_by("-at", "-pk").values_list("what", flat=True).first()
    if last != ConsentEntry.What.OPT_IN:
        record_optout(
            call.number_id,
            scope=scope_of_optout(Channel(call.channel)),
            source=ConsentEntry.Source.ROBOTALKER,
            at=at,
            evidence=f"call {call.public_id}: refused because of an opt-out",
        )
