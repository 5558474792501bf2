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
from contacts.templatetags.display import clock, day
from reminders.demo.users import LOGINS, PASSWORD
from reminders.heartbeats import last_sweep_age
from reminders.models import FollowUp, SendingSwitch
from reminders.sending import read_switch

# Hosts at which only our own sandbox listens: nothing leaves the machine.
SANDBOX_HOSTS = {"127.0.0.1", "localhost", "::1", "sandbox"}


@dataclass(frozen=True)
class Frame:
    """`today` is by the clock of the first location; `sweep_age` is None when no sweep ever ran."""

    today: date
    locations: list[Location]
    mode: str
    sweep_age: timedelta | None
    switch: SendingSwitch
    worklist_count: int

    @property
    def sweep_is_stale(self) -> bool:
        return self.sweep_age is None or self.sweep_age.total_seconds() > settings.SWEEP_STALE_AFTER

    @property
    def sweep_words(self) -> str:
        """Such as "last sweep 6 s ago"."""
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

    @property
    def pause_words(self) -> str:
        """Who paused it or why, and since when, by the clock of the first location."""
        if self.switch.paused_at is None:
            return ""
        zone = self.locations[0].zone if self.locations else None
        since = self.switch.paused_at.astimezone(zone)
        when = {"day": day(since), "time": clock(since)}
        if self.switch.cause == SendingSwitch.Cause.KEY_REFUSED:
            return (
                _("Robotalker refused the API key on %(day)s at %(time)s. First put the right one in.") % when
            )
        who = (
            (self.switch.by.get_full_name() or self.switch.by.get_username())
            if self.switch.by
            else _("Nobody known")
        )
        return _(
            "%(who)s paused it on %(day)s at %(time)s; no call goes out until it is switched on again."
        ) % {
            "who": who,
            **when,
        }


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
    """The frame as it stands: four queries."""
    now = timezone.now()
    locations = list(Location.objects.all())
    return Frame(
        today=now.astimezone(locations[0].zone if locations else None).date(),
        locations=locations,
        mode=read_mode(),
        sweep_age=last_sweep_age(now),
        switch=read_switch(),
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
