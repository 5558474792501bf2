"""The processes of `make run`, run by honcho: one terminal, prefixed logs, one Ctrl-C."""

import os
import shlex
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path
from threading import Lock, Thread, Timer
from types import FrameType

import honcho.manager

from config.local.environment import BASE_DIR
from config.queues import WORKERS

WORKER_QUEUES = {name: ",".join(queues) for name, queues in WORKERS.items()}  # as Celery's -Q takes them
WEB_OPTIONS = ["-k", "config.web_server.PatientWorker", "--threads", "8", "--no-control-socket"]
WEB_OPTIONS += ["--log-level", "warning"]
# Workers that don't look for other workers are ready a second sooner.
WORKER_OPTIONS = ["--concurrency", "3", "--without-mingle", "--without-gossip"]
ENVIRONMENT = {
    "PYTHONUNBUFFERED": "1",
    # This warning is for servers; a container on a laptop often has no other user than root.
    "PYTHONWARNINGS": "ignore:You're running the worker with superuser",
    # Celery would load every page twice to check it, and start a second later.
    "CELERY_SKIP_CHECKS": "true",
}
STOP_WITHIN = 40  # seconds for a worker to finish its current submission; then it is killed


def build_commands(*, port: int, sandbox_port: int | None, var: Path, zone: str = "") -> dict[str, list[str]]:
    """The command of each process, by name; without `sandbox_port` there is no sandbox.

    `zone`: the clinic's, by whose clock the sandbox's phones show times.
    """
    python = [sys.executable, "-m"]
    celery = [*python, "celery", "--quiet", "-A", "config"]
    commands = {
        "web": [*python, "gunicorn", "config.wsgi", "--bind", f"127.0.0.1:{port}", *WEB_OPTIONS],
        **{
            name: [*celery, "worker", "-n", f"{name}@%h", "-Q", queues, *WORKER_OPTIONS]
            for name, queues in WORKER_QUEUES.items()
        },
        "beat": [*celery, "beat", "--schedule", str(var / "celerybeat-schedule"), "--pidfile="],
    }
    if sandbox_port:
        ledger = str(var / "robotalker-sandbox-ledger.jsonl")
        options = ["--port", str(sandbox_port), "--ledger", ledger, "--zone", zone]
        commands["sandbox"] = [*python, "reminders.sandbox", *options]
    return commands


class Processes(honcho.manager.Manager):  # type: ignore[misc]
    """Honcho's manager, which tells each process and its children to stop.

    The first signal sends them SIGTERM, the second one, or `stop_within` seconds, SIGKILL. A worker's child
    first records its current submission (reminders/traffic/shutdown.py). `when_started` is called when all
    processes have been started.
    """

    def __init__(
        self,
        commands: dict[str, list[str]],
        when_started: Callable[[], None],
        stop_within: float = STOP_WITHIN,
    ) -> None:
        super().__init__()
        honcho.manager.KILL_WAIT = stop_within
        self._ending = Lock()
        self._too_long = Timer(stop_within, self.kill)
        self._when_started = when_started
        self.stopped_by_hand = False
        self.ended_first = ""  # the process that ended without being stopped, with its exit code
        environment = os.environ | ENVIRONMENT
        for name, command in commands.items():
            # exec: so that signals reach the process itself, not a shell around it
            self.add_process(name, f"exec {shlex.join(command)}", cwd=str(BASE_DIR), env=environment)

    def terminate(self) -> None:
        """Send SIGTERM to all running processes."""
        with self._ending:
            if self._terminating:
                return
            if not self.stopped_by_hand:
                codes = {name: p["returncode"] for name, p in self._processes.items() if "returncode" in p}
                self.ended_first = ", ".join(f"{name} (exit code {code})" for name, code in codes.items())
            self._too_long.start()
            super().terminate()

    def loop(self) -> None:
        """Start all processes, print their output, and return when they and their children have ended."""
        super().loop()
        for process in self._processes.values():
            self._procmgr.kill(process["pid"])  # the process group: children of a killed process
        self._too_long.cancel()

    def _start(self) -> None:
        super()._start()
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._handle_signal)
        self._when_started()

    def _handle_signal(self, number: int, frame: FrameType | None) -> None:
        again, self.stopped_by_hand = self.stopped_by_hand, True
        # In a thread, because it prints: a print in a signal handler fails if it interrupts another one.
        Thread(target=self.kill if again else self._stop_by_hand).start()

    def _stop_by_hand(self) -> None:
        while not self._all_started():  # Ctrl-C came before honcho knows all pids
            time.sleep(0.05)
        self.terminate()
