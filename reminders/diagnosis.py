"""When nothing is sent: which part is dead, in words, as far as it can be told."""

from datetime import datetime
from enum import StrEnum

from django.utils.translation import gettext_lazy as _
from redis import RedisError

from reminders import heartbeats
from reminders.broker import connect_briefly

ASK_WITHIN = 0.5  # seconds: a page waits for it


class DeadPart(StrEnum):
    """What keeps the sweeps from running; the first of these that is so."""

    BROKER = "broker"
    BEAT = "beat"
    WORKERS = "workers"
    NOT_TOLD = "not told"


WORDS = {
    DeadPart.BROKER: _("Redis does not answer"),
    DeadPart.BEAT: _("beat is not running"),
    DeadPart.WORKERS: _("no worker for sending is running"),
    DeadPart.NOT_TOLD: _("the workers are running, but get nothing done: see their logs"),
}


def find_dead_part(beats: heartbeats.Heartbeats, now: datetime) -> DeadPart:
    """Why dispatch is stale. Asks the broker; the rest is told by the heartbeats."""
    if not broker_answers():
        return DeadPart.BROKER
    if heartbeats.BEAT in heartbeats.pick_stale(beats, now):
        return DeadPart.BEAT
    if heartbeats.DISPATCH_QUEUE not in heartbeats.find_served_queues(beats, now):
        return DeadPart.WORKERS
    return DeadPart.NOT_TOLD


def broker_answers() -> bool:
    """Whether Redis answers, within a second."""
    try:
        with connect_briefly(ASK_WITHIN) as broker:
            return bool(broker.ping())
    except RedisError:
        return False
