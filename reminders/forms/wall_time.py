"""Converting a wall-clock time to a moment, on the two days a year when the clocks change, too."""

from datetime import UTC, datetime, time
from zoneinfo import ZoneInfo

from django import forms
from django.utils.translation import gettext_lazy as _


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
    """A time as people type it: 9:30, 14:05, 930, 2pm, 2:05 pm."""

    default_error_messages = {"invalid": _("Enter the time like 9:30 or 14:05.")}

    def __init__(self, **options: object) -> None:
        formats = ["%H:%M", "%H:%M:%S", "%H.%M", "%I:%M %p", "%I:%M%p", "%I %p", "%I%p", "%H%M", "%H"]
        super().__init__(input_formats=formats, **options)  # type: ignore[arg-type]

    def to_python(self, value: object) -> time | None:
        # 930 means half past nine and 25 nothing; "%H%M" would read them as 93 o'clock and as 2:05
        text = str(value).strip() if value is not None else ""
        padded = text
        if text.isdigit() and len(text) < 4:
            padded = text.zfill(4) if len(text) == 3 else f"{text}00"
        found: time | None = super().to_python(padded or None)
        return found
