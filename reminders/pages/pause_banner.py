"""What the banner says while sending is paused: what happened, what Callboard does, what a person may do."""

from dataclasses import dataclass
from datetime import datetime, tzinfo

from django.utils.translation import gettext as _

from contacts.templatetags.display import clock, day
from reminders.models import SendingSwitch
from reminders.traffic.switch import PROBED, Cause


@dataclass(frozen=True)
class Pause:
    """`ends_by_itself`: Robotalker is asked again and again, and a good answer ends the pause."""

    words: str
    ends_by_itself: bool


def describe_pause(switch: SendingSwitch, now: datetime, zone: tzinfo | None) -> Pause | None:
    """The pause in words, by the clock of `zone`; None while sending is on."""
    if switch.paused_at is None:
        return None
    since = switch.paused_at.astimezone(zone)
    when = {"day": day(since), "time": clock(since)}
    words = [
        _say_what_happened(switch) % when,
        _say_what_is_done(switch, now, zone),
        _say_what_one_may_do(switch),
    ]
    return Pause(" ".join(filter(None, words)), ends_by_itself=switch.cause in PROBED)


def _say_what_happened(switch: SendingSwitch) -> str:
    match switch.cause:
        case Cause.KEY_REFUSED:
            return _("Robotalker refused the API key on %(day)s at %(time)s.")
        case Cause.ROBOTALKER_FAILING:
            return _("Robotalker failed again and again, the last time on %(day)s at %(time)s.")
        case Cause.RESTORED:
            return _("The database was restored or moved on %(day)s at %(time)s.")
    # The name's own percent signs must survive the times' being put in.
    return _("%(who)s paused it on %%(day)s at %%(time)s.") % {"who": _name(switch).replace("%", "%%")}


def _say_what_is_done(switch: SendingSwitch, now: datetime, zone: tzinfo | None) -> str:
    if switch.cause not in PROBED or switch.probe_at is None:
        return ""
    if switch.probe_at <= now:
        return _("Callboard is asking it again just now, and goes on by itself when all is well.")
    return _("Callboard asks it again at %(time)s, and goes on by itself when all is well.") % {
        "time": clock(switch.probe_at.astimezone(zone))
    }


def _say_what_one_may_do(switch: SendingSwitch) -> str:
    match switch.cause:
        case Cause.KEY_REFUSED:
            return _(
                "No reminder is lost. If the key was changed, whoever runs Callboard puts the right one in."
            )
        case Cause.ROBOTALKER_FAILING:
            return _("What is due waits. You may also send again now.")
        case Cause.RESTORED:
            return _("Nothing is sent until somebody looks at what was sent since, and presses Send again.")
    return _("No call goes out until it is switched on again.")


def _name(switch: SendingSwitch) -> str:
    if switch.by is None:
        return _("Nobody known")
    return switch.by.get_full_name() or switch.by.get_username()
