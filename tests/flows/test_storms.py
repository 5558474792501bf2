"""An overloaded Robotalker: many 429s, and an outage. Due calls wait, and are then sent at the rate."""

import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import datetime
from itertools import combinations
from pathlib import Path
from typing import Any

import pytest
from pytest_django import Settings

from reminders.dispatch.post_threads import AHEAD_SECONDS
from reminders.dispatch.rounds import dispatch_due
from reminders.models import CallRecord, Reminder, SendingSwitch
from tests.celery_processes import Broker, read_compose_words, run_celery
from tests.people import make_contact, make_due_reminder
from tests.sandbox_server import SandboxServer
from tests.waiting import wait_until

RATE = 20  # a second
AT_ONCE = 4  # requests of all dispatchers together
DISPATCHERS = 2
MANY = 200
REFUSED = 8  # requests that make a storm
TASK = "reminders.tasks.dispatch_due"


def make_due(many: int) -> None:
    for number in range(many):
        make_due_reminder(make_contact("Sarah", number=f"+1202555{1000 + number}"))


@pytest.fixture
def two_dispatchers(sandbox: SandboxServer, tmp_path: Path) -> Iterator[Broker]:
    """Two workers, as on two machines, that share only the database and Redis; the broker of their ticks."""
    broker = Broker()
    broker.empty()
    settings: dict[str, Any] = {
        "ROBOTALKER_BASE_URL": sandbox.url,
        "ROBOTALKER_API_KEY": sandbox.api_key,
        "ROBOTALKER_CAMPAIGNS": "off",
        "ROBOTALKER_RATE": f"{RATE}/second",
        "ROBOTALKER_THREADS": AT_ONCE // DISPATCHERS,
    }
    with ExitStack() as running:
        workers = []
        for name in ("first", "second"):
            words = read_compose_words("dispatcher")
            words[words.index("-n") + 1] = f"{name}@%h"
            words[words.index("--concurrency") + 1] = "1"
            workers.append(running.enter_context(run_celery(words, broker, tmp_path / name, **settings)))
        for worker in workers:
            worker.wait_until_ready()
        yield broker


def count_beyond_the_rate(moments: Sequence[datetime]) -> float:
    """The most requests by which any stretch of time, short or long, had more than the rate allows.

    The limiter lets RATE requests begin in any second, so one second's worth more than the stretch is long.
    The moments are those at which the sandbox had them: by then the permit was taken, and the answer is still
    awaited. So however slow the machine, a stretch can hold no more than AT_ONCE, and those that were opened
    ahead, whose permits are older.
    """
    stretches = combinations(enumerate(moments, start=1), 2)
    return max(
        last - first + 1 - RATE * ((ended_at - began_at).total_seconds() + 1)
        for (first, began_at), (last, ended_at) in stretches
    )


def test_after_a_storm_of_429_all_calls_go_out_within_the_rate_and_twice_the_ideal_time(
    sandbox: SandboxServer, two_dispatchers: Broker
) -> None:
    make_due(MANY)
    sandbox.faults({"kind": "rate_limit", "retry_after": 1, "probability": 0.9}, {"kind": "lost"})

    def refuse_enough() -> bool:
        two_dispatchers.send(TASK, "dispatch")
        return CallRecord.objects.filter(reason="rate_limited").count() >= REFUSED

    wait_until(refuse_enough, "enough requests to be refused", within_seconds=60)
    sandbox.faults({"kind": "lost"})
    left = MANY - len(sandbox.ledger())
    storm_ended_at = time.monotonic()

    def drain() -> bool:
        two_dispatchers.send(TASK, "dispatch")
        return len(sandbox.ledger()) == MANY

    wait_until(drain, "all of them to be accepted", within_seconds=60)
    assert time.monotonic() - storm_ended_at <= 2 * left / RATE
    moments = sandbox.requests()
    assert len(moments) >= MANY + REFUSED, "refused requests count as well"
    assert count_beyond_the_rate(moments) <= AT_ONCE + DISPATCHERS * RATE * AHEAD_SECONDS
    taken = CallRecord.objects.filter(state="submitted")
    wait_until(lambda: taken.count() == MANY, "each of them to be recorded once")


def test_an_outage_pauses_sending_after_a_few_requests_and_loses_no_reminder(
    sandbox: SandboxServer, settings: Settings
) -> None:
    settings.ROBOTALKER_CAMPAIGNS = False
    make_due(4 * settings.ROBOTALKER_BREAKER)
    sandbox.faults({"kind": "error_503"})
    wait_until(lambda: dispatch_due() and is_paused_by_the_breaker(), "the breaker to pause sending")
    asked = len(sandbox.requests())
    assert asked <= settings.ROBOTALKER_BREAKER + settings.ROBOTALKER_THREADS
    dispatch_due()
    assert len(sandbox.requests()) == asked, "nothing is tried while sending is paused"
    assert set(Reminder.objects.values_list("state", flat=True)) == {"planned"}


def is_paused_by_the_breaker() -> bool:
    return SendingSwitch.objects.filter(cause="robotalker_failing", paused_at__isnull=False).exists()
