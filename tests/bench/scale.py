"""Measure throughput by the number of processes: `make bench ARGS=scale`."""

from collections.abc import Iterator

from django.db import connection
from django.db.models import Model

from contacts.models import Appointment, Contact, PhoneNumber
from reminders.models import CallRecord, Reminder
from reminders.rules.states import CallState
from tests.bench.dispatcher import run_dispatchers
from tests.bench.incoming import CONNECTIONS, ROUND_SECONDS, Endpoint
from tests.bench.measure import Line, stopwatch
from tests.bench.rows import make_calls, make_due, vacuum_tables
from tests.bench.servers import run_appliers, run_web
from tests.bench.sizes import BenchSize
from tests.sandbox_server import SandboxServer
from webhooks.models import WebhookEvent

PROCESSES = (1, 2, 4)
LATENCY = 0.1  # seconds in which the provider answers
SHARE = 25  # reminders that a dispatcher claims at once, so that each gets some


def bench_scale(sandbox: SandboxServer, size: BenchSize) -> Iterator[Line]:
    """Dispatchers first, then web processes with as many appliers. Each count is of processes of one kind."""
    alone = {"ROBOTALKER_CAMPAIGNS": "off", "DISPATCH_BATCH": SHARE}
    yield _show("single calls submitted", [_dispatch(n, size.calls, 0.0, sandbox, alone) for n in PROCESSES])
    yield _show(
        f"the same, each answered in {LATENCY * 1000:.0f} ms",
        [_dispatch(n, size.calls // 2, LATENCY, sandbox, alone) for n in PROCESSES],
    )
    yield _show(
        "reminders submitted by campaigns",
        [_dispatch(n, size.by_campaign, 0.0, sandbox, {}) for n in PROCESSES],
    )
    yield from measure_rows(PhoneNumber, Contact, Appointment, Reminder, CallRecord)
    yield _show("webhook events stored and applied", [_receive(n, size.events) for n in PROCESSES])
    yield from measure_rows(WebhookEvent)


def measure_rows(*models: type[Model]) -> Iterator[Line]:
    """Bytes on disk for each row, and for its entries in indexes, of tables that grow with every visit."""
    vacuum_tables()
    for model in models:
        table, rows = model._meta.db_table, model._default_manager.count()
        with connection.cursor() as cursor:
            cursor.execute("SELECT pg_table_size(%s), pg_indexes_size(%s)", [table, table])
            data, indexes = (size / rows for size in cursor.fetchone())
        name = str(model._meta.verbose_name)
        yield Line(
            f"bytes for a {name}: row, and indexes", f"{data:,.0f} and {indexes:,.0f}", f"of {rows:,} rows"
        )


def _show(what: str, rates: list[float]) -> Line:
    first, *others = (f"{rate:,.0f}" for rate in rates)
    many = " and ".join([", ".join([first, *others[:-1]]), others[-1]])
    counts = " and ".join([", ".join(map(str, PROCESSES[:-1])), str(PROCESSES[-1])])
    return Line(f"{what}, by {counts} processes", f"{many} /s", "", f"{rates[-1] / rates[0]:.1f} times")


def _dispatch(
    processes: int, calls: int, latency: float, sandbox: SandboxServer, settings: dict[str, object]
) -> float:
    """Calls per second of so many dispatchers, each with as many calls to make."""
    count = calls * processes
    sandbox.reset()
    if latency:
        sandbox.faults({"kind": "slow_headers", "seconds": latency})
    with run_dispatchers(processes, "once", sandbox, **settings) as dispatchers:
        make_due(count)
        with stopwatch() as watch:
            dispatchers.begin()
            dispatchers.wait()
    submitted = CallRecord.objects.filter(state=CallState.SUBMITTED).count()
    if submitted != count:
        raise RuntimeError(f"{submitted} of {count} submitted")
    return watch.rate(count)


def _receive(processes: int, events: int) -> float:
    warm_up = CONNECTIONS * processes
    calls = make_calls(warm_up + events)
    with (
        run_appliers(processes) as appliers,
        run_web("config.settings", "/healthz", workers=processes) as port,
    ):
        endpoint = Endpoint(port, appliers)
        endpoint.report(calls[:warm_up], ROUND_SECONDS)
        return endpoint.report(calls[warm_up:], ROUND_SECONDS * 2).rate
