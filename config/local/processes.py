"""The processes of `make run`, run by honcho: one terminal, prefixed logs, one Ctrl-C."""

import multiprocessing
import os
import queue
import shlex
import signal
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from pathlib import Path
from threading import Lock, Thread, Timer
from types import FrameType
from typing import Any

import honcho.manager
import honcho.process
from honcho.manager import SYSTEM_PRINTER_NAME
from honcho.printer import Message

from config.local.environment import BASE_DIR
from config.queues import WORKERS

WORKER_QUEUES = {name: ",".join(queues) for name, queues in WORKERS.items()}  # as Celery's -Q takes them
WEB_OPTIONS = ["-k", "config.web_server.PatientWorker", "--threads", "8", "--no-control-socket"]
WEB_OPTIONS += ["--log-level", "warning"]
# Workers that don't look for other workers are ready a second sooner.
WORKER_OPTIONS = ["--without-mingle", "--without-gossip"]
CHILDREN = {"dispatcher": "3", "worker": "3", "applier": "1"}  # of several, each would apply a few events
ENVIRONMENT = {
    "PYTHONUNBUFFERED": "1",
    # This warning is for servers; a container on a laptop often has no other user than root.
    "PYTHONWARNINGS": "ignore:You're running the worker with superuser",
    # Celery would load every page twice to check it, and start a second later.
    "CELERY_SKIP_CHECKS": "true",
}
# A process that ends is started again after half a second, then after twice the time, up to half a minute.
# One that has ended five times in a row within ten seconds won't run: then everything is stopped.
FIRST_WAIT, LONGEST_WAIT, QUICK_END, MOST_QUICK_ENDS = 0.5, 30.0, 10.0, 5  # seconds; ends
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
            name: [*celery, "worker", "-n", f"{name}@%h", "-Q", queues, "-c", CHILDREN[name], *WORKER_OPTIONS]
            for name, queues in WORKER_QUEUES.items()
        },
        "beat": [*celery, "beat", "--schedule", str(var / "celerybeat-schedule"), "--pidfile="],
    }
    if sandbox_port:
        ledger = str(var / "robotalker-sandbox-ledger.jsonl")
        options = ["--port", str(sandbox_port), "--ledger", ledger, "--zone", zone]
        commands["sandbox"] = [*python, "reminders.sandbox", *options]
    return commands


class GuardedProcess(honcho.process.Process):  # type: ignore[misc]
    """A process that ends with `make run`, also if that is killed."""

    def run(self, events: Any = None, ignore_signals: bool = False) -> None:
        """In a process of its own between `make run` and the command: pass on its output until it ends.

        Signals are for `make run` alone: it passes them on. (Ignored ones would be ignored by the command.)
        """
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, lambda *_: None)
        Thread(target=self._end_with_parent, daemon=True).start()
        super().run(events, ignore_signals)

    def _end_with_parent(self) -> None:
        parent = multiprocessing.parent_process()
        if parent is None:
            return
        parent.join()
        with suppress(ProcessLookupError):
            os.killpg(self._child.pid, signal.SIGKILL)
        os._exit(1)


class Restart:
    """When a process that has ended is started again: sooner if it had run for long."""

    def __init__(self) -> None:
        self.started_at = time.monotonic()
        self.quick_ends = 0  # in a row
        self.due_at: float | None = None

    def plan(self) -> float:
        """It has ended; the seconds until it is started again."""
        ran_for = time.monotonic() - self.started_at
        self.quick_ends = self.quick_ends + 1 if ran_for < QUICK_END else 0
        wait: float = min(FIRST_WAIT * 2 ** max(self.quick_ends - 1, 0), LONGEST_WAIT)
        self.due_at = time.monotonic() + wait
        return wait

    @property
    def is_due(self) -> bool:
        return self.due_at is not None and time.monotonic() >= self.due_at


