"""Local days as stretches of time with one distance from UTC each: SQL needs no rules of zones. Pure."""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, time, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from contacts.wall_times import find_moment, read_clock

A_DAY = timedelta(days=1)
A_SECOND = timedelta(seconds=1)
HOUR_SECONDS = 3600


class LocalPeriod(NamedTuple):
    """From `begin` to before `end` (aware UTC) clocks in `zone` are `offset` seconds ahead of UTC."""

    zone: str
    begin: datetime
    end: datetime
    offset: int


def find_days(zone: str, hours: Iterable[int]) -> set[date]:
    """The local days of which a part lies in these hours, which are counted from 1970 in UTC."""
    days: set[date] = set()
    for hour in hours:
        begin = datetime.fromtimestamp(hour * HOUR_SECONDS, UTC)
        days |= {read_clock(moment, zone)[0].date() for moment in (begin, begin + timedelta(minutes=59))}
    return days


def split_days(zone: str, days: Iterable[date]) -> list[LocalPeriod]:
    """The whole of these local days, in as few periods as there are."""
    periods: list[LocalPeriod] = []
    for day in sorted(set(days)):
        for period in _split_day(zone, day):
            last = periods[-1] if periods else None
            if last and (last.end, last.offset) == (period.begin, period.offset):
                periods[-1] = last._replace(end=period.end)
            else:
                periods.append(period)
    return periods


def _split_day(zone: str, day: date) -> Iterator[LocalPeriod]:
    begin = find_moment(datetime.combine(day, time()), zone)
    end = find_moment(datetime.combine(day + A_DAY, time()), zone)
    clock = ZoneInfo(zone)
    while begin < end:
        until, offset = end, _offset(clock, begin)
        if _offset(clock, end - A_SECOND) != offset:
            until = _find_change(clock, begin, end)
        yield LocalPeriod(zone, begin, until, offset)
        begin = until


def _find_change(clock: ZoneInfo, begin: datetime, end: datetime) -> datetime:
    """The first second at which the clocks no longer have the distance that they have at `begin`."""
    same, other = begin, end - A_SECOND
    while other - same > A_SECOND:
        middle = same + (other - same) // 2
        middle -= timedelta(microseconds=middle.microsecond)
        if _offset(clock, middle) == _offset(clock, begin):
            same = middle
        else:
            other = middle
    return other


def _offset(clock: ZoneInfo, moment: datetime) -> int:
    distance = moment.astimezone(clock).utcoffset()
    return int(distance.total_seconds()) if distance is not None else 0
