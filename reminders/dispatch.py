"""Dispatch: claim what is due, sort it, and hand it to submission.

The table is the queue. A claim is an UPDATE over rows that nobody else holds (SKIP LOCKED), with a lease
by the database's clock and a fence (the claim's id) that only its owner knows. Claiming sends nothing, so
a claim whose lease is over is safe to plan again. Dispatching twice at once does no harm.
"""

import logging
import time
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import timedelta
from queue import Empty, SimpleQueue
from uuid import UUID, uuid4

from django.conf import settings
from django.db import connection, transaction
from django.db.models.functions import Now

from contacts.models.people import Channel
from reminders.calls import BATCH_REFUSED
from reminders.models import CallRecord, Reminder
from reminders.robotalker.client import RobotalkerClient
from reminders.robotalker.payloads import MAX_RECIPIENTS
from reminders.scripts import caller_id, choose_text
from reminders.states import CallState, ReminderState
from reminders.submission import make_client, submit_batch, submit_single

log = logging.getLogger(__name__)

ROUND_SECONDS = 20.0  # a dispatch stops claiming after this and leaves the rest to the next tick


@dataclass(frozen=True)
class Claim:
    """What one dispatcher holds until the lease is over."""

    token: UUID
    reminder_ids: list[int]
    ends_at: float  # by this process's monotonic clock, so that nothing is begun after the lease

    @property
    def is_over(self) -> bool:
        return time.monotonic() >= self.ends_at


@dataclass(frozen=True)
class DispatchReport:
    """What a round of dispatch did: reminders claimed, calls begun."""

    claimed: int = 0
    calls: int = 0


def dispatch_due() -> DispatchReport:
    """Claim and submit what is due, batch by batch, until nothing is or the round is over."""
    started = time.monotonic()
    claimed = calls = 0
    while time.monotonic() - started < ROUND_SECONDS:
        claim = claim_due(settings.DISPATCH_BATCH)
        if not claim.reminder_ids:
            break
        claimed += len(claim.reminder_ids)
        calls += submit_claim(claim)
    return DispatchReport(claimed=claimed, calls=calls)


@transaction.atomic
def claim_due(limit: int) -> Claim:
    """Take up to `limit` due reminders, oldest first, that no other dispatcher is taking."""
    token, started = uuid4(), time.monotonic()
    due = (
        Reminder.objects.filter(state=ReminderState.PLANNED, next_look_at__lte=Now())
        .order_by("next_look_at", "id")
        .select_for_update(skip_locked=True, no_key=True)
        .values_list("pk", flat=True)[:limit]
    )
    ids = list(due)
    lease = timedelta(seconds=settings.DISPATCH_LEASE)
    Reminder.objects.filter(pk__in=ids).update(
        state=ReminderState.CLAIMED, claim=token, lease_until=Now() + lease, updated_at=Now()
    )
    return Claim(token, ids, ends_at=started + settings.DISPATCH_LEASE)


def submit_claim(claim: Claim) -> int:
    """Submit all that is claimed: groups as campaigns, the rest singly; the number of calls begun."""
    groups, singles = sort_for_submission(claim.reminder_ids)
    calls = 0
    if groups:
        with make_client() as client:
            for group in groups:
                if claim.is_over:
                    break
                try:
                    calls += submit_batch(client, group, claim.token)
                except Exception as error:  # noqa: BLE001 - what wasn't opened yet is tried one by one
                    log.error("a campaign of %s was not submitted: %s", len(group), type(error).__name__)
                    singles += group
    return calls + _submit_singles(singles, claim)


def sort_for_submission(reminder_ids: Sequence[int]) -> tuple[list[list[int]], list[int]]:
    """Groups that can be one campaign (one script, one caller id, at most 100), and single reminders.

    Read without locks: only a guess at who goes with whom. The last look decides.
    """
    if not settings.ROBOTALKER_CAMPAIGNS:
        return [], list(reminder_ids)
    by_message: dict[tuple[int, str], list[int]] = defaultdict(list)
    singles = []
    refused = _find_refused_in_a_batch(reminder_ids)
    for reminder in _read_for_sorting(reminder_ids):
        contact = reminder.appointment.contact
        text = choose_text(reminder.step.script, contact.language)
        alone = reminder.pk in refused or reminder.ordered_by_id
        if text is None or reminder.step.channel != Channel.VOICE or alone:
            singles.append(reminder.pk)
        else:
            by_message[text.pk, caller_id(reminder.appointment.location)].append(reminder.pk)
    groups = [group for ids in by_message.values() for group in _cut(ids, MAX_RECIPIENTS)]
    singles += [pk for group in groups if len(group) < settings.CAMPAIGN_MINIMUM for pk in group]
    return [group for group in groups if len(group) >= settings.CAMPAIGN_MINIMUM], singles


def _read_for_sorting(reminder_ids: Sequence[int]) -> Iterable[Reminder]:
    return (
        Reminder.objects.filter(pk__in=reminder_ids)
        .select_related("appointment__contact", "appointment__location", "step__script")
        .prefetch_related("step__script__texts")
        .order_by("due_at", "id")
    )


def _find_refused_in_a_batch(reminder_ids: Sequence[int]) -> set[int]:
    refused = CallRecord.objects.filter(
        reminder__in=reminder_ids, state=CallState.NOT_SENT, reason=BATCH_REFUSED
    )
    return set(refused.values_list("reminder_id", flat=True))


def _cut(ids: Sequence[int], size: int) -> list[list[int]]:
    return [list(ids[start : start + size]) for start in range(0, len(ids), size)]


def _submit_singles(reminder_ids: Sequence[int], claim: Claim) -> int:
    """Each in a POST of its own, over a few lanes that take from one queue."""
    waiting: SimpleQueue[int] = SimpleQueue()
    for reminder_id in reminder_ids:
        waiting.put(reminder_id)
    lanes = min(settings.ROBOTALKER_THREADS, len(reminder_ids))
    if not lanes:
        return 0
    with ThreadPoolExecutor(lanes, thread_name_prefix="lane") as pool:
        runs = [pool.submit(_run_lane, waiting, claim) for _ in range(lanes)]
    return sum(run.result() for run in runs)


def _run_lane(waiting: "SimpleQueue[int]", claim: Claim) -> int:
    """Submit from the queue until it is empty or the lease is over; the number of calls begun."""
    calls = 0
    try:
        with make_client() as client:
            while not claim.is_over:
                calls += _submit_or_log(client, waiting.get_nowait(), claim.token)
    except Empty:
        pass
    finally:
        connection.close()  # each thread has a connection of its own, and this thread ends here
    return calls


def _submit_or_log(client: RobotalkerClient, reminder_id: int, claim: UUID) -> int:
    """A reminder that can't be submitted stays claimed until its lease ends; the others go on."""
    try:
        return submit_single(client, reminder_id, claim)
    except Exception as error:  # noqa: BLE001 - whatever it is, it is this one's alone
        # the type only: a database error's own words may hold a row of somebody's data
        log.error("reminder %s was not submitted: %s", reminder_id, type(error).__name__)
        return 0
