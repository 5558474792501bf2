"""When a number may be dialled. Pure: values and `now` in, values out.

Judged by the clock of the person who is called, not by the location's. Where several zones are
possible, a moment must be allowed in every one of them. 8:00 to 21:00 is an outer limit (the hours of
US telemarketing law, 47 CFR 64.1200(c)(1)) that `next_allowed` applies by itself, so
that no setting and no caller can widen it.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from functools import lru_cache
from zoneinfo import ZoneInfo

from reminders.rules.schedule import first_moment_at
from reminders.rules.zones import load_zone

OUTER = (time(8), time(21))
SEARCH_LIMIT = timedelta(days=14)
UNKNOWN_ZONE = "Etc/Unknown"  # what phonenumbers answers when it can't tell
ONE_DAY = timedelta(days=1)


@dataclass(frozen=True)
class CallingHours:
    """Local wall times from `opens` (allowed) to `closes` (not any more); local dates that are closed.

    Equal times mean never. Raises ValueError for times with a zone, or when `closes` is before `opens`.
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
    """The zones in which a call must be allowed, by the best that is known of where a person is.

    The zone the person stated ("" when none); else the location's, when the number could be there or
    nothing is known of the number; else every zone the number could be in. `number_zones` are those
    of phonenumbers, with or without "Etc/Unknown". Raises ValueError for a name that is no zone.
    """
    return _choose_zones(stated, location_zone, tuple(number_zones))


def next_allowed(now: datetime, hours: CallingHours, zones: Sequence[ZoneInfo]) -> datetime | None:
    """The earliest moment from `now` (aware) on, as aware UTC, that is allowed in every zone.

    None when there is none within 14 days: the zones' hours don't meet, or all days are closed.
    Raises ValueError for a naive `now` and for no zones at all.
    """
    _check(now, zones)
    moment = now.astimezone(UTC)
    last = moment + SEARCH_LIMIT
    while moment <= last:
        # No moment before the latest of the zones' openings can be allowed in all of them.
        latest = max(_next_opening(moment, hours, zone) for zone in zones)
        if latest == moment:
            return moment
        moment = latest
    return None


def _check(now: datetime, zones: Sequence[ZoneInfo]) -> None:
    if now.utcoffset() is None:
        raise ValueError("The moment to judge needs a time zone: give an aware datetime.")
    if not zones:
        raise ValueError("No time zone to judge by. Use recipient_zones(), which always gives one.")


def _next_opening(moment: datetime, hours: CallingHours, zone: ZoneInfo) -> datetime:
    """`moment` itself when allowed in this zone, else when this zone opens next, as aware UTC.

    Takes it that no zone switches its clock within OUTER, which a test holds against the tz database.
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
    return _first_after(moment, datetime.combine(day, opens), zone)


def _first_after(moment: datetime, wall: datetime, zone: ZoneInfo) -> datetime:
    first = first_moment_at(wall, zone)
    # Where `wall` happens twice and the first is over, the second; so that a search always moves on.
    return first if first > moment else wall.replace(tzinfo=zone, fold=1).astimezone(UTC)


@lru_cache(maxsize=4096)
def _choose_zones(stated: str, location_zone: str, number_zones: tuple[str, ...]) -> tuple[ZoneInfo, ...]:
    if stated:
        return (load_zone(stated),)
    known = tuple(name for name in number_zones if name != UNKNOWN_ZONE)
    if not known or location_zone in known:
        return (load_zone(location_zone),)
    return tuple(load_zone(name) for name in known)
