"""Two simple dispatchers, with the same tables, claims, rules and faults as Callboard's own.

They differ from it in one thing: when they record that a call was made. Neither can be correct: the first
calls some patients twice, the second silently leaves some out. The oracle must detect both.
"""

import time
from collections.abc import Callable
from uuid import UUID

from celery import shared_task
from django.db import transaction

from reminders.deciding.situations import read_practice_config
from reminders.dispatch.claims import claim_due
from reminders.dispatch.submission import Submission, open_singles
from reminders.models import CallRecord, Reminder
from reminders.robotalker.client import RobotalkerClient
from reminders.robotalker.errors import RobotalkerError
from reminders.sweeps.reconciliation import release_expired_claims
from reminders.traffic.client import make_client

CLAIM_SIZE = 1  # small, so that few reminders wait until the claim of a killed worker expires
Strategy = Callable[[RobotalkerClient, int, UUID], None]


@shared_task
def post_then_mark() -> None:
    """Call, then record it. If it is killed in between or gets no answer, it calls again."""
    _dispatch(_post_then_mark)


@shared_task
def mark_then_post() -> None:
    """Record the call, then call. If it is killed in between or refused, the patient is never called."""
    _dispatch(_mark_then_post)


@shared_task
def release_claims() -> None:
    """Release the claims of lost workers."""
    release_expired_claims()


def _post_then_mark(client: RobotalkerClient, reminder_id: int, claim: UUID) -> None:
    with transaction.atomic():  # the record is committed at the end of the block
        for submission in open_singles([reminder_id], claim, read_practice_config()):
            _submit(submission, client)
            _mark(submission)


def _mark_then_post(client: RobotalkerClient, reminder_id: int, claim: UUID) -> None:
    with transaction.atomic():
        submissions = open_singles([reminder_id], claim, read_practice_config())
        for submission in submissions:
            _mark(submission)
    for submission in submissions:
        _submit(submission, client)


def _dispatch(strategy: Strategy) -> None:
    with make_client() as client:
        while (claim := claim_due(CLAIM_SIZE)).reminder_ids:
            for reminder_id in claim.reminder_ids:
                if time.monotonic() < claim.ends_at:
                    _try(strategy, client, reminder_id, claim.token)


def _try(strategy: Strategy, client: RobotalkerClient, reminder_id: int, claim: UUID) -> None:
    try:
        strategy(client, reminder_id, claim)
    except RobotalkerError:
        return  # post_then_mark tries again after the claim expires; mark_then_post doesn't


def _submit(submission: Submission, client: RobotalkerClient) -> None:
    result = submission.submit_with(client)
    if result.error is not None:
        raise result.error


def _mark(submission: Submission) -> None:
    for call in submission.calls:
        CallRecord.objects.filter(pk=call.pk).update(state="answered")
        about = [call.reminder_id, *call.companions.values_list("reminder_id", flat=True)]
        Reminder.objects.filter(pk__in=about).update(state="done", reason="reached")
