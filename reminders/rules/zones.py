"""Time zones by name. A name that is no zone holds a call that depends on it; elsewhere UTC stands in."""

from zoneinfo import ZoneInfo


def load_zone(name: str) -> ZoneInfo:
    """The zone of that name. Raises ValueError for a name that is no zone."""
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as error:  # unknown, malformed, or a folder of the tz database
        raise ValueError(f"{name!r} isn't a time zone. Use a name such as America/New_York.") from error


def zone_or_utc(name: str) -> ZoneInfo:
    """The zone of that name; UTC if no zone has that name, so that one wrong name does not stop a batch."""
    try:
        return load_zone(name)
    except ValueError:
        return ZoneInfo("UTC")
