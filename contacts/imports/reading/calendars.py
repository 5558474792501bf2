"""Appointments of a calendar file (iCalendar, RFC 5545). Runs in the parser process; knows no Django.

Series are expanded by recurring-ical-events between the start of yesterday and 400 days later. Times are the
wall times of the event's own zone, which stands in a column of its own; icalendar understands Windows' names
of zones. Which events count is decided in chosen_events.py.
"""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime, timedelta

import recurring_ical_events
from icalendar import Calendar, Component
from icalendar.prop import vDDDTypes

from contacts.imports.packed_lists import PackedList
from contacts.imports.reading.calendar_events import (
    UNKNOWN_ZONE,
    ZONES,
    describe_version,
    event_moment,
    event_start,
    event_text,
    find_occurrence,
    is_cancelled,
    is_of_a_series,
)
from contacts.imports.reading.calendar_people import describe_event
from contacts.imports.reading.chosen_events import (
    MOVED_BY,
    STANDS_IN,
    ChosenEvents,
    choose_events,
    is_numbered_here,
)
from contacts.imports.reading.entry_versions import HEADER as VERSION
from contacts.imports.reading.entry_versions import mark_alone
from contacts.imports.reading.event_ids import name_event
from contacts.imports.reading.parsed import Budget, ParsedSheet, ParserRefusal
from contacts.imports.reading.time_limits import refuse_after

HEADERS = [
    "appointment id", "patient name", "mobile phone", "date", "time", "start time zone",
    "duration min", "provider", "location", "type", VERSION, "status",
]  # fmt: skip
BACK, AHEAD = timedelta(days=1), timedelta(days=400)
STATUSES = {"CONFIRMED": "confirmed", "TENTATIVE": "pending", "CANCELLED": "cancelled"}
# Seconds of processor time: to parse the file, and to read its events, each; and to expand its series. It is
# three times what a practice's calendar takes. A series that never comes, or with thousands of exceptions,
# takes minutes.
SECONDS, SECONDS_A_MEGABYTE = 3, 2.5
SECONDS_OF_SERIES, SECONDS_A_SERIES, MOST_SECONDS_OF_SERIES = 5, 0.01, 20
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


def parse_calendar(data: bytes, now: datetime) -> ParsedSheet:
    """Return one row for each appointment within the window, in order of time. `data`: UTF-8; `now`: aware.

    Events that last all day, have no start or recur many times a day are left out with a reason. Raises
    ParserRefusal.
    """
    seconds = SECONDS + SECONDS_A_MEGABYTE * len(data) / 1024**2
    with refuse_after(seconds, "slow_calendar"):
        chosen = choose_events(_parse_text(data), now)
        chosen.gone += _find_called_off_series(chosen.events, now)
    for_series = SECONDS_OF_SERIES + SECONDS_A_SERIES * sum(map(is_of_a_series, chosen.events))
    with refuse_after(min(for_series, MOST_SECONDS_OF_SERIES), "slow_series"):
        occurrences = _take_out_stand_ins(chosen, _expand(chosen, now))
    with refuse_after(seconds, "slow_calendar"):
        rows = _read_occurrences(chosen.events, occurrences, now)
        sheet = ParsedSheet("", PackedList([(1, HEADERS), *rows]))
        for event in chosen.gone:
            version = describe_version(event, now)
            sheet.rows.append((len(sheet.rows) + 1, _read_event(event, version, in_series=True)))
    after = len(sheet.rows) + 1
    sheet.skipped = [(after + at, text, why) for at, (text, why) in enumerate(chosen.left_out)]
    sheet.notes = {"outside_window": _count_outside(chosen.events, now)}
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
    series = {event_text(event, "UID") for event in events if is_of_a_series(event)}
    # Of the events themselves: the library gives all visits of a series its highest SEQUENCE.
    versions = {
        (event_text(each, "UID"), find_occurrence(each)): describe_version(each, now) for each in events
    }
    budget = Budget()
    for line, event in enumerate(occurrences, 2):
        uid = event_text(event, "UID")
        version = versions.get((uid, find_occurrence(event))) or versions.get((uid, ""), "")
        if (uid, "") not in versions:
            version = mark_alone(version)
        cells = _read_event(event, version, in_series=uid in series)
        budget.take(cells)
        yield line, cells


