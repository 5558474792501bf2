"""When a number may be called. Pure: values and `now` in, values out.

The local time of the person called counts, not the location's. If several time zones are possible, a moment
must be allowed in all of them. `next_allowed` always applies an outer limit of 8:00 to 21:00 (the hours of
US telemarketing law, 47 CFR 64.1200(c)(1)), so that no setting and no caller can extend it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from functools import lru_cache
from zoneinfo import ZoneInfo

from reminders.rules.schedule import first_moment_at
from reminders.rules.zones import load_zone

OUTER = (time(8), time(21))
SEARCH_LIMIT = timedelta(days=14)
UNKNOWN_ZONE = "Etc/Unknown"  # what phonenumbers returns when it doesn't know
ONE_DAY = timedelta(days=1)


class ZoneSource(StrEnum):
    """Where the time zones in which a call must be allowed come from."""

    STATED = "stated"  # by the patient
    LOCATION = "location"  # the number could be there, or its zones are unknown
    NUMBER = "number"  # all that the number could be in


@dataclass(frozen=True)
class CallingHours:
    """Local wall times from `opens` (included) to `closes` (excluded), and local dates that are closed.

    Equal times mean never. Raises ValueError for times with a zone, or if `closes` is before `opens`.
    """

    opens: time
    closes: time
    closed_dates: frozenset[date] = frozenset()

    def __post_init__(self) -> None:
        if self.opens.tzinfo or self.closes.tzinfo:
            raise ValueError("Calling hours are plain times of day, without a time zone.")
        if self.closes < self.opens:
            raise ValueError("Calling hours must end after they begin, on the same day.")


def recipient_zones(stated: str, location_zone: str, number_zones: Sequence[str]) -> tuple[ZoneInfo, ...]:
    """The time zones in which a call must be allowed: where the person called may be.

    The zone the person stated ("" if none); else the location's, if the number could be there or its zones
    are unknown; else all zones of the number. `number_zones` are those of phonenumbers, with or without
    "Etc/Unknown". Raises ValueError for a name that isn't a time zone.
    """
    return _choose_zones(stated, location_zone, tuple(number_zones))


def find_zone_source(stated: str, location_zone: str, number_zones: Sequence[str]) -> ZoneSource:
    """Which of its arguments recipient_zones() goes by."""
    if stated:
        return ZoneSource.STATED
    known = [name for name in number_zones if name != UNKNOWN_ZONE]
    return ZoneSource.LOCATION if not known or location_zone in known else ZoneSource.NUMBER


def next_allowed(now: datetime, hours: CallingHours, zones: Sequence[ZoneInfo]) -> datetime | None:
    """The first moment from `now` (aware) on that is allowed in every zone, as aware UTC.

    None if there is none within 14 days: the zones' hours don't overlap, or all days are closed.
    Raises ValueError for a naive `now` or an empty `zones`.
    """
    if now.utcoffset() is None:
        raise ValueError("`now` needs a time zone: give an aware datetime.")
    if not zones:
        raise ValueError("There is no time zone. Use recipient_zones(), which always returns one.")
    moment = now.astimezone(UTC)
    last = moment + SEARCH_LIMIT
    while moment <= last:
        # Before the latest opening of all zones, no moment is allowed in all of them.
        latest = max(_next_opening(moment, hours, zone) for zone in zones)
        if latest == moment:
            return moment
        moment = latest
    return None


def is_same_stretch(first: datetime, later: datetime, hours: CallingHours, zones: Sequence[ZoneInfo]) -> bool:
    """Whether both (aware) are allowed in every zone, with no end of calling hours between them."""
    is_allowed = all(next_allowed(moment, hours, zones) == moment for moment in (first, later))
    return is_allowed and later < allowed_until(first, hours, zones)


def allowed_until(moment: datetime, hours: CallingHours, zones: Sequence[ZoneInfo]) -> datetime:
    """Until when (excluded, aware UTC) calls stay allowed without a break from an allowed `moment` on.

    So next_allowed() gives back every moment from `moment` until then.
    """
    closes = min(hours.closes, OUTER[1])
    return min(
        first_moment_at(datetime.combine(moment.astimezone(zone).date(), closes), zone) for zone in zones
    )


def last_allowed(
    moment: datetime, hours: CallingHours, zones: Sequence[ZoneInfo], room: timedelta
) -> datetime | None:
    """The last moment up to `moment` (aware) with `room` left before the hours end in every zone, as UTC.

    `room` is more than zero. Where a day's hours are shorter than that, it is their beginning. None if there
    is none within the 14 days before, as for next_allowed().
    """
    if moment.utcoffset() is None:
        raise ValueError("`moment` needs a time zone: give an aware datetime.")
    if not zones or room <= timedelta(0):
        raise ValueError("Give at least one time zone, and room of more than zero.")
    opens, closes = max(hours.opens, OUTER[0]), min(hours.closes, OUTER[1])
    if opens >= closes:
        return None
    shortened = (datetime.combine(date.min + ONE_DAY, closes) - room).time() if room < ONE_DAY else opens
    end = shortened if opens < shortened < closes else opens
    found = moment.astimezone(UTC)
    first = found - SEARCH_LIMIT
    while found >= first:
        # After the earliest end of all zones, no moment is allowed in all of them.
        earliest = min(_last_before_end(found, opens, end, hours.closed_dates, zone) for zone in zones)
        if earliest == found:
            return found
        found = earliest
    return None


def _last_before_end(
    moment: datetime, opens: time, end: time, closed: frozenset[date], zone: ZoneInfo
) -> datetime:
    """`moment` itself if it is from `opens` to `end` in this zone, else the zone's last `end` before it."""
    local = moment.astimezone(zone)
    day, clock = local.date(), local.time()
    if opens <= clock <= end and day not in closed:
        return moment
    if clock <= end:
        day -= ONE_DAY
    while day in closed:
        day -= ONE_DAY
    return first_moment_at(datetime.combine(day, end), zone)


def _next_opening(moment: datetime, hours: CallingHours, zone: ZoneInfo) -> datetime:
    """`moment` itself if it is allowed in this zone, else the zone's next opening, as aware UTC.

    Assumes that no zone changes its clock within OUTER; a test checks this against the tz database.
    """
    opens, closes = max(hours.opens, OUTER[0]), min(hours.closes, OUTER[1])
    local = moment.astimezone(zone)
    day, clock = local.date(), local.time()
    if opens <= clock < closes and day not in hours.closed_dates:
        return moment
    if clock >= opens:
        day += ONE_DAY
    while day in hours.closed_dates:
        day += ONE_DAY
    wall = datetime.combine(day, opens)
    first = first_moment_at(wall, zone)
    # If `wall` occurs twice and the first is past, take the second, so that the search always advances.
    return first if first > moment else wall.replace(tzinfo=zone, fold=1).astimezone(UTC)


@lru_cache(maxsize=4096)
def _choose_zones(stated: str, location_zone: str, number_zones: tuple[str, ...]) -> tuple[ZoneInfo, ...]:
    source = find_zone_source(stated, location_zone, number_zones)
    if source == ZoneSource.NUMBER:
        return tuple(load_zone(name) for name in number_zones if name != UNKNOWN_ZONE)
    return (load_zone(stated if source == ZoneSource.STATED else location_zone),)
