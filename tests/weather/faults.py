"""The faults of `make weather`: what is done, for how long it stays, and how it ends."""

import os
import signal
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass

from django.db import connection

from config.local.postgres import find_postgres_pids
from tests.small_disk import can_mount, on_small_disk
from tests.weather.stack import RunningCallboard

DISK_TABLES = ("reminders_callrecord", "webhooks_webhookevent")
Fault = Callable[[RunningCallboard], AbstractContextManager[None]]


@dataclass(frozen=True)
class Weather:
    """A fault. `seconds`: how long it stays; 0 for one that is over at once, such as a kill."""

    name: str
    fault: Fault
    seconds: float = 0.0


def killing(*kinds: str) -> Fault:
    """SIGKILL to all processes of these kinds; `make run` is to start them again."""

    @contextmanager
    def fault(callboard: RunningCallboard) -> Iterator[None]:
        callboard.send(signal.SIGKILL, *kinds)
        yield

    return fault


def freezing(kind: str) -> Fault:
    """SIGSTOP, and SIGCONT when it is over."""

    @contextmanager
    def fault(callboard: RunningCallboard) -> Iterator[None]:
        callboard.send(signal.SIGSTOP, kind)
        try:
            yield
        finally:
            callboard.send(signal.SIGCONT, kind)

    return fault


@contextmanager
def kill_postgres(callboard: RunningCallboard) -> Iterator[None]:
    """The postmaster alone, as when the machine has no memory left."""
    for pid in find_postgres_pids(callboard.var / "postgres")[:1]:
        os.kill(pid, signal.SIGKILL)
    yield


@contextmanager
def fill_disk(callboard: RunningCallboard) -> Iterator[None]:
    """No room for calls and events."""
    del callboard
    connection.close()  # it may be of a server that was killed
    with on_small_disk(*DISK_TABLES) as disk:
        disk.fill()
        yield
        disk.make_room()


@contextmanager
def kill_and_start(callboard: RunningCallboard) -> Iterator[None]:
    """All processes and servers at once, as when the power fails; then a new `make run`."""
    callboard.kill_everything()
    yield
    callboard.start()


@contextmanager
def stop_and_start(callboard: RunningCallboard) -> Iterator[None]:
    """Ctrl-C, and a new `make run`."""
    callboard.stop()
    yield
    callboard.start()


def list_weather() -> list[Weather]:
    """All faults, in the order in which they come."""
    found = [
        Weather("Valkey killed", killing("valkey")),
        Weather("Valkey stands still", freezing("valkey"), 12),
        Weather("PostgreSQL killed", kill_postgres),
        Weather("PostgreSQL stands still", freezing("postgres"), 15),
        Weather("worker killed", killing("worker")),
        Weather("applier killed", killing("applier")),
        Weather("dispatcher killed", killing("dispatcher")),
        Weather("beat killed", killing("beat")),
        Weather("web killed", killing("web")),
        Weather("Ctrl-C and a new start", stop_and_start),
        Weather("everything killed, and a new start", kill_and_start),
    ]
    return [*found[:4], Weather("disk full", fill_disk, 15), *found[4:]] if can_mount() else found
