"""What a piece of work costs: processor time of processes with all that they started, and statements."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import psutil  # type: ignore[import-untyped]
from django.db import connection


def find_database_pid() -> int:
    """PostgreSQL's first process, whose children serve the connections."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_backend_pid()")
        parent = psutil.Process(cursor.fetchone()[0]).ppid()
    return int(parent)


def find_child(word: str) -> int:
    """The child of this process that was started with this word in its command."""
    for child in psutil.Process().children():
        with suppress(psutil.Error):
            if any(word in part for part in child.cmdline()):
                return int(child.pid)
    raise RuntimeError(f"no process was started with {word}")


class ProcessorTime:
    """Seconds of processor that these processes took, with their children; `own`: without those."""

    def __init__(self, *trees: int, own: bool = False) -> None:
        self._trees, self._own = trees, own
        self.seconds = 0.0

    def read(self) -> float:
        total = 0.0
        for pid in self._trees:
            first = psutil.Process(pid)
            for process in [first] if self._own else [first, *first.children(recursive=True)]:
                with suppress(psutil.NoSuchProcess):
                    times = process.cpu_times()
                    ended = 0.0 if self._own else times.children_user + times.children_system
                    total += times.user + times.system + ended
        return total


@contextmanager
def measuring(*meters: ProcessorTime) -> Iterator[None]:
    """Measure what each takes in this block."""
    before = [meter.read() for meter in meters]
    yield
    for meter, start in zip(meters, before, strict=True):
        meter.seconds = meter.read() - start


def count_statements(run: Callable[[], object]) -> int:
    """The statements that it sends over this thread's connection, without BEGIN and COMMIT."""
    counted = 0

    def count(execute: Any, sql: Any, params: Any, many: Any, context: Any) -> Any:
        nonlocal counted
        counted += 1
        return execute(sql, params, many, context)

    with connection.execute_wrapper(count):
        run()
    return counted
