"""Appointments of a calendar file (iCalendar, RFC 5545). Runs in the parser process; knows no Django.

Series are expanded by recurring-ical-events between the start of yesterday and 400 days later. Times are the
wall times of the event's own zone, which stands in a column of its own; Windows' names of zones and Google's
X-WR-TIMEZONE are understood by icalendar and x-wr-timezone.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo, available_timezones

import recurring_ical_events
from icalendar import Calendar, Component, vBroken

from contacts.imports.packed_lists import PackedList
from contacts.imports.reading.calendar_people import describe_event, read_description
from contacts.imports.reading.called_off import find_doubt, is_called_off, strip_called_off
from contacts.imports.reading.entry_versions import HEADER as VERSION
from contacts.imports.reading.entry_versions import write_version
from contacts.imports.reading.event_ids import name_event
from contacts.imports.reading.parsed import Budget, ParsedSheet, ParserRefusal
from contacts.imports.reading.time_limits import refuse_after

HEADERS = [
    "appointment id", "patient name", "mobile phone", "date", "time", "start time zone",
    "duration min", "provider", "location", "type", VERSION, "status",
]  # fmt: skip
BACK, AHEAD = timedelta(days=1), timedelta(days=400)
LONGEST_SUBJECT, LONGEST_DESCRIPTION = 1_000, 10_000  # characters that are looked at
# The other methods answer an invitation: nobody has agreed to the time of a COUNTER.
BOOKING_METHODS = frozenset(["", "PUBLISH", "REQUEST", "ADD", "CANCEL"])
TOO_OFTEN = frozenset(["SECONDLY", "MINUTELY", "HOURLY"])
STATUSES = {"CONFIRMED": "confirmed", "TENTATIVE": "pending", "CANCELLED": "cancelled"}
MOST_EVENTS = 100_000
# Seconds of processor time: to parse the file, and to read its events, each; and to expand its series. It is
# three times what a practice's calendar takes. A series that never comes, or with thousands of exceptions,
# takes minutes.
SECONDS, SECONDS_A_MEGABYTE = 3, 2.5
SECONDS_OF_SERIES, SECONDS_A_SERIES, MOST_SECONDS_OF_SERIES = 5, 0.01, 20
SINGLE = (
    "UID", "DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "SEQUENCE", "SUMMARY", "STATUS", "DTSTAMP",
    "LAST-MODIFIED", "LOCATION", "DESCRIPTION", "ORGANIZER",
)  # fmt: skip
NOT_NEEDED = ("DTEND", "DURATION", "SEQUENCE", "DTSTAMP", "LAST-MODIFIED", "LOCATION", "CATEGORIES")
RECURRING = ("RRULE", "RDATE", "EXDATE", "RECURRENCE-ID")
# What a rule that contradicts itself raises within recurring-ical-events and dateutil.
EXPANSION_FAULTS = (
    ValueError,
    TypeError,
    KeyError,
    IndexError,
    AttributeError,
    OverflowError,
    ArithmeticError,
)
ZONES = available_timezones()


def parse_calendar(data: bytes, now: datetime) -> ParsedSheet:
    """Return one row for each appointment within the window, in order of time. `data`: UTF-8; `now`: aware.

    Events that last all day, have no start or recur many times a day are left out with a reason. Raises
    ParserRefusal.
    """
    seconds = SECONDS + SECONDS_A_MEGABYTE * len(data) / 1024**2
    left_out: list[tuple[str, str]] = []
    with refuse_after(seconds, "slow_calendar"):
        calendars = _parse_text(data)
        events, gone = _choose_versions(calendars, left_out)
        gone += _find_called_off_series(events, now)
    for_series = SECONDS_OF_SERIES + SECONDS_A_SERIES * sum(map(_is_of_a_series, events))
    with refuse_after(min(for_series, MOST_SECONDS_OF_SERIES), "slow_series"):
        occurrences = _expand(calendars, events, now, left_out)
    with refuse_after(seconds, "slow_calendar"):
        rows = _read_occurrences(events, occurrences, now)
        sheet = ParsedSheet("", PackedList([(1, HEADERS), *rows]))
        for event in gone:
            version = _describe_version(event, now)
            sheet.rows.append((len(sheet.rows) + 1, _read_event(event, version, in_series=True)))
    after = len(sheet.rows) + 1
    sheet.skipped = [(after + at, text, why) for at, (text, why) in enumerate(left_out)]
    sheet.notes = {"outside_window": _count_outside(events, now)}
    return sheet


def _parse_text(data: bytes) -> list[Calendar]:
    try:
        text = data.decode("utf-8", "replace").lstrip("\ufeff \r\n\t")
        return list(Calendar.from_ical(text, multiple=True))
    except (ValueError, KeyError, IndexError, TypeError):
        raise ParserRefusal("broken_calendar") from None


def _read_occurrences(
    events: Iterable[Component], occurrences: Iterable[Component], now: datetime
) -> Iterator[tuple[int, list[str]]]:
    series = {_text(event, "UID") for event in events if _is_of_a_series(event)}
    # Of the events themselves: the library gives all visits of a series its highest SEQUENCE.
    versions = {(_text(each, "UID"), _recurrence_of(each)): _describe_version(each, now) for each in events}
    budget = Budget()
    for line, event in enumerate(occurrences, 2):
        uid = _text(event, "UID")
        version = versions.get((uid, _recurrence_of(event))) or versions.get((uid, ""), "")
        cells = _read_event(event, version, in_series=uid in series)
        budget.take(cells)
        yield line, cells


def _is_of_a_series(event: Component) -> bool:
    return any(name in event for name in ("RRULE", "RDATE", "RECURRENCE-ID"))


def _choose_versions(
    calendars: Iterable[Calendar], left_out: list[tuple[str, str]]
) -> tuple[list[Component], list[Component]]:
    """Return the newest version of each event that can be an appointment, cancelled if its METHOD says so,
    and the cancelled ones without a start, which are known by their ids only.
    """
    newest: dict[tuple[str, str], Component] = {}
    gone: list[Component] = []
    count = 0
    for calendar in calendars:
        method = str(calendar.get("METHOD", "")).upper()
        for event in calendar.walk("VEVENT"):
            count += 1
            if count > MOST_EVENTS:
                raise ParserRefusal("too_many_rows")
            _tidy(event)
            _hear_cancellation(event, method)
            why = _find_fault(event)
            if why == "no_start" and _text(event, "UID") and _text(event, "STATUS") == "CANCELLED":
                gone.append(event)
            elif why:
                left_out.append((_text(event, "SUMMARY"), why))
            else:
                _keep_newest(newest, event, count, left_out)
    return list(newest.values()), gone


def _hear_cancellation(event: Component, method: str) -> None:
    """Write into STATUS what METHOD, subject and description say: cancelled, or an answer to an invite."""
    subject = _text(event, "SUMMARY")[:LONGEST_SUBJECT]
    is_said = is_called_off(subject, read_description(event)[:LONGEST_DESCRIPTION])
    event["METHOD"] = method
    if method == "CANCEL" or is_said:
        event["STATUS"] = "CANCELLED"
        event["SUMMARY"] = strip_called_off(subject)
    elif method not in BOOKING_METHODS:
        event["STATUS"] = method
    elif doubt := find_doubt(subject):
        event["STATUS"] = doubt


def _find_called_off_series(events: Iterable[Component], now: datetime) -> list[Component]:
    """What METHOD:CANCEL calls off that began before the window: perhaps series, known by their UIDs only."""
    found = []
    for event in events:
        is_one = not _is_of_a_series(event) and _text(event, "METHOD") == "CANCEL"
        if is_one and _start_of(event) < now - BACK:
            found.append(event.copy())
            del found[-1]["DTSTART"]
    return found


def _keep_newest(
    newest: dict[tuple[str, str], Component], event: Component, count: int, left_out: list[tuple[str, str]]
) -> None:
    if not _text(event, "UID"):
        event["UID"] = f"-{count}"
    key = (_text(event, "UID"), _recurrence_of(event))
    other = newest.get(key)
    if other is None:
        newest[key] = event
        return
    older, newer = (other, event) if _version_of(event) >= _version_of(other) else (event, other)
    if _text(newer, "STATUS") == "CANCELLED" and "RRULE" in older and "RRULE" not in newer:
        for name in ("RRULE", "DTSTART", "DTEND", "DURATION", "EXDATE", "RDATE"):  # the whole series
            newer.pop(name, None)
            if name in older:
                newer[name] = older[name]
    newest[key] = newer
    left_out.append((_text(older, "SUMMARY"), "replaced"))


def _version_of(event: Component) -> tuple[int, str]:
    try:
        sequence = int(event.get("SEQUENCE", 0))
    except (ValueError, TypeError):
        sequence = 0
    stamp = event.get("LAST-MODIFIED") or event.get("DTSTAMP")
    return sequence, stamp.to_ical().decode() if stamp is not None and hasattr(stamp, "to_ical") else ""


def _describe_version(event: Component, now: datetime) -> str:
    sequence = _version_of(event)[0] if "SEQUENCE" in event else None
    modified, written = _moment(event, "LAST-MODIFIED"), _moment(event, "DTSTAMP")
    of_series = "RRULE" in event or "RDATE" in event
    return write_version(now, sequence=sequence, modified=modified, written=written, of_series=of_series)


def _recurrence_of(event: Component) -> str:
    """The occurrence that an event is, in UTC: 20270304T143000Z; "" for one that isn't in a series."""
    moment = _moment(event, "RECURRENCE-ID")
    if not isinstance(moment, datetime):
        return f"{moment:%Y%m%d}" if moment else ""
    return f"{moment.astimezone(UTC):%Y%m%dT%H%M%SZ}" if moment.tzinfo else f"{moment:%Y%m%dT%H%M%S}"


