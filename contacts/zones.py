"""Which names of time zones may be entered or imported. Pure."""

import re
import zoneinfo

from babel.core import get_global

AREA = re.compile(r"(Africa|America|Antarctica|Arctic|Asia|Atlantic|Australia|Europe|Indian|Pacific)/")


def is_zone_name(name: str) -> bool:
    """Whether `name` is an IANA time zone, such as America/New_York."""
    return name in zoneinfo.available_timezones()


def list_zones_of(country: str) -> list[str]:
    """The time zones of a country (ISO 3166), by name; empty if none is known."""
    territories = get_global("zone_territories")
    named = (zone for zone in zoneinfo.available_timezones() if AREA.match(zone))
    return sorted(zone for zone in named if territories.get(zone) == country)
