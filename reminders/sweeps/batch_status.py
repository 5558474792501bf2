"""Asking Robotalker about campaigns: GET /campaigns/{id}.

A campaign whose calls have no events is asked about once before any of its calls is asked about: one request
instead of up to a hundred. While it is still running, its calls are left alone. A campaign can also be asked
about because a person wants to compare Robotalker's counts with ours. Robotalker can't be asked about texts.
"""

from django.db.models import F, Q, QuerySet
from django.db.models.functions import Now

from contacts.database.clock import read_database_clock
from contacts.models.people import Channel
from reminders.models import CallBatch, CallRecord
from reminders.robotalker.client import RobotalkerClient
from reminders.robotalker.errors import Refused, RobotalkerError
from reminders.robotalker.responses import RUNNING
from reminders.rules.reasons import CallReason
from reminders.rules.states import CallState
from reminders.sweeps.overdue import ASK_AGAIN_AFTER, MOST_QUESTIONS, close_as_overdue, waits_too_long
from reminders.traffic.background_requests import limit_to_permits, should_continue_after
from reminders.traffic.gate import count_success

NOT_FOUND = "not_found"  # stored in place of a status that Robotalker reports


def ask_about_batches(client: RobotalkerClient, most: int) -> int:
    """Ask about at most `most` campaigns, oldest first; how many were asked about.

    Ends early when no request may be sent, or when Robotalker fails.
    """
    asked = 0
    for batch in limit_to_permits(list(_find_due()[:most])):
        if not _take_turn(batch):
            continue
        asked += 1
        asked_at = read_database_clock()
        try:
            _ask(client, batch)
        except RobotalkerError as error:
            _close_calls_without_id(batch, CallReason.NO_REPORT)
            if not should_continue_after(error, asked_at):
                break
    return asked


def request_questions(batches: "QuerySet[CallBatch]") -> int:
    """Let the next round ask about these campaigns because a person wants it; how many can be asked about."""
    asked = CallBatch.objects.filter(pk__in=batches.values("pk"), channel=Channel.VOICE)
    return asked.exclude(robotalker_id="").update(is_question_wanted=True)


def may_ask_about_call() -> Q:
    """Calls that may be asked about themselves: those of no campaign, or of one that was asked about first
    and is no longer running, or has been asked about as often as it may.
    """
    was_asked = Q(batch__asked_times__gt=0) & ~Q(batch__reported_status__in=RUNNING)
    never_asked = Q(batch__robotalker_id="") | Q(batch__asked_times__gte=MOST_QUESTIONS)
    return Q(batch=None) | was_asked | never_asked


def _find_due() -> "QuerySet[CallBatch]":
    silent = CallRecord.objects.filter(waits_too_long(), batch__isnull=False).values("batch")
    its_turn = Q(asked_times=0)
    for times, pause in enumerate(ASK_AGAIN_AFTER, start=1):
        its_turn |= Q(asked_times=times, asked_at__lt=Now() - pause)
    campaigns = CallBatch.objects.filter(channel=Channel.VOICE).exclude(robotalker_id="")
    return campaigns.filter(Q(its_turn, pk__in=silent) | Q(is_question_wanted=True)).order_by("pk")


def _take_turn(batch: CallBatch) -> bool:
    """Record that it is asked about now; False when another worker did so. Committed before the GET."""
    as_read = CallBatch.objects.filter(
        pk=batch.pk, asked_times=batch.asked_times, is_question_wanted=batch.is_question_wanted
    )
    return bool(as_read.update(asked_at=Now(), asked_times=F("asked_times") + 1, is_question_wanted=False))


def _ask(client: RobotalkerClient, batch: CallBatch) -> None:
    """Ask, and record the answer. Raises RobotalkerError without one."""
    row = CallBatch.objects.filter(pk=batch.pk)
    try:
        status = client.get_campaign(batch.robotalker_id)
    except Refused as refused:
        if refused.status != 404:
            raise
        row.update(reported_at=Now(), reported_status=NOT_FOUND, reported_counts={})
        _close_calls_without_id(batch, CallReason.NO_SUCH_CALL)
        return
    count_success(of_call=False)
    row.update(reported_at=Now(), reported_status=status.status[:50], reported_counts=dict(status.stats))
    if not status.is_running:
        _close_calls_without_id(batch, CallReason.NO_REPORT)


def _close_calls_without_id(batch: CallBatch, reason: CallReason) -> None:
    """Close as overdue the calls that can't be asked about themselves, since no event has told their id."""
    waiting = batch.calls.filter(waits_too_long(), state=CallState.SUBMITTED, robotalker_id="")
    for call_id in waiting.order_by("pk").values_list("pk", flat=True):
        close_as_overdue(call_id, reason)
