"""Dispatch: claim what is due, sort it, and hand it to submission.

The table is the queue. A claim is an UPDATE over rows that nobody else holds (SKIP LOCKED), with a lease
by the database's clock and a fence (the claim's id) that only its owner knows. Claiming sends nothing, so
a claim whose lease is over is safe to plan again. Dispatching twice at once does no harm.
"""

import logging
import time
from collections import defaultdict, deque
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from functools import partial
from itertools import chain
from typing import NamedTuple
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from contacts.models.people import Channel
from reminders.deciding.households import find_shared
from reminders.deciding.situations import Book, read_book
from reminders.dispatch.database_retry import Patience
from reminders.dispatch.opening import settle_held
from reminders.dispatch.post_threads import Lanes, open_lanes
from reminders.dispatch.submission import RECORD_WITHIN, Flight, open_batch, open_singles, record_landings
from reminders.lifecycle.locking import is_lock_timeout, wait_briefly
from reminders.models import CallRecord, Reminder
from reminders.results.post_results import BATCH_REFUSED
from reminders.robotalker.payloads import MAX_RECIPIENTS
from reminders.rules.states import CallState, ReminderState
from reminders.traffic.concurrency import hold_slots
from reminders.traffic.gate import read_gate
from reminders.traffic.rate import seconds_until_permit, take_permits
from reminders.traffic.shutdown import is_stopping
from reminders.wording.scripts import caller_id, choose_text

log = logging.getLogger(__name__)

LONGEST_PAUSE = 1.0  # seconds a round waits for the rate; what takes longer is the next tick's
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
    """What a round of dispatch did: reminders claimed, calls begun; whether it had a slot to work in."""

    claimed: int = 0
    calls: int = 0
    had_slots: bool = True


def dispatch_due() -> DispatchReport:
    """Claim and submit what is due, batch by batch, until nothing is or may be, or the round is over."""
    report = DispatchReport()
    ends_at = time.monotonic() + ROUND_SECONDS
    with wait_briefly(), hold_slots(settings.ROBOTALKER_THREADS) as slots:
        if not slots:
            return DispatchReport(had_slots=False)
        with open_lanes(slots) as lanes:
            while time.monotonic() < ends_at and _wait_for_room(ends_at):
                claim = claim_due(settings.DISPATCH_BATCH)
                if not claim.reminder_ids:
                    break
                calls = submit_claim(claim, lanes)
                report = DispatchReport(report.claimed + len(claim.reminder_ids), report.calls + calls)
    return report


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


def submit_claim(claim: Claim, lanes: Lanes) -> int:
    """Submit what is claimed: groups as campaigns, the rest singly; the number of calls begun.

    What can't begin now (the gate has closed, the rate is used up, the worker is to stop) is given back.
    """
    work = Work(claim)
    calls = 0
    try:
        while (flights := work.open_next(lanes.free)) or lanes.busy:
            for flight in flights:
                lanes.begin(flight)
                calls += len(flight.calls)
            if not flights or not lanes.free:
                record_landings(lanes.land())
    finally:
        while lanes.busy:
            record_landings(lanes.land())
        Patience(RECORD_WITHIN).insist(partial(_give_back, claim, work.left))
    return calls


class Work:
    """What is still to be opened of a claim: campaigns first, then single calls."""

    def __init__(self, claim: Claim) -> None:
        self._claim = claim
        self._book = read_book()
        groups, singles = sort_for_submission(claim.reminder_ids, self._book)
        self._groups, self._singles = deque(groups), deque(singles)
        self._permits = 0  # taken and not used yet, since what they were for was not to be called

    @property
    def left(self) -> list[int]:
        """The reminders that nobody has looked at yet."""
        return [*chain.from_iterable(self._groups), *self._singles]

    def open_next(self, most: int) -> list[Flight]:
        """Open what may begin now, at most `most` flights; none when nothing is left, or nothing may."""
        while most and (self._groups or self._singles) and not self._must_end():
            gate = read_gate()
            if gate.closed_for or (not gate.paused and not self._find_permits(most, gate.cost)):
                return []
            if gate.paused:
                self._hold_the_rest()
            elif flights := self._open(min(most, self._permits)):
                self._permits -= len(flights)
                return flights
        return []

    def _must_end(self) -> bool:
        return self._claim.is_over or is_stopping()

    def _find_permits(self, most: int, cost: int) -> int:
        if not self._permits:
            self._permits = take_permits(1 if self._groups else min(most, len(self._singles)), cost=cost)
        return self._permits

    def _hold_the_rest(self) -> None:
        """All sending is paused: what is left is looked at in one go, and nothing will leave."""
        held, self._permits = self.left, 0
        self._groups.clear()
        self._singles.clear()
        try:
            settle_held(held, self._claim.token, self._book)
        except Exception as error:  # noqa: BLE001 - it stays claimed until its lease ends
            log.error("%s held reminders were not looked at: %s", len(held), type(error).__name__)

    def _open(self, most: int) -> list[Flight]:
        if self._groups:
            return self._open_group(self._groups.popleft())
        return self._open_singles([self._singles.popleft() for _ in range(min(most, len(self._singles)))])

    def _open_group(self, group: list[int]) -> list[Flight]:
        try:
            return open_batch(group, self._claim.token, self._book)
        except Exception as error:  # noqa: BLE001 - what wasn't opened yet is tried one by one
            log.error("a campaign of %s was not opened: %s", len(group), type(error).__name__)
            self._singles.extend(group)
            return []

    def _open_singles(self, reminder_ids: list[int]) -> list[Flight]:
        """A reminder that can't be opened stays claimed until its lease ends; the others go on."""
        try:
            return open_singles(reminder_ids, self._claim.token, self._book)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is one reminder's alone
            if len(reminder_ids) > 1 and not is_lock_timeout(error):
                return [flight for one in reminder_ids for flight in self._open_singles([one])]
            # the type only: a database error's own words may hold a row of somebody's data
            log.error("reminders %s were not opened: %s", reminder_ids, type(error).__name__)
            return []


