"""Measure the memory of a worker, with no reminders planned and with very many.

As a program (`python -m tests.bench.memory`) it acts as that worker: it imports what a worker imports, runs
one task, and prints its resident memory in MB.
"""

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from statistics import median

from tests.bench.measure import Line
from tests.sandbox_server import ROOT

TICKS = {"dispatch_due": "dispatch", "plan_reminders": "planning"}
ROUNDS = 3
MEGABYTE = 1024  # kB


def bench_memory() -> Iterator[Line]:
    """Measure the memory after each kind of task, with all reminders planned and with no appointments.

    Deletes all appointments, so it must run last.
    """
    from reminders.models import Reminder
    from reminders.planning.planner import plan_all
    from tests.bench.rows import delete_appointments, delete_reminders

    delete_reminders()
    plan_all()
    ahead = Reminder.objects.count()
    full = {tick: _measure_memory(tick) for tick in TICKS}
    delete_appointments()
    empty = {tick: _measure_memory(tick) for tick in TICKS}
    for tick, name in TICKS.items():
        yield Line(
            f"worker's memory after a {name} tick, {ahead:,} reminders ahead",
            f"{full[tick]:.1f} MB",
            f"none ahead: {empty[tick]:.1f} MB",
            f"{full[tick] - empty[tick]:+.1f} MB",
        )


def _measure_memory(tick: str) -> float:
    """Return the resident memory of a new worker after this task, in MB."""
    command = [sys.executable, "-m", "tests.bench.memory", tick]
    sizes = [subprocess.check_output(command, cwd=ROOT) for _ in range(ROUNDS)]
    return median(float(size) for size in sizes)


def _run_task(tick: str) -> None:
    from config.celery import app

    app.loader.import_default_modules()
    app.tasks[f"reminders.tasks.{tick}"]()
    fields = dict(line.split(":", 1) for line in Path("/proc/self/status").read_text().splitlines())
    sys.stdout.write(f"{int(fields['VmRSS'].split()[0]) / MEGABYTE:.2f}\n")


if __name__ == "__main__":
    _run_task(sys.argv[1])
