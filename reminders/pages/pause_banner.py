"""What the banner says while something is paused: what happened, what Callboard does, what staff can do."""

from dataclasses import dataclass
from datetime import datetime, tzinfo

from django.contrib.auth.models import User
from django.utils.translation import gettext as _

from contacts.models import Location
from contacts.templatetags.display import clock, day
from reminders.models import Campaign, SendingSwitch
from reminders.pages.standings import describe_moment
from reminders.traffic.switch import PROBED, Cause


@dataclass(frozen=True)
class Pause:
    """`ends_by_itself`: Callboard checks Robotalker regularly and ends the pause when it works again."""

    words: str
    ends_by_itself: bool


@dataclass(frozen=True)
class PartPause:
    """A pause of one location or one campaign: its name, and who paused it when and why."""

    name: str
    words: str


def describe_part_pause(part: Location | Campaign, zone: tzinfo | None, who: User | None) -> PartPause | None:
    """The pause of a location or a campaign in words, by the clock of `zone`; None while it isn't paused.

    `who`: whoever paused it.
    """
    if part.paused_at is None:
        return None
    since = part.paused_at.astimezone(zone)
    words = {"who": _name_user(who), "day": day(since), "time": clock(since)}
    said = _("%(who)s paused it on %(day)s at %(time)s.") % words
    return PartPause(part.name, " ".join(filter(None, [said, _quote(part.pause_reason)])))


def _quote(reason: str) -> str:
    return _("The reason: “%(reason)s”.") % {"reason": reason.rstrip(".")} if reason else ""


def describe_pause(
    switch: SendingSwitch, now: datetime, zone: tzinfo | None, who: User | None
) -> Pause | None:
    """The pause in words, by the clock of `zone`; None while sending is on. `who`: whoever paused it."""
    if switch.paused_at is None:
        return None
    since = switch.paused_at.astimezone(zone)
    when = {"day": day(since), "time": clock(since)}
    words = [
        _describe_cause(switch, who) % when,
        _quote(switch.pause_reason),
        _describe_checking(switch, now, zone),
        _describe_options(switch),
    ]
    return Pause(" ".join(filter(None, words)), ends_by_itself=switch.cause in PROBED)


def _describe_cause(switch: SendingSwitch, who: User | None) -> str:
    match switch.cause:
        case Cause.KEY_REFUSED:
            return _("Robotalker refused the API key on %(day)s at %(time)s.")
        case Cause.ROBOTALKER_FAILING:
            return _("Robotalker failed repeatedly, most recently on %(day)s at %(time)s.")
        case Cause.RESTORED:
            return _("The database was restored or moved on %(day)s at %(time)s.")
    # A percent sign in the name must survive the second formatting, which fills in the day and time.
    name = _name_user(who).replace("%", "%%")
    return _("%(who)s paused sending on %%(day)s at %%(time)s.") % {"who": name}


def _describe_checking(switch: SendingSwitch, now: datetime, zone: tzinfo | None) -> str:
    if switch.cause not in PROBED or switch.probe_at is None:
        return ""
    if switch.probe_at <= now:
        return _("Callboard is checking Robotalker now and resumes sending automatically if it works again.")
    return _(
        "Callboard checks Robotalker at %(time)s and resumes sending automatically if it works again."
    ) % {"time": describe_moment(switch.probe_at, zone, now)}


def _describe_options(switch: SendingSwitch) -> str:
    match switch.cause:
        case Cause.KEY_REFUSED:
            return _(
                "No reminder is lost. If the key was changed, ask your administrator to enter the new one."
            )
        case Cause.ROBOTALKER_FAILING:
            return _("Reminders that are due wait. A manager can also resume sending now.")
        case Cause.RESTORED:
            return _(
                "Nothing is sent until a manager checks what was sent since then and presses Resume sending."
            )
    return _("No calls or text messages go out until a manager resumes sending.")


def _name_user(user: User | None) -> str:
    return (user.get_full_name() or user.get_username()) if user else _("An unknown user")