def _tidy(event: Component) -> None:
    """Keep the first of a property that may stand only once, and drop broken ones that aren't needed."""
    for name in SINGLE:
        value: Any = event.get(name)
        if isinstance(value, list):
            event[name] = value[0]
    for name in NOT_NEEDED:
        if isinstance(event.get(name), vBroken):
            del event[name]


def _find_fault(event: Component) -> str:
    """Return why an event can't be an appointment, as a code of Skips; "" if it can."""
    start = _moment(event, "DTSTART")
    if start is None:
        return "no_start"
    if not isinstance(start, datetime):
        return "all_day"
    if any(isinstance(each, vBroken) for name in RECURRING for each in _list(event, name)):
        return "broken_series"
    for rule in _list(event, "RRULE"):
        steps = [*rule.get("INTERVAL", [1]), *rule.get("COUNT", [1])]
        if not rule.get("FREQ") or not all(isinstance(step, int) and step > 0 for step in steps):
            return "broken_series"
        several = len(rule.get("BYHOUR", [])) * max(1, len(rule.get("BYMINUTE", []))) > 1
        if several or rule.get("BYSECOND") or TOO_OFTEN.intersection(map(str, rule.get("FREQ", []))):
            return "too_often"
    return ""


def _list(event: Component, name: str) -> list[Any]:
    value = event.get(name, [])
    return value if isinstance(value, list) else [value]


