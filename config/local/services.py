"""PostgreSQL and Valkey for a laptop: started if no server is configured, stopped by the last process.

Several processes may need them at the same time (`make run`, an import in another terminal). Each holds a
shared lock on a file while it runs. The kernel releases the lock however a process ends, so no stale count of
users can keep the servers running, or stop them while they are in use.
"""

import atexit
import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import environ

from config.local.environment import BASE_DIR, VAR
from config.local.postgres import start_postgres, stop_postgres
from config.local.valkey import start_valkey, stop_valkey

STARTERS = {
    "DATABASE_URL": ("postgres", start_postgres, stop_postgres),
    "REDIS_URL": ("valkey", start_valkey, stop_valkey),
}


def ensure_services(var: Path = VAR) -> None:
    """Set `DATABASE_URL` and `REDIS_URL` in `os.environ`.

    Values from the environment or the file `.env` stay. For the others an embedded server is found or
    started, with its data under `var`. Such a server is stopped when the last process that uses it ends.
    Raises `LocalServiceError` if a server can't be started.
    """
    environ.Env.read_env(BASE_DIR / ".env")
    missing = [name for name in STARTERS if not os.environ.get(name)]
    if not missing:
        return
    var.mkdir(parents=True, exist_ok=True)
    _stop_when_last(var)
    with _locked(var / "starting.lock"):
        for name in missing:
            folder, start, _stop = STARTERS[name]
            os.environ[name] = start(var / folder)


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
