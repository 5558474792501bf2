"""Recording the result of a call's POST for the call, its reminders and its number."""

import random
from collections.abc import Mapping
from datetime import datetime, timedelta

from django.conf import settings
from django.db import connection, transaction
from django.db.models import Max, Q
from django.db.models.functions import Now

from contacts.database.clock import read_database_clock
from contacts.models.people import Channel, UnusableReason
from contacts.people import mark_number_unusable
from reminders.lifecycle.calls import close_call, find_calls_about, move_call, reminders_of
from reminders.lifecycle.follow_ups import open_follow_up
from reminders.lifecycle.locking import lock_call
from reminders.lifecycle.reminders import finish_reminder, plan_again
from reminders.models import CallBatch, CallRecord, FollowUp, Reminder
from reminders.results.unanswered import account_for, account_for_number
from reminders.robotalker.errors import Meaning, Rejected, RobotalkerError, ServerError
from reminders.rules.backoff import backoff_after_failures, retry_after_or_backoff
from reminders.rules.reasons import REASON_BY_STATE, CallReason, Reason
from reminders.rules.states import CallState, ReminderState

_rng = random.SystemRandom()

# One array per column: a CASE with a branch for each call would take Django longer than everything else here.
_ACCEPTED = """
    UPDATE reminders_callrecord AS call
    SET state = %s, robotalker_id = accepted.robotalker_id, submitted_at = now()
    FROM unnest(%s::bigint[], %s::text[]) AS accepted (id, robotalker_id)
    WHERE call.id = accepted.id AND call.state = %s AND call.robotalker_id = ''
"""
_MEMBERS = """
    UPDATE reminders_callrecord AS call
    SET robotalker_id = accepted.robotalker_id
    FROM unnest(%s::text[], %s::text[]) AS accepted (e164, robotalker_id)
    JOIN contacts_phonenumber AS number USING (e164)
    WHERE call.number_id = number.id AND call.id = ANY(%s::bigint[]) AND call.robotalker_id = ''
"""


def record_accepted(robotalker_ids: Mapping[int, str]) -> None:
    """Record that Robotalker accepted these calls: its ids by ours. After an event only the id is new."""
    with connection.cursor() as cursor:
        ours = sorted(robotalker_ids)  # rows are locked in this order everywhere
        theirs = [robotalker_ids[call_id] for call_id in ours]
        cursor.execute(_ACCEPTED, [CallState.SUBMITTED, ours, theirs, CallState.SUBMITTING])
        as_expected = cursor.rowcount
    if as_expected < len(robotalker_ids):
        late = CallRecord.objects.filter(Q(submitted_at=None) | Q(robotalker_id=""), pk__in=robotalker_ids)
        for call_id in late.order_by("pk").values_list("pk", flat=True):
            _record_accepted_late(call_id, robotalker_ids[call_id])


@transaction.atomic
def _record_accepted_late(call_id: int, robotalker_id: str) -> None:
    call = lock_call(call_id)
    call.robotalker_id = call.robotalker_id or robotalker_id
    call.submitted_at = call.submitted_at or read_database_clock()
    move_call(call, CallState.SUBMITTED, "", call.submitted_at)
    call.save()


@transaction.atomic
def record_batch_accepted(batch: CallBatch, robotalker_id: str, members: Mapping[str, str] = {}) -> None:
    """Record that Robotalker accepted the batch, and the ids of its texts that the response has, by number.

    The calls of a campaign, and any other text, get their ids from their events.
    """
    calls = CallRecord.objects.filter(batch=batch)
    locked = list(calls.order_by("pk").select_for_update().values_list("pk", flat=True))
    CallBatch.objects.filter(pk=batch.pk).update(robotalker_id=robotalker_id)  # after the calls: see outcomes
    if members:
        with connection.cursor() as cursor:
            cursor.execute(_MEMBERS, [[*members.keys()], [*members.values()], locked])
    waiting = calls.filter(state__in=[CallState.SUBMITTING, CallState.UNKNOWN])
    waiting.update(state=CallState.SUBMITTED, submitted_at=Now(), reason="", detail="")


