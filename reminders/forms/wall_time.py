"""Reading a wall-clock time as a moment, on the two days a year when that isn't plain."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _


class NoSuchTime(ValueError):
    """Clocks jump over this time on that day."""


class TimeComesTwice(ValueError):
    """Clocks show this time twice on that day, and nobody said which is meant."""


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
    """A time as people type it: 9:30, 14:05, 930, 2pm, 2:05 pm."""

    default_error_messages = {"invalid": _("Write the time like 9:30 or 14:05.")}

    def __init__(self, **options: object) -> None:
        formats = ["%H:%M", "%H:%M:%S", "%H.%M", "%I:%M %p", "%I:%M%p", "%I %p", "%I%p", "%H%M", "%H"]
        super().__init__(input_formats=formats, **options)  # type: ignore[arg-type]

    def to_python(self, value: object) -> time | None:
        # 930 means half past nine; read as it stands it would be 93 o'clock
        text = str(value).strip() if value is not None else ""
        padded = text.zfill(4) if text.isdigit() and len(text) == 3 else text
        found: time | None = super().to_python(padded or None)
        return found
