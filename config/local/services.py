"""PostgreSQL and Valkey for a laptop: started if no server is configured, stopped by the last process.

Several processes may need them at the same time (`make run`, an import in another terminal). Each holds a
shared lock on a file while it runs. The kernel releases the lock however a process ends, so no stale count of
users can keep the servers running, or stop them while they are in use.
"""

import atexit
import fcntl
import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from subprocess import SubprocessError
from threading import Event, Thread
from typing import NamedTuple

import environ
import psycopg

from config.local.environment import BASE_DIR, VAR
from config.local.errors import LocalServiceError
from config.local.postgres import find_postgres_pids, is_serving, start_postgres, stop_postgres
from config.local.valkey import find_valkey_pids, is_answering, start_valkey, stop_valkey

STARTERS = {
    "DATABASE_URL": ("postgres", start_postgres, stop_postgres),
    "REDIS_URL": ("valkey", start_valkey, stop_valkey),
}
WATCH_EVERY, MOST_BETWEEN = 2.0, 30.0  # seconds
SILENT_FOR = 30.0  # seconds after which a server that lives and doesn't answer is killed


class WatchedServer(NamedTuple):
    """How to look after one of the servers; the functions take the folder of its data."""

    name: str
    variable: str
    folder: str
    start: Callable[[Path], str]
    answers: Callable[[Path], bool]
    find_pids: Callable[[Path], list[int]]


WATCHED = {
    one.variable: one
    for one in (
        WatchedServer(
            "PostgreSQL", "DATABASE_URL", "postgres", start_postgres, is_serving, find_postgres_pids
        ),
        WatchedServer("Valkey", "REDIS_URL", "valkey", start_valkey, is_answering, find_valkey_pids),
    )
}


def ensure_services(var: Path = VAR) -> list[str]:
    """Set `DATABASE_URL` and `REDIS_URL` in `os.environ`; the names of those whose servers are ours.

    Values from the environment or the file `.env` stay. For the others an embedded server is found or
    started, with its data under `var`. Such a server is stopped when the last process that uses it ends.
    Raises `LocalServiceError` if a server can't be started.
    """
    environ.Env.read_env(BASE_DIR / ".env")
    missing = [name for name in STARTERS if not os.environ.get(name)]
    if not missing:
        return []
    var.mkdir(parents=True, exist_ok=True)
    _stop_when_last(var)
    with _locked(var / "starting.lock"):
        for name in missing:
            folder, start, _stop = STARTERS[name]
            os.environ[name] = start(var / folder)
    return missing


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _stop_when_last(var: Path) -> None:
    lock = os.open(var / "in-use.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    fcntl.flock(lock, fcntl.LOCK_SH)
    atexit.register(_leave, var, lock, os.getpid())


def _leave(var: Path, lock: int, owner: int) -> None:
    if os.getpid() != owner:  # a forked child doesn't stop its parent's servers
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:  # another process still uses them
        return
    for folder, _start, stop in STARTERS.values():
        stop(var / folder)
    os.close(lock)


class ServerWatch(Thread):
    """Starts the embedded servers again when they have ended, or have not answered for long.

    They come back on the same socket and port, because other processes know no other. `say` is called with
    one line about each.
    """

    def __init__(self, var: Path, names: Iterable[str], say: Callable[[str], None]) -> None:
        super().__init__(name="server watch", daemon=True)
        self._var, self._say = var, say
        self._watched = [WATCHED[name] for name in names]
        self._over = Event()
        self._silent_since: dict[str, float] = {}
        self._failures = 0

    def stop(self) -> None:
        """End it, before the servers are stopped on purpose; waits for a start under way."""
        self._over.set()
        self.join()

    def run(self) -> None:
        """Look every two seconds; after failed starts less and less often."""
        while not self._over.wait(min(WATCH_EVERY * 2**self._failures, MOST_BETWEEN)):
            for server in self._watched:
                self._look_at(server)

    def _look_at(self, server: WatchedServer) -> None:
        data = self._var / server.folder
        if server.answers(data):
            self._silent_since.pop(server.name, None)
            return
        since = self._silent_since.setdefault(server.name, time.monotonic())
        pids = server.find_pids(data)
        if pids and time.monotonic() - since < SILENT_FOR:
            return
        for pid in pids:  # it hangs: a second one could not take its port, nor its folder
            with suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        self._start(server, data, "did not answer" if pids else "had ended")

    def _start(self, server: WatchedServer, data: Path, why: str) -> None:
        try:
            with _locked(self._var / "starting.lock"):
                before = os.environ[server.variable]
                same = server.start(data) == before
        except (LocalServiceError, OSError, SubprocessError, psycopg.Error) as error:  # a full disk, perhaps
            self._failures += 1
            self._say(f"{server.name} {why} and can't be started again yet: {error}")
            return
        self._failures = 0
        self._silent_since.pop(server.name, None)
        if same:
            self._say(f"{server.name} {why}: it was started again. Nothing is lost.")
        else:
            self._say(
                f"{server.name} {why}, and another program has its port: stop Callboard and start it again."
            )
