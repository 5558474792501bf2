"""The rows of a day, worked out anew only when something that they are made of has changed, or the time has.

A hundred open pages ask fifty times a second, mostly about one day, and mostly nothing has changed. A process
asks the database at most once in SHARED_FOR whether it has; who has just changed something, or has seen
something newer, gets the day as it is now.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from functools import cached_property
from threading import Lock

from django.utils.translation import get_language

from contacts.models import Location
from reminders.deciding.shared_settings import SharedSettings
from reminders.pages.day import Row, read_day_rows
from reminders.pages.day_changes import digest_rows
from reminders.pages.day_versions import read_day_version

SHARED_FOR = timedelta(seconds=1.5)
STRETCH = 10  # seconds, in which the words that depend on the time stay as they are at its beginning
MOST_KEPT = 50  # days and choices of locations; each open page asks about one


@dataclass
class DaySnapshot:
    """The rows as they were still found to be at `at`, with words as of `moment` (both aware UTC)."""

    at: datetime
    moment: datetime
    version: tuple[object, ...]
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
    if newer_than is None:
        return _read_present(key, locations, day, now, practice)
    if known := _find_shared(key, now, newer_than):
        return known
    with _lock:  # others who ask meanwhile get what this one reads
        known = _find_shared(key, now, newer_than)
        return known or _read_present(key, locations, day, now, practice)


def _find_shared(key: tuple[object, ...], now: datetime, newer_than: datetime) -> DaySnapshot | None:
    known = _kept.get(key)
    is_fresh = known is not None and newer_than <= known.at and abs(now - known.at) < SHARED_FOR
    return known if is_fresh else None


def _read_present(
    key: tuple[object, ...],
    locations: Collection[Location],
    day: date | None,
    now: datetime,
    practice: SharedSettings,
) -> DaySnapshot:
    """What is kept, if it still holds. The version is read first: a change meanwhile is seen the next time.

    All processes tell the time by the same stretch, so that no word comes and goes on a page that asks now
    one of them, now another.
    """
    moment = datetime.fromtimestamp(now.timestamp() // STRETCH * STRETCH, UTC)
    version = (moment, practice.version, *read_day_version(locations, day, moment, practice.config))
    known = _kept.get(key)
    if known and known.version == version:
        known.at = max(known.at, now)
        return known
    if len(_kept) >= MOST_KEPT:
        _kept.clear()
    fresh = DaySnapshot(now, moment, version, read_day_rows(locations, day, moment, practice))
    _kept[key] = fresh
    return fresh
