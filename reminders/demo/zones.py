"""Chooses a time zone where it is mid-morning. Pure."""

from datetime import datetime, time
from zoneinfo import ZoneInfo

EARLIEST, LATEST = time(10), time(11, 30)

# American zones first, since the demo's numbers are American; then one without clock changes for each hour of
# UTC offset, so that it is always mid-morning in one of them.
ZONES = (
    *("America/New_York", "America/Chicago", "America/Denver", "America/Los_Angeles", "America/Anchorage"),
    *("Pacific/Honolulu", "America/Phoenix", "America/Costa_Rica", "America/Bogota", "America/Puerto_Rico"),
    *("America/Sao_Paulo", "America/Noronha", "Atlantic/Cape_Verde", "Africa/Abidjan", "Africa/Lagos"),
    *("Africa/Johannesburg", "Africa/Nairobi", "Asia/Dubai", "Asia/Karachi", "Asia/Dhaka", "Asia/Bangkok"),
    *("Asia/Singapore", "Asia/Tokyo", "Australia/Brisbane", "Pacific/Guadalcanal", "Pacific/Tarawa"),
    *("Pacific/Pago_Pago", "Pacific/Gambier", "Pacific/Pitcairn"),
)


def choose_zone(now: datetime) -> ZoneInfo:
    """The first of ZONES where it is between 10:00 and 11:30 at `now` (aware). There always is one."""
    return next(zone for zone in map(ZoneInfo, ZONES) if is_mid_morning(now, zone))


def is_mid_morning(now: datetime, zone: ZoneInfo) -> bool:
    return EARLIEST <= now.astimezone(zone).time() < LATEST
