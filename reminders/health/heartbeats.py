"""Heartbeats, by the database's clock: when each sweep last finished, when beat last sent a tick, and when
each worker last checked itself. And how rounds failed: a sweep that runs and gets nothing done is failing.

Ages are by that clock too (read_heartbeat_clock). A heartbeat that lies ahead of it was written before the
clock was set back, so it says nothing: its sweep is stale, its worker doesn't count (product rule 28).
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from django.conf import settings
from django.db.models import Case, F, IntegerField, Q, When
from django.db.models.functions import Now

from config.queues import DISPATCH_QUEUE, EVENTS_QUEUE, SWEEPS_QUEUE
from reminders.models import Heartbeat

Heartbeats = Mapping[str, Heartbeat]

DISPATCH, PLANNING, RECONCILIATION, EVENTS = "dispatch", "planning", "reconciliation", "events"
# never stale: their rounds may wait for Robotalker
ASKING, VERIFYING, CONTACTS, PULL = "asking", "verifying", "contacts", "contacts pulled"
COUNTING = "counting"  # never stale either: reports say as of when they are
BEAT = "beat"
DOOR = "door"  # the endpoint that Robotalker posts its events to
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
NEVER = datetime(1970, 1, 1, tzinfo=UTC)  # in place of the last success of what only ever failed
FAILING_FOR = timedelta(minutes=5)  # after its last failure, what nobody tries again counts as sound
DISK_FULL = "DiskFull"  # PostgreSQL's own name of it
SURE = frozenset({DISK_FULL})  # one such failure is enough; of others, a second one must follow
CALM_AFTER = timedelta(seconds=30)  # without a refused event, those before count no longer once one is stored
AHEAD_ALLOWED = timedelta(seconds=1)  # clocks are corrected by fractions of a second all the time


def record_heartbeat(name: str, did: str = "", *, queues: Sequence[str] = (), was_idle: bool = False) -> None:
    """Record that the sweep `name` has just finished; `did` is what it did, in counts.

    `queues` are the queues that a worker takes tasks from. `was_idle`: there was nothing to do, so that it
    doesn't show whether what failed before would work now.
    """
    defaults = {"at": Now(), "did": did[:200], "queues": list(queues)}
    Heartbeat.objects.update_or_create(
        name=name, defaults=defaults if was_idle else {**defaults, "failures": 0}
    )


def record_stored_events() -> None:
    """Record that the door has stored events.

    Those that it refused in the last CALM_AFTER still count, but a single one of SURE: there is room again.
    """
    are_over = Q(failed_at=None) | Q(failed_at__lt=Now() - CALM_AFTER) | Q(failed_at__gt=Now())
    are_over |= Q(failures=1, failure__in=SURE)
    failures = Case(When(are_over, then=0), default=F("failures"), output_field=IntegerField())
    changes = {"at": Now(), "did": "events stored", "failures": failures}
    if not Heartbeat.objects.filter(name=DOOR).update(**changes):
        record_heartbeat(DOOR, "events stored")


def record_failure(name: str, failure: str) -> None:
    """Record that a round of this sweep, or a request to the door, failed: the kind of error, no message."""
    changes = {"failed_at": Now(), "failure": failure[:200], "failures": F("failures") + 1}
    if not Heartbeat.objects.filter(name=name).update(**changes):
        first = {"at": NEVER, "failed_at": Now(), "failure": failure[:200], "failures": 1}
        Heartbeat.objects.get_or_create(name=name, defaults=first)


def pick_failing(beats: Heartbeats, now: datetime) -> dict[str, Heartbeat]:
    """The sweeps whose last rounds failed with nothing done since, and the door if it refused events."""
    return {name: beat for name, beat in beats.items() if _is_failing(beat, now)}


def disk_is_full(beats: Heartbeats, now: datetime) -> bool:
    """Whether PostgreSQL has lately had no room for new rows."""
    return any(beat.failure == DISK_FULL for beat in pick_failing(beats, now).values())


def _is_failing(beat: Heartbeat, now: datetime) -> bool:
    if not beat.failures or beat.failed_at is None or abs(now - beat.failed_at) > FAILING_FOR:
        return False
    return beat.failures > 1 or beat.failure in SURE


def name_worker(host: str, pid: int) -> str:
    """The name of a worker's heartbeat, such as "worker front-1:4711".

    A long host name is cut, and a few letters of its digest tell it from others that begin alike: names of
    containers differ at their end, and each container has the same process ids.
    """
    tail = f":{pid}"
    if len(WORKER + host + tail) > LONGEST_NAME:
        tail = f"~{sha256(host.encode()).hexdigest()[:6]}{tail}"
    return f"{WORKER}{host[: LONGEST_NAME - len(WORKER) - len(tail)]}{tail}"


def record_worker_heartbeat(name: str, queues: Sequence[str], *, since: datetime, begun: int) -> None:
    """Record that this worker runs, its queues and how many tasks it has started; `begun` is that number.

    Deletes the heartbeats of workers that are a day old, and those that lie ahead; one that runs writes its
    own again.
    """
    record_heartbeat(name, f"since {since:%Y-%m-%d %H:%M} UTC, {begun} tasks started", queues=queues)
    useless = Q(at__lt=Now() - WORKER_KEPT) | Q(at__gt=Now() + WORKER_STALE_AFTER)
    Heartbeat.objects.filter(useless, name__startswith=WORKER).delete()


def read_heartbeats() -> dict[str, Heartbeat]:
    """All heartbeats by name, each with the database's time of this moment as `read_at`."""
    beats: dict[str, Heartbeat] = {}
    for heartbeat in Heartbeat.objects.annotate(clock=Now()):
        heartbeat.read_at = heartbeat.clock
        beats[heartbeat.name] = heartbeat
    return beats


def read_heartbeat_clock(beats: Heartbeats, otherwise: datetime) -> datetime:
    """The database's time when these heartbeats were read, for their ages; `otherwise` without any."""
    return next((beat.read_at for beat in beats.values() if beat.read_at), otherwise)


def find_stale(now: datetime) -> dict[str, timedelta | None]:
    """The stale sweeps, and beat if it is stale, with their ages; None for one that never ran."""
    return pick_stale(read_heartbeats(), now)


def pick_stale(beats: Heartbeats, now: datetime) -> dict[str, timedelta | None]:
    """find_stale() for heartbeats that were already read."""
    ages = {name: find_age(beats, name, now) for name in _limits()}
    return {name: age for name, age in ages.items() if age is None or not _is_fresh(age, _limits()[name])}


def find_age(beats: Heartbeats, name: str, now: datetime) -> timedelta | None:
    """How long ago the heartbeat `name` was; negative if it lies ahead, None when there was none."""
    return now - beats[name].at if name in beats and beats[name].at != NEVER else None


def find_served_queues(beats: Heartbeats, now: datetime) -> set[str]:
    """The queues that at least one running worker takes."""
    running = (row for row in beats.values() if _is_fresh(now - row.at, WORKER_STALE_AFTER))
    return {queue for row in running for queue in row.queues}


def _is_fresh(age: timedelta, limit: timedelta) -> bool:
    return -AHEAD_ALLOWED <= age <= limit


def _limits() -> dict[str, timedelta]:
    return {DISPATCH: timedelta(seconds=settings.SWEEP_STALE_AFTER), **STALE_AFTER, BEAT: BEAT_STALE_AFTER}
