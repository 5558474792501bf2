"""Which names of time zones may be entered or imported. Pure."""

import zoneinfo
from functools import cache


def is_zone_name(name: str) -> bool:
    """Whether `name` is an IANA time zone, such as America/New_York."""
    return name in _list_names()


def find_zone(name: str) -> zoneinfo.ZoneInfo | None:
    """Return the time zone of a name, such as America/New_York or UTC; None if it isn't one."""
    return zoneinfo.ZoneInfo(name) if is_zone_name(name) else None


@cache
def _list_names() -> frozenset[str]:
    """All names, read once: a file can state a zone in each of its rows."""
    return frozenset(zoneinfo.available_timezones())
