"""`make torture`: run Callboard's dispatch and two naive ones under the same faults, and compare them.

The exit status is 0 if Callboard breaks no rule and the oracle finds the expected violation of each naive
strategy; otherwise the run would prove nothing. Arguments: the strategies to run, by default all.
TORTURE_LOGS: a folder to copy all logs to.
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
from tests.torture.table import find_failures, show_table

STRATEGIES = ("ours", "post_then_mark", "mark_then_post")
STOP_WITHIN = 30  # seconds for a run to stop its processes


def main() -> int:
    """Run the strategies, print the table and whether the test passed."""
    signal.signal(signal.SIGTERM, _stop)
    size, started = read_size(), time.monotonic()
    say(f"{size.reminders} reminders, 2 workers, 2 beats, {size.kills} kills, seed {size.seed}.")
    try:
        results = run_all(size)
    except KeyboardInterrupt:
        say("Stopped.")
        return 130
    failures = find_failures(results)
    say(f"\n{show_table(results)}\n")
    for failure in failures:
        say(f"FAILED: {failure}")
    say(f"{'Failed' if failures else 'Passed'} after {time.monotonic() - started:.0f} s.")
    return 1 if failures else 0


def _stop(number: int, frame: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    raise KeyboardInterrupt


def run_all(size: Size) -> dict[str, dict[str, Any]]:
    """Return the result of each strategy, by name."""
    folder = Path(tempfile.mkdtemp(prefix="callboard-torture-"))
    clean_up = start_guard(folder)
    try:
        os.environ.update({"DEBUG": "true", "REDIS_URL": "redis://not-needed"})  # enough for the migrations
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
        raise SystemExit(f"The run of {strategy} failed with exit status {code}.")
    result: dict[str, Any] = json.loads((folder / f"{strategy}.json").read_text())
    return result


def say(text: str) -> None:
    """Print to the terminal."""
    print(text, flush=True)  # noqa: T201


if __name__ == "__main__":
    sys.exit(main())
