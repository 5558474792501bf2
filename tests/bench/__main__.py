"""`make bench`: start the servers, measure, and print a table. Some parts only: ARGS="planning claiming"."""

import argparse
import sys
import time
from collections.abc import Callable, Iterator

from tests.bench.measure import Line, show_table
from tests.bench.servers import run_servers
from tests.sandbox_server import SandboxServer

# In the order in which they run: "campaigns" deletes some of the appointments, "memory" all of them,
# "search" adds contacts, "imports" contacts and appointments, and "pages" both by the hundred thousand.
PARTS = (
    "planning",
    "claiming",
    "outgoing",
    "incoming",
    "reports",
    "campaigns",
    "memory",
    "search",
    "imports",
    "pages",
)
APPOINTMENTS = 100_000


def main() -> int:
    """Run the given parts, or all parts if none is given."""
    parser = argparse.ArgumentParser(prog="make bench", description=__doc__)
    parser.add_argument(
        "parts", nargs="*", metavar="PART", help=f"one or more of {', '.join(PARTS)}; default: all"
    )
    parser.add_argument(
        "--appointments", type=int, default=APPOINTMENTS, help="number of appointments; 12,000 or more"
    )
    options = parser.parse_args()
    if unknown := set(options.parts) - set(PARTS):
        parser.error(f"unknown part {', '.join(sorted(unknown))}; choose from {', '.join(PARTS)}")
    with run_servers() as sandbox:
        wanted = [part for part in PARTS if part in options.parts or not options.parts]
        lines = list(_measure(wanted, sandbox, options.appointments))
    _say(f"\n{show_table(lines)}\n")
    return 0


def _measure(parts: list[str], sandbox: SandboxServer, appointments: int) -> Iterator[Line]:
    benches = _prepare(sandbox, appointments)
    for part in parts:
        started = time.monotonic()
        yield from benches[part]()
        _say(f"{part}: measured in {time.monotonic() - started:.0f} s")


def _prepare(sandbox: SandboxServer, appointments: int) -> dict[str, Callable[[], Iterator[Line]]]:
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
    from tests.bench.reports import bench_reports
    from tests.bench.rows import make_appointments
    from tests.bench.search import bench_search

    call_command("migrate", verbosity=0)
    # else a preview would say of everybody that their number isn't verified for a trial
    SendingSwitch.objects.create(mode=SendingMode.LIVE)
    make_appointments(appointments)
    _say(f"{appointments:,} appointments; PostgreSQL syncs each commit to disk, as in production.")
    return {
        "planning": bench_planning,
        "claiming": bench_claiming,
        "outgoing": lambda: bench_outgoing(sandbox),
        "incoming": bench_incoming,
        "reports": bench_reports,
        "campaigns": bench_campaigns,
        "memory": bench_memory,
        "search": bench_search,
        "imports": bench_imports,
        "pages": lambda: bench_pages(appointments),
    }


def _say(text: str) -> None:
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
