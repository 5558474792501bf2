"""Signs of life, by the database's clock: when each sweep last finished, beat last got a tick out, and each
worker last looked at itself.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta

from django.conf import settings
from django.db.models.functions import Now

from config.queues import DISPATCH_QUEUE, EVENTS_QUEUE, SWEEPS_QUEUE
from reminders.models import Heartbeat

Heartbeats = Mapping[str, Heartbeat]

DISPATCH, PLANNING, RECONCILIATION, EVENTS = "dispatch", "planning", "reconciliation", "events"
# by Robotalker's grace: never stale
ASKING, VERIFYING, CONTACTS, PULL = "asking", "verifying", "contacts", "contacts pulled"
BEAT = "beat"
WORKER = "worker "  # and host:pid
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
    """Say that the sweep `name` has just finished, and in counts what it did.

    `queues` are those that a worker takes.
    """
    defaults = {"at": Now(), "did": did[:200], "queues": list(queues)}
    Heartbeat.objects.update_or_create(name=name, defaults=defaults)


def name_worker(host: str, pid: int) -> str:
    """What a worker's heartbeat is called: "worker front-1:4711"; a long host name is cut."""
    tail = f":{pid}"
    return f"{WORKER}{host[: LONGEST_NAME - len(WORKER) - len(tail)]}{tail}"


def record_worker_heartbeat(name: str, queues: Sequence[str], *, since: datetime, begun: int) -> None:
    """Say that this worker lives, which queues it takes, and what it has begun. Forgets those long gone."""
    record_heartbeat(name, f"since {since:%Y-%m-%d %H:%M} UTC, {begun} tasks begun", queues=queues)
    Heartbeat.objects.filter(name__startswith=WORKER, at__lt=Now() - WORKER_KEPT).delete()


def read_heartbeats() -> dict[str, Heartbeat]:
    """All heartbeats by name."""
    return {heartbeat.name: heartbeat for heartbeat in Heartbeat.objects.all()}


def find_stale(now: datetime) -> dict[str, timedelta | None]:
    """The sweeps that are stale, and beat, with the age of each; None for one that never was."""
    return pick_stale(read_heartbeats(), now)


def pick_stale(beats: Heartbeats, now: datetime) -> dict[str, timedelta | None]:
    """The same, of heartbeats that were read already."""
    ages = {name: find_age(beats, name, now) for name in _limits()}
    return {name: age for name, age in ages.items() if age is None or age > _limits()[name]}


def find_age(beats: Heartbeats, name: str, now: datetime) -> timedelta | None:
    """How long ago it was, at least 0; None when it never was."""
    return max(now - beats[name].at, timedelta(0)) if name in beats else None


def find_served_queues(beats: Heartbeats, now: datetime) -> set[str]:
    """The queues that some living worker takes."""
    return set(_list_taken_queues(beats, now))


def count_workers(beats: Heartbeats, queue: str, now: datetime) -> int:
    """How many living workers share this queue."""
    return _list_taken_queues(beats, now).count(queue)


def _list_taken_queues(beats: Heartbeats, now: datetime) -> list[str]:
    """Each queue as often as there are living workers that take it."""
    living = (row for row in beats.values() if now - row.at <= WORKER_STALE_AFTER)
    return [queue for row in living for queue in row.queues]


def _limits() -> dict[str, timedelta]:
    return {DISPATCH: timedelta(seconds=settings.SWEEP_STALE_AFTER), **STALE_AFTER, BEAT: BEAT_STALE_AFTER}
