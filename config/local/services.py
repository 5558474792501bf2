"""PostgreSQL and Valkey for a laptop: started when no server is named, stopped by whoever leaves last.

Several processes may need them at once (`make run`, an import typed in another terminal). Each holds a
shared lock on a file while it lives. The kernel lets go of that lock however a process ends, so that no
stale count of users can keep the servers alive, or stop them under somebody's hands.
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
    """Give `DATABASE_URL` and `REDIS_URL` a value in `os.environ`.

    What the environment or the file `.env` names is left alone. For the rest an embedded server is found
    or started, with its data under `var`. Servers that were found or started here are stopped when the
    last process that uses them ends. Raises `LocalServiceError` when a server can't be started.
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
    if os.getpid() != owner:  # a forked child leaves its parent's servers alone
        return
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:  # somebody else still uses them
        return
    for folder, _start, stop in STARTERS.values():
        stop(var / folder)
    os.close(lock)