def _moment(event: Component, name: str) -> date | None:
    value = event.get(name)
    moment = getattr(value, "dt", None) if not isinstance(value, vBroken) else None
    return moment if isinstance(moment, date) else None


def _expand(
    calendars: list[Calendar], events: list[Component], now: datetime, left_out: list[tuple[str, str]]
) -> list[Component]:
    """Return the occurrences within the window, in order of time."""
    zone = next((each["X-WR-TIMEZONE"] for each in calendars if "X-WR-TIMEZONE" in each), None)
    of_series = [event for event in events if _is_of_a_series(event)]
    single = [
        event for event in events if not _is_of_a_series(event)
    ]  # most; the library takes long for them
    for event in single:
        _move_to_zone(event, str(zone))
    try:
        found = _expand_some(of_series, zone, now)
    except EXPANSION_FAULTS:  # one of them; each by itself then
        found = []
        for series in _group_by_uid(of_series):
            try:
                found += _expand_some(series, zone, now)
            except EXPANSION_FAULTS:
                left_out.append((_text(series[0], "SUMMARY"), "broken_series"))
    in_window = (event for event in [*single, *found] if now - BACK <= _start_of(event) <= now + AHEAD)
    return sorted(in_window, key=_start_of)


def _move_to_zone(event: Component, zone: str) -> None:
    """Write a start in UTC, or without a zone, in the zone that Google names for the whole calendar."""
    local = ZoneInfo(zone) if zone in ZONES else None
    for name in ("DTSTART", "DTEND"):
        value: Any = event.get(name)
        moment = _moment(event, name)
        if _name_unknown_zone(event):
            return
        if local and isinstance(moment, datetime) and _place(moment)[1] in ("", "UTC"):
            value.dt = moment.astimezone(local) if moment.tzinfo else moment.replace(tzinfo=local)


