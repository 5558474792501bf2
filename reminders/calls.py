"""Recording what the POST of a call came to: what it means for the call, its reminder and its number."""

import random
from datetime import datetime, timedelta

from django.conf import settings
from django.db import transaction
from django.db.models import Max, Q
from django.db.models.functions import Now

from contacts.people import mark_number_unusable
from reminders.followups import open_follow_up
from reminders.locking import lock_call, read_database_clock
from reminders.models import CallBatch, CallRecord, FollowUp
from reminders.reasons import Reason
from reminders.retries import provider_backoff, retry_after_or_backoff
from reminders.robotalker.errors import Meaning, RateLimited, Rejected, RobotalkerError, ServerError
from reminders.sending import Cause, pause_sending
from reminders.settling import finish, put_back
from reminders.states import CALL_OPEN, CallState, ReminderState, can_move_call

BATCH_REFUSED = "campaign refused"  # a POST /campaigns that placed nothing: its members go out singly

_rng = random.SystemRandom()


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
