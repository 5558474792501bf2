"""Which names of time zones may be entered or imported. Pure."""

import zoneinfo


def is_zone_name(name: str) -> bool:
    """Whether `name` is an IANA time zone, such as America/New_York."""
    return name in zoneinfo.available_timezones()
