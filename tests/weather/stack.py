"""A whole Callboard as `make run` starts it, with data, ports and a sandbox of its own, and its processes."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import requests

from config.local.postgres import start_postgres, stop_postgres
from config.local.valkey import find_valkey_pids, stop_valkey
from tests.sandbox_server import ROOT, SandboxServer
from tests.torture.run import ENVIRONMENT
from tests.torture.servers import CONFIGURATION
from tests.waiting import find_free_port, wait_until

# How each process is known by its command line.
KINDS = {
    "web": "gunicorn",
    "dispatcher": "dispatcher@%h",
    "worker": "worker@%h",
    "applier": "applier@%h",
    "beat": "celerybeat-schedule",
    "make run": "config.local.run",
}
SWEEPS = ("beat", "dispatch", "reconciliation", "events")
READY_WITHIN, STOP_WITHIN = 180.0, 90.0  # seconds; on a busy machine


class RunningCallboard:
    """`start` and `stop` may be repeated; the data stays. `settings`: beside those of its own place."""

    def __init__(
        self, folder: Path, sandbox: SandboxServer, settings: Mapping[str, str] = ENVIRONMENT
    ) -> None:
        self.var, self.log = folder / "var", folder / "run.log"
        self.port, self.sandbox = find_free_port(), sandbox
        self.url = f"http://127.0.0.1:{self.port}"
        self.environment = {
            **{
                name: value for name, value in os.environ.items() if name not in ("DATABASE_URL", "REDIS_URL")
            },
            **settings,
            "CALLBOARD_VAR": str(self.var),
            "PORT": str(self.port),
            "SANDBOX_PORT": str(find_free_port()),
            "PUBLIC_BASE_URL": self.url,
            "ROBOTALKER_BASE_URL": sandbox.url,
            "LOG_LEVEL": "INFO",
        }
        for name in ("DATABASE_URL", "REDIS_URL"):  # make run is to find and watch its own servers
            self.environment.pop(name, None)
        self._process: subprocess.Popen[bytes] | None = None

    def prepare(self) -> str:
        """Make the server's files, with commit times for the oracle; the database's URL."""
        self.var.mkdir(parents=True)
        data = self.var / "postgres"
        start_postgres(data)
        with (data / "postgresql.conf").open("a") as conf:
            conf.write(CONFIGURATION)
        stop_postgres(data)
        return start_postgres(data)

    def start(self) -> None:
        """Start it and wait until it is ready."""
        with self.log.open("ab") as out:
            command = [sys.executable, "-m", "config.local.run"]
            self._process = subprocess.Popen(
                command, cwd=ROOT, env=self.environment, stdout=out, stderr=out, start_new_session=True
            )
        wait_until(self.is_ready, f"Callboard to be ready: {self.log}", within_seconds=READY_WITHIN)

    def stop(self) -> None:
        """Ctrl-C."""
        if self._process is not None:
            self._process.send_signal(signal.SIGINT)
            self._process.wait(STOP_WITHIN)
            self._process = None

    def kill_everything(self) -> None:
        """SIGKILL to each process, servers included, at once; then wait until all of them have ended."""

        def kill() -> bool:
            pids = self.find_pids(*KINDS, "postgres", "valkey")
            for pid in pids:
                _send(pid, signal.SIGKILL)
            return not pids

        wait_until(kill, "everything that was killed to have ended")
        if self._process is not None:
            self._process.wait()
            self._process = None

    def clean_up(self) -> None:
        """Leave nothing behind."""
        self.kill_everything()
        stop_postgres(self.var / "postgres")
        stop_valkey(self.var / "valkey")

    def send(self, number: signal.Signals, *kinds: str) -> None:
        """Send it to all processes of these kinds."""
        for pid in self.find_pids(*kinds):
            _send(pid, number)

    def find_pids(self, *kinds: str) -> list[int]:
        """Also "postgres" and "valkey", which covers its own command line and environment."""
        wanted = [KINDS.get(kind, kind) for kind in kinds]
        found = [pid for pid, command in self._list_ours() if any(word in command for word in wanted)]
        return found + (find_valkey_pids(self.var / "valkey") if "valkey" in kinds else [])

    def read_health(self) -> dict[str, Any]:
        """What /readyz says; {} while nothing answers."""
        try:
            answer: dict[str, Any] = requests.get(f"{self.url}/readyz", timeout=5).json()
        except (requests.RequestException, ValueError):
            return {}
        return answer

    def is_ready(self) -> bool:
        return bool(self.read_health().get("ready"))

    def has_worked_for(self, seconds: float) -> bool:
        """Whether it is ready, and each of these sweeps has finished a round in the last `seconds`."""
        health = self.read_health()
        ages = health.get("ages", {})
        return bool(health.get("ready")) and all(ages.get(name, seconds) < seconds for name in SWEEPS)

    def _list_ours(self) -> Iterable[tuple[int, str]]:
        """The processes that belong to this folder, and their command lines."""
        mark = str(self.var).encode()
        for entry in Path("/proc").iterdir():
            if not entry.name.isdigit() or int(entry.name) == os.getpid():
                continue
            try:
                command = (entry / "cmdline").read_bytes()
                if mark in command or mark in (entry / "environ").read_bytes():
                    yield int(entry.name), command.replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue


def end_on_sigterm() -> None:
    """Let SIGTERM end the program as Ctrl-C does: what it started is stopped, and its folder deleted."""

    def stop(number: int, frame: object) -> NoReturn:
        raise KeyboardInterrupt

    signal.signal(signal.SIGTERM, stop)


def _send(pid: int, number: signal.Signals) -> None:
    try:
        os.kill(pid, number)
    except ProcessLookupError:
        return


def seconds_since(moment: float) -> float:
    """Rounded, for a table."""
    return round(time.monotonic() - moment, 1)