def _find_called_off_series(events: Iterable[Component], now: datetime) -> list[Component]:
    """What METHOD:CANCEL calls off that began before the window: perhaps series, known by their UIDs only."""
    found = []
    for event in events:
        is_one = not is_of_a_series(event) and event_text(event, "METHOD") == "CANCEL"
        if is_one and event_start(event) < now - BACK:
            found.append(event.copy())
            del found[-1]["DTSTART"]
    return found


def _expand(chosen: ChosenEvents, now: datetime) -> list[Component]:
    """Return the occurrences within the window, in order of time."""
    series = {event_text(event, "UID") for event in chosen.events if is_of_a_series(event)}
    found: list[Component] = []
    of_series: list[Component] = []
    for event in chosen.events:  # most are single ones; the library takes long for them
        (of_series if event_text(event, "UID") in series else found).append(event)
    try:
        found += _expand_some(of_series, now)
    except EXPANSION_FAULTS:  # one of them; each by itself then
        for group in _group_by_uid(of_series):
            try:
                found += _expand_some(group, now)
            except EXPANSION_FAULTS:
                chosen.leave_out(group[0], "broken_series")
    in_window = (event for event in found if now - BACK <= event_start(event) <= now + AHEAD)
    return sorted(in_window, key=event_start)


def _take_out_stand_ins(chosen: ChosenEvents, occurrences: Iterable[Component]) -> list[Component]:
    """The occurrences that can be appointments; what else is cancelled is added to what is gone."""
    gone = {(event_text(event, "UID"), find_occurrence(event)) for event in chosen.gone}
    rows = []
    for event in occurrences:
        uid = event_text(event, "UID")
        if STANDS_IN not in event:
            rows.append(event)
        elif is_cancelled(event) and not is_numbered_here(uid) and (uid, find_occurrence(event)) not in gone:
            del event["DTSTART"]
            chosen.gone.append(event)
    return rows


def _expand_some(events: Iterable[Component], now: datetime) -> list[Component]:
    calendar = Calendar()
    for event in events:
        calendar.add_component(event)
    found: list[Component] = recurring_ical_events.of(calendar).between(now - BACK, now + AHEAD)
    for event in found:
        start, moved_by = event_moment(event, "DTSTART"), event.get(MOVED_BY)
        if start and isinstance(moved_by, timedelta):
            # the later ones have the RECURRENCE-ID of the one that moved them
            event["RECURRENCE-ID"] = vDDDTypes(start - moved_by)
    return found


def _group_by_uid(events: Iterable[Component]) -> list[list[Component]]:
    groups: dict[str, list[Component]] = {}
    for event in events:
        groups.setdefault(event_text(event, "UID"), []).append(event)
    return list(groups.values())


def _count_outside(events: Iterable[Component], now: datetime) -> int:
    once = (event for event in events if "RRULE" not in event and "RDATE" not in event)
    single = (event for event in once if STANDS_IN not in event)
    return sum(not now - BACK <= event_start(event) <= now + AHEAD for event in single)


def _read_event(event: Component, version: str, *, in_series: bool) -> list[str]:
    described = describe_event(event)
    return [
        _name_id(event, find_occurrence(event) if in_series else ""),
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
    start = event_moment(event, "DTSTART")
    if not isinstance(start, datetime):
        return ["", "", "", ""]
    wall, zone = _place(start)
    zone = zone or event_text(event, UNKNOWN_ZONE)
    return [wall.date().isoformat(), f"{wall:%H:%M}", zone, _minutes_of(event, start)]


def _read_status(event: Component, *, is_declined: bool) -> str:
    """The status in the words of contacts.imports.words, or as it stands there, which nobody knows."""
    status = event_text(event, "STATUS").upper()
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


def _minutes_of(event: Component, start: datetime) -> str:
    end = event_moment(event, "DTEND")
    if isinstance(end, datetime) and (end.tzinfo is None) == (start.tzinfo is None):
        length = end - start if start.tzinfo is None else end.astimezone(UTC) - start.astimezone(UTC)
    else:
        length = getattr(event.get("DURATION"), "dt", None) or timedelta(0)
    minutes = int(length.total_seconds() // 60) if isinstance(length, timedelta) else 0
    return str(minutes) if minutes > 0 else ""


def _name_id(event: Component, recurrence: str) -> str:
    """The id of its appointment; "" for an event without UID, which was numbered here."""
    uid = event_text(event, "UID")
    return "" if is_numbered_here(uid) else name_event(uid, recurrence)
