"""Converting a wall-clock time to a moment, on the two days a year when the clocks change, too."""

import re
from datetime import UTC, datetime, time
from typing import Any
from zoneinfo import ZoneInfo

from django import forms
from django.conf import settings
from django.utils.translation import gettext_lazy as _

from contacts.clock_habits import has_12_hour_clock
from reminders.desk.booking_questions import is_usual

OF_12_HOURS = re.compile(r"(?:1[0-2]|[1-9])(?:[:.][0-5]?\d)?")
ALL_DIGITS = re.compile(r"^(\d{1,2})(\d\d)(?=$| )")
HALF = re.compile(r"(?<=\d)\s*([ap])\.?\s?(?:m\.?)?", re.IGNORECASE)


class NoSuchTime(ValueError):
    """The clocks skip this time on that day."""


class TimeComesTwice(ValueError):
    """The clocks show this time twice on that day, and `which` was not given."""


def read_wall_time(wall: datetime, zone: ZoneInfo, *, which: str = "") -> datetime:
    """The moment (aware UTC) at which clocks in `zone` show `wall` (naive).

    `which` is "first" or "second", for a time that comes twice. Raises NoSuchTime and TimeComesTwice.
    """
    first, second = (wall.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if first.astimezone(zone).replace(tzinfo=None) != wall:
        raise NoSuchTime
    if first != second and which not in ("first", "second"):
        raise TimeComesTwice
    return second if which == "second" else first


class TimeOfDay(forms.TimeField):
    """A time as people type it: 9:30, 14:05, 930, 2pm, 2:05 pm (product rule 55).

    Where people write 2:05 pm, "3:00" is the one of the two times that is within usual hours.
    """

    default_error_messages = {"invalid": _("Enter the time like 9:30 or 14:05.")}

    def __init__(self, **options: object) -> None:
        formats = ["%I:%M %p", "%I.%M %p", "%I %p", "%H:%M:%S", "%H:%M", "%H.%M", "%H"]
        super().__init__(input_formats=formats, **options)  # type: ignore[arg-type]

    def to_python(self, value: object) -> time | None:
        text = str(value).strip() if value is not None else ""
        text = HALF.sub(r" \1m", text)  # "3 p.m." and "3p" are 3 pm
        text = ALL_DIGITS.sub(r"\1:\2", text)  # 930 and 1430
        is_of_12_hours = has_12_hour_clock(settings.PHONE_REGION) and OF_12_HOURS.fullmatch(text)
        found: time | None = super().to_python(text or None)
        return _choose_half(found) if found is not None and is_of_12_hours else found

    def prepare_value(self, value: Any) -> Any:
        """A time as the country writes it, so that it is read as the same time again."""
        return write_time(value) if isinstance(value, time) else value


def write_time(value: time) -> str:
    """As the country types it: 2:05 pm, or 14:05."""
    if not has_12_hour_clock(settings.PHONE_REGION):
        return f"{value.hour}:{value.minute:02}"
    return f"{value.hour % 12 or 12}:{value.minute:02} {'pm' if value.hour >= 12 else 'am'}"


def _choose_half(found: time) -> time:
    """Of the two times that a clock of 12 hours shows so, the one within usual hours."""
    halves = [found.replace(hour=found.hour % 12 + add) for add in (0, 12)]
    return next(half for half in halves if is_usual(half))
