"""Dispatch: claim what is due, sort it, and hand it to submission.

The table is the queue. A claim is an UPDATE over rows that no other dispatcher has locked (SKIP LOCKED),
with a lease by the database's clock and a token, without which nothing claimed can be opened. Claiming sends
nothing, so reminders whose lease is over can safely be planned again. Two dispatches at once do no harm.
"""

import logging
import time
from collections import deque
from dataclasses import dataclass
from functools import partial
from itertools import chain

from django.conf import settings
from django.db import DatabaseError, InterfaceError

from reminders.deciding.situations import PracticeConfig, read_practice_config
from reminders.dispatch.claims import Claim, claim_due, give_back
from reminders.dispatch.database_retry import DatabaseRetry
from reminders.dispatch.grouping import sort_for_submission
from reminders.dispatch.opening import hold_while_paused
from reminders.dispatch.post_threads import PostThreads, open_post_threads
from reminders.dispatch.submission import (
    RECORD_WITHIN,
    Submission,
    SubmissionResult,
    open_batch,
    open_singles,
    record_results,
)
from reminders.health.rounds import name_error, note_trouble
from reminders.lifecycle.locking import is_lock_timeout, wait_briefly
from reminders.traffic.gate import read_gate
from reminders.traffic.local_faults import HeldBack
from reminders.traffic.rate import seconds_until_permit, take_permits
from reminders.traffic.shutdown import is_stopping

log = logging.getLogger(__name__)

LONGEST_PAUSE = 1.0  # seconds a round waits for the rate; a longer wait is left to the next tick
ROUND_SECONDS = 20.0  # a dispatch stops claiming after this and leaves the rest to the next tick


@dataclass(frozen=True)
class DispatchReport:
    """What a round of dispatch did: reminders claimed, calls submitted."""

    claimed: int = 0
    calls: int = 0


def dispatch_due() -> DispatchReport:
    """Claim and submit what is due, batch by batch, until nothing is left or may be sent, or time is up."""
    report, practice = DispatchReport(), None
    ends_at = time.monotonic() + ROUND_SECONDS
    with wait_briefly(), open_post_threads(settings.ROBOTALKER_THREADS) as threads:
        while time.monotonic() < ends_at and _wait_until_one_may_be_sent(ends_at):
            claim = claim_due(settings.DISPATCH_BATCH)
            if not claim.reminder_ids:
                break
            practice = practice or read_practice_config()
            calls = submit_claim(claim, threads, practice)
            report = DispatchReport(report.claimed + len(claim.reminder_ids), report.calls + calls)
    return report


def submit_claim(claim: Claim, threads: PostThreads, practice: PracticeConfig | None = None) -> int:
    """Submit what is claimed: groups as campaigns, the rest singly; the number of calls submitted.

    `practice`: the configuration, where it is used for several claims; else it is read here.

    What can't be sent now (the gate has closed, the rate is used up, the worker is to stop) is given back.
    """
    work = ClaimWork(claim, practice or read_practice_config())
    calls = 0
    try:
        while (submissions := work.open_next(threads)) or threads.busy:
            for submission in submissions:
                threads.start(submission)
                calls += len(submission.calls)
            if not submissions or not threads.room:
                _settle_results(threads)
    finally:
        while threads.busy:
            _settle_results(threads)
        DatabaseRetry(RECORD_WITHIN).run(partial(give_back, claim, work.left))
    return calls


class ClaimWork:
    """What is still to be opened of a claim: campaigns first, then single calls."""

    def __init__(self, claim: Claim, practice: PracticeConfig) -> None:
        self._claim, self._practice = claim, practice
        groups, singles = sort_for_submission(claim.reminder_ids, self._practice)
        self._groups, self._singles = deque(groups), deque(singles)
        self._permits = 0  # taken and not used yet, since the reminders they were for were not to be called

    @property
    def left(self) -> list[int]:
        """The reminders that are neither opened nor settled yet."""
        return [*chain.from_iterable(self._groups), *self._singles]

    def open_next(self, threads: PostThreads) -> list[Submission]:
        """Open as many submissions as there is room for; none when no reminder is left, or when none may be
        sent now. A campaign isn't opened ahead, since all of its calls would be unknown.
        """
        while (self._groups or self._singles) and time.monotonic() < self._claim.ends_at:
            if is_stopping():
                break
            most = min(threads.free, 1) if self._groups else threads.room
            if not most:
                break
            gate = read_gate()
            if gate.closed_for:
                break
            if gate.paused:
                self._hold_the_rest()
                break
            if gate.on_trial:
                if threads.busy:
                    break
                most = 1
            if not self._permits:
                self._permits = take_permits(most if self._groups else min(most, len(self._singles)))
            if not self._permits:
                break
            if self._groups:
                submissions = self._open_group(self._groups.popleft())
            else:
                count = min(most, self._permits, len(self._singles))
                submissions = self._open_singles([self._singles.popleft() for _ in range(count)])
            if submissions:
                self._permits -= len(submissions)
                return submissions
        return []

    def _hold_the_rest(self) -> None:
        """All sending is paused: what is left is held or settled in one transaction; no call is opened."""
        held = self.left
        self._groups.clear()
        self._singles.clear()
        try:
            hold_while_paused(held, self._claim.token, self._practice)
        except Exception as error:  # noqa: BLE001 - they stay claimed until the lease ends
            note_trouble(error)
            log.error("%s reminders were not held: %s", len(held), name_error(error))

    def _open_group(self, group: list[int]) -> list[Submission]:
        try:
            return open_batch(group, self._claim.token, self._practice)
        except Exception as error:  # noqa: BLE001 - its reminders are then opened singly
            log.error("a campaign of %s was not opened: %s", len(group), name_error(error))
            self._singles.extend(group)
            return []

    def _open_singles(self, reminder_ids: list[int]) -> list[Submission]:
        """A reminder that can't be opened stays claimed until its lease ends; the others are opened."""
        try:
            return open_singles(reminder_ids, self._claim.token, self._practice)
        except Exception as error:  # noqa: BLE001 - one reminder's error must not keep the others
            if len(reminder_ids) > 1 and not is_lock_timeout(error):
                return [submission for one in reminder_ids for submission in self._open_singles([one])]
            if not is_lock_timeout(error):
                note_trouble(error)
            # the type only: a database error's message may contain personal data
            log.error("reminders %s were not opened: %s", reminder_ids, name_error(error))
            return []


def _settle_results(threads: PostThreads) -> None:
    """Wait for results and record them. What was held since one failed is begun, if it still may be."""
    results = threads.wait_for_results()
    record_results([result for result in results if not result.is_held])
    held = [result.submission for result in results if result.is_held]
    if held or any(result.may_fail_again for result in results):
        held += threads.take_back()
    if held and _may_begin():
        for submission in held:
            threads.start(submission)
    else:
        record_results([SubmissionResult(submission, error=HeldBack()) for submission in held])


def _may_begin() -> bool:
    """Whether what is opened already may be sent now."""
    try:
        gate = read_gate()
    except (DatabaseError, InterfaceError):
        return False
    return not (gate.paused or gate.closed_for or gate.on_trial or is_stopping())


def _wait_until_one_may_be_sent(ends_at: float) -> bool:
    """Wait a moment, while nothing is claimed, until the rate allows a request; False when it takes too long,
    the gate is closed or the worker is to stop.
    """
    gate = read_gate()
    if gate.closed_for or is_stopping():
        return False
    wait = 0.0 if gate.paused else seconds_until_permit()
    if wait > LONGEST_PAUSE or time.monotonic() + wait > ends_at:
        return False
    time.sleep(wait)
    return True
