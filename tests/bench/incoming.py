"""Measure the webhook endpoint: storing and applying events, compared with other views (bare_urls.py)."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from urllib.parse import urlsplit

from django.test import Client

from reminders.models import CallRecord
from reminders.traffic.callback_urls import status_url
from tests.bench.costs import (
    ProcessorTime,
    count_statements,
    find_child,
    find_database_pid,
    measuring,
)
from tests.bench.load import LoadResult, post, send_load
from tests.bench.measure import Line, compare
from tests.bench.rows import make_calls
from tests.bench.servers import ENVIRONMENT, run_appliers, run_web
from tests.bench.sizes import BenchSize
from tests.waiting import wait_until
from webhooks.applying import apply_stored
from webhooks.models import WebhookEvent

ROUND_SECONDS = 4.0  # per round at most
WARM_UP = 200
RATES = (200, 500)  # events per second
ALONE = 20  # events one after the other, for the statements of one
GRACE = 5.0  # seconds after the end for requests that still wait
LONGEST_BACKLOG = 60.0  # seconds until all that was stored is applied; they count
CONNECTIONS = 32
HOST = ENVIRONMENT["ALLOWED_HOSTS"]
# Typical outcomes of reminder calls: of 100, 36 answered, 53 voicemail, 11 no answer.
ENDINGS = [
    *[{"event": "call.completed", "status": "answered", "dtmf_response": "1", "amd_result": "human"}] * 36,
    *[{"event": "call.voicemail", "status": "voicemail", "amd_result": "machine"}] * 53,
    *[{"event": "call.no_answer", "status": "no_answer"}] * 11,
]


def bench_incoming(size: BenchSize) -> Iterator[Line]:
    """The throughput of the endpoint and the other views, latency at fixed rates, what an event costs."""
    wanted = WARM_UP + (size.rounds + 1) * size.events + sum(RATES) * size.rate_seconds + ALONE
    supply = _Supply(make_calls(wanted))
    with ExitStack() as stack:
        appliers = stack.enter_context(run_appliers())
        endpoint = Endpoint(stack.enter_context(run_web("config.settings", "/healthz")), appliers)
        bare = _Bare(stack.enter_context(run_web("tests.bench.bare_settings", "/hooks/bare")))
        _warm_up(endpoint, bare, supply.take(WARM_UP))
        yield from _bench_throughput(endpoint, bare, supply, size)
        for rate in RATES:
            yield _bench_latency(endpoint, bare, supply.take(rate * size.rate_seconds), rate, size)
        yield _measure_processor(endpoint, bare, supply.take(size.events))
        yield _count_statements(supply.take(ALONE))


class _Supply:
    """Calls that events are sent for, each once."""

    def __init__(self, calls: list[CallRecord]) -> None:
        self._calls = calls
        self.last: list[CallRecord] = []

    def take(self, count: int) -> list[CallRecord]:
        """Return the next calls. `last` keeps them, so that the bare views are measured with the same."""
        self.last, self._calls = self._calls[:count], self._calls[count:]
        return self.last


class Endpoint:
    """Callboard's own web process, and the workers that apply what it stores."""

    def __init__(self, port: int, appliers: Sequence[int]) -> None:
        self._port = port
        self.pids = [find_child(f"127.0.0.1:{port}"), *appliers]

    def report(self, calls: Sequence[CallRecord], within: float, rate: float = 0.0) -> LoadResult:
        """Send one event per call. Raises RuntimeError unless every event with a response was applied."""
        requests = [_write_event(index, call) for index, call in enumerate(calls)]
        before = _count_applied()
        result = send_load(self._port, requests, connections=CONNECTIONS, within=within, rate=rate)
        applied = _wait_until_applied(before + len(result.latencies), result) - before
        if result.refused or applied < len(result.latencies):
            raise RuntimeError(f"{applied} of {len(result.latencies)} applied, {result.refused} refused")
        return result


class _Bare:
    """The process with the other views."""

    def __init__(self, port: int) -> None:
        self._port = port
        self.pids = [find_child(f"127.0.0.1:{port}")]

    def insert(self, calls: Sequence[CallRecord], within: float, rate: float = 0.0) -> LoadResult:
        """Send the same bodies to the view that inserts each as a row."""
        paths = [f"/hooks/insert/{call.pk}" for call in calls]
        return self._fire(paths, calls, within, rate)

    def apply(self, calls: Sequence[CallRecord], within: float, rate: float = 0.0) -> LoadResult:
        """Send them to the view of Django REST framework, which stores and applies them with the ORM."""
        return self._fire([f"/hooks/apply/{call.pk}" for call in calls], calls, within, rate)

    def do_nothing(self, calls: Sequence[CallRecord], within: float) -> LoadResult:
        """Send the same bodies to the view that only reads them."""
        return self._fire(["/hooks/bare"] * len(calls), calls, within)

    def _fire(
        self, paths: Sequence[str], calls: Sequence[CallRecord], within: float, rate: float = 0.0
    ) -> LoadResult:
        bodies = [_write_body(index, call) for index, call in enumerate(calls)]
        requests = [post(path, body) for path, body in zip(paths, bodies, strict=True)]
        result = send_load(self._port, requests, connections=CONNECTIONS, within=within, rate=rate)
        if result.refused:
            raise RuntimeError(f"{result.refused} of {len(requests)} requests refused")
        return result


