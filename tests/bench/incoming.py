"""The webhook door: events stored and applied, beside a view that does nothing and one that inserts a row."""

import json
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from urllib.parse import urlsplit

from reminders.models import CallRecord
from reminders.traffic.callback_urls import status_url
from tests.bench.load import Volley, fire, post
from tests.bench.measure import Line, compare
from tests.bench.rows import make_calls
from tests.bench.servers import run_web
from webhooks.models import WebhookEvent

ROUNDS = 5
EVENTS = 1_500  # at most, a round
ROUND_SECONDS = 4.0  # at most, a round
WARM_UP = 200
RATES = (200, 500)  # events a second
RATE_SECONDS = 5
PATIENCE = 5.0  # seconds past the end for what is still waiting
CONNECTIONS = 32
# As reminder calls end: 36 of 100 answered, 53 voicemail, 11 not reached.
ENDINGS = [
    *[{"event": "call.completed", "status": "answered", "dtmf_response": "1", "amd_result": "human"}] * 36,
    *[{"event": "call.voicemail", "status": "voicemail", "amd_result": "machine"}] * 53,
    *[{"event": "call.no_answer", "status": "no_answer"}] * 11,
]


def bench_incoming() -> Iterator[Line]:
    """Throughput side by side, then latency at fixed rates, of both doors in turn."""
    supply = _Supply(make_calls(WARM_UP + ROUNDS * EVENTS + sum(RATES) * RATE_SECONDS))
    with ExitStack() as stack:
        door = _Door(stack.enter_context(run_web("config.settings", "/healthz")))
        bare = _Bare(stack.enter_context(run_web("tests.bench.bare_settings", "/hooks/bare")))
        _warm_up(door, bare, supply.take(WARM_UP))
        yield from _bench_throughput(door, bare, supply)
        for rate in RATES:
            yield _bench_latency(door, bare, supply.take(rate * RATE_SECONDS), rate)


class _Supply:
    """Calls to report on, each once."""

    def __init__(self, calls: list[CallRecord]) -> None:
        self._calls = calls
        self.last: list[CallRecord] = []

    def take(self, count: int) -> list[CallRecord]:
        """The next ones; they stay in `last` for whoever is measured on the same calls."""
        self.last, self._calls = self._calls[:count], self._calls[count:]
        return self.last


class _Door:
    """Our own web process."""

    def __init__(self, port: int) -> None:
        self._port = port

    def report(self, calls: Sequence[CallRecord], within: float, rate: float = 0.0) -> Volley:
        """One event for each call. Raises RuntimeError unless every one that is answered was applied."""
        requests = [_write_event(place, call) for place, call in enumerate(calls)]
        before = _count_applied()
        volley = fire(self._port, requests, connections=CONNECTIONS, within=within, rate=rate)
        applied = _wait_until_applied(before + len(volley.latencies), volley) - before
        if volley.refused or applied < len(volley.latencies):
            raise RuntimeError(f"{applied} of {len(volley.latencies)} applied, {volley.refused} refused")
        return volley


class _Bare:
    """The process with the two bare views."""

    def __init__(self, port: int) -> None:
        self._port = port

    def insert(self, calls: Sequence[CallRecord], within: float, rate: float = 0.0) -> Volley:
        """The same bodies, each inserted as a row."""
        paths = [f"/hooks/insert/{call.pk}" for call in calls]
        return self._fire(paths, calls, within, rate)

    def do_nothing(self, calls: Sequence[CallRecord], within: float) -> Volley:
        """The same bodies, read and forgotten."""
        return self._fire(["/hooks/bare"] * len(calls), calls, within)

    def _fire(
        self, paths: Sequence[str], calls: Sequence[CallRecord], within: float, rate: float = 0.0
    ) -> Volley:
        bodies = [_write_body(place, call) for place, call in enumerate(calls)]
        requests = [post(path, body) for path, body in zip(paths, bodies, strict=True)]
        volley = fire(self._port, requests, connections=CONNECTIONS, within=within, rate=rate)
        if volley.refused:
            raise RuntimeError(f"{volley.refused} of {len(requests)} requests refused")
        return volley


def _warm_up(door: _Door, bare: _Bare, calls: Sequence[CallRecord]) -> None:
    for run in (door.report, bare.insert, bare.do_nothing):
        run(calls, ROUND_SECONDS)


def _bench_throughput(door: _Door, bare: _Bare, supply: _Supply) -> list[Line]:
    return compare(
        "webhook events stored and applied",
        lambda: door.report(supply.take(EVENTS), ROUND_SECONDS).rate,
        {
            "insert one row": lambda: bare.insert(supply.last, ROUND_SECONDS).rate,
            "bare view": lambda: bare.do_nothing(supply.last, ROUND_SECONDS).rate,
        },
        unit="/s",
        rounds=ROUNDS,
    )


def _bench_latency(door: _Door, bare: _Bare, calls: Sequence[CallRecord], rate: int) -> Line:
    ours = door.report(calls, RATE_SECONDS + PATIENCE, rate)
    beside = bare.insert(calls, RATE_SECONDS + PATIENCE, rate)
    return Line(
        f"webhook latency at {rate} events/s, p50 and p99",
        _show_latency(ours),
        f"insert one row: {_show_latency(beside)}",
    )


def _show_latency(volley: Volley) -> str:
    kept_up = "" if not volley.unanswered else f", {len(volley.unanswered)} unanswered"
    return f"{volley.percentile(50) * 1000:,.0f} and {volley.percentile(99) * 1000:,.0f} ms{kept_up}"


def _wait_until_applied(wanted: int, volley: Volley) -> int:
    """How many are applied when all are, or time is over. The time it takes is part of the work."""
    started = time.perf_counter()
    while (applied := _count_applied()) < wanted and time.perf_counter() - started < PATIENCE:
        time.sleep(0.01)
    volley.seconds += time.perf_counter() - started
    return applied


def _count_applied() -> int:
    return WebhookEvent.objects.filter(state=WebhookEvent.State.APPLIED).count()


def _write_event(place: int, call: CallRecord) -> bytes:
    return post(urlsplit(status_url(call)).path, _write_body(place, call))


def _write_body(place: int, call: CallRecord) -> bytes:
    ending = ENDINGS[place * 7 % len(ENDINGS)]  # 7 and 100 share no factor: mixed, and each as often as said
    facts = {
        "call_id": call.robotalker_id,
        "to": call.number.e164,
        "duration_seconds": 28,
        "timestamp": f"{datetime.now(UTC):%Y-%m-%dT%H:%M:%SZ}",
    }
    return json.dumps({**ending, **facts}).encode()
