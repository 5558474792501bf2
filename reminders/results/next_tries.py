"""What follows a call that has ended: another call, the step's text message, or nothing.

A voicemail counts as a message left: it is tried again where the step says so, but no text follows it.
"""

from datetime import datetime, timedelta

from contacts.models.people import Channel
from reminders.deciding.situations import hours_of, zones_of
from reminders.lifecycle.call_reminders import find_calls_about
from reminders.lifecycle.reminders import plan_again
from reminders.models import CallRecord, Reminder
from reminders.rules.calling_hours import next_allowed
from reminders.rules.reasons import CallReason, Reason
from reminders.rules.retries import RetryRule, TryOutcome, next_try
from reminders.rules.states import CallState
from reminders.wording.scripts import is_fallback

REACHED_NOBODY = (CallState.NO_ANSWER, CallState.FAILED)
OUTCOMES = {
    CallState.NO_ANSWER: TryOutcome.NO_ANSWER,
    CallState.FAILED: TryOutcome.FAILED,
    CallState.VOICEMAIL: TryOutcome.VOICEMAIL,
}
SHORTEST_WAIT = timedelta(minutes=1)


def plan_next_try(call: CallRecord, reminder: Reminder, at: datetime) -> bool:
    """Plan what follows a call that ended at `at`, for a locked reminder it was for; False when nothing does.

    Asked again when stronger evidence comes, so what was planned on the weaker one is taken back: the
    caller saves the reminder when it is False.
    """
    if again := _when_to_call_again(call, reminder, at):
        if call.channel == Channel.VOICE:
            reminder.channel = reminder.step.channel
        plan_again(reminder, next_look_at=again, reason=Reason.TRY_AGAIN, try_after=again)
        return True
    if call.channel != Channel.VOICE:
        return False
    text_at = _when_to_text(call, reminder, at)
    reminder.channel = Channel.SMS if text_at else Channel(reminder.step.channel)
    if text_at:
        plan_again(reminder, next_look_at=text_at, reason=Reason.TEXT_FOLLOWS, try_after=text_at)
    return text_at is not None


def _when_to_call_again(call: CallRecord, reminder: Reminder, at: datetime) -> datetime | None:
    """By the step's rule, at a moment that is allowed; None for never or too late."""
    outcome = _outcome_of(call)
    is_the_one_text = is_fallback(reminder) and call.channel == Channel.SMS
    is_done_with = outcome == TryOutcome.VOICEMAIL and not reminder.step.retry_voicemail
    if outcome is None or is_done_with or is_the_one_text:
        return None
    again = next_try(
        _read_rule(reminder),
        outcome,
        _count_tries(call, reminder),
        at,
        zone=reminder.appointment.location.zone,
        not_after=reminder.not_after,
    )
    return _allow(again, call, reminder) if again else None


def _when_to_text(call: CallRecord, reminder: Reminder, at: datetime) -> datetime | None:
    """At once, within the calling hours; None without a text, or a number it may go to, or time for it."""
    number = call.number
    step = reminder.step
    if step.channel != Channel.VOICE or step.fallback_script_id is None:
        return None
    if call.state not in REACHED_NOBODY or call.reason == CallReason.INVALID_NUMBER:
        return None
    if number.unusable_since or number.sms_opted_out_at or _was_texted(reminder):
        return None
    return _allow(at, call, reminder)


def _outcome_of(call: CallRecord) -> TryOutcome | None:
    if call.state == CallState.FAILED and call.reason in (CallReason.BUSY, CallReason.INVALID_NUMBER):
        return TryOutcome(call.reason)
    return OUTCOMES.get(CallState(call.state))


def _read_rule(reminder: Reminder) -> RetryRule:
    step = reminder.step
    return RetryRule(
        max_tries=step.max_tries,
        wait=max(step.retry_wait, SHORTEST_WAIT),
        voicemail=step.retry_voicemail,
        at_another_time=step.retry_at_another_time,
    )


def _count_tries(call: CallRecord, reminder: Reminder) -> int:
    """The calls that spoke for it, its own and those it rode on; `call` is the last of them."""
    if call.try_number == 1 and call.reminder_id == reminder.pk:
        return 1  # and so it is with nearly all: no need to ask
    calls = find_calls_about(reminder, leave_out=[CallState.NOT_SENT])
    return len(calls.values_list("pk"))  # a handful; to count a union takes far longer


def _was_texted(reminder: Reminder) -> bool:
    """Whether its text has gone out before, and a person has ordered a call since."""
    return find_calls_about(reminder, leave_out=[CallState.NOT_SENT], channel=Channel.SMS).exists()


def _allow(moment: datetime, call: CallRecord, reminder: Reminder) -> datetime | None:
    """The first moment from `moment` on in the calling hours, so that pages show the true time.

    None when that is too late; `moment` itself where there is no such hour (the last look says so).
    """
    appointment = reminder.appointment
    location = appointment.location
    zones = zones_of(appointment.contact.time_zone, location.time_zone, call.number.time_zones)
    allowed = (next_allowed(moment, hours_of(location), zones) if zones else None) or moment
    return allowed if allowed < reminder.not_after else None
