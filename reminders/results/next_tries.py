"""Planning what follows a call that has ended: another call, the step's text message, or nothing.

A voicemail counts as a message left: the step may say to call again after it, but no text follows it.
"""

from datetime import datetime, timedelta

from contacts.models.people import Channel
from contacts.paired_numbers import find_paired_optout
from reminders.deciding.situations import hours_of, zones_of
from reminders.lifecycle.calls import find_calls_about
from reminders.lifecycle.reminders import plan_again
from reminders.models import CallRecord, Reminder
from reminders.rules.calling_hours import next_allowed
from reminders.rules.reasons import NEVER_TRIED_AGAIN, CallReason, Reason
from reminders.rules.retries import RetryRule, TryOutcome, next_try
from reminders.rules.states import CallState
from reminders.wording.scripts import find_refusal, is_fallback

REACHED_NOBODY = (CallState.NO_ANSWER, CallState.FAILED)
OUTCOMES = {
    CallState.NO_ANSWER: TryOutcome.NO_ANSWER,
    CallState.FAILED: TryOutcome.FAILED,
    CallState.VOICEMAIL: TryOutcome.VOICEMAIL,
}
SHORTEST_WAIT = timedelta(minutes=1)


def plan_next_try(call: CallRecord, reminder: Reminder, at: datetime) -> bool:
    """Plan what follows a call that ended at `at`, for a locked reminder that it was for; False for nothing.

    Called again when stronger evidence arrives, so it also undoes what was planned on the weaker evidence:
    when it returns False, the caller finishes the reminder. The caller saves it, in any case.
    """
    again = _when_to_call_again(call, reminder, at)
    if again and (allowed := _allow(again, call, reminder)):
        if call.channel == Channel.VOICE:
            reminder.channel = ""
        # `try_after` without the calling hours: when they are widened, it may go earlier (product rule 30)
        plan_again(reminder, next_look_at=allowed, reason=Reason.TRY_AGAIN, try_after=again)
        return True
    if call.channel != Channel.VOICE:
        return False
    text_at = _allow(at, call, reminder) if _may_text(call, reminder) else None
    reminder.channel = Channel.SMS if text_at else ""
    if text_at:
        plan_again(reminder, next_look_at=text_at, reason=Reason.TEXT_FOLLOWS, try_after=at)
    return text_at is not None


def _when_to_call_again(call: CallRecord, reminder: Reminder, at: datetime) -> datetime | None:
    """When the step's rule says so, whatever the calling hours; None for never."""
    step = reminder.step
    outcome = OUTCOMES.get(CallState(call.state))
    if outcome == TryOutcome.FAILED and call.reason == CallReason.BUSY:
        outcome = TryOutcome.BUSY
    elif outcome == TryOutcome.FAILED and _would_fail_again(call):
        outcome = TryOutcome.INVALID_NUMBER
    if outcome is None or (outcome == TryOutcome.VOICEMAIL and not step.retry_voicemail):
        return None
    if call.channel == Channel.SMS and is_fallback(reminder):  # the text that follows calls is sent once
        return None
    rule = RetryRule(
        max_tries=step.max_tries,
        wait=max(step.retry_wait, SHORTEST_WAIT),
        voicemail=step.retry_voicemail,
        at_another_time=step.retry_at_another_time,
    )
    zone, tries = reminder.appointment.location.zone, _count_tries(call, reminder)
    return next_try(rule, outcome, tries, at, zone=zone, not_after=reminder.not_after)


def _would_fail_again(call: CallRecord) -> bool:
    is_call_to_landline = call.reason == CallReason.CANNOT_TEXT and call.channel == Channel.VOICE
    return call.reason in NEVER_TRIED_AGAIN and not is_call_to_landline


def _may_text(call: CallRecord, reminder: Reminder) -> bool:
    """Whether the step has a text for when its calls reached nobody, and it may be sent."""
    number = call.number
    step = reminder.step
    if step.channel == Channel.SMS or step.fallback_script_id is None:
        return False
    if find_refusal(Channel.SMS, reminder.appointment.contact.preferred_channel):
        return False
    if find_paired_optout(reminder.appointment.contact, Channel.SMS):
        return False
    if call.state not in REACHED_NOBODY or _would_fail_again(call):
        return False
    if number.unusable_since or number.kind_fault or number.sms_opted_out_at:
        return False
    # its text may have been sent before, and a person may have ordered this call since
    return not find_calls_about(reminder, leave_out=[CallState.NOT_SENT], channel=Channel.SMS).exists()


def _count_tries(call: CallRecord, reminder: Reminder) -> int:
    """The calls for the reminder, as lead or companion; `call` is the last of them."""
    if call.try_number == 1 and call.reminder_id == reminder.pk:
        return 1  # true of nearly all calls, and saves a query
    earlier = find_calls_about(reminder, leave_out=[CallState.NOT_SENT], pk__lt=call.pk)
    return 1 + len(earlier.values_list("pk"))  # a few; counting a union in SQL takes far longer


def _allow(moment: datetime, call: CallRecord, reminder: Reminder) -> datetime | None:
    """The first time from `moment` on within the calling hours, so that pages show the true time.

    None when that is too late; `moment` itself when no hour is allowed (then the last check before the call
    holds the reminder).
    """
    appointment = reminder.appointment
    location = appointment.location
    zones = zones_of(appointment.contact.time_zone, location.time_zone, call.number.time_zones)
    allowed = (next_allowed(moment, hours_of(location), zones) if zones else None) or moment
    return allowed if allowed < reminder.not_after else None
