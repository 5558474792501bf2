"""Until when an entry of the worklist can be snoozed by one press. Pure."""

from datetime import datetime, time, timedelta, tzinfo

from django.db import models
from django.utils.translation import gettext_lazy as _

AFTERNOON, MORNING = time(14), time(9)


class SnoozeChoice(models.TextChoices):
    HOUR = "hour", _("in an hour")
    AFTERNOON = "afternoon", _("this afternoon")
    MORNING = "morning", _("tomorrow morning")


def find_snooze_end(choice: SnoozeChoice, now: datetime, zone: tzinfo) -> datetime | None:
    """The moment that a choice means by the clock of a location; None for an afternoon that has begun."""
    here = now.astimezone(zone)
    if choice == SnoozeChoice.HOUR:
        return now + timedelta(hours=1)
    if choice == SnoozeChoice.AFTERNOON:
        afternoon = datetime.combine(here.date(), AFTERNOON, zone)
        return afternoon if here < afternoon else None
    return datetime.combine(here.date() + timedelta(days=1), MORNING, zone)
