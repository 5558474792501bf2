"""Requests that place no call: for the status of a call, and for the list of contacts.

They are less urgent than calls. The same gate, rate and switch apply to them. A 401 or a 429 counts for all
requests. Any other failure ends only the round that it happened in: it doesn't show whether Robotalker
accepts calls, so the circuit breaker doesn't count it.
"""

import time
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import TypeVar

from reminders.robotalker.errors import (
    AnswerTooLarge,
    AnswerUnusable,
    RateLimited,
    Rejected,
    RobotalkerError,
    Unauthorized,
)
from reminders.traffic.gate import count_error, count_success, read_gate
from reminders.traffic.local_faults import RequestForbidden
from reminders.traffic.rate import take_permits
from reminders.traffic.shutdown import is_stopping

T = TypeVar("T")

# No request of a round begins later, so that a round with slow answers ends before the next begins.
ROUND_SECONDS = 15.0


def limit_to_permits(items: Iterable[T]) -> Iterator[T]:
    """Yield an item for each request that may begin; stop when none may, or when the round is over."""
    ends_at = time.monotonic() + ROUND_SECONDS
    for item in items:
        if time.monotonic() >= ends_at or is_stopping() or not take_request_permit():
            return
        yield item


def take_request_permit(*, while_paused: bool = False) -> bool:
    """Whether one more such request may begin now. If so, it is counted as begun."""
    gate = read_gate()
    if gate.closed_for or (gate.paused and not while_paused):
        return False
    return take_permits(1) == 1


def should_continue_after(error: RobotalkerError, asked_at: datetime) -> bool:
    """Whether to go on in this round after a failure. Counts it for all requests where it concerns them all.

    `asked_at`: when the failed request began (aware UTC).
    """
    if isinstance(error, AnswerUnusable | AnswerTooLarge | RequestForbidden):
        return True
    if isinstance(error, Rejected):
        count_success(of_call=False)
        return True
    if isinstance(error, Unauthorized | RateLimited):
        count_error(error, asked_at)
    return False
