"""Measure how soon after its moment a call begins, at the configured rate and with many reminders waiting."""

from collections.abc import Iterator
from datetime import timedelta
from time import monotonic, sleep

from django.db.models import F
from django.utils import timezone

from reminders.models import CallRecord, Reminder, Step
from reminders.planning.planner import plan_all
from reminders.traffic.rate import parse_rate
from tests.bench.dispatcher import run_dispatchers
from tests.bench.measure import Line
from tests.bench.rows import CHUNK, delete_reminders, vacuum_tables
from tests.bench.sizes import BenchSize
from tests.sandbox_server import SandboxServer

RATE = "20/second"  # the default of ROBOTALKER_RATE
DISPATCHERS = 2
LATE = 5.0  # seconds; the aim is that 99 % begin within them
AFTER = 20.0  # seconds that are waited for the last calls
WAITING = 200_000
LEAD = timedelta(seconds=5)  # until the first falls due


def bench_punctuality(sandbox: SandboxServer, size: BenchSize) -> Iterator[Line]:
    """Calls fall due one after the other, exactly as fast as the rate allows; each is a POST of its own."""
    rate = parse_rate(RATE)
    per_second = rate.amount / rate.get_expiry()
    due = int(size.due_seconds * per_second)
    waiting = _plan_many(due)
    sandbox.reset()
    how = {"ROBOTALKER_RATE": RATE, "ROBOTALKER_CAMPAIGNS": "off"}
    with run_dispatchers(DISPATCHERS, "ticking", sandbox, **how) as dispatchers:
        _let_fall_due(due, per_second)
        dispatchers.begin()
        _wait_for(due, size.due_seconds + LEAD.total_seconds() + AFTER)
    delays = sorted(
        (begun_at - due_at).total_seconds()
        for due_at, begun_at in CallRecord.objects.values_list("reminder__due_at", "submitting_at")
    )
    in_time = sum(delay <= LATE for delay in delays) / due
    middle, late = delays[len(delays) // 2], delays[int(len(delays) * 0.99)]
    yield Line(
        f"calls begun within {LATE:.0f} s of their moment: {due:,} due at {RATE}, {waiting:,} waiting",
        f"{in_time:.1%}",
        "aim: 99%",
        f"p50 and p99 {middle:.1f} and {late:.1f} s; {due - len(delays)} not begun",
    )


def _plan_many(due: int) -> int:
    """Plan all reminders anew, none due; return how many wait beside those that will fall due."""
    delete_reminders()
    plan_all()
    surplus = Reminder.objects.count() - due - WAITING
    if surplus > 0:
        last = Step.objects.order_by("pk").reverse()[0]
        doomed = Reminder.objects.filter(step=last).order_by("-pk").values("pk")[:surplus]
        Reminder.objects.filter(pk__in=doomed).delete()
    vacuum_tables()
    return Reminder.objects.count() - due


def _let_fall_due(count: int, per_second: float) -> None:
    first = timezone.now() + LEAD
    step = Step.objects.order_by("pk")[0]
    unanswered = Reminder.objects.filter(step=step, appointment__answer="")  # others answered in other parts
    chosen = list(unanswered.order_by("appointment_id")[:count])
    if len(chosen) < count:
        raise ValueError(f"there aren't enough appointments for {count} calls")
    for place, reminder in enumerate(chosen):
        reminder.due_at = reminder.next_look_at = first + timedelta(seconds=place / per_second)
    Reminder.objects.bulk_update(chosen, ["due_at", "next_look_at"], CHUNK)


def _wait_for(count: int, longest: float) -> None:
    ends_at = monotonic() + longest
    while CallRecord.objects.filter(submitting_at__gte=F("reminder__due_at")).count() < count:
        if monotonic() > ends_at:
            return
        sleep(0.5)
