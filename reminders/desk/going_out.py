"""What a visit's reminders will do, in one sentence: "Will call Thu 10:00 am, text Fri 2:00 pm."."""

from collections.abc import Iterable
from datetime import datetime, timedelta

from django.utils.translation import gettext as _

from contacts.clock_habits import write_clock, write_weekday_and_clock
from contacts.models import Location
from contacts.models.people import Channel
from contacts.templatetags.display import day_and_clock
from reminders.desk.bookings import PlannedMove

AT_ONCE = timedelta(minutes=2)
WITHIN_A_WEEK = timedelta(days=6)  # until then a weekday alone says which day it is


def say_what_goes_out(planned: Iterable[PlannedMove], location: Location, now: datetime) -> str:
    """By the location's clock, in the order in which they go out; "" where nothing does."""
    ahead = sorted((one for one in planned if one.new_due_at), key=lambda one: one.new_due_at or now)
    said = [_say_one(one, location, now) for one in ahead]
    return _("Will %(what)s.") % {"what": ", ".join(said)} if said else ""


def _say_one(one: PlannedMove, location: Location, now: datetime) -> str:
    due = (one.new_due_at or now).astimezone(location.zone)
    if due - now < AT_ONCE:
        return _("text at once") if one.channel == Channel.SMS else _("call at once")
    when = write_weekday_and_clock(due) if due - now < WITHIN_A_WEEK else day_and_clock(due)
    if due.date() == now.astimezone(location.zone).date():
        words = _("text today %(time)s") if one.channel == Channel.SMS else _("call today %(time)s")
        return words % {"time": write_clock(due)}
    words = _("text %(when)s") if one.channel == Channel.SMS else _("call %(when)s")
    return words % {"when": when}
