"""Heartbeats, by the database's clock: when each sweep last finished, when beat last sent a tick, and when
each worker last checked itself.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models.functions import Now

from config.queues import DISPATCH_QUEUE, EVENTS_QUEUE, SWEEPS_QUEUE
from reminders.models import Heartbeat

Heartbeats = Mapping[str, Heartbeat]

DISPATCH, PLANNING, RECONCILIATION, EVENTS = "dispatch", "planning", "reconciliation", "events"
# never stale: their rounds may wait for Robotalker
ASKING, VERIFYING, CONTACTS, PULL = "asking", "verifying", "contacts", "contacts pulled"
BEAT = "beat"
WORKER = "worker "  # followed by host:pid
# Where each sweep's tick goes; see CELERY_TASK_ROUTES.
QUEUES = {
    DISPATCH: DISPATCH_QUEUE,
    PLANNING: SWEEPS_QUEUE,
    RECONCILIATION: SWEEPS_QUEUE,
    EVENTS: EVENTS_QUEUE,
}
# A sweep that missed a few of its ticks in a row is stale; dispatch's own limit is a setting.
STALE_AFTER = {
    PLANNING: timedelta(minutes=5),
    RECONCILIATION: timedelta(minutes=3),
    EVENTS: timedelta(minutes=3),
}
BEAT_STALE_AFTER = timedelta(seconds=30)
WORKER_STALE_AFTER = timedelta(seconds=60)
WORKER_KEPT = timedelta(days=1)
LONGEST_NAME = 40


def record_heartbeat(name: str, did: str = "", *, queues: Sequence[str] = ()) -> None:
    """Record that the sweep `name` has just finished; `did` is what it did, in counts.

    `queues` are the queues that a worker takes tasks from.
    """
    defaults = {"at": Now(), "did": did[:200], "queues": list(queues)}
    Heartbeat.objects.update_or_create(name=name, defaults=defaults)


def name_worker(host: str, pid: int) -> str:
    """The name of a worker's heartbeat, such as "worker front-1:4711"; a long host name is cut."""
    tail = f":{pid}"
    return f"{WORKER}{host[: LONGEST_NAME - len(WORKER) - len(tail)]}{tail}"


def record_worker_heartbeat(name: str, queues: Sequence[str], *, since: datetime, begun: int) -> None:
    """Record that this worker runs, its queues and how many tasks it has started; `begun` is that number.

    Deletes the heartbeats of workers that are a day old.
    """
    record_heartbeat(name, f"since {since:%Y-%m-%d %H:%M} UTC, {begun} tasks started", queues=queues)
    Heartbeat.objects.filter(name__startswith=WORKER, at__lt=Now() - WORKER_KEPT).delete()


def read_heartbeats() -> dict[str, Heartbeat]:
    """All heartbeats by name."""
    return {heartbeat.name: heartbeat for heartbeat in Heartbeat.objects.all()}


def find_stale(now: datetime) -> dict[str, timedelta | None]:
    """The stale sweeps, and beat if it is stale, with their ages; None for one that never ran."""
    return pick_stale(read_heartbeats(), now)


def pick_stale(beats: Heartbeats, now: datetime) -> dict[str, timedelta | None]:
    """find_stale() for heartbeats that were already read."""
    ages = {name: find_age(beats, name, now) for name in _limits()}
    return {name: age for name, age in ages.items() if age is None or age > _limits()[name]}


def find_age(beats: Heartbeats, name: str, now: datetime) -> timedelta | None:
    """How long ago the heartbeat `name` was, at least 0; None when there was none."""
    return max(now - beats[name].at, timedelta(0)) if name in beats else None


def find_served_queues(beats: Heartbeats, now: datetime) -> set[str]:
    """The queues that at least one running worker takes."""
    return set(_list_taken_queues(beats, now))


def count_workers(beats: Heartbeats, queue: str, now: datetime) -> int:
    """How many running workers take this queue."""
    return _list_taken_queues(beats, now).count(queue)


def _list_taken_queues(beats: Heartbeats, now: datetime) -> list[str]:
    """Each queue once for every running worker that takes it."""
    running = (row for row in beats.values() if now - row.at <= WORKER_STALE_AFTER)
    return [queue for row in running for queue in row.queues]


def _limits() -> dict[str, timedelta]:
    return {DISPATCH: timedelta(seconds=settings.SWEEP_STALE_AFTER), **STALE_AFTER, BEAT: BEAT_STALE_AFTER}
