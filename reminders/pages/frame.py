"""What the frame around every page shows."""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any

from django.conf import settings
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.models import Location
from contacts.templatetags.display import clock, day_and_clock
from reminders.health.diagnosis import Standstill, find_standstill
from reminders.health.heartbeats import (
    DISPATCH,
    EVENTS,
    PLANNING,
    RECONCILIATION,
    find_age,
    read_heartbeats,
)
from reminders.pages.pause_banner import Pause, describe_pause
from reminders.pages.worklist import count_entries
from reminders.rules.sandbox_hosts import is_sandbox_address
from reminders.traffic.switch import read_switch

# What staff read when a sweep is stale: since when, and when it has never run. A cause says nothing to them.
STOPPED: dict[str, tuple[Promise | str, Promise | str]] = {
    DISPATCH: (
        gettext_lazy("Calls have stopped since %(time)s."),
        gettext_lazy("Calls have not started yet."),
    ),
    PLANNING: (
        gettext_lazy("No reminders have been planned since %(time)s."),
        gettext_lazy("No reminders have been planned yet."),
    ),
    RECONCILIATION: (
        gettext_lazy("Missing call results have not been looked for since %(time)s."),
        gettext_lazy("Missing call results have not been looked for yet."),
    ),
    EVENTS: (
        gettext_lazy("Some answers of patients have not been recorded since %(time)s."),
        gettext_lazy("Some answers of patients have not been recorded yet."),
    ),
}


@dataclass(frozen=True)
class Frame:
    """`today` and `stopped_at` are by the clock of the first location.

    `sweep_age`: time since dispatch last ran, None if never. `standstill`: why a sweep is stale, None if none
    is. `stopped_sweep`: the stale sweep that matters most to staff, and `stopped_at` when it last ran.
    """

    today: date
    locations: list[Location]
    mode: str
    sweep_age: timedelta | None
    standstill: Standstill | None
    stopped_sweep: str
    stopped_at: datetime | None
    pause: Pause | None

    @cached_property
    def worklist_count(self) -> int:
        """The number of entries on the worklist; queried only where it is shown."""
        return count_entries()

    @property
    def sweep_is_stale(self) -> bool:
        return self.standstill is not None

    @property
    def sweep_words(self) -> str:
        """Such as "calls checked 6 s ago", or "Calls have stopped since 11:16. Tell your administrator."."""
        if self.standstill is None:
            seconds = int(self.sweep_age.total_seconds()) if self.sweep_age else 0
            if seconds < 60:
                return _("calls checked %(count)d s ago") % {"count": seconds}
            return _("calls checked %(count)d min ago") % {"count": seconds // 60}
        return _("%(stopped)s Tell your administrator.") % {"stopped": self.stopped_words}

    @property
    def stopped_words(self) -> str:
        """What has stopped, such as "Calls have stopped since 11:16."; "" while nothing has."""
        if self.standstill is None:
            return ""
        since, never = STOPPED[self.stopped_sweep]
        return str(since) % {"time": self._stopped_time} if self.stopped_at else str(never)

    @property
    def cause_words(self) -> str:
        """Why a sweep is stale, for administrators: "Beat is not running."; "" while none is."""
        return f"{capfirst(self.standstill.words)}." if self.standstill else ""

    @property
    def _stopped_time(self) -> str:
        if self.stopped_at is None:
            return ""
        is_today = self.stopped_at.date() == self.today
        return clock(self.stopped_at) if is_today else day_and_clock(self.stopped_at)


def frame(request: HttpRequest) -> dict[str, Any]:
    """The context processor. Lazy, so that pages without a frame run no queries for it."""
    del request
    return {"frame": SimpleLazyObject(read_frame)}


def read_frame() -> Frame:
    """Read the frame: three queries, and a ping to Redis when a sweep is stale."""
    now = timezone.now()
    locations = list(Location.objects.all())
    zone = locations[0].zone if locations else None
    beats = read_heartbeats()
    standstill = find_standstill(beats, now)
    stopped = standstill.sweeps[0] if standstill and standstill.sweeps else DISPATCH
    stopped_at = beats[stopped].at.astimezone(zone) if standstill and stopped in beats else None
    return Frame(
        today=now.astimezone(zone).date(),
        locations=locations,
        mode=read_mode(),
        sweep_age=find_age(beats, DISPATCH, now),
        standstill=standstill,
        stopped_sweep=stopped,
        stopped_at=stopped_at,
        pause=describe_pause(read_switch(), now, zone),
    )


def read_mode() -> str:
    """ "sandbox" while calls go to a server on this machine, else "live"."""
    return "sandbox" if is_sandbox_address(settings.ROBOTALKER_BASE_URL) else "live"
