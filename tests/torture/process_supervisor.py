"""Processes that are ready in a moment: forked from a server that has already loaded everything.

A worker started from nothing needs seconds of both cores before it does anything, and would be killed
again before that. These run the very same command lines, in a process group of their own each.
"""

import multiprocessing
import os
import signal
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

WARM = "tests.torture.warm"  # what the fork server loads before it forks anything

_context = multiprocessing.get_context("forkserver")


class Nursling:
    """One process with its children; `kill` ends them all at once, as a power cut would."""

    def __init__(self, name: str, argv: Sequence[str], log: Path) -> None:
        self.name, self.argv, self.log = name, list(argv), log
        self._process: multiprocessing.process.BaseProcess | None = None

    def start(self) -> None:
        """Fork it from the server; everything it says goes to its log."""
        _context.set_forkserver_preload([WARM])
        process = _context.Process(target=_live, args=(self.argv, str(self.log)))
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
        """SIGKILL to the process and all its children; nothing of it is left afterwards."""
        if self._process is None:
            return
        self._process.kill()  # also before it has a group of its own
        with suppress(ProcessLookupError):
            os.killpg(self.pid, signal.SIGKILL)
        self._process.join()
        with suppress(ProcessLookupError):  # a child that was forked in between
            os.killpg(self.pid, signal.SIGKILL)
        self._process.close()
        self._process = None


def _live(argv: list[str], log: str) -> None:
    """In the new process: be a process group, and become the command."""
    os.setsid()
    threading.Thread(target=_die_with_the_parent, daemon=True).start()
    written = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    for descriptor in (1, 2):
        os.dup2(written, descriptor)
    sys.argv = argv
    from tests.torture.warm import run_command

    run_command()


def _die_with_the_parent() -> None:
    parent = multiprocessing.parent_process()
    assert parent is not None
    parent.join()
    os.killpg(0, signal.SIGKILL)
