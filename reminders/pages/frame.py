"""What the frame around every page shows."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import cached_property
from typing import Any, NamedTuple

from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import Promise, SimpleLazyObject
from django.utils.text import capfirst
from django.utils.translation import gettext as _
from django.utils.translation import gettext_lazy

from contacts.models import Location
from contacts.templatetags.display import clock, day_and_clock
from reminders.deciding.sending_mode import leaves_this_machine, mode_of
from reminders.health.diagnosis import Standstill, StoppedPart, find_standstill
from reminders.health.heartbeats import (
    AHEAD_ALLOWED,
    COUNTING,
    DISPATCH,
    EVENTS,
    NEVER,
    PLANNING,
    RECONCILIATION,
    find_age,
    read_heartbeat_clock,
)
from reminders.models import Campaign, SendingSwitch
from reminders.pages.frame_rows import RailCounts, read_frame_rows
from reminders.pages.pause_banner import PartPause, Pause, describe_part_pause, describe_pause
from reminders.pages.rail import RAIL, list_places
from reminders.rules.modes import SendingMode


class StoppedWords(NamedTuple):
    """What staff read when a sweep is stale. A cause says nothing to them."""

    since: Promise | str
    never: Promise | str  # it has never run
    clock_set_back: Promise | str  # it last ran at a moment that lies ahead, so no moment can be named


STOPPED: dict[str, StoppedWords] = {
    DISPATCH: StoppedWords(
        gettext_lazy("Calls have stopped since %(time)s."),
        gettext_lazy("Calls have not started yet."),
        gettext_lazy("Calls have stopped since the server's clock was set back."),
    ),
    PLANNING: StoppedWords(
        gettext_lazy("No reminders have been planned since %(time)s."),
        gettext_lazy("No reminders have been planned yet."),
        gettext_lazy("No reminders have been planned since the server's clock was set back."),
    ),
    RECONCILIATION: StoppedWords(
        gettext_lazy("Missing call results have not been looked for since %(time)s."),
        gettext_lazy("Missing call results have not been looked for yet."),
        gettext_lazy("Missing call results have not been looked for since the server's clock was set back."),
    ),
    EVENTS: StoppedWords(
        gettext_lazy("Some answers of patients have not been recorded since %(time)s."),
        gettext_lazy("Some answers of patients have not been recorded yet."),
        gettext_lazy(
            "Some answers of patients have not been recorded since the server's clock was set back."
        ),
    ),
}


@dataclass(frozen=True)
class Frame:
    """`today` and `stopped_at` are by the clock of the first location. `is_real`: Robotalker's address is.

    `sweep_age`: time since dispatch last ran, by the database's clock, None if never. `standstill`: why a
    sweep is stale, None if none is. `stopped_sweep`: the stale sweep that matters most to staff, `stopped_at`
    when it last ran, and `clock_set_back` whether that lies ahead. `failures`: requests to Robotalker in
    a row that failed; `waits_until`: until when it asked to slow down, None if that is over. `counted_at`:
    when the counts of reports were last brought up to date, by the clock of the first location. `counts`: the
    numbers in the menu. `clock`: the database's time when it was read (aware), None in an empty database.
    `stopped`: campaigns that somebody paused and said why; `people`: who paused anything, by id.
    `sent_on_trial`: how many calls and texts the last 24 hours of a trial had.
    """

    today: date
    locations: Sequence[Location]
    switch: SendingSwitch
    counts: RailCounts
    mode: SendingMode
    is_real: bool
    sweep_age: timedelta | None
    standstill: Standstill | None
    stopped_sweep: str
    stopped_at: datetime | None
    clock_set_back: bool
    pause: Pause | None
    counted_at: datetime | None
    failures: int
    waits_until: datetime | None
    clock: datetime | None = None
    stopped: Sequence[Campaign] = ()
    people: Mapping[int, User] = field(default_factory=dict)
    sent_on_trial: int = 0

    @cached_property
    def paused_locations(self) -> list[PartPause]:
        """The locations for which nothing is sent."""
        return self._describe(self.locations)

    @cached_property
    def campaigns(self) -> list[Campaign]:
        """All of them, by name; queried only where they are shown."""
        return list(Campaign.objects.all())

    @cached_property
    def paused_campaigns(self) -> list[PartPause]:
        """The campaigns that somebody paused and said why."""
        return self._describe(self.stopped)

    def _describe(self, parts: Iterable[Location | Campaign]) -> list[PartPause]:
        zone = self.locations[0].zone if self.locations else None
        found = (describe_part_pause(one, zone, self.people.get(one.paused_by_id or 0)) for one in parts)
        return [pause for pause in found if pause]

    @property
    def sweep_is_stale(self) -> bool:
        return self.standstill is not None

    @property
    def sweep_words(self) -> str:
        """Such as "calls checked 6 s ago", or "Calls have stopped since 11:16. Tell your administrator."."""
        if self.standstill is None:
            seconds = max(int(self.sweep_age.total_seconds()), 0) if self.sweep_age else 0
            if seconds < 60:
                return _("calls checked %(count)d s ago") % {"count": seconds}
            return _("calls checked %(count)d min ago") % {"count": seconds // 60}
        return _("%(stopped)s Tell your administrator.") % {"stopped": self.stopped_words}

    @property
    def stopped_words(self) -> str:
        """What has stopped, such as "Calls have stopped since 11:16."; "" while nothing has."""
        if self.standstill is None:
            return ""
        if self.standstill.part == StoppedPart.DISK:
            return _("The server's disk is full: nothing new can be saved, and no calls go out.")
        words = STOPPED[self.stopped_sweep]
        if self.clock_set_back:
            return str(words.clock_set_back)
        return str(words.since) % {"time": self._stopped_time} if self.stopped_at else str(words.never)

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
    rail = SimpleLazyObject(lambda: list_places(RAIL, request.user))
    locations = getattr(request, "known_locations", None)  # of the admin's pages
    return {"frame": SimpleLazyObject(lambda: read_frame(locations)), "rail": rail}


def read_frame(locations: Sequence[Location] | None = None) -> Frame:
    """Read the frame: one query, one more for the locations where they weren't read already, and a ping to
    Redis when a sweep is stale.
    """
    now = timezone.now()
    if locations is None:
        locations = list(Location.objects.all())
    switch, beats, counts, clock, stopped_campaigns, people, sent_on_trial = read_frame_rows()
    zone = locations[0].zone if locations else None
    read_at = read_heartbeat_clock(beats, otherwise=now)
    standstill = find_standstill(beats, read_at)
    stopped = standstill.sweeps[0] if standstill and standstill.sweeps else DISPATCH
    has_run = stopped in beats and beats[stopped].at != NEVER
    stopped_at = beats[stopped].at.astimezone(zone) if standstill and has_run else None
    gate = switch.gate_until
    return Frame(
        today=now.astimezone(zone).date(),
        locations=locations,
        switch=switch,
        counts=counts,
        mode=mode_of(switch),
        is_real=leaves_this_machine(),
        sweep_age=find_age(beats, DISPATCH, read_at),
        standstill=standstill,
        stopped_sweep=stopped,
        stopped_at=stopped_at,
        clock_set_back=stopped_at is not None and stopped_at > read_at + AHEAD_ALLOWED,
        pause=describe_pause(switch, now, zone, people.get(switch.by_id or 0)),
        counted_at=beats[COUNTING].at.astimezone(zone) if COUNTING in beats else None,
        failures=switch.failures,
        waits_until=gate.astimezone(zone) if gate and gate > now else None,
        clock=clock,
        stopped=stopped_campaigns,
        people=people,
        sent_on_trial=sent_on_trial,
    )
