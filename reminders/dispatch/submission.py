"""Submissions: from claimed reminders to POSTs that are ready to be made, and their results.

A submission is one POST and the calls it places. Its calls are opened (`submitting` is committed) just before
the POST, which a thread makes outside any transaction (post_threads.py); then its result is recorded. One
that is not begun within FRESH_FOR isn't made: its last look is too old.
"""

import logging
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import NamedTuple
from uuid import UUID

from django.conf import settings

from contacts.models.people import Channel
from reminders.deciding.situations import PracticeConfig
from reminders.dispatch.database_retry import DatabaseRetry
from reminders.dispatch.opening import open_calls
from reminders.models import CallBatch, CallRecord
from reminders.results import post_results as records
from reminders.robotalker.client import RobotalkerClient
from reminders.robotalker.errors import Meaning, RobotalkerError
from reminders.robotalker.payloads import (
    Recipient,
    build_call,
    build_campaign,
    build_sms,
    build_sms_batch,
)
from reminders.traffic.callback_urls import key_urls, status_url
from reminders.traffic.gate import count_error, count_success
from reminders.traffic.local_faults import (
    NOT_ABOUT_ROBOTALKER,
    HeldBack,
    NotBuilt,
    OurOwnFault,
    PostThreadFailed,
    SleptTooLong,
)
from reminders.wording.scripts import message_of

log = logging.getLogger(__name__)

RECORD_WITHIN = 30.0  # seconds for which results are written again while the database is away
FRESH_FOR = 5.0  # seconds from a last look to its POST


class Accepted(NamedTuple):
    """Robotalker's id of a call, text or batch; and the ids of a batch's texts by number (E.164)."""

    robotalker_id: str
    members: Mapping[str, str] = {}


Post = Callable[[RobotalkerClient], Accepted]
"""Makes one POST; raises RobotalkerError."""


class Moment:
    """Now, by both clocks of this machine: the monotonic one stands still while the machine is suspended."""

    def __init__(self) -> None:
        self._steady, self._wall = time.monotonic(), time.time()

    @property
    def age(self) -> float:
        """Seconds since then, by the clock that has moved further."""
        return max(time.monotonic() - self._steady, time.time() - self._wall)


@dataclass(frozen=True)
class Submission:
    """One POST and the calls on it."""

    calls: Sequence[CallRecord]
    batch: CallBatch | None
    post: Post
    opened_at: Moment  # at the commit of `submitting`

    def submit_with(self, client: RobotalkerClient) -> "SubmissionResult":
        """POST it, unless it was opened too long ago. Touches no database, raises nothing."""
        age = self.opened_at.age
        if age > settings.DISPATCH_LEASE - settings.ROBOTALKER_TOTAL_DEADLINE:
            return SubmissionResult(self, error=SleptTooLong())
        if age > FRESH_FOR:
            return SubmissionResult(self, error=HeldBack())
        try:
            return SubmissionResult(self, accepted=self.post(client))
        except RobotalkerError as error:
            return SubmissionResult(self, error=error)
        except Exception as error:  # noqa: BLE001 - the results of the other submissions must be recorded
            log.error("a POST thread failed: %s", type(error).__name__)
            return SubmissionResult(self, error=PostThreadFailed())


@dataclass(frozen=True)
class SubmissionResult:
    """What Robotalker accepted, or the error. `is_held`: neither, since it was not begun."""

    submission: Submission
    accepted: Accepted = field(default=Accepted(""), repr=False)
    error: RobotalkerError | None = None
    is_held: bool = False

    @property
    def may_fail_again(self) -> bool:
        """Whether it failed for a reason that the next request may meet too."""
        if self.error is None or isinstance(self.error, NOT_ABOUT_ROBOTALKER):
            return False
        return self.error.meaning != Meaning.REJECTED


def open_singles(reminder_ids: Sequence[int], claim: UUID, practice: PracticeConfig) -> list[Submission]:
    """Open claimed reminders, each as a call or text message with a POST of its own."""
    calls = open_calls(reminder_ids, claim, practice=practice)
    opened_at = Moment()
    return [Submission([call], None, _build_post([call], None), opened_at) for call in calls]


