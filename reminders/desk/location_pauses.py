"""Pausing one location: nothing is called or texted for its visits, and what waits keeps its place."""

from django.contrib.auth.models import User

from contacts.database.clock import read_database_clock
from contacts.models import Location
from reminders.desk.wake_dispatch import wake_dispatch
from reminders.lifecycle.reminders import recheck_now
from reminders.models import Reminder
from reminders.rules.reasons import Reason


def pause_location(location: Location, *, by: User, reason: str) -> bool:
    """Hold what is due for this location, in all workers at once; False if it was paused already."""
    running = Location.objects.filter(pk=location.pk, paused_at=None)
    paused = running.update(paused_at=read_database_clock(), paused_by=by, pause_reason=reason[:200])
    location.refresh_from_db(fields=["paused_at", "paused_by", "pause_reason"])
    return bool(paused)


def resume_location(location: Location) -> None:
    """End its pause. What fell due in it and is still in time goes out; resuming.py asks before that."""
    paused = Location.objects.filter(pk=location.pk, paused_at__isnull=False)
    paused.update(paused_at=None, paused_by=None, pause_reason="")
    location.refresh_from_db(fields=["paused_at", "paused_by", "pause_reason"])
    held = Reminder.objects.filter(reason=Reason.LOCATION_PAUSED, appointment__location=location)
    recheck_now(held)
    wake_dispatch()
