"""`make soak`: events and calls for a while, and whether memory, connections and disk stay flat.

Arguments: minutes, events a second, calls a second. It starts a Callboard as `make run` does, with the ticks
and times of a practice and not the short ones of the torture, and lets reminders become due at that rate. The
sandbox posts one to four events about each call; what is lacking to the rate of events is posted here, about
the same calls, and mostly says what is known already. Every ten seconds it measures; the last third is
compared with the one before. The exit status is 0 if neither memory nor connections grew by
more than a tenth, and the log by no more than a megabyte a minute.
"""

import json
import os
import sys
import tempfile
import threading
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from statistics import mean
from typing import Any, BinaryIO

import psycopg
import requests

from tests.local_services import start_guard
from tests.sandbox_server import SandboxServer, run_sandbox
from tests.torture.run import OF_SANDBOX, SPEED
from tests.torture.size import Size
from tests.torture.table import align
from tests.weather.stack import KINDS, RunningCallboard, end_on_sigterm

Json = dict[str, Any]
POSTERS = 8  # threads
AGAIN = 0.02  # seconds, then a poster asks again whether it is early
REACHED = 0.8  # of the rates that were asked for; with less the run shows less than it should
EVERY = 10.0  # seconds between two measurements
SAID_EVERY = 300.0  # seconds between two lines
MOST_GROWTH, MOST_LOG = 1.1, 1.0  # of the middle third; megabytes a minute
MEGABYTE = 1024 * 1024
MOST_REMINDERS = 200_000  # numbers that the generated clinic can have


@dataclass(frozen=True)
class Measurement:
    """Memory in megabytes (its own pages, over all processes of a kind), and the rest. `at`: monotonic."""

    at: float
    memory: dict[str, float]
    connections: int
    database: float  # megabytes
    log: float
    calls: int
    events: int


class EventSource(threading.Thread):
    """Posts events about calls that the sandbox has accepted: so many a second, together with its own."""

    def __init__(self, sandbox: SandboxServer, per_second: float) -> None:
        super().__init__(daemon=True)
        self._sandbox, self._per_second = sandbox, per_second
        self.accepted: list[Json] = []  # the lines of the ledger
        self.posted = self.refused = self._begun = self._of_sandbox = 0
        self._lock = threading.Lock()
        self.over = threading.Event()

    @property
    def taken(self) -> int:
        """The events that the door has taken, the sandbox's own too."""
        return self.posted - self.refused + self._of_sandbox

    def run(self) -> None:
        """Post until it is over; the ledger is read on, so that calls of now get events, too."""
        with self._sandbox.ledger_path.open("rb") as ledger:
            self._read_on(ledger)
            while not self.accepted:
                if self.over.wait(1.0):
                    return
                self._read_on(ledger)
            started = time.monotonic()
            posters = [threading.Thread(target=self._post, args=[started]) for _ in range(POSTERS)]
            for poster in posters:
                poster.start()
            while not self.over.wait(1.0):
                self._read_on(ledger)
            for poster in posters:
                poster.join()

    def _read_on(self, ledger: BinaryIO) -> None:
        while (line := ledger.readline()).endswith(b"\n"):
            self.accepted.append(json.loads(line))
        ledger.seek(-len(line), os.SEEK_CUR)  # a line that is still being written
        with suppress(requests.RequestException):  # the next second asks again
            self._of_sandbox = self._sandbox.control("GET", "/sandbox/health")["delivered"]

    def _post(self, started: float) -> None:
        session = requests.Session()
        while not self.over.is_set():
            with self._lock:
                number = self._begun
                self._begun += 1
            while self._is_early(number, started):
                if self.over.wait(AGAIN):
                    return
            line = self.accepted[number % len(self.accepted)]
            body = {"event": "call.ringing", "call_id": line["id"], "to": line["to"], "status": "ringing"}
            answer = session.post(line["webhook_url"], json=body, timeout=30)
            with self._lock:
                self.posted += 1
                self.refused += answer.status_code != 200

    def _is_early(self, number: int, started: float) -> bool:
        """Whether there have been enough events for now without this one."""
        return number + self._of_sandbox > (time.monotonic() - started) * self._per_second


def main() -> int:
    """Run it and print the table."""
    end_on_sigterm()
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
    callboard = RunningCallboard(folder, sandbox, OF_SANDBOX | {"DJANGO_SETTINGS_MODULE": "config.settings"})
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
    return show(found, source, events=events, calls=calls)


def measure_all(
    callboard: RunningCallboard, url: str, source: EventSource, minutes: float
) -> list[Measurement]:
    """One measurement every ten seconds."""
    found, said, ends_at = list[Measurement](), 0, time.monotonic() + minutes * 60
    while time.monotonic() < ends_at:
        found.append(measure(callboard, url, source))
        if found[-1].at - found[0].at >= SAID_EVERY * (said + 1):
            said += 1
            say_so_far(found)
        time.sleep(EVERY)
    return found


def say_so_far(found: list[Measurement]) -> None:
    """One line, so that a run that is cut short has shown something."""
    first, now = found[0], found[-1]
    seconds = now.at - first.at
    calls, events = (now.calls - first.calls) / seconds, (now.events - first.events) / seconds
    say(
        f"after {seconds / 60:.0f} min: {sum(now.memory.values()):.0f} MB, {now.connections} connections, "
        f"{calls:.1f} calls and {events:.1f} events a second"
    )


def measure(callboard: RunningCallboard, url: str, source: EventSource) -> Measurement:
    """What it is now."""
    with psycopg.connect(url) as connection:
        query = "SELECT (SELECT count(*) FROM pg_stat_activity), pg_database_size(current_database())"
        connections, size = connection.execute(query).fetchone() or (0, 0)
    kinds = [*KINDS, "valkey"]
    return Measurement(
        at=time.monotonic(),
        memory={kind: sum(map(_read_memory, callboard.find_pids(kind))) for kind in kinds},
        connections=connections,
        database=size / MEGABYTE,
        log=callboard.log.stat().st_size / MEGABYTE,
        calls=len(source.accepted),
        events=source.taken,
    )


def _read_memory(pid: int) -> float:
    """Megabytes that the process has for itself."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0.0
    own = [int(line.split()[1]) for line in lines if line.startswith(("Private_Clean", "Private_Dirty"))]
    return sum(own) / 1024


def show(found: list[Measurement], source: EventSource, *, events: float, calls: float) -> int:
    """Print the thirds side by side, and whether the rates asked for were reached; the exit status."""
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
    seconds = max(found[-1].at - found[0].at, EVERY)
    work = found[-1].calls - found[0].calls + found[-1].events - found[0].events
    log_a_minute = (found[-1].log - found[0].log) * 60 / seconds
    say("\n" + "\n".join(align(rows)))
    grown = (found[-1].database - found[0].database) * 1024 / max(work, 1)
    say(f"\n{found[-1].calls} calls and texts, {source.taken} events taken, {source.refused} refused:")
    reached = {
        "calls": ((found[-1].calls - found[0].calls) / seconds, calls),
        "events": ((found[-1].events - found[0].events) / seconds, events),
    }
    for name, (rate, asked) in reached.items():
        short = "" if rate >= REACHED * asked else ": this machine was too slow, so the run shows less"
        say(f"{rate:.1f} {name} a second of {asked:g} that were asked for, for {seconds:.0f} s{short}.")
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
