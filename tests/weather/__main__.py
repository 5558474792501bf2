"""`make weather`: faults of the surroundings, one after the other, while a Callboard as of `make run` works.

Then it waits until all is settled and lets the oracle of `make torture` compare the sandbox's ledger with the
database. The exit status is 0 if nothing was lost or doubled and everything came back by itself.
WEATHER_REMINDERS: how many reminders go out meanwhile (default 400). WEATHER_LOGS: a folder to copy logs to.
"""

import os
import shutil
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from tests.local_services import start_guard
from tests.sandbox_server import SandboxServer, run_sandbox
from tests.torture.oracle import find_broken_rules
from tests.torture.run import SPEED
from tests.torture.size import KILL_EVERY, Size
from tests.torture.table import align
from tests.waiting import wait_until
from tests.weather.faults import Weather, list_weather
from tests.weather.stack import RunningCallboard, end_on_sigterm, seconds_since

BACK_WITHIN = 180.0  # seconds
LASTS = 420.0  # seconds over which the reminders become due


def main() -> int:
    """Run the faults and print both tables."""
    end_on_sigterm()
    folder = Path(tempfile.mkdtemp(prefix="callboard-weather-"))
    clean_up = start_guard(folder)
    try:
        with run_sandbox(speed=SPEED) as sandbox:
            return run(folder, sandbox)
    finally:
        if keep := os.environ.get("WEATHER_LOGS"):
            Path(keep).mkdir(parents=True, exist_ok=True)
            shutil.copy(folder / "run.log", keep)
        clean_up()


def run(folder: Path, sandbox: SandboxServer) -> int:
    """The whole run in this folder."""
    callboard = RunningCallboard(folder, sandbox)
    os.environ.update(callboard.environment | {"REDIS_URL": "redis://not-needed"})
    os.environ["DATABASE_URL"] = callboard.prepare()
    try:
        import django

        django.setup()
        from tests.weather.clinic import Clinic

        say("Preparing ...")
        clinic = Clinic(_read_size(), sandbox)
        callboard.start()
        clinic.generate()
        rows = [meet(one, callboard, sandbox) for one in list_weather()]
        clinic.settle()
        callboard.stop()
        rules = clinic.judge()
    finally:
        callboard.clean_up()
    return show(rows, rules, sandbox, folder / "run.log")


def _read_size() -> Size:
    reminders = int(os.environ.get("WEATHER_REMINDERS", "400"))
    return Size(reminders=reminders, kills=round(LASTS / KILL_EVERY), seed=1)


def meet(weather: Weather, callboard: RunningCallboard, sandbox: SandboxServer) -> dict[str, Any]:
    """Let one fault happen; what was seen of it."""
    say(f"{weather.name} ...")
    before, began_at, seen = len(sandbox.ledger()), time.monotonic(), ""
    with weather.fault(callboard):
        while time.monotonic() - began_at < weather.seconds:
            health = callboard.read_health()
            if not seen and not health.get("ready"):
                seen = f"{seconds_since(began_at)} s"
            time.sleep(0.2)
    over_at = time.monotonic()
    try:
        wait_until(
            lambda: callboard.has_worked_for(time.monotonic() - over_at),
            "it to work again",
            within_seconds=BACK_WITHIN,
        )
        back = f"{seconds_since(over_at)} s"
    except AssertionError:
        back = "NEVER"
    accepted = len(sandbox.ledger()) - before
    return {
        "fault": weather.name,
        "lasted": f"{weather.seconds:g} s",
        "seen": seen,
        "back": back,
        "calls": accepted,
    }


def show(rows: list[dict[str, Any]], rules: dict[str, int], sandbox: SandboxServer, log: Path) -> int:
    """Print what happened; the exit status."""
    header = ["the weather", "lasted", "not ready after", "back after", "calls meanwhile"]
    cells = [[row["fault"], row["lasted"], row["seen"], row["back"], str(row["calls"])] for row in rows]
    judged = [[name, str(count)] for name, count in rules.items()]
    say("\n" + "\n".join(align([header, *cells])) + "\n")
    say("\n".join(align([["the sandbox's ledger against the database", "found"], *judged])))
    broken = [*find_broken_rules(rules), *(row["fault"] for row in rows if row["back"] == "NEVER")]
    size = log.stat().st_size // 1024
    say(f"\n{len(sandbox.ledger())} calls and texts; the log has {size} kB.")
    say(f"FAILED: {', '.join(broken)}" if broken else "Passed: nothing lost, nothing doubled.")
    return 1 if broken else 0


def say(text: str) -> None:
    """Print to the terminal."""
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
