"""Which events of a calendar file count: the newest version of each, and what is called off. Knows no Django.

An occurrence of a series that has an event of its own is never the regular one, even if that event can't be
read: then something else stands in its place while the series is expanded, and is taken out afterwards.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Any

from icalendar import Calendar, Component, vBroken
from icalendar.prop import vDDDTypes

from contacts.imports.reading.calendar_events import (
    break_absurd_times,
    compare_version,
    describe_version,
    drop_absurd_end,
    event_moment,
    event_text,
    event_values,
    find_occurrence,
    is_cancelled,
    move_to_zone,
)
from contacts.imports.reading.calendar_people import read_description
from contacts.imports.reading.called_off import find_doubt, is_called_off, strip_called_off
from contacts.imports.reading.entry_versions import is_surely_older
from contacts.imports.reading.parsed import ParserRefusal
from contacts.imports.status_words import CANCELLED, find_status

LONGEST_SUBJECT, LONGEST_DESCRIPTION = 1_000, 10_000  # characters that are looked at
# The other methods answer an invitation: nobody has agreed to the time of a COUNTER.
BOOKING_METHODS = frozenset(["", "PUBLISH", "REQUEST", "ADD", "CANCEL"])
TOO_OFTEN = frozenset(["SECONDLY", "MINUTELY", "HOURLY"])
MOST_EVENTS = 100_000
SINGLE = (
    "UID", "DTSTART", "DTEND", "DURATION", "RECURRENCE-ID", "SEQUENCE", "SUMMARY", "STATUS", "DTSTAMP",
    "LAST-MODIFIED", "LOCATION", "DESCRIPTION", "ORGANIZER",
)  # fmt: skip
NOT_NEEDED = ("DTEND", "DURATION", "SEQUENCE", "DTSTAMP", "LAST-MODIFIED", "LOCATION", "CATEGORIES")
RECURRING = ("RRULE", "RDATE", "EXDATE", "RECURRENCE-ID")
TIMES_OF_SERIES = ("RRULE", "DTSTART", "DTEND", "DURATION", "EXDATE", "RDATE")
# Properties that are written here: why an event can't be an appointment; that it only stands in the place of
# an occurrence; and how far it moves the later ones.
FAULT, STANDS_IN, MOVED_BY = "X-FAULT-HERE", "X-STANDS-IN-HERE", "X-MOVED-BY-HERE"


@dataclass
class ChosenEvents:
    """`events`: to be expanded; `gone`: what is cancelled and known by its id only; `left_out`: pairs of the
    subject and a code of Skips. `unclear`: UIDs of series of which some occurrence changes, but not which.
    """

    events: list[Component] = field(default_factory=list)
    gone: list[Component] = field(default_factory=list)
    left_out: list[tuple[str, str]] = field(default_factory=list)
    unclear: set[str] = field(default_factory=set)

    def leave_out(self, event: Component, why: str) -> None:
        """The event is no row. `why`: a code of Skips."""
        self.left_out.append((event_text(event, "SUMMARY"), why))


def choose_events(calendars: Iterable[Calendar], now: datetime) -> ChosenEvents:
    """Return the newest version of each event. Raises ParserRefusal."""
    chosen = ChosenEvents()
    newest: dict[tuple[str, str], Component] = {}
    changed = []
    for event in _list_events(calendars):
        if "RECURRENCE-ID" in event:
            changed.append(event)
        else:
            _keep_newest(newest, event, chosen, now)
    for event in changed:
        series = newest.get((event_text(event, "UID"), ""))
        if not _settle_occurrence(event, series):
            chosen.unclear.add(event_text(event, "UID"))
            chosen.leave_out(event, "broken_series")
        else:
            _keep_newest(newest, event, chosen, now)
    _call_off_occurrences(newest, now)
    for event in newest.values():
        _sort_in(chosen, event)
    return chosen


def _list_events(calendars: Iterable[Calendar]) -> Iterator[Component]:
    """All events of the file, each with a UID, and cancelled if its METHOD or its words say so."""
    count = 0
    for calendar in calendars:
        method = str(calendar.get("METHOD", "")).strip().upper()
        zone = str(calendar.get("X-WR-TIMEZONE", ""))
        for event in calendar.walk("VEVENT"):
            count += 1
            if count > MOST_EVENTS:
                raise ParserRefusal("too_many_rows")
            _tidy(event)
            move_to_zone(event, zone)
            drop_absurd_end(event)
            _hear_cancellation(event, method)
            if not event_text(event, "UID"):
                event["UID"] = f"-{count}"
            yield event


def _tidy(event: Component) -> None:
    """Keep the first of a property that may stand only once, and drop broken ones that aren't needed."""
    for name in SINGLE:
        value: Any = event.get(name)
        if isinstance(value, list):
            event[name] = value[0]
    break_absurd_times(event)
    for name in NOT_NEEDED:
        if isinstance(event.get(name), vBroken):
            del event[name]
    for name in (STANDS_IN, MOVED_BY):
        event.pop(name, None)
    event[FAULT] = _find_fault(event)