class Processes(honcho.manager.Manager):  # type: ignore[misc]
    """Honcho's manager, which starts a process that has ended again, and tells all to stop.

    A process that ends soon after each of several starts has a fault that stays: then all are stopped. The
    first signal sends them SIGTERM, the second one, or `stop_within` seconds, SIGKILL. A worker's child first
    records its current submission (reminders/traffic/shutdown.py). `when_started` is called when all
    processes have been started.
    """

    def __init__(
        self,
        commands: dict[str, list[str]],
        when_started: Callable[[], None],
        stop_within: float = STOP_WITHIN,
    ) -> None:
        super().__init__()
        self._ending = Lock()
        self._too_long = Timer(stop_within, self.kill)
        self._when_started = when_started
        self._process_ctor = GuardedProcess
        self._restarts = {name: Restart() for name in commands}
        self.stopped_by_hand = False
        self.ended_first = ""  # the process that could not be kept running, with its exit code
        environment = os.environ | ENVIRONMENT
        for name, command in commands.items():
            # exec: so that signals reach the process itself, not a shell around it
            self.add_process(name, f"exec {shlex.join(command)}", cwd=str(BASE_DIR), env=environment)

    def terminate(self) -> None:
        """Send SIGTERM to all running processes."""
        with self._ending:
            if self._terminating:
                return
            self._too_long.start()
            super().terminate()

    def loop(self) -> None:
        """Start all processes, print their output, and return when they and their children have ended."""
        self._start()
        while not self._have_all_ended():
            try:
                self._take(self.events.get(timeout=0.1))
            except queue.Empty:
                self._notice_lost()
            for name, restart in self._restarts.items():
                if restart.is_due and not self._terminating:
                    self._start_again(name, restart)
        for process in self._processes.values():
            self._kill_group(process)
        self._too_long.cancel()

    def say(self, text: str) -> None:
        """Print a line among those of the processes."""
        self.events.put(Message("line", f"{text}\n".encode(), datetime.now(), SYSTEM_PRINTER_NAME, None))  # noqa: DTZ005

    def _notice_lost(self) -> None:
        """If what passes on a process's output was killed, the process counts as ended, and is."""
        for name, process in self._processes.items():
            if "returncode" not in process and process["process"].exitcode not in (None, 0):
                self._kill_group(process)
                code = {"returncode": process["process"].exitcode}
                self._take(Message("stop", code, datetime.now(), name, None))  # noqa: DTZ005

    def _take(self, message: Message) -> None:
        if message.type == "line":
            self._printer.write(message)
            return
        process = self._processes[message.name]
        if message.type == "start":
            process["pid"] = message.data["pid"]
            self._system_print(f"{message.name} started (pid={process['pid']})\n")
            if self._terminating:  # the signal was sent before its pid was known
                self._procmgr.terminate(process["pid"])
        elif message.type == "stop":
            process["returncode"] = message.data["returncode"]
            if self._terminating:
                self._system_print(f"{message.name} stopped (rc={process['returncode']})\n")
            else:
                self._plan_restart(message.name, process)

    def _plan_restart(self, name: str, process: dict[str, Any]) -> None:
        self._kill_group(process)  # children of a killed process would go on, beside those of the next
        restart, code = self._restarts[name], process["returncode"]
        wait = restart.plan()
        if restart.quick_ends < MOST_QUICK_ENDS:
            self._system_print(f"{name} ended (exit code {code}): it is started again in {wait:g} s\n")
            return
        self.ended_first = f"{name} (exit code {code})"
        self.terminate()

    def _start_again(self, name: str, restart: Restart) -> None:
        restart.started_at, restart.due_at = time.monotonic(), None
        process = self._processes[name]
        process["process"].join()
        del process["returncode"], process["pid"]
        self._start_one(name, process)

    def _start_one(self, name: str, process: dict[str, Any]) -> None:
        process["process"] = multiprocessing.Process(
            name=name, target=process["obj"].run, args=(self.events, True)
        )
        process["process"].start()

    def _have_all_ended(self) -> bool:
        return self._terminating and all(
            "returncode" in process or "process" not in process for process in self._processes.values()
        )

    def _kill_group(self, process: dict[str, Any]) -> None:
        with suppress(ProcessLookupError, KeyError):
            self._procmgr.kill(process["pid"])

    def _killall(self, force: bool = False) -> None:
        """Those whose pid is known; the others get their signal when it is (_take)."""
        name = "SIGKILL" if force else "SIGTERM"
        for which, process in self._processes.items():
            if "returncode" not in process and "pid" in process:
                self._system_print(f"sending {name} to {which} (pid {process['pid']})\n")
                (self._procmgr.kill if force else self._procmgr.terminate)(process["pid"])

    def _start(self) -> None:
        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, self._handle_signal)
        for name, process in self._processes.items():
            self._restarts[name].started_at = time.monotonic()
            self._start_one(name, process)
        self._when_started()

    def _handle_signal(self, number: int, frame: FrameType | None) -> None:
        again, self.stopped_by_hand = self.stopped_by_hand, True
        # In a thread, because it prints: a print in a signal handler fails if it interrupts another one.
        Thread(target=self.kill if again else self.terminate).start()
