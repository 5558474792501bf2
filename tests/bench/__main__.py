"""`make bench`: start the servers, measure, print each line as it comes and all as a table at the end.

Some parts only: ARGS="planning claiming".
"""

import argparse
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.bench.measure import Line, show_table
from tests.bench.servers import run_servers
from tests.bench.sizes import FULL, QUICK, BenchSize
from tests.sandbox_server import SandboxServer

# In the order in which they run: "campaigns" deletes some of the appointments, "memory" all of them,
# "search" adds contacts, and "imports" contacts and appointments.
PARTS = (
    "planning",
    "claiming",
    "outgoing",
    "incoming",
    "punctuality",
    "reports",
    "campaigns",
    "memory",
    "search",
    "imports",
)
ONLY_BY_NAME = ("scale", "pages")


def main() -> int:
    """Run the given parts, or all parts if none is given."""
    known = (*ONLY_BY_NAME, *PARTS)
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "parts",
        nargs="*",
        metavar="PART",
        help=f"one or more of {', '.join(known)}; default: all but {', '.join(ONLY_BY_NAME)}",
    )
    parser.add_argument("--appointments", type=int, help="number of appointments; 14,000 or more")
    parser.add_argument("--rounds", type=int, help="rounds of outgoing and incoming; default: 5")
    parser.add_argument("--quick", action="store_true", help="a little of each part, to see that it runs")
    options = parser.parse_args()
    if unknown := set(options.parts) - set(known):
        parser.error(f"unknown part {', '.join(sorted(unknown))}; choose from {', '.join(known)}")
    size = QUICK if options.quick else FULL
    size = replace(
        size, appointments=options.appointments or size.appointments, rounds=options.rounds or size.rounds
    )
    with run_servers() as sandbox:
        wanted = [part for part in known if part in (options.parts or PARTS)]
        lines = list(_measure(wanted, sandbox, size))
    _say(f"\n{show_table(lines)}\n")
    return 0


def _measure(parts: list[str], sandbox: SandboxServer, size: BenchSize) -> Iterator[Line]:
    benches = _prepare(sandbox, size)
    for part in parts:
        started = time.monotonic()
        for line in benches[part]():
            _say(f"{line.what}: {line.ours}; {line.beside}; {line.ratio}")
            yield line
        _say(f"{part}: measured in {time.monotonic() - started:.0f} s")


def _prepare(sandbox: SandboxServer, size: BenchSize) -> dict[str, Callable[[], Iterator[Line]]]:
    import django

    django.setup()
    from django.core.management import call_command

    from reminders.models import SendingSwitch
    from reminders.rules.modes import SendingMode
    from tests.bench.campaigns import bench_campaigns
    from tests.bench.imports import bench_imports
    from tests.bench.incoming import bench_incoming
    from tests.bench.memory import bench_memory
    from tests.bench.outgoing import bench_outgoing
    from tests.bench.pages import bench_pages
    from tests.bench.planning import bench_claiming, bench_planning
    from tests.bench.punctuality import bench_punctuality
    from tests.bench.reports import bench_reports
    from tests.bench.rows import make_appointments
    from tests.bench.scale import bench_scale
    from tests.bench.search import bench_search

    call_command("migrate", verbosity=0)
    # else a preview would say of everybody that their number isn't verified for a trial
    SendingSwitch.objects.create(mode=SendingMode.LIVE)
    make_appointments(size.appointments)
    _say(f"{size.appointments:,} appointments; PostgreSQL syncs each commit to disk, as in production.")
    return {
        "planning": bench_planning,
        "claiming": bench_claiming,
        "scale": lambda: bench_scale(sandbox, size),
        "outgoing": lambda: bench_outgoing(sandbox, size),
        "incoming": lambda: bench_incoming(size),
        "punctuality": lambda: bench_punctuality(sandbox, size),
        "reports": bench_reports,
        "campaigns": bench_campaigns,
        "memory": bench_memory,
        "search": bench_search,
        "imports": bench_imports,
        "pages": lambda: bench_pages(size.appointments),
    }


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