def _hear_cancellation(event: Component, method: str) -> None:
    """Write into STATUS what METHOD, subject and description say: cancelled, or an answer to an invite.

    However STATUS itself says that it is cancelled, it is written in one way.
    """
    subject = event_text(event, "SUMMARY")[:LONGEST_SUBJECT]
    is_said = is_called_off(subject, read_description(event)[:LONGEST_DESCRIPTION])
    has_status = find_status(event_text(event, "STATUS")) == CANCELLED
    event["METHOD"] = method
    if method == "CANCEL" or is_said or has_status:
        event["STATUS"] = "CANCELLED"
        event["SUMMARY"] = strip_called_off(subject)
    elif method not in BOOKING_METHODS:
        event["STATUS"] = method
    elif doubt := find_doubt(subject):
        event["STATUS"] = doubt


def _find_fault(event: Component) -> str:
    """Return why an event can't be an appointment, as a code of Skips; "" if it can."""
    start = event_moment(event, "DTSTART")
    if start is None:
        return "no_start"
    if not isinstance(start, datetime):
        return "all_day"
    if any(isinstance(each, vBroken) for name in RECURRING for each in event_values(event, name)):
        return "broken_series"
    for rule in event_values(event, "RRULE"):
        steps = [*rule.get("INTERVAL", [1]), *rule.get("COUNT", [1])]
        if not rule.get("FREQ") or not all(isinstance(step, int) and step > 0 for step in steps):
            return "broken_series"
        several = len(rule.get("BYHOUR", [])) * max(1, len(rule.get("BYMINUTE", []))) > 1
        if several or rule.get("BYSECOND") or TOO_OFTEN.intersection(map(str, rule.get("FREQ", []))):
            return "too_often"
    return ""


def _settle_occurrence(event: Component, series: Component | None) -> bool:
    """Write RECURRENCE-ID as the moment at which the series has that occurrence; return whether it is clear.

    A date alone means the occurrence of that day, and a time without a zone is in that of the series.
    """
    value, moment = event.get("RECURRENCE-ID"), event_moment(event, "RECURRENCE-ID")
    reach = str(getattr(value, "params", {}).get("RANGE", "")).upper()
    if moment is None or reach not in ("", "THISANDFUTURE"):
        return False
    start = event_moment(series, "DTSTART") if series is not None else None
    if series is not None and isinstance(start, datetime):
        if not isinstance(moment, datetime):
            moment = _find_time_of_day(series, start, moment)
        elif start.tzinfo and not moment.tzinfo:
            moment = moment.replace(tzinfo=start.tzinfo)
        elif moment.tzinfo and not start.tzinfo:
            return False
    settled = vDDDTypes(moment)
    if reach:
        settled.params["RANGE"] = reach
    event["RECURRENCE-ID"] = settled
    own = event_moment(event, "DTSTART")
    if reach and isinstance(own, datetime) and isinstance(moment, datetime):
        if bool(own.tzinfo) != bool(moment.tzinfo):
            return False
        event[MOVED_BY] = own - moment  # as the library moves the later ones
    return True


