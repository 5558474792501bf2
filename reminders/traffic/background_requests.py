"""Requests beside the calls: asking what became of a call, and the contact list. They can wait, calls can't.

They obey the same gate, rate and switch. A 401 and a 429 are for all; any other failure of theirs ends
their own round and says nothing of whether Robotalker takes calls, so it doesn't count for the breaker.
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
from reminders.traffic.rate import take_permits
from reminders.traffic.shutdown import is_stopping

T = TypeVar("T")

ROUND_SECONDS = 15.0  # no request of a round begins later, so that slow answers don't pile rounds up


def limit_to_permits(items: Iterable[T]) -> Iterator[T]:
    """The items, one for each request that may begin; ends when none may, or the round is over."""
    ends_at = time.monotonic() + ROUND_SECONDS
    for item in items:
        if time.monotonic() >= ends_at or is_stopping() or not take_request_permit():
            return
        yield item


def take_request_permit(*, while_paused: bool = False) -> bool:
    """Whether one more such request may begin now; it is counted as begun."""
    gate = read_gate()
    if gate.closed_for or (gate.paused and not while_paused):
        return False
    return take_permits(1) == 1


def should_continue_after(error: RobotalkerError, asked_at: datetime) -> bool:
    """Tell all others of a failure (begun at `asked_at`) that is for all; whether to go on in this round."""
    if isinstance(error, AnswerUnusable | AnswerTooLarge):
        return True
    if isinstance(error, Rejected):
        count_success(of_call=False)
        return True
    if isinstance(error, Unauthorized | RateLimited):
        count_error(error, asked_at)
    return False