def _wait_for_room(ends_at: float) -> bool:
    """Wait a moment, while no lease runs, until one request may begin; False when claiming makes no sense."""
    gate = read_gate()
    if gate.closed_for or is_stopping():
        return False
    wait = 0.0 if gate.paused else seconds_until_permit(gate.cost)
    if wait > LONGEST_PAUSE or time.monotonic() + wait > ends_at:
        return False
    time.sleep(wait)
    return True


def _give_back(claim: Claim, reminder_ids: Sequence[int]) -> None:
    """Plan again at once what was claimed and never looked at."""
    Reminder.objects.filter(pk__in=reminder_ids, state=ReminderState.CLAIMED, claim=claim.token).update(
        state=ReminderState.PLANNED, claim=None, lease_until=None, updated_at=Now()
    )


def sort_for_submission(reminder_ids: Sequence[int], book: Book) -> tuple[list[list[int]], list[int]]:
    """Groups that can be one campaign (one script, one caller id, at most 100), and single reminders.

    Read without locks: only a guess at who goes with whom. The last look decides.
    """
    if not settings.ROBOTALKER_CAMPAIGNS:
        return [], list(reminder_ids)
    by_message: dict[tuple[int, str], list[int]] = defaultdict(list)
    singles = []
    single = _find_refused_in_a_batch(reminder_ids) | find_shared(reminder_ids)
    for sortable in _read_for_sorting(reminder_ids):
        message = None if sortable.pk in single else _find_message(sortable, book)
        if message is None:
            singles.append(sortable.pk)
        else:
            by_message[message].append(sortable.pk)
    groups = [group for ids in by_message.values() for group in _cut(ids, MAX_RECIPIENTS)]
    singles += [pk for group in groups if len(group) < settings.CAMPAIGN_MINIMUM for pk in group]
    return [group for group in groups if len(group) >= settings.CAMPAIGN_MINIMUM], singles


class Sortable(NamedTuple):
    """What says with whom a reminder can go, by primary keys."""

    pk: int
    step: int
    by_text: bool
    ordered_by: int | None
    location: int
    language: str


def _read_for_sorting(reminder_ids: Sequence[int]) -> list[Sortable]:
    reminders = Reminder.objects.filter(pk__in=reminder_ids).order_by("due_at", "id")
    rows = reminders.values_list(
        "pk", "step", "by_text", "ordered_by", "appointment__location", "appointment__contact__language"
    )
    return [Sortable(*row) for row in rows]


def _find_message(sortable: Sortable, book: Book) -> tuple[int, str] | None:
    """The words (ScriptText's id) and caller id of a call that could be one of a campaign's, or None."""
    step, location = book.steps.get(sortable.step), book.locations.get(sortable.location)
    if sortable.by_text or sortable.ordered_by or not step or not location or step.channel != Channel.VOICE:
        return None
    text = choose_text(step.script, sortable.language)
    return (text.pk, caller_id(location)) if text else None


def _find_refused_in_a_batch(reminder_ids: Sequence[int]) -> set[int]:
    refused = CallRecord.objects.filter(
        reminder__in=reminder_ids, state=CallState.NOT_SENT, reason=BATCH_REFUSED
    )
    return set(refused.values_list("reminder_id", flat=True))


def _cut(ids: Sequence[int], size: int) -> list[list[int]]:
    return [list(ids[start : start + size]) for start in range(0, len(ids), size)]
