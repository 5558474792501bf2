"""Two dispatchers as one would write them first, over the same tables, claims, rules and faults.

They differ from ours in one thing: when it is written down that a call was made. Neither can be right: the
first calls people twice, the second leaves some out without a word. The oracle has to say so.
"""

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

AT_ONCE = 1  # claimed: the fewer wait for the end of a dead worker's claim, the more is tried
Strategy = Callable[[RobotalkerClient, int, UUID], None]


@shared_task
def post_then_mark() -> None:
    """Call, then write down that it was done. Killed in between, or without an answer: it calls again."""
    _dispatch(_post_then_mark)


@shared_task
def mark_then_post() -> None:
    """Write down that it was done, then call. Killed in between, or refused: nobody is ever called."""
    _dispatch(_mark_then_post)


@shared_task
def release_claims() -> None:
    """What a lost worker had claimed is free again."""
    release_expired_claims()


def _post_then_mark(client: RobotalkerClient, reminder_id: int, claim: UUID) -> None:
    with transaction.atomic():  # its commit is the mark
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
        while (claim := claim_due(AT_ONCE)).reminder_ids:
            for reminder_id in claim.reminder_ids:
                if not claim.is_over:
                    _try(strategy, client, reminder_id, claim.token)


def _try(strategy: Strategy, client: RobotalkerClient, reminder_id: int, claim: UUID) -> None:
    try:
        strategy(client, reminder_id, claim)
    except RobotalkerError:
        return  # the first tries again when the claim is over; the second has it written down already


def _submit(submission: Submission, client: RobotalkerClient) -> None:
    result = submission.submit_with(client)
    if result.error is not None:
        raise result.error


def _mark(submission: Submission) -> None:
    for call in submission.calls:
        CallRecord.objects.filter(pk=call.pk).update(state="answered")
        about = [call.reminder_id, *call.companions.values_list("reminder_id", flat=True)]
        Reminder.objects.filter(pk__in=about).update(state="done", reason="reached")
