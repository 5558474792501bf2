"""`make torture`: the storm for our dispatch and for two naive ones, judged by one oracle, side by side.

0 when every rule holds for ours, and when the oracle finds the naive ones out: else it proves nothing.
Arguments name the strategies to run when not all; TORTURE_LOGS is a folder to copy all logs to.
"""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any, NoReturn

from tests.local_services import start_guard
from tests.sandbox_server import ROOT
from tests.torture.servers import Database
from tests.torture.size import Size, read_size
from tests.torture.table import find_faults, show_table

STRATEGIES = ("ours", "post_then_mark", "mark_then_post")
STOP_WITHIN = 30  # seconds for a run to end what it has started


def main() -> int:
    """Run all three, print the table, and say whether it is as it must be."""
    signal.signal(signal.SIGTERM, _stop)
    size, started = read_size(), time.monotonic()
    say(f"{size.reminders} reminders, 2 workers, 2 beats, {size.kills} kills, seed {size.seed}.")
    try:
        results = run_all(size)
    except KeyboardInterrupt:
        say("Stopped.")
        return 130
    faults = find_faults(results)
    say(f"\n{show_table(results)}\n")
    for fault in faults:
        say(f"NOT AS IT MUST BE: {fault}")
    say(f"{'Failed' if faults else 'As it must be'}, after {time.monotonic() - started:.0f} s.")
    return 1 if faults else 0


def _stop(number: int, frame: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


def run_all(size: Size) -> dict[str, dict[str, Any]]:
    """The result of each strategy, by name."""
    folder = Path(tempfile.mkdtemp(prefix="callboard-torture-"))
    clean_up = start_guard(folder)
    try:
        os.environ.update({"DEBUG": "true", "REDIS_URL": "redis://not-needed"})  # migrating needs no more
        database = Database(folder)
        database.prepare()
        strategies = sys.argv[1:] or STRATEGIES
        return {strategy: _run_one(strategy, database, folder) for strategy in strategies}
    finally:
        if keep := os.environ.get("TORTURE_LOGS"):
            shutil.copytree(folder, keep, ignore=shutil.ignore_patterns("postgres"), dirs_exist_ok=True)
        clean_up()


def _run_one(strategy: str, database: Database, folder: Path) -> dict[str, Any]:
    say(f"{strategy.replace('_', ' ')} ...")
    environment = os.environ | {"DATABASE_URL": database.copy(f"torture_{strategy}")}
    command = [sys.executable, "-m", "tests.torture.run", strategy, str(folder)]
    process = subprocess.Popen(command, cwd=ROOT, env=environment)
    try:
        code = process.wait()
    finally:
        process.terminate()
        process.wait(STOP_WITHIN)
    if code:
        raise SystemExit(f"The run of {strategy} broke off with {code}.")
    result: dict[str, Any] = json.loads((folder / f"{strategy}.json").read_text())
    return result


def say(text: str) -> None:
    """Print for the person at the terminal."""
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