def _find_time_of_day(series: Component, start: datetime, day: date) -> datetime:
    """The moment at which a series has the occurrence of a day."""
    for dates in event_values(series, "RDATE"):
        for each in getattr(dates, "dts", []):
            moment = each.dt[0] if isinstance(each.dt, tuple) else each.dt
            if isinstance(moment, datetime) and bool(moment.tzinfo) == bool(start.tzinfo):
                moment = moment.astimezone(start.tzinfo) if start.tzinfo else moment
                if moment.date() == day:
                    return moment
    return datetime.combine(day, start.timetz())


def _keep_newest(
    newest: dict[tuple[str, str], Component], event: Component, chosen: ChosenEvents, now: datetime
) -> None:
    key = (event_text(event, "UID"), find_occurrence(event))
    other = newest.get(key)
    if other is None:
        newest[key] = event
        return
    older, newer = (other, event) if _is_newer(event, other, now) else (event, other)
    was_series = "RRULE" in older or "RDATE" in older
    if is_cancelled(newer) and was_series and not ("RRULE" in newer or "RDATE" in newer):
        for name in TIMES_OF_SERIES:  # the whole series
            newer.pop(name, None)
            if name in older:
                newer[name] = older[name]
        newer[FAULT] = _find_fault(newer)
    newest[key] = newer
    chosen.leave_out(older, "replaced")


def _is_newer(event: Component, other: Component, now: datetime) -> bool:
    """Whether it counts, not the other. A cancellation without a start counts unless it is surely older."""
    version, known = describe_version(event, now), describe_version(other, now)
    if _is_gone(event) and not _is_gone(other):
        return not is_surely_older(version, known)
    if _is_gone(other) and not _is_gone(event):
        return is_surely_older(known, version)
    return compare_version(event) >= compare_version(other)


def _is_gone(event: Component) -> bool:
    """Whether it is cancelled, and can't be a row with a time."""
    return is_cancelled(event) and bool(event_text(event, FAULT))


def _call_off_occurrences(newest: dict[tuple[str, str], Component], now: datetime) -> None:
    """With a series all its occurrences are cancelled, unless it is surely older."""
    for (uid, occurrence), event in newest.items():
        series = newest.get((uid, "")) if occurrence else None
        if series is None or not is_cancelled(series) or is_cancelled(event):
            continue
        if not is_surely_older(describe_version(series, now), describe_version(event, now)):
            event["STATUS"] = "CANCELLED"


def _sort_in(chosen: ChosenEvents, event: Component) -> None:
    """Add the newest version of an event to what is expanded, cancelled by its id only, or left out."""
    is_series_unclear = event_text(event, "UID") in chosen.unclear and "RECURRENCE-ID" not in event
    if is_series_unclear and not is_cancelled(event):
        chosen.leave_out(event, "broken_series")
        return
    if not event_text(event, FAULT):
        chosen.events.append(event)
        return
    has_id = not is_numbered_here(event_text(event, "UID"))
    if is_cancelled(event) and has_id:
        event.pop("DTSTART", None)
        chosen.gone.append(event)
    else:
        chosen.leave_out(event, event_text(event, FAULT))
    moment = event_moment(event, "RECURRENCE-ID")
    if isinstance(moment, datetime):
        chosen.events.append(_stand_in(event, moment))


def _stand_in(event: Component, moment: datetime) -> Component:
    """What takes the place of an occurrence that isn't the regular one, and can't be read."""
    one = event.copy()
    for name in TIMES_OF_SERIES:
        one.pop(name, None)
    one["DTSTART"] = vDDDTypes(moment)
    one[STANDS_IN] = "1"
    if "RANGE" in one["RECURRENCE-ID"].params:
        one[MOVED_BY] = moment - moment
    return one


def is_numbered_here(uid: str) -> bool:
    """Whether an event has no UID of its own."""
    return uid.startswith("-") and uid[1:].isdigit()
