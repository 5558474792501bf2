"""When a list that usually comes is overdue. Pure: no database.

An export that stopped causes no error anywhere, so the time since the last list is all there is to notice it
by.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta, tzinfo
from itertools import pairwise
from statistics import median

FEWEST = 3  # lists, before anything can be said about when they come
KEPT = 15  # arrivals
DAY = timedelta(days=1)
WEEKEND = frozenset([5, 6])  # as date.weekday() counts


def add_arrival(arrivals: Sequence[datetime], at: datetime, zone: tzinfo) -> list[datetime]:
    """The arrivals with a new one. Of those of one local day the last is kept, so that intervals are days."""
    day = at.astimezone(zone).date()
    return [*(each for each in arrivals if each.astimezone(zone).date() != day), at][-KEPT:]


def is_overdue(arrivals: Sequence[datetime], now: datetime, zone: tzinfo) -> bool:
    """Whether the last list is older than twice the usual interval, and at least two days old.

    Saturdays and Sundays count only where a list has come on one. `arrivals`: see add_arrival().
    """
    if len(arrivals) < FEWEST:
        return False
    silent = WEEKEND - {each.astimezone(zone).weekday() for each in arrivals}
    gaps = [_measure(one, other, zone, silent) for one, other in pairwise(arrivals)]
    usual = max(timedelta(seconds=median(gap.total_seconds() for gap in gaps)), DAY)
    return _measure(arrivals[-1], now, zone, silent) > 2 * usual


def _measure(start: datetime, end: datetime, zone: tzinfo, silent: frozenset[int]) -> timedelta:
    """The time between, without the weekdays that don't count."""
    length = end - start
    day = start.astimezone(zone).date()
    while day <= end.astimezone(zone).date():
        begins = datetime(day.year, day.month, day.day, tzinfo=zone)
        if day.weekday() in silent:
            length -= max(min(end, begins + DAY) - max(start, begins), timedelta())
        day += DAY
    return length
