"""Signs of life: when each sweep last finished, by the database's clock."""

from datetime import datetime, timedelta

from django.conf import settings
from django.db.models.functions import Now

from reminders.models import Heartbeat

DISPATCH, PLANNING, RECONCILIATION, EVENTS = "dispatch", "planning", "reconciliation", "events"
# A sweep that missed a few of its ticks in a row is stale; dispatch's own limit is a setting.
STALE_AFTER = {
    PLANNING: timedelta(minutes=5),
    RECONCILIATION: timedelta(minutes=3),
    EVENTS: timedelta(minutes=3),
}


def beat(name: str, did: str = "") -> None:
    """Say that the sweep `name` has just finished, and in counts what it did."""
    Heartbeat.objects.update_or_create(name=name, defaults={"at": Now(), "did": did[:200]})


def read_heartbeats() -> dict[str, Heartbeat]:
    """All heartbeats by name."""
    return {heartbeat.name: heartbeat for heartbeat in Heartbeat.objects.all()}


def find_stale(now: datetime) -> dict[str, timedelta | None]:
    """The sweeps that are stale, with the age of each; None for one that never ran."""
    limits = {DISPATCH: timedelta(seconds=settings.SWEEP_STALE_AFTER), **STALE_AFTER}
    beats = read_heartbeats()
    ages = {name: now - beats[name].at if name in beats else None for name in limits}
    return {name: age for name, age in ages.items() if age is None or age > limits[name]}


def last_sweep_age(now: datetime) -> timedelta | None:
    """How long ago the last dispatch sweep finished; None when there never was one."""
    heartbeat = Heartbeat.objects.filter(name=DISPATCH).first()
    return max(now - heartbeat.at, timedelta(0)) if heartbeat else None
