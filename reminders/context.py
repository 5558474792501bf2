"""What the frame of every page shows."""

from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.utils import timezone
from django.utils.functional import SimpleLazyObject
from django.utils.translation import gettext as _

from contacts.models import Location
from reminders.demo.users import LOGINS, PASSWORD
from reminders.diagnosis import WORDS, DeadPart, find_dead_part
from reminders.heartbeats import DISPATCH, find_age, pick_stale, read_heartbeats
from reminders.models import FollowUp
from reminders.pauses import Pause, tell_pause
from reminders.sending import read_switch

# Hosts at which only our own sandbox listens: nothing leaves the machine.
SANDBOX_HOSTS = {"127.0.0.1", "localhost", "::1", "sandbox"}


@dataclass(frozen=True)
class Frame:
    """`today` is by the clock of the first location; `sweep_age` is None when no sweep ever ran.

    `dead_part` says why the sweep is stale; None while it isn't.
    """

    today: date
    locations: list[Location]
    mode: str
    sweep_age: timedelta | None
    dead_part: DeadPart | None
    pause: Pause | None
    worklist_count: int

    @property
    def sweep_is_stale(self) -> bool:
        return self.dead_part is not None

    @property
    def sweep_words(self) -> str:
        """Such as "last sweep 6 s ago", or "last sweep 3 min ago: beat is not running"."""
        if self.dead_part is None:
            return self._age_words
        return _("%(age)s: %(why)s") % {"age": self._age_words, "why": WORDS[self.dead_part]}

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


@dataclass(frozen=True)
class DemoLogin:
    """A login of the demo clinic; the login page shows it on a developer's machine only."""

    role: str
    name: str
    password: str


def frame(request: HttpRequest) -> dict[str, Any]:
    """Lazy, so that the admin's pages and the fragments pay nothing for it."""
    del request
    return {"frame": SimpleLazyObject(read_frame), "demo_logins": read_demo_logins}


def read_frame() -> Frame:
    """The frame as it stands: four queries, and a question to the broker when the sweep is stale."""
    now = timezone.now()
    locations = list(Location.objects.all())
    zone = locations[0].zone if locations else None
    beats = read_heartbeats()
    return Frame(
        today=now.astimezone(zone).date(),
        locations=locations,
        mode=read_mode(),
        sweep_age=find_age(beats, DISPATCH, now),
        dead_part=find_dead_part(beats, now) if DISPATCH in pick_stale(beats, now) else None,
        pause=tell_pause(read_switch(), now, zone),
        worklist_count=FollowUp.objects.exclude(state=FollowUp.State.RESOLVED).count(),
    )


def read_mode() -> str:
    """ "sandbox" while calls go to a server on this machine, else "live"."""
    host = urlsplit(settings.ROBOTALKER_BASE_URL).hostname
    return "sandbox" if host in SANDBOX_HOSTS else "live"


def read_demo_logins() -> list[DemoLogin]:
    """The demo clinic's logins; none unless this is a developer's machine with the demo on it."""
    if not settings.DEBUG:
        return []
    names = {login.username for login in LOGINS}
    there = set(User.objects.filter(username__in=names).values_list("username", flat=True))
    return [
        DemoLogin(login.group, login.username, PASSWORD)
        for login in LOGINS
        if "frontdesk" in there and login.username in there
    ]
