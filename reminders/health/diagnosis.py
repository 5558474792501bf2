"""Why sweeps have stopped: which ones, and which part of Callboard is down, as far as heartbeats show."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from django.utils.text import get_text_list
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy
from redis import RedisError

from reminders.health import heartbeats
from reminders.health.redis import connect_briefly

ASK_WITHIN = 0.5  # seconds: a page waits for it


class StoppedPart(StrEnum):
    """The part that keeps the sweeps from running: the first of these that applies."""

    DISK = "disk"
    BROKER = "broker"
    BEAT = "beat"
    WORKERS = "workers"
    NOT_KNOWN = "not known"
    FAILING = "failing"  # the sweeps run, and what they do fails


WORDS = {
    StoppedPart.DISK: gettext_lazy("PostgreSQL has no room left on its disk"),
    StoppedPart.BROKER: gettext_lazy("Redis does not answer"),
    StoppedPart.BEAT: gettext_lazy("beat is not running"),
    StoppedPart.WORKERS: gettext_lazy("no worker for %(work)s is running"),
    StoppedPart.NOT_KNOWN: gettext_lazy(
        "the worker for %(work)s is running, but gets nothing done: see its log"
    ),
    StoppedPart.FAILING: gettext_lazy("the last rounds for %(work)s failed: see Heartbeats"),
}
WORK = {
    heartbeats.DISPATCH: gettext_lazy("sending"),
    heartbeats.PLANNING: gettext_lazy("planning"),
    heartbeats.RECONCILIATION: gettext_lazy("call results"),
    heartbeats.EVENTS: gettext_lazy("events"),
}


@dataclass(frozen=True)
class Standstill:
    """The part that is down, and the sweeps that have stopped; none yet, if beat has only just stopped, or
    if only events couldn't be stored.
    """

    part: StoppedPart
    sweeps: tuple[str, ...]

    @property
    def words(self) -> str:
        """The cause, for administrators, such as "no worker for planning and events is running"."""
        work = get_text_list([str(WORK[sweep]) for sweep in self.sweeps], _("and"))
        return str(WORDS[self.part]) % {"work": work}


def find_standstill(beats: heartbeats.Heartbeats, now: datetime) -> Standstill | None:
    """None while beat and all sweeps run, and get something done. Otherwise the rest follows from the
    heartbeats, and a ping to Redis if a sweep is stale.
    """
    stale, failing = heartbeats.pick_stale(beats, now), heartbeats.pick_failing(beats, now)
    sweeps = tuple(sweep for sweep in heartbeats.QUEUES if sweep in stale or sweep in failing)
    if heartbeats.disk_is_full(beats, now):
        return Standstill(StoppedPart.DISK, sweeps)
    if not stale:
        return Standstill(StoppedPart.FAILING, sweeps) if sweeps else None
    if not broker_answers():
        return Standstill(StoppedPart.BROKER, sweeps)
    if heartbeats.BEAT in stale:
        return Standstill(StoppedPart.BEAT, sweeps)
    served = heartbeats.find_served_queues(beats, now)
    if abandoned := tuple(sweep for sweep in sweeps if heartbeats.QUEUES[sweep] not in served):
        return Standstill(StoppedPart.WORKERS, abandoned)
    return Standstill(StoppedPart.NOT_KNOWN, sweeps)


def broker_answers() -> bool:
    """Whether Redis answers, within a second."""
    try:
        with connect_briefly(ASK_WITHIN) as broker:
            return bool(broker.ping())
    except RedisError:
        return False
