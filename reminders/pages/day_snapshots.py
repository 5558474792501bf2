"""The rows of a day for pages that ask again every two seconds: worked out once for all of them.

A hundred open pages ask fifty times a second, mostly about one day. A process works a day out at most once in
SHARED_FOR; who has just changed something, or has seen something newer, gets it as it is now.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from functools import cached_property
from threading import Lock

from django.utils.translation import get_language

from contacts.models import Location
from reminders.deciding.shared_settings import SharedSettings
from reminders.pages.day import Row, read_day_rows
from reminders.pages.day_changes import digest_rows

SHARED_FOR = timedelta(seconds=1.5)
MOST_KEPT = 50  # days and choices of locations; each open page asks about one


@dataclass(frozen=True)
class DaySnapshot:
    """The rows as they were at `at` (aware UTC)."""

    at: datetime
    rows: tuple[Row, ...]

    @cached_property
    def digests(self) -> Mapping[int, str]:
        """What digest_rows() says of the rows."""
        return digest_rows(self.rows)


_kept: dict[tuple[object, ...], DaySnapshot] = {}
_lock = Lock()


def read_snapshot(
    locations: Collection[Location],
    day: date | None,
    now: datetime,
    *,
    newer_than: datetime | None,
    practice: SharedSettings,
) -> DaySnapshot:
    """The day as it was less than SHARED_FOR ago, but not before `newer_than`; None: as it is now."""
    key = (get_language(), day, *sorted(location.pk for location in locations))
    if newer_than and (known := _find(key, now, newer_than)):
        return known
    if not newer_than:
        return _keep(key, DaySnapshot(now, read_day_rows(locations, day, now, practice)))
    with _lock:  # others who ask meanwhile get what this one reads
        known = _find(key, now, newer_than)
        return known or _keep(key, DaySnapshot(now, read_day_rows(locations, day, now, practice)))


def _find(key: tuple[object, ...], now: datetime, newer_than: datetime) -> DaySnapshot | None:
    known = _kept.get(key)
    is_fresh = known is not None and newer_than <= known.at and abs(now - known.at) < SHARED_FOR
    return known if is_fresh else None


def _keep(key: tuple[object, ...], snapshot: DaySnapshot) -> DaySnapshot:
    if len(_kept) >= MOST_KEPT:
        _kept.clear()
    _kept[key] = snapshot
    return snapshot
