"""What the frame of every page shows."""

from dataclasses import dataclass
from datetime import date, timedelta
from functools import cached_property
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from contacts.models import Location
from reminders.health.diagnosis import Standstill, find_standstill
from reminders.health.heartbeats import DISPATCH, find_age, read_heartbeats
from reminders.models import FollowUp
from reminders.pages.pause_banner import Pause, describe_pause
from reminders.rules.sandbox_hosts import is_sandbox_address
from reminders.traffic.switch import read_switch


@dataclass(frozen=True)
class Frame:
    """`today` is by the clock of the first location; `standstill`, why a sweep is stale, None while none is.

    `sweep_age` is that of dispatch, or of the first sweep that stands still; None when it never ran.
    """

    today: date
    locations: list[Location]
    mode: str
    sweep_age: timedelta | None
    standstill: Standstill | None
    pause: Pause | None

    @cached_property
    def worklist_count(self) -> int:
        """How many entries wait for a person; asked only where it is shown."""
        return FollowUp.objects.exclude(state=FollowUp.State.RESOLVED).count()

    @property
    def sweep_is_stale(self) -> bool:
        return self.standstill is not None

    @property
    def sweep_words(self) -> str:
        """Such as "last sweep 6 s ago", or "last sweep 3 min ago: beat is not running"."""
        if self.standstill is None:
            return self._age_words
        return _("%(age)s: %(why)s") % {"age": self._age_words, "why": self.standstill.words}

    @property
    def _age_words(self) -> str:
        if self.sweep_age is None:
            return _("no sweep yet")
        seconds = int(self.sweep_age.total_seconds())
        for size, words in [
            (86_400, _("last sweep %(count)s d ago")),
            (3_600, _("last sweep %(count)s h ago")),
            (60, _("last sweep %(count)s min ago")),
        ]:
            if seconds >= size:
                return words % {"count": seconds // size}
        return _("last sweep %(count)s s ago") % {"count": seconds}


def frame(request: HttpRequest) -> dict[str, Any]:
    """Lazy, so that the fragments pay nothing for it."""
    del request
    return {"frame": SimpleLazyObject(read_frame)}


def read_frame() -> Frame:
    """The frame as it stands: three queries, and a question to the broker when a sweep is stale."""
    now = timezone.now()
    locations = list(Location.objects.all())
    zone = locations[0].zone if locations else None
    beats = read_heartbeats()
    standstill = find_standstill(beats, now)
    behind = standstill.sweeps if standstill else ()
    return Frame(
        today=now.astimezone(zone).date(),
        locations=locations,
        mode=read_mode(),
        sweep_age=find_age(beats, behind[0] if behind else DISPATCH, now),
        standstill=standstill,
        pause=describe_pause(read_switch(), now, zone),
    )


def read_mode() -> str:
    """ "sandbox" while calls go to a server on this machine, else "live"."""
    return "sandbox" if is_sandbox_address(settings.ROBOTALKER_BASE_URL) else "live"