@transaction.atomic
def record_failed_post(call_id: int, error: RobotalkerError) -> None:
    """Record a failed POST for the call, its reminders and its number (docs/robotalker.md)."""
    call = lock_call(call_id)
    now = read_database_clock()
    match _meaning_of(error):
        case Meaning.UNKNOWN:
            close_call(call, CallState.UNKNOWN, error.code, now, detail=error.detail)
        case Meaning.REJECTED if call.batch_id:
            # Robotalker placed no call of the campaign: each is submitted on its own
            if close_call(call, CallState.NOT_SENT, CallReason.GROUP_REFUSED, now, detail=error.detail):
                plan_again(call.reminder, next_look_at=now, try_after=now)  # no household is in a campaign
                call.reminder.save()
        case Meaning.REJECTED:
            if close_call(call, CallState.REJECTED, error.code, now, detail=error.detail):
                for reminder in reminders_of(call):
                    finish_reminder(reminder, ReminderState.DONE, Reason.REJECTED)
                    reminder.save()
                    _put_rejected_on_worklist(reminder, call, error, now)
        case _:
            if close_call(call, CallState.NOT_SENT, error.code, now, detail=error.detail):
                again = now + _pause_before_next(call, error)
                for reminder in reminders_of(call):
                    if earlier := _find_reached_before(reminder, call):
                        finish_reminder(reminder, ReminderState.DONE, REASON_BY_STATE[earlier])
                    else:
                        reminder.ordered_by_id = call.ordered_by_id  # nothing was sent, so the order stands
                        why = Reason.ROBOTALKER_TROUBLE
                        plan_again(reminder, next_look_at=again, reason=why, try_after=again)
                    reminder.save()
    account_for({reminder.appointment_id for reminder in reminders_of(call)})


def _meaning_of(error: RobotalkerError) -> Meaning:
    if isinstance(error, ServerError) and settings.ROBOTALKER_ON_500 == "unknown":
        return Meaning.UNKNOWN
    return error.meaning


def _find_reached_before(reminder: Reminder, call: CallRecord) -> CallState | None:
    """The state of an earlier try that reached the person although it was recorded as not sent, if any.

    Then this try was not needed. A call that a person has ordered since is sent anyway.
    """
    if call.ordered_by_id:
        return None
    message_left = [] if reminder.step.retry_voicemail else [CallState.VOICEMAIL]
    for earlier in find_calls_about(reminder, pk__lt=call.pk).order_by("-pk"):
        if earlier.state in (CallState.ANSWERED, CallState.DELIVERED, *message_left):
            return CallState(earlier.state)
        if earlier.ordered_by_id:
            return None
    return None


def _put_rejected_on_worklist(
    reminder: Reminder, call: CallRecord, error: RobotalkerError, now: datetime
) -> None:
    by_voice = call.channel == Channel.VOICE  # a number that can't get texts can still be called
    if by_voice and isinstance(error, Rejected) and error.is_about_the_number:
        mark_number_unusable(call.number_id, UnusableReason.REJECTED, now, detail=error.detail)
        account_for_number(call.number_id)
        kind = FollowUp.Kind.WRONG_NUMBER
    else:
        kind = FollowUp.Kind.COULD_NOT_REACH
    open_follow_up(kind, reminder=reminder, call=call, reason=error.code, detail=error.detail)


def _pause_before_next(call: CallRecord, error: RobotalkerError) -> timedelta:
    """How long to wait before the next try: backoff by the failures since a try was sent.

    Zero when the gate or the switch holds all calls anyway, and for one that was not begun.
    """
    if error.meaning in (Meaning.RATE_LIMITED, Meaning.UNAUTHORIZED) or error.code == CallReason.HELD_BACK:
        return timedelta(0)
    sent = CallRecord.objects.filter(~Q(state=CallState.NOT_SENT), reminder=call.reminder_id)
    last_sent = sent.aggregate(last=Max("try_number"))["last"] or 0
    failures = call.try_number - last_sent
    if isinstance(error, ServerError):
        return retry_after_or_backoff(error.retry_after, failures, _rng)
    return backoff_after_failures(failures, _rng)
