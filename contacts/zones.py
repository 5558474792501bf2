"""Which names of time zones may be entered or imported. Pure."""

import re
import zoneinfo
from functools import cache

from babel.core import get_global

AREA = re.compile(r"(Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Europe|Indian|Pacific)/")


def is_zone_name(name: str) -> bool:
    """Whether `name` is an IANA time zone, such as America/New_York."""
    return name in _list_names()


def find_zone(name: str) -> zoneinfo.ZoneInfo | None:
    """Return the time zone of a name, such as America/New_York or UTC; None if it isn't one."""
    return zoneinfo.ZoneInfo(name) if is_zone_name(name) else None


def list_zones_of(country: str) -> list[str]:
    """The time zones of a country (ISO 3166), by name; empty if none is known."""
    territories = get_global("zone_territories")
    named = (zone for zone in zoneinfo.available_timezones() if AREA.match(zone))
    return sorted(zone for zone in named if territories.get(zone) == country)


@cache
def _list_names() -> frozenset[str]:
    """All names, read once: a file can state a zone in each of its rows."""
    return frozenset(zoneinfo.available_timezones())
