"""Signs of life: when each sweep last finished, by the database's clock."""

from datetime import datetime, timedelta

from django.db.models.functions import Now

from reminders.models import Heartbeat

DISPATCH, PLANNING, RECONCILIATION, EVENTS = "dispatch", "planning", "reconciliation", "events"


def beat(name: str, did: str = "") -> None:
    """Say that the sweep `name` has just finished, and in counts what it did."""
    Heartbeat.objects.update_or_create(name=name, defaults={"at": Now(), "did": did[:200]})


def read_heartbeats() -> dict[str, Heartbeat]:
    """All heartbeats by name."""
    return {heartbeat.name: heartbeat for heartbeat in Heartbeat.objects.all()}


def last_sweep_age(now: datetime) -> timedelta | None:
    """How long ago the last dispatch sweep finished; None when there never was one."""
    heartbeat = Heartbeat.objects.filter(name=DISPATCH).first()
    return max(now - heartbeat.at, timedelta(0)) if heartbeat else None
