"""Submitting: from claimed reminders to POSTs that are ready to go, and what came of them.

A flight is one POST and the calls that ride on it. It is opened (`submitting` is committed) just before it
begins, flown outside any transaction by a lane (lanes.py), and recorded when it has landed.
"""

import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from uuid import UUID

from django.conf import settings
from django.db import transaction

from contacts.models.people import Channel
from reminders.deciding.situations import Book
from reminders.dispatch.database_retry import Patience
from reminders.dispatch.opening import open_calls
from reminders.models import CallBatch, CallRecord
from reminders.results import post_results as records
from reminders.robotalker.client import RobotalkerClient
from reminders.robotalker.errors import (
    RobotalkerError,
)
from reminders.robotalker.payloads import Recipient, build_call, build_campaign, build_sms
from reminders.traffic.callback_urls import key_urls, status_url
from reminders.traffic.gate import learn_from, record_success
from reminders.traffic.local_faults import (
    LaneBroke,
    NotBuilt,
    OurOwnFault,
    SleptTooLong,
)
from reminders.wording.scripts import message_of

log = logging.getLogger(__name__)

RECORD_WITHIN = 30.0  # seconds for which a lost database is asked again to record what came back

Post = Callable[[RobotalkerClient], str]
"""One POST, ready to go: answers Robotalker's id, or raises RobotalkerError."""


class Moment:
    """Now, by both clocks of this machine: one of them stands still while it is suspended."""

    def __init__(self) -> None:
        self._steady, self._wall = time.monotonic(), time.time()

    @property
    def age(self) -> float:
        """Seconds since, by the clock that says more."""
        return max(time.monotonic() - self._steady, time.time() - self._wall)


@dataclass(frozen=True)
class Flight:
    """One POST and the calls on it."""

    calls: Sequence[CallRecord]
    batch: CallBatch | None
    post: Post
    opened_at: "Moment"  # at the commit of `submitting`

    def fly(self, client: RobotalkerClient) -> "Landing":
        """POST it, unless this process slept since it was opened. Touches no database, raises nothing."""
        try:
            self._check_awake()
            return Landing(self, robotalker_id=self.post(client))
        except RobotalkerError as error:
            return Landing(self, error=error)
        except Exception as error:  # noqa: BLE001 - whatever it is, the other flights must be recorded
            log.error("a lane broke: %s", type(error).__name__)
            return Landing(self, error=LaneBroke())

    def _check_awake(self) -> None:
        if self.opened_at.age > settings.DISPATCH_LEASE - settings.ROBOTALKER_TOTAL_DEADLINE:
            raise SleptTooLong("the worker slept before it could send")


@dataclass(frozen=True)
class Landing:
    """What came of a flight: Robotalker's id of the call or campaign, or the error."""

    flight: Flight
    robotalker_id: str = ""
    error: RobotalkerError | None = None


def open_singles(reminder_ids: Sequence[int], claim: UUID, book: Book) -> list[Flight]:
    """Open claimed reminders, each as a call or text message with a POST of its own."""
    calls = open_calls(reminder_ids, claim, book=book)
    opened_at = Moment()
    return [Flight([call], None, _prepare(_build_single, call), opened_at) for call in calls]


def open_batch(reminder_ids: Sequence[int], claim: UUID, book: Book) -> list[Flight]:
    """Open claimed reminders that share a script as one campaign; no flight when none of them may go."""
    with transaction.atomic():
        batch = CallBatch.objects.create()
        calls = open_calls(reminder_ids, claim, batch, book)
        if not calls:
            batch.delete()
    opened_at = Moment()
    return [] if not calls else [Flight(calls, batch, _prepare(_build_campaign, batch, calls), opened_at)]


def record_landings(landings: Sequence[Landing]) -> None:
    """Write down what came of flights, and let the gate learn from it. Raises nothing."""
    accepted = [landing for landing in landings if landing.error is None]
    singles = {
        landing.flight.calls[0].pk: landing.robotalker_id for landing in accepted if not landing.flight.batch
    }
    patience = Patience(RECORD_WITHIN)
    if singles:
        patience.insist(partial(records.record_accepted, singles))
    for landing in accepted:
        if landing.flight.batch:
            patience.insist(
                partial(records.record_batch_accepted, landing.flight.batch, landing.robotalker_id)
            )
    if accepted:
        patience.insist(record_success)
    for landing in landings:
        if landing.error is not None:
            asked_at = landing.flight.calls[0].submitting_at
            patience.insist(partial(learn_from, landing.error, asked_at))
            for call in landing.flight.calls:
                patience.insist(partial(records.record_failure, call.pk, landing.error))


def _prepare(build: Callable[..., Post], *parts: object) -> Post:
    """The POST; one that can't be built fails when it is flown."""
    fault: RobotalkerError
    try:
        return build(*parts)
    except ValueError as error:
        fault = OurOwnFault(status=0, reason=f"our own request was wrong: {error}")
    except Exception as error:  # noqa: BLE001 - whatever it is, nothing has left
        log.error("a request was not built: %s", type(error).__name__)
        fault = NotBuilt()

    def refuse(_client: RobotalkerClient) -> str:
        raise fault

    return refuse


def _build_single(call: CallRecord) -> Post:
    if call.channel == Channel.SMS:
        return _build_sms(call)
    voice = build_call(
        to=call.number.e164,
        from_number=call.from_number,
        message=message_of(call),
        voice=call.script_text.voice,
        variables=call.variables,
        status_url=status_url(call),
        key_urls=key_urls(call),
    )
    return lambda client: client.create_call(voice).call_id


def _build_sms(call: CallRecord) -> Post:
    text = build_sms(
        to=call.number.e164,
        from_number=call.from_number,
        message=message_of(call),
        variables=call.variables,
        status_url=status_url(call),
    )
    return lambda client: client.send_sms(text).sms_id


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
    return lambda client: client.create_campaign(campaign).campaign_id
