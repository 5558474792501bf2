"""Measure dispatch, compared with plain POSTs of the same bodies and with one Celery task a reminder.

The sandbox answers at once, or in a tenth of a second, as a real provider might.
"""

import os
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from itertools import groupby
from typing import Any

import requests
from django.conf import settings
from django.test.utils import override_settings

from reminders.dispatch.rounds import dispatch_due
from reminders.models import CallBatch, CallRecord
from reminders.robotalker.payloads import Recipient, build_call, build_campaign
from reminders.rules.states import CallState
from reminders.traffic.callback_urls import key_urls, status_url
from reminders.wording.scripts import message_of
from tests.bench.costs import ProcessorTime, count_statements, find_database_pid, measuring
from tests.bench.measure import Line, compare, stopwatch
from tests.bench.rows import make_due
from tests.bench.sizes import BenchSize
from tests.bench.tutorial import TutorialWorker, run_tutorial
from tests.sandbox_server import SandboxServer

LATENCY = 0.1  # seconds
Json = dict[str, Any]


def bench_outgoing(sandbox: SandboxServer, size: BenchSize) -> Iterator[Line]:
    """Measure single calls, then campaigns. Each round dispatches reminders, then posts the same bodies."""
    with (
        override_settings(ROBOTALKER_BASE_URL=sandbox.url, ROBOTALKER_API_KEY=sandbox.api_key),
        run_tutorial(sandbox.url, at_once=settings.ROBOTALKER_THREADS) as tutorial,
    ):
        tutorial.call_all([each.pk for each in make_due(size.calls // 4)])  # to warm up
        with override_settings(ROBOTALKER_CAMPAIGNS=False):
            for latency in (0.0, LATENCY):
                yield from _bench_singles(sandbox, tutorial, size, latency)
            yield from _measure_costs(sandbox, tutorial, size.calls)
        yield from compare(
            "reminders submitted by campaigns",
            lambda: _dispatch(size.by_campaign, sandbox),
            {
                "bare requests.Session": lambda: _post_directly("campaigns", _read_campaigns()),
                "one Celery task a reminder": lambda: _run_tutorial(size.calls, sandbox, tutorial),
            },
            unit="/s",
            rounds=size.rounds,
        )


def _bench_singles(
    sandbox: SandboxServer, tutorial: TutorialWorker, size: BenchSize, latency: float
) -> list[Line]:
    answered = f"answered in {latency * 1000:.0f} ms" if latency else "answered at once"
    return compare(
        f"single calls submitted, {settings.ROBOTALKER_THREADS} at once, {answered}",
        lambda: _dispatch(size.calls, sandbox, latency),
        {
            "bare requests.Session": lambda: _post_directly("calls", _read_calls()),
            "one Celery task a reminder": lambda: _run_tutorial(size.calls, sandbox, tutorial, latency),
        },
        unit="/s",
        rounds=size.rounds,
    )


def _measure_costs(sandbox: SandboxServer, tutorial: TutorialWorker, calls: int) -> Iterator[Line]:
    """What a single call takes of the processor, and how many statements."""
    ours, theirs = ProcessorTime(os.getpid(), own=True), ProcessorTime(tutorial.pid)
    of_ours, of_theirs = ProcessorTime(find_database_pid()), ProcessorTime(find_database_pid())
    make_due(calls)
    sandbox.reset()
    with measuring(ours, of_ours):
        statements = count_statements(dispatch_due)
    _check(calls, sandbox)
    reminders = make_due(calls)
    with measuring(theirs, of_theirs):
        tutorial.call_all([each.pk for each in reminders])
    shown = [
        f"{python.seconds / calls * 1000:.2f} and {database.seconds / calls * 1000:.2f} ms"
        for python, database in ((ours, of_ours), (theirs, of_theirs))
    ]
    yield Line(
        "processor for a single call: Python and PostgreSQL",
        shown[0],
        f"one Celery task a reminder: {shown[1]}",
    )
    yield Line("statements for a single call", f"{statements / calls:.1f}", "one Celery task a reminder: 3")


def _run_tutorial(
    count: int, sandbox: SandboxServer, tutorial: TutorialWorker, latency: float = 0.0
) -> float:
    reminders = make_due(count)
    _answer_in(sandbox, latency)
    with stopwatch() as watch:
        tutorial.call_all([each.pk for each in reminders])
    return watch.rate(count)


def _answer_in(sandbox: SandboxServer, latency: float) -> None:
    sandbox.reset()
    if latency:
        sandbox.faults({"kind": "slow_headers", "seconds": latency})


def _dispatch(count: int, sandbox: SandboxServer, latency: float = 0.0) -> float:
    """Return the reminders per second of one dispatch task with this many due; it stops after 20 s."""
    make_due(count)
    _answer_in(sandbox, latency)
    with stopwatch() as watch:
        dispatch_due()
    return watch.rate(_check(count, sandbox))


def _check(count: int, sandbox: SandboxServer) -> int:
    """How many were submitted. Raises RuntimeError unless the sandbox has just as many."""
    taken = CallRecord.objects.filter(state=CallState.SUBMITTED).count()
    if not taken or taken != len(sandbox.ledger()):
        raise RuntimeError(f"{taken} of {count} submitted, {len(sandbox.ledger())} in the ledger")
    return taken


def _post_directly(path: str, bodies: Sequence[Json]) -> float:
    """Post the bodies, calls with as many threads as dispatch uses; return recipients per second."""
    threads = settings.ROBOTALKER_THREADS if path == "calls" else 1
    with stopwatch() as watch, ThreadPoolExecutor(threads) as pool:
        list(pool.map(lambda thread: _post_all(path, bodies[thread::threads]), range(threads)))
    return watch.rate(sum(len(body.get("recipients", ["one"])) for body in bodies))


def _post_all(path: str, bodies: Sequence[Json]) -> None:
    with requests.Session() as session:
        session.trust_env = False  # otherwise it looks for a proxy and a netrc file at each request
        session.headers["Authorization"] = f"Bearer {settings.ROBOTALKER_API_KEY}"
        for body in bodies:
            session.post(f"{settings.ROBOTALKER_BASE_URL}/api/v1/{path}", json=body).raise_for_status()


def _read_calls() -> list[Json]:
    """Rebuild the request bodies of the calls that were just dispatched."""
    calls = CallRecord.objects.select_related("number", "script_text").order_by("pk")
    return [
        build_call(
            to=call.number.e164,
            from_number=call.from_number,
            message=message_of(call),
            voice=call.script_text.voice,
            variables=call.variables,
            status_url=status_url(call),
            key_urls=key_urls(call),
        ).as_json()
        for call in calls
    ]


def _read_campaigns() -> list[Json]:
    """Rebuild the request bodies of the campaigns that were just dispatched."""
    calls = CallRecord.objects.select_related("number", "script_text", "batch").order_by("batch", "pk")
    return [
        _build_campaign(batch, list(members)) for batch, members in groupby(calls, lambda call: call.batch)
    ]


def _build_campaign(batch: CallBatch | None, calls: Sequence[CallRecord]) -> Json:
    if batch is None:
        raise RuntimeError("a call was sent on its own, so no campaign was measured")
    script = calls[0].script_text
    return build_campaign(
        recipients=[Recipient(call.number.e164, call.variables) for call in calls],
        from_number=calls[0].from_number,
        message=script.text,
        voice=script.voice,
        status_url=status_url(batch),
        key_urls=key_urls(batch),
    ).as_json()
