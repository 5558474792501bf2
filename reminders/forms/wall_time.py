"""Converting a wall-clock time to a moment, on the two days a year when the clocks change, too."""

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from contacts.forms.times import TimeOfDay as TimeOfDay  # the field beside what reads its value


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
