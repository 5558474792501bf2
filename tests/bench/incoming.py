"""Measure the webhook endpoint: storing and applying events, compared with the two bare views."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from urllib.parse import urlsplit

from reminders.models import CallRecord
from reminders.traffic.callback_urls import status_url
from tests.bench.load import LoadResult, post, send_load
from tests.bench.measure import Line, compare
from tests.bench.rows import make_calls
from tests.bench.servers import run_web
from webhooks.models import WebhookEvent

ROUNDS = 5
EVENTS = 1_500  # per round at most
ROUND_SECONDS = 4.0  # per round at most
WARM_UP = 200
RATES = (200, 500)  # events per second
RATE_SECONDS = 5
GRACE = 5.0  # seconds after the end for requests that still wait
LONGEST_BACKLOG = 60.0  # seconds until all that was stored is applied; they count
CONNECTIONS = 32
# Typical outcomes of reminder calls: of 100, 36 answered, 53 voicemail, 11 no answer.
ENDINGS = [
    *[{"event": "call.completed", "status": "answered", "dtmf_response": "1", "amd_result": "human"}] * 36,
    *[{"event": "call.voicemail", "status": "voicemail", "amd_result": "machine"}] * 53,
    *[{"event": "call.no_answer", "status": "no_answer"}] * 11,
]


def bench_incoming() -> Iterator[Line]:
    """Measure the throughput of the endpoint and the bare views, then their latency at fixed rates."""
    supply = _Supply(make_calls(WARM_UP + ROUNDS * EVENTS + sum(RATES) * RATE_SECONDS))
    with ExitStack() as stack:
        endpoint = _Endpoint(stack.enter_context(run_web("config.settings", "/healthz")))
        bare = _Bare(stack.enter_context(run_web("tests.bench.bare_settings", "/hooks/bare")))
        _warm_up(endpoint, bare, supply.take(WARM_UP))
        yield from _bench_throughput(endpoint, bare, supply)
        for rate in RATES:
            yield _bench_latency(endpoint, bare, supply.take(rate * RATE_SECONDS), rate)


class _Supply:
    """Calls that events are sent for, each once."""

    def __init__(self, calls: list[CallRecord]) -> None:
        self._calls = calls
        self.last: list[CallRecord] = []

    def take(self, count: int) -> list[CallRecord]:
        """Return the next calls. `last` keeps them, so that the bare views are measured with the same."""
        self.last, self._calls = self._calls[:count], self._calls[count:]
        return self.last


class _Endpoint:
    """Callboard's own web process."""

    def __init__(self, port: int) -> None:
        self._port = port

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
    """The process with the two bare views."""

    def __init__(self, port: int) -> None:
        self._port = port

    def insert(self, calls: Sequence[CallRecord], within: float, rate: float = 0.0) -> LoadResult:
        """Send the same bodies to the view that inserts each as a row."""
        paths = [f"/hooks/insert/{call.pk}" for call in calls]
        return self._fire(paths, calls, within, rate)

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


def _warm_up(endpoint: _Endpoint, bare: _Bare, calls: Sequence[CallRecord]) -> None:
    for run in (endpoint.report, bare.insert, bare.do_nothing):
        run(calls, ROUND_SECONDS)


def _bench_throughput(endpoint: _Endpoint, bare: _Bare, supply: _Supply) -> list[Line]:
    return compare(
        "webhook events stored and applied",
        lambda: endpoint.report(supply.take(EVENTS), ROUND_SECONDS).rate,
        {
            "insert one row": lambda: bare.insert(supply.last, ROUND_SECONDS).rate,
            "bare view": lambda: bare.do_nothing(supply.last, ROUND_SECONDS).rate,
        },
        unit="/s",
        rounds=ROUNDS,
    )


def _bench_latency(endpoint: _Endpoint, bare: _Bare, calls: Sequence[CallRecord], rate: int) -> Line:
    ours = endpoint.report(calls, RATE_SECONDS + GRACE, rate)
    beside = bare.insert(calls, RATE_SECONDS + GRACE, rate)
    return Line(
        f"webhook latency at {rate} events/s, p50 and p99",
        _show_latency(ours),
        f"insert one row: {_show_latency(beside)}",
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
