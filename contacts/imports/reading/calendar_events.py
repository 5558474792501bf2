"""What the events of a calendar say: their properties, occurrences and versions. Pure; knows no Django."""

from collections.abc import Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

from icalendar import Component, vBroken
from icalendar.prop import vDDDLists

from contacts.imports.reading.entry_versions import write_version

OF_SERIES = ("RRULE", "RDATE", "RECURRENCE-ID")
UNKNOWN_ZONE = "X-UNKNOWN-ZONE-HERE"  # a property that is written here
ZONES = available_timezones()
# With dates of other years nothing can be worked out: in another zone they may not exist.
FIRST_YEAR, LAST_YEAR = 1900, 2200
TIMES = (
    "DTSTART", "DTEND", "RECURRENCE-ID", "RDATE", "EXDATE", "DTSTAMP", "LAST-MODIFIED",
)  # fmt: skip
LONGEST_VISIT = timedelta(days=366)


def event_text(event: Component, name: str) -> str:
    """The text of a property; "" if the event has none."""
    value = event.get(name, "")
    return str(value[0] if isinstance(value, list) and value else value).strip()


def event_values(event: Component, name: str) -> list[Any]:
    """The values of a property that may stand several times."""
    value = event.get(name, [])
    return value if isinstance(value, list) else [value]


def event_moment(event: Component, name: str) -> date | None:
    """The date, or date and time, of a property; None if there is none that can be read."""
    value = event.get(name)
    moment = getattr(value, "dt", None) if not isinstance(value, vBroken) else None
    return moment if isinstance(moment, date) else None


def break_absurd_times(event: Component) -> None:
    """Have dates of other centuries count as ones that can't be read."""
    for name in TIMES:
        times = [moment for value in event_values(event, name) for moment in _list_times(value)]
        if not all(FIRST_YEAR <= moment.year <= LAST_YEAR for moment in times):
            event[name] = vBroken("")


def _list_times(value: Any) -> Iterator[date]:
    """The dates of one value of a property, which may be a list, and have periods."""
    for each in getattr(value, "dts", [value]) if not isinstance(value, vBroken) else ():
        moment = getattr(each, "dt", None)
        moments = moment if isinstance(moment, tuple) else (moment,)
        yield from (one for one in moments if isinstance(one, date))


def drop_absurd_end(event: Component) -> None:
    """Drop an end that is before the start, over a year later, or can't be compared with it.

    A series would be expanded from the earlier of both.
    """
    start, end = event_moment(event, "DTSTART"), event_moment(event, "DTEND")
    if not isinstance(start, datetime):
        return
    if end:
        is_alike = isinstance(end, datetime) and bool(end.tzinfo) == bool(start.tzinfo)
        if not (is_alike and _can_last(end - start)):
            del event["DTEND"]
    length = getattr(event.get("DURATION"), "dt", None)
    if isinstance(length, timedelta) and not _can_last(length):
        del event["DURATION"]


def _can_last(length: timedelta) -> bool:
    return timedelta(0) <= length <= LONGEST_VISIT


def event_start(event: Component) -> datetime:
    """When it starts, in UTC; the year 1 if that isn't known."""
    start = event_moment(event, "DTSTART")
    if not isinstance(start, datetime):
        return datetime(1, 1, 1, tzinfo=UTC)
    return start.astimezone(UTC) if start.tzinfo else start.replace(tzinfo=UTC)


def is_of_a_series(event: Component) -> bool:
    """Whether it is a series, or one occurrence of it."""
    return any(name in event for name in OF_SERIES)


def is_cancelled(event: Component) -> bool:
    """Whether its status says so, into which all other ways to say it are written before."""
    return event_text(event, "STATUS") == "CANCELLED"


def find_occurrence(event: Component) -> str:
    """The occurrence that an event is, in UTC: 20270304T143000Z; "" for one that isn't in a series."""
    moment = event_moment(event, "RECURRENCE-ID")
    if not isinstance(moment, datetime):
        return f"{moment:%Y%m%d}" if moment else ""
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}" if moment.tzinfo else f"{moment:%Y%m%dT%H%M%S}"


def compare_version(event: Component) -> tuple[int, str]:
    """Its SEQUENCE and stamp, by which versions in one file are compared."""
    try:
        sequence = int(event.get("SEQUENCE", 0))
    except (ValueError, TypeError):
        sequence = 0
    stamp = event.get("LAST-MODIFIED") or event.get("DTSTAMP")
    return sequence, stamp.to_ical().decode() if stamp is not None and hasattr(stamp, "to_ical") else ""


def describe_version(event: Component, now: datetime) -> str:
    """Its version as a row has it (entry_versions.py)."""
    sequence = compare_version(event)[0] if "SEQUENCE" in event else None
    modified, written = event_moment(event, "LAST-MODIFIED"), event_moment(event, "DTSTAMP")
    of_series = "RRULE" in event or "RDATE" in event
    return write_version(now, sequence=sequence, modified=modified, written=written, of_series=of_series)


def move_to_zone(event: Component, zone: str) -> None:
    """Write times in UTC, or without a zone, in the zone that Google names for the whole calendar.

    What the event calls the zone of its start, where that isn't known, is kept: such times aren't moved.
    """
    event[UNKNOWN_ZONE] = _name_unknown_zone(event, "DTSTART")
    if event[UNKNOWN_ZONE] or zone not in ZONES:
        return
    local = ZoneInfo(zone)
    for name in ("DTSTART", "DTEND", "RECURRENCE-ID"):
        value: Any = event.get(name)
        if event_moment(event, name) and not _name_unknown_zone(event, name):
            value.dt = _place_in(local, value.dt)
    for name in ("RDATE", "EXDATE"):
        if name in event:
            event[name] = [_place_all_in(local, value) for value in event_values(event, name)]


def _place_all_in(local: ZoneInfo, value: Any) -> Any:
    moments = getattr(value, "dts", None) if not isinstance(value, vBroken) else None
    return vDDDLists([_place_in(local, each.dt) for each in moments]) if moments else value


def _place_in(local: ZoneInfo, moment: Any) -> Any:
    """A time in UTC, or without a zone, in that zone; what is none, or has another zone, as it is."""
    if not isinstance(moment, datetime):
        return moment
    if moment.tzinfo is None:
        return moment.replace(tzinfo=local)
    return moment.astimezone(local) if moment.tzname() == "UTC" else moment


def _name_unknown_zone(event: Component, name: str) -> str:
    """What the calendar calls the zone of a time, where that isn't known; "" if it is, or has no name."""
    moment = event_moment(event, name)
    is_floating = isinstance(moment, datetime) and moment.tzinfo is None
    return str(getattr(event.get(name), "params", {}).get("TZID", "")) if is_floating else ""
