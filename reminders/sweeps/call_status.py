"""Asking Robotalker for the outcome of a call whose events have not come: GET /calls/{id}, within a budget.

The guide discourages polling, so a call is asked about only when its events are overdue, and a few times with
growing pauses. A campaign is asked about before its calls are (batch_status.py). An answer counts like an
event. Robotalker can't be asked about text messages, nor about calls whose id we don't have.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.conf import settings
from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from contacts.database.clock import read_database_clock
from contacts.models.people import Channel
from contacts.numbers import is_same_number
from reminders.models import CallRecord
from reminders.results.outcomes import fold_event, read_outcome
from reminders.robotalker.client import RobotalkerClient
from reminders.robotalker.errors import Refused, RobotalkerError
from reminders.robotalker.events import EventKind, RobotalkerEvent
from reminders.robotalker.responses import CallStatus
from reminders.rules.reasons import CallReason
from reminders.rules.states import CALL_OPEN, CallState
from reminders.sweeps.batch_status import ask_about_batches, may_ask_about_call
from reminders.sweeps.overdue import ASK_AGAIN_AFTER, close_as_overdue, waits_too_long
from reminders.traffic.background_requests import limit_to_permits, should_continue_after
from reminders.traffic.client import make_client
from reminders.traffic.gate import count_success


@dataclass(frozen=True)
class AskReport:
    """The GETs made, and the calls whose outcome they gave."""

    asked: int = 0
    healed: int = 0


def ask_about_calls() -> AskReport:
    """One round of up to ROBOTALKER_ASK_BUDGET questions: first about silent campaigns, then about calls that
    are due for it, oldest first.

    Stops early when sending is paused, the gate closes, the rate is used up, or Robotalker fails.
    """
    budget = settings.ROBOTALKER_ASK_BUDGET
    healed = 0
    with make_client() as client:
        asked = ask_about_batches(client, budget)
        for call in limit_to_permits(list(_find_due()[: budget - asked])):
            if not _take_turn(call):
                continue
            asked += 1
            asked_at = read_database_clock()
            try:
                healed += _ask(client, call)
            except RobotalkerError as error:
                close_as_overdue(call.pk, CallReason.NO_REPORT)
                if not should_continue_after(error, asked_at):
                    break
    return AskReport(asked, healed)


def askable() -> Q:
    """Calls that Robotalker can be asked about, themselves or by their campaign; none when
    ROBOTALKER_ASK_BUDGET is 0.
    """
    if not settings.ROBOTALKER_ASK_BUDGET:
        return Q(pk__in=[])
    return Q(channel=Channel.VOICE) & (Q(robotalker_id__gt="") | Q(batch__robotalker_id__gt=""))


def read_as_event(status: CallStatus, submitting_at: datetime, now: datetime) -> RobotalkerEvent:
    """The answer as the event that should have come.

    The answer doesn't say when the call ended. The earliest possible end, from the call's start and length,
    is taken, so that a patient's answer which staff have recorded since then is kept.
    """
    started_at = status.created_at or submitting_at
    ended_at = (started_at + timedelta(seconds=status.duration_seconds or 0)).astimezone(UTC)
    return RobotalkerEvent(
        kind=EventKind.CALL_COMPLETED,
        name="GET /calls",
        call_id=status.call_id,
        campaign_id=status.campaign_id,
        to=status.to or None,
        status=status.status,
        reason=status.reason or None,
        duration_seconds=status.duration_seconds,
        keys=status.keys,
        unread_keys=status.unread_keys,
        amd_result=status.amd_result,
        amd_word=status.amd_word,
        occurred_at=min(ended_at, now),
    )


def _find_due() -> "QuerySet[CallRecord]":
    with_id = Q(channel=Channel.VOICE, robotalker_id__gt="")
    its_turn = Q(asked_times=0)
    for times, pause in enumerate(ASK_AGAIN_AFTER, start=1):
        its_turn |= Q(asked_times=times, asked_at__lt=Now() - pause)
    calls = CallRecord.objects.filter(with_id, waits_too_long(), its_turn, may_ask_about_call())
    return calls.select_related("number").order_by("submitting_at")


def _take_turn(call: CallRecord) -> bool:
    """Record that the call is asked about now; False when another worker did so. Committed before the GET."""
    as_read = CallRecord.objects.filter(pk=call.pk, asked_times=call.asked_times, state__in=CALL_OPEN)
    return bool(as_read.update(asked_at=Now(), asked_times=F("asked_times") + 1))


def _ask(client: RobotalkerClient, call: CallRecord) -> bool:
    """Ask, and apply the answer; whether it gave the outcome. Raises RobotalkerError without an answer."""
    try:
        status = client.get_call(call.robotalker_id)
    except Refused as refused:
        if refused.status != 404:
            raise
        _record_reason(call, CallReason.NO_SUCH_CALL)
        return False
    count_success(of_call=False)
    if status.to and not is_same_number(status.to, call.number.e164, settings.PHONE_REGION):
        _record_reason(call, CallReason.OTHER_NUMBER)
        return False
    now = read_database_clock()
    event = read_as_event(status, call.submitting_at, now)
    fold_event(call.pk, event, received_at=now)
    if read_outcome(event) is not None or event.keys:
        return True
    if call.state == CallState.SUBMITTED:  # an unknown call is now submitted: its event may still come
        close_as_overdue(call.pk, CallReason.NO_REPORT)
    return False


def _record_reason(call: CallRecord, reason: CallReason) -> None:
    """Close the call as overdue for this reason; if it is unknown or overdue already, change its reason."""
    if not close_as_overdue(call.pk, reason):
        waiting = CallRecord.objects.filter(pk=call.pk, state__in=[CallState.UNKNOWN, CallState.OVERDUE])
        waiting.update(reason=reason, detail="")
