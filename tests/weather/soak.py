"""`make soak`: events and calls for a while, and whether memory, connections and disk stay flat.

Arguments: minutes, events a second, calls a second. It starts a Callboard as `make run` does, lets reminders
become due at that rate, and posts events about their calls, most of which say what is known already. Every
ten seconds it measures; the last third is compared with the one before. The exit status is 0 if neither
memory nor connections grew by more than a tenth, and the log by no more than a megabyte a minute.
"""

import os
import sys
import tempfile
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from statistics import mean

import psycopg
import requests

from tests.local_services import start_guard
from tests.sandbox_server import SandboxServer, run_sandbox
from tests.torture.run import SPEED
from tests.torture.size import Size
from tests.torture.table import align
from tests.weather.stack import KINDS, RunningCallboard

EVERY = 10.0  # seconds between two measurements
MOST_GROWTH, MOST_LOG = 1.1, 1.0  # of the middle third; megabytes a minute
MEGABYTE = 1024 * 1024
MOST_REMINDERS = 25_000  # numbers that the generated clinic has


@dataclass(frozen=True)
class Measurement:
    """Memory in megabytes (its own pages, over all processes of a kind), and the rest."""

    memory: dict[str, float]
    connections: int
    database: float  # megabytes
    log: float
    calls: int
    events: int


class EventSource(threading.Thread):
    """Posts events about calls that the sandbox has accepted, so many a second."""

    def __init__(self, sandbox: SandboxServer, per_second: float) -> None:
        super().__init__(daemon=True)
        self._sandbox, self._per_second = sandbox, per_second
        self.posted, self.refused = 0, 0
        self.over = threading.Event()

    def run(self) -> None:
        """Post until it is over."""
        session, started = requests.Session(), time.monotonic()
        lines = self._sandbox.ledger()
        while not self.over.is_set():
            if self.posted % 500 == 0:
                lines = self._sandbox.ledger()
            if not lines:
                self.over.wait(1.0)
                lines, started = self._sandbox.ledger(), time.monotonic()
                continue
            line = lines[self.posted % len(lines)]
            body = {"event": "call.ringing", "call_id": line["id"], "to": line["to"], "status": "ringing"}
            answer = session.post(line["webhook_url"], json=body, timeout=30)
            self.posted += 1
            self.refused += answer.status_code != 200
            self.over.wait(max(0.0, started + self.posted / self._per_second - time.monotonic()))


def main() -> int:
    """Run it and print the table."""
    minutes, events, calls = (float(value) for value in sys.argv[1:4])
    folder = Path(tempfile.mkdtemp(prefix="callboard-soak-"))
    clean_up = start_guard(folder)
    try:
        with run_sandbox(speed=SPEED) as sandbox:
            return run(folder, sandbox, minutes, events, calls)
    finally:
        clean_up()


def run(folder: Path, sandbox: SandboxServer, minutes: float, events: float, calls: float) -> int:
    """The whole run in this folder."""
    callboard = RunningCallboard(folder, sandbox)
    os.environ.update(callboard.environment | {"REDIS_URL": "redis://not-needed"})
    os.environ["DATABASE_URL"] = url = callboard.prepare()
    try:
        import django

        django.setup()
        from tests.weather.clinic import Clinic

        reminders = min(round(minutes * 60 * calls), MOST_REMINDERS)
        clinic = Clinic(Size(reminders=reminders, kills=round(minutes * 60 / 0.4), seed=1), sandbox)
        callboard.start()
        clinic.generate()
        source = EventSource(sandbox, events)
        source.start()
        found = measure_all(callboard, url, source, minutes)
        source.over.set()
        source.join()
        callboard.stop()
    finally:
        callboard.clean_up()
    return show(found, source)


def measure_all(
    callboard: RunningCallboard, url: str, source: EventSource, minutes: float
) -> list[Measurement]:
    """One measurement every ten seconds."""
    found, ends_at = [], time.monotonic() + minutes * 60
    while time.monotonic() < ends_at:
        found.append(measure(callboard, url, source))
        time.sleep(EVERY)
    return found


def measure(callboard: RunningCallboard, url: str, source: EventSource) -> Measurement:
    """What it is now."""
    with psycopg.connect(url) as connection:
        query = "SELECT (SELECT count(*) FROM pg_stat_activity), pg_database_size(current_database())"
        connections, size = connection.execute(query).fetchone() or (0, 0)
    kinds = [*KINDS, "valkey"]
    return Measurement(
        memory={kind: sum(map(_read_memory, callboard.find_pids(kind))) for kind in kinds},
        connections=connections,
        database=size / MEGABYTE,
        log=callboard.log.stat().st_size / MEGABYTE,
        calls=len(callboard.sandbox.ledger()),
        events=source.posted,
    )


def _read_memory(pid: int) -> float:
    """Megabytes that the process has for itself."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    own = [int(line.split()[1]) for line in lines if line.startswith(("Private_Clean", "Private_Dirty"))]
    return sum(own) / 1024


def show(found: list[Measurement], source: EventSource) -> int:
    """Print the thirds side by side; the exit status."""
    third = max(len(found) // 3, 1)
    middle, last = found[third : 2 * third] or found, found[2 * third :] or found
    rows = [["", "middle third", "last third", "growth"]]
    growths = {}
    for name in found[0].memory:
        before, after = mean(one.memory[name] for one in middle), mean(one.memory[name] for one in last)
        rows.append([f"memory of {name}, MB", f"{before:.0f}", f"{after:.0f}", f"{after - before:+.1f}"])
    whole = [mean(sum(one.memory.values()) for one in part) for part in (middle, last)]
    growths["memory"] = whole[1] / whole[0]
    links = [mean(one.connections for one in part) for part in (middle, last)]
    growths["connections"] = links[1] / links[0]
    rows.append(["connections", f"{links[0]:.0f}", f"{links[1]:.0f}", f"{links[1] - links[0]:+.1f}"])
    seconds = EVERY * max(len(found) - 1, 1)
    work = found[-1].calls - found[0].calls + found[-1].events - found[0].events
    log_a_minute = (found[-1].log - found[0].log) * 60 / seconds
    say("\n" + "\n".join(align(rows)))
    grown = (found[-1].database - found[0].database) * 1024 / max(work, 1)
    say(f"\n{found[-1].calls} calls and texts, {source.posted} events, {source.refused} of them refused:")
    say(f"{work / seconds:.1f} a second together, for {seconds:.0f} s.")
    say(f"The database grew by {grown:.2f} kB for each, the log by {log_a_minute:.2f} MB a minute.")
    broken = [name for name, growth in growths.items() if growth > MOST_GROWTH]
    broken += ["log"] if log_a_minute > MOST_LOG else []
    say(f"FAILED: {', '.join(broken)} grew." if broken else "Passed: flat.")
    return 1 if broken else 0


def say(text: str) -> None:
    """Print to the terminal."""
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
