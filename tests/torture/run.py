"""Run one strategy in its own process: `python -m tests.torture.run STRATEGY FOLDER`.

FOLDER contains the running database; `DATABASE_URL` is the run's copy. Writes FOLDER/STRATEGY.json.
"""

import json
import os
import signal
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import Any, NoReturn

from config.local.processes import ENVIRONMENT as OF_PROCESSES
from tests.sandbox_server import SandboxServer, run_sandbox
from tests.torture.oracle import count_violations
from tests.torture.servers import Broker, CallboardProcesses, run_broker
from tests.torture.size import Size, read_size
from tests.waiting import find_free_port

# For a Callboard that is run against a sandbox.
OF_SANDBOX = {
    "DEBUG": "true",
    "SECRET_KEY": "only-for-tests-" + "x" * 50,
    "WEBHOOK_KEYS": "only-for-tests-" + "y" * 50,
    "ALLOWED_HOSTS": "127.0.0.1",
    "ROBOTALKER_API_KEY": SandboxServer.api_key,
    "ROBOTALKER_FROM_NUMBER": "+18005550199",
    "ROBOTALKER_RATE": "60/second",
    "LOG_LEVEL": "WARNING",
}
# Short times, so that what takes minutes in a practice takes seconds here.
ENVIRONMENT = {
    **OF_SANDBOX,
    "DJANGO_SETTINGS_MODULE": "tests.torture.settings",
    "ROBOTALKER_ON_500": "unknown",
    "ROBOTALKER_CONNECT_TIMEOUT": "1",
    "ROBOTALKER_READ_TIMEOUT": "1",
    "ROBOTALKER_TOTAL_DEADLINE": "1.5",
    "ROBOTALKER_THREADS": "3",
    "CAP_PER_DAY": "2",  # so that some calls are tried again
    "DISPATCH_LEASE": "4",
    "DISPATCH_BATCH": "20",
    "CAMPAIGN_MINIMUM": "8",
    "UNKNOWN_GRACE": "4",
    "EVENT_PATIENCE": "6",
}
SPEED = 40.0  # of the sandbox: an answered call takes about half a second


def main() -> int:
    """Run it. The exit status is 0 whatever the oracle finds; __main__ evaluates the result."""
    signal.signal(signal.SIGTERM, _stop)
    strategy, folder = sys.argv[1], Path(sys.argv[2])
    try:
        result = run(strategy, folder, read_size())
    except KeyboardInterrupt:  # Ctrl-C, or SIGTERM from the program that started this one
        return 130
    (folder / f"{strategy}.json").write_text(json.dumps(result))
    return 0


def _stop(number: int, frame: object) -> NoReturn:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # ignore further ones while the processes are stopped
    raise KeyboardInterrupt


def run(strategy: str, folder: Path, size: Size) -> dict[str, Any]:
    """Run the strategy; return what the oracle's rules count (`rules`) and what happened (`counts`)."""
    started = time.monotonic()
    own = folder / strategy
    own.mkdir()
    with ExitStack() as stack:
        broker = stack.enter_context(run_broker(folder))
        sandbox = stack.enter_context(run_sandbox(speed=SPEED, seed=size.seed))
        port = find_free_port()
        _set_environment(strategy, broker, sandbox, port)
        from tests.torture.scenario import run_scenario

        facts, counts = run_scenario(broker, sandbox, CallboardProcesses(own, port), folder, size)
    counts["seconds"] = round(time.monotonic() - started)
    return {"rules": count_violations(facts), "counts": counts}


def _set_environment(strategy: str, broker: Broker, sandbox: SandboxServer, port: int) -> None:
    os.environ.update(ENVIRONMENT | OF_PROCESSES)
    os.environ["TORTURE_STRATEGY"] = strategy
    os.environ["REDIS_URL"] = broker.url
    os.environ["ROBOTALKER_BASE_URL"] = sandbox.url
    os.environ["PUBLIC_BASE_URL"] = f"http://127.0.0.1:{port}"


if __name__ == "__main__":
    sys.exit(main())
