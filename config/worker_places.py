"""No queue ever has all children of a worker that takes several of KEPT_APART (config/queues.py).

A round of dispatch lasts up to 20 s, and while the rate holds a backlog back, the next one waits already.
With all children at it, what asks Robotalker would wait until its tick expires: probes, staff's texts, test
calls. The other way round, a Robotalker or another system that hangs would keep dispatch from its turn.

A task that finds no place is left out, and the next tick does the same. A place is a lock on one byte of a
file that the children have in common, so that the place of a child that is killed is free at once. (Where
children aren't forked, as on a Mac, they have none in common, and nothing is left out.)
"""

import fcntl
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from tempfile import TemporaryFile
from typing import Any

from celery import Task
from celery.exceptions import Ignore

from config.queues import KEPT_APART

MOST_PLACES = 1000  # of a queue


class WorkerPlaces:
    """The places of one worker, made before it forks its children."""

    def __init__(self, queues: Collection[str], children: int) -> None:
        self._queues = [queue for queue in KEPT_APART if queue in queues]
        self._places = min(children - 1, MOST_PLACES)
        self._file = TemporaryFile()  # noqa: SIM115 - open as long as the worker runs

    @contextmanager
    def take(self, queue: str) -> Iterator[bool]:
        """A place for a task of this queue while the block runs; whether there was one."""
        if self._places < 1 or len(self._queues) < 2 or queue not in self._queues:
            yield True
            return
        first = self._queues.index(queue) * MOST_PLACES
        for place in range(first, first + self._places):
            try:
                fcntl.lockf(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB, 1, place)
            except OSError:  # another child has it
                continue
            try:
                yield True
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN, 1, place)
            return
        yield False


_places: WorkerPlaces | None = None


def make_places(queues: Collection[str], children: int) -> None:
    """From now on the tasks of this process, and of those forked from it, need a place."""
    global _places
    _places = WorkerPlaces(queues, children)


class PlacedTask(Task):  # type: ignore[type-arg]
    """A task that runs only where its queue has a place left: the base of all tasks of KEPT_APART."""

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        """Raises Ignore, which Celery takes for neither a success nor a failure."""
        if _places is None or self.request.called_directly:
            return super().__call__(*args, **kwargs)
        queue = (self.request.delivery_info or {}).get("routing_key") or ""
        with _places.take(queue) as has_place:
            if not has_place:
                raise Ignore
            return super().__call__(*args, **kwargs)