def _warm_up(endpoint: Endpoint, bare: _Bare, calls: Sequence[CallRecord]) -> None:
    for run in (endpoint.report, bare.insert, bare.apply, bare.do_nothing):
        run(calls, ROUND_SECONDS)


def _bench_throughput(endpoint: Endpoint, bare: _Bare, supply: _Supply, size: BenchSize) -> list[Line]:
    return compare(
        "webhook events stored and applied",
        lambda: endpoint.report(supply.take(size.events), ROUND_SECONDS).rate,
        {
            "insert one row": lambda: bare.insert(supply.last, ROUND_SECONDS).rate,
            "DRF view that applies": lambda: bare.apply(supply.last, ROUND_SECONDS).rate,
            "bare view": lambda: bare.do_nothing(supply.last, ROUND_SECONDS).rate,
        },
        unit="/s",
        rounds=size.rounds,
    )


def _bench_latency(
    endpoint: Endpoint, bare: _Bare, calls: Sequence[CallRecord], rate: int, size: BenchSize
) -> Line:
    within = size.rate_seconds + GRACE
    ours = endpoint.report(calls, within, rate)
    beside, applied = bare.insert(calls, within, rate), bare.apply(calls, within, rate)
    return Line(
        f"webhook latency at {rate} events/s, p50 and p99",
        _show_latency(ours),
        f"insert one row: {_show_latency(beside)}; DRF view that applies: {_show_latency(applied)}",
    )


def _measure_processor(endpoint: Endpoint, bare: _Bare, calls: Sequence[CallRecord]) -> Line:
    """Of all processes of each way, and of PostgreSQL, for each event of a burst."""
    shown = []
    ways = ((endpoint.pids, endpoint.report), (bare.pids, bare.insert), (bare.pids, bare.apply))
    for pids, run in ways:
        web, database = ProcessorTime(*pids), ProcessorTime(find_database_pid())
        with measuring(web, database):
            done = len(run(calls, ROUND_SECONDS * 3).latencies)
        shown.append(f"{web.seconds / done * 1000:.2f} and {database.seconds / done * 1000:.2f} ms")
    return Line(
        "processor for an event in a burst: Python and PostgreSQL",
        shown[0],
        f"insert one row: {shown[1]}; DRF view that applies: {shown[2]}",
    )


def _count_statements(calls: Sequence[CallRecord]) -> Line:
    """Of events that come one after the other, and are applied in this process."""
    client = Client(headers={"host": HOST})

    _wait_until_idle()

    def report_all() -> None:
        for index, call in enumerate(calls):
            path, body = urlsplit(status_url(call)).path, _write_body(index, call)
            if client.post(path, body, content_type="application/json", secure=True).status_code != 200:
                raise RuntimeError("an event was refused")
            apply_stored()

    counted = count_statements(report_all)
    return Line(
        "statements for an event that comes alone",
        f"{counted / len(calls):.1f}",
        "of its request, and to apply it",
    )


def _show_latency(result: LoadResult) -> str:
    kept_up = "" if not result.unanswered else f", {len(result.unanswered)} unanswered"
    return f"{result.percentile(50) * 1000:,.0f} and {result.percentile(99) * 1000:,.0f} ms{kept_up}"


def _wait_until_applied(wanted: int, result: LoadResult) -> int:
    """Wait until all are applied; return how many are. Adds the time to the result."""
    started = time.perf_counter()
    while (applied := _count_applied()) < wanted and time.perf_counter() - started < LONGEST_BACKLOG:
        time.sleep(0.01)
    result.seconds += time.perf_counter() - started
    return applied


def _wait_until_idle() -> None:
    """Wait until nothing is left of what was sent before, though nobody waited for its answer."""
    stored = WebhookEvent.objects.filter(state=WebhookEvent.State.STORED)
    wait_until(lambda: not stored.exists(), "all events to be applied", within_seconds=LONGEST_BACKLOG)


def _count_applied() -> int:
    return WebhookEvent.objects.filter(state=WebhookEvent.State.APPLIED).count()


def _write_event(index: int, call: CallRecord) -> bytes:
    return post(urlsplit(status_url(call)).path, _write_body(index, call))


def _write_body(index: int, call: CallRecord) -> bytes:
    ending = ENDINGS[
        index * 7 % len(ENDINGS)
    ]  # 7 and 100 have no common factor, so this mixes the endings in the right proportion
    facts = {
        "call_id": call.robotalker_id,
        "to": call.number.e164,
        "duration_seconds": 28,
        "timestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
    }
    return json.dumps({**ending, **facts}).encode()