def _expand_some(events: Iterable[Component], zone: object, now: datetime) -> list[Component]:
    calendar = Calendar()
    if zone is not None:
        calendar["X-WR-TIMEZONE"] = zone
    for event in events:
        calendar.add_component(event)
    found: list[Component] = recurring_ical_events.of(calendar).between(now - BACK, now + AHEAD)
    return found


def _group_by_uid(events: Iterable[Component]) -> list[list[Component]]:
    groups: dict[str, list[Component]] = {}
    for event in events:
        groups.setdefault(_text(event, "UID"), []).append(event)
    return list(groups.values())


def _start_of(event: Component) -> datetime:
    start = _moment(event, "DTSTART")
    if not isinstance(start, datetime):
        return datetime(1, 1, 1, tzinfo=UTC)
    return start.astimezone(UTC) if start.tzinfo else start.replace(tzinfo=UTC)


def _count_outside(events: Iterable[Component], now: datetime) -> int:
    single = (event for event in events if "RRULE" not in event and "RDATE" not in event)
    return sum(not now - BACK <= _start_of(event) <= now + AHEAD for event in single)


def _read_event(event: Component, version: str, *, in_series: bool) -> list[str]:
    described = describe_event(event)
    return [
        _name_id(event, _recurrence_of(event) if in_series else ""),
        described.patient,
        described.phone,
        *_read_start(event),
        described.provider,
        described.location,
        described.kind,
        version,
        _read_status(event, is_declined=described.is_declined),
    ]


def _read_start(event: Component) -> list[str]:
    """Date, time, zone and length; empty for one that is cancelled and has no start."""
    start = _moment(event, "DTSTART")
    if not isinstance(start, datetime):
        return ["", "", "", ""]
    wall, zone = _place(start)
    zone = zone or _name_unknown_zone(event)
    return [wall.date().isoformat(), f"{wall:%H:%M}", zone, _minutes_of(event, start)]


def _read_status(event: Component, *, is_declined: bool) -> str:
    """The status in the words of contacts.imports.words, or as it stands there, which nobody knows."""
    status = _text(event, "STATUS").upper()
    if is_declined and status != "CANCELLED":
        return "declined"
    return STATUSES.get(status, status.lower())


def _place(start: datetime) -> tuple[datetime, str]:
    """Return the wall time and its IANA zone; in UTC if the zone has no such name, "" if it has no zone."""
    if start.tzinfo is None:
        return start, ""
    name = str(getattr(start.tzinfo, "key", ""))
    if name in ZONES:
        return start, name
    return start.astimezone(UTC), "UTC"


def _name_unknown_zone(event: Component) -> str:
    """What the calendar calls the zone of a start, where that isn't known; "" if it is, or has no name."""
    start = _moment(event, "DTSTART")
    is_floating = isinstance(start, datetime) and start.tzinfo is None
    return str(getattr(event.get("DTSTART"), "params", {}).get("TZID", "")) if is_floating else ""


def _minutes_of(event: Component, start: datetime) -> str:
    end = _moment(event, "DTEND")
    if isinstance(end, datetime) and (end.tzinfo is None) == (start.tzinfo is None):
        length = end - start if start.tzinfo is None else end.astimezone(UTC) - start.astimezone(UTC)
    else:
        length = getattr(event.get("DURATION"), "dt", None) or timedelta(0)
    minutes = int(length.total_seconds() // 60) if isinstance(length, timedelta) else 0
    return str(minutes) if minutes > 0 else ""


def _name_id(event: Component, recurrence: str) -> str:
    """The id of its appointment; "" for an event without UID, which was numbered here."""
    uid = _text(event, "UID")
    return "" if uid.startswith("-") and uid[1:].isdigit() else name_event(uid, recurrence)


def _text(event: Component, name: str) -> str:
    value = event.get(name, "")
    return str(value[0] if isinstance(value, list) and value else value).strip()
