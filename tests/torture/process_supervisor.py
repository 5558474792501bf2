"""Start processes quickly, by forking them from a server that has already loaded everything.

A worker that starts from scratch needs several seconds of both cores and would be killed before it does
anything. Forked processes run the same command lines, each in its own process group.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

PRELOADED_MODULE = "tests.torture.preload"  # what the fork server loads before it forks anything

_context = multiprocessing.get_context("forkserver")


class SupervisedProcess:
    """One process with its children; `kill` ends them all at once."""

    def __init__(self, name: str, argv: Sequence[str], log: Path) -> None:
        self.name, self.argv, self.log = name, list(argv), log
        self._process: multiprocessing.process.BaseProcess | None = None

    def start(self) -> None:
        """Fork it from the server; its output goes to its log."""
        _context.set_forkserver_preload([PRELOADED_MODULE])
        process = _context.Process(target=_run_in_child, args=(self.argv, str(self.log)))
        process.start()
        self._process = process

    @property
    def pid(self) -> int:
        assert self._process is not None
        assert self._process.pid is not None
        return self._process.pid

    @property
    def is_alive(self) -> bool:
        return self._process is not None and self._process.is_alive()

    def kill(self) -> None:
        """Send SIGKILL to the process and all its children, and wait until they have ended."""
        if self._process is None:
            return
        self._process.kill()  # in case it doesn't have its own process group yet
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.join()
        with suppress(ProcessLookupError):  # a child that was forked meanwhile
            os.killpg(self.pid, signal.SIGKILL)
        self._process.close()
        self._process = None


def _run_in_child(argv: list[str], log: str) -> None:
    """In the new process: make a process group and run the command."""
    os.setsid()
    threading.Thread(target=_exit_with_parent, daemon=True).start()
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for descriptor in (1, 2):
        os.dup2(written, descriptor)
    sys.argv = argv
    from tests.torture.preload import run_command

    run_command()


def _exit_with_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.killpg(0, signal.SIGKILL)
