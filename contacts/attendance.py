"""When it can be recorded whether a patient came: not before the visit's day, or its start. Pure."""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from contacts.models import Appointment
from contacts.templatetags.display import day, day_and_clock

Status = Appointment.Status


def may_arrive(visit: Appointment, now: datetime) -> bool:
    """Whether its day has come by its own clock; patients may be early, and may be marked days later."""
    return visit.local_start.date() <= now.astimezone(ZoneInfo(visit.time_zone)).date()


def may_be_missed(visit: Appointment, now: datetime) -> bool:
    """Whether it has begun."""
    return visit.starts_at <= now


def find_attendance_refusal(visit: Appointment, status: str, now: datetime) -> str:
    """Why it can't get this status yet, in a sentence for staff; "" if it can. `now`: aware."""
    if status == Status.ARRIVED and not may_arrive(visit, now):
        words = _("This visit is on %(day)s. It can be marked as arrived from that day on.")
        return words % {"day": day(visit.wall_start)}
    if status == Status.NO_SHOW and not may_be_missed(visit, now):
        words = _("This visit begins on %(when)s. It can be marked as a no-show only after that.")
        return words % {"when": day_and_clock(visit.wall_start)}
    return ""