def open_batch(reminder_ids: Sequence[int], claim: UUID, practice: PracticeConfig) -> list[Submission]:
    """Open claimed reminders that share a script as one campaign or one batch of texts; no submission when
    nothing is to be sent.
    """
    batch = CallBatch()
    calls = open_calls(reminder_ids, claim, batch, practice)
    opened_at = Moment()
    return [Submission(calls, batch, _build_post(calls, batch), opened_at)] if calls else []


def record_results(results: Sequence[SubmissionResult]) -> None:
    """Record the results of submissions on their calls and on the gate. Raises nothing."""
    accepted = [result for result in results if result.error is None]
    singles = {
        result.submission.calls[0].pk: result.accepted.robotalker_id
        for result in accepted
        if not result.submission.batch
    }
    retry = DatabaseRetry(RECORD_WITHIN)
    if singles:
        retry.run(partial(records.record_accepted, singles))
    for result in accepted:
        if result.submission.batch:
            retry.run(partial(records.record_batch_accepted, result.submission.batch, *result.accepted))
    if accepted:
        retry.run(count_success)
    for result in results:
        if result.error is not None:
            asked_at = result.submission.calls[0].submitting_at
            retry.run(partial(count_error, result.error, asked_at))
            for call in result.submission.calls:
                retry.run(partial(records.record_failed_post, call.pk, result.error))


def _build_post(calls: Sequence[CallRecord], batch: CallBatch | None) -> Post:
    """The POST of these calls. When it can't be built, one that raises the error instead."""
    fault: RobotalkerError
    try:
        if batch:
            by_text = batch.channel == Channel.SMS
            return _build_sms_batch(batch, calls) if by_text else _build_campaign(batch, calls)
        return _build_sms(calls[0]) if calls[0].channel == Channel.SMS else _build_voice(calls[0])
    except ValueError as error:
        log.error("a request can't be built: %s", error)
        fault = OurOwnFault(str(error))
    except Exception as error:  # noqa: BLE001 - whatever it is, nothing was sent
        log.error("a request was not built: %s", type(error).__name__)
        fault = NotBuilt()

    def refuse(_client: RobotalkerClient) -> Accepted:
        raise fault

    return refuse


def _build_voice(call: CallRecord) -> Post:
    voice = build_call(
        to=call.number.e164,
        from_number=call.from_number,
        message=message_of(call),
        voice=call.script_text.voice,
        variables=call.variables,
        status_url=status_url(call),
        key_urls=key_urls(call),
    )
    return lambda client: Accepted(client.create_call(voice).call_id)


def _build_sms(call: CallRecord) -> Post:
    text = build_sms(
        to=call.number.e164,
        from_number=call.from_number,
        message=message_of(call),
        variables=call.variables,
        status_url=status_url(call),
    )
    return lambda client: Accepted(client.send_sms(text).sms_id)


def _build_sms_batch(batch: CallBatch, calls: Sequence[CallRecord]) -> Post:
    texts = build_sms_batch(
        recipients=[Recipient(to=call.number.e164, variables=call.variables) for call in calls],
        from_number=calls[0].from_number,
        message=calls[0].script_text.text,
        status_url=status_url(batch),
    )

    def post(client: RobotalkerClient) -> Accepted:
        accepted = client.send_sms_batch(texts)
        return Accepted(accepted.batch_id, {text.to: text.sms_id for text in accepted.messages})

    return post


def _build_campaign(batch: CallBatch, calls: Sequence[CallRecord]) -> Post:
    script = calls[0].script_text
    campaign = build_campaign(
        recipients=[Recipient(to=call.number.e164, variables=call.variables) for call in calls],
        from_number=calls[0].from_number,
        message=script.text,
        voice=script.voice,
        status_url=status_url(batch),
        key_urls=key_urls(batch),
    )
    return lambda client: Accepted(client.create_campaign(campaign).campaign_id)
