"""Parse times as other systems write them, and convert them to UTC. Pure: no database (product rule 46)."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, time
from functools import lru_cache
from zoneinfo import ZoneInfo

from django.utils.translation import gettext, gettext_noop, ngettext

from contacts.clock_habits import write_clock
from contacts.imports.dates import LONGEST_DATE, WEEKDAYS, take_weekday
from contacts.imports.problems import CellFault
from contacts.imports.questions import Choice, Question

CLOCK = re.compile(
    r"(\d{1,2})(?:[:.h](\d{2}))?(?:[:.](\d{2})(?:\.\d+)?)?\s*(?:([ap])\.?\s?m?\.?)?", re.IGNORECASE
)
DATE_THEN_CLOCK = re.compile(
    r"(.*\d\S*?),?\s+(?:at\s+|@\s*)?"
    r"(\d{1,2}[:h]\d{2}.*|\d{1,2}\.\d{2}(?:\.\d{2}(?:\.\d+)?)?(?:\s*[ap]\.?m?\.?)?|\d{1,2}\s*[ap]\.?m\.?)",
    re.IGNORECASE,
)
# The days that databases and spreadsheets write beside a time that has no day, by their sorted numbers.
NO_DAYS = frozenset(
    {
        (12, 30, 1899),
        (12, 31, 1899),
        (12, 30, 99),
        (0, 1, 1900),
        (1, 1, 1900),
        (1, 1, 1970),
        (1, 1, 2000),
        (1, 1, 1),
    }
)
Spans = tuple[tuple[time, time], ...]  # from when to when a location is open on a day, if that was entered
NOT_ENTERED: Spans = ()
NO_LINES: Mapping[int, Spans] = {}
# Hours at which visits begin, where none are entered. What a 12-hour time outside them means is asked.
FIRST_HOUR = 7
HALF_KEY, NIGHT_KEY = "afternoon", "night"  # another question where the file has times such as 16:15
MOST_UNCLEAR_SAMPLED = 50
BY_DAY, BY_CLOCK, REJECTED_TIMES = "day", "clock", "reject"

BY_USUAL_HOURS = gettext_noop("During the day: 7:00 to 11:59 in the morning, 12:00 to 6:59 in the afternoon")
DURING_OPENING_HOURS = gettext_noop(
    "During opening hours; where none are entered, from 7:00 in the morning to 6:59 in the afternoon"
)
WRITE_TIME = gettext_noop("Write the time like 4:15 PM or 16:15.")
NO_TIME = gettext_noop("0:00 means that the file has no time for this appointment.")
UNCLEAR = gettext_noop("It isn't clear whether this is AM or PM.")
IN_THE_NIGHT = gettext_noop("This time is in the night.")


def has_am_pm(values: Iterable[str]) -> bool:
    """Whether any time of the column has AM or PM, so that one without it is ambiguous."""
    return any(found[4] for value in values if (found := _match(value)))


def _match(value: str) -> re.Match[str] | None:
    return CLOCK.fullmatch(value) if len(value) <= LONGEST_DATE else None


def is_like_time(value: str) -> bool:
    """Whether the cell is written like a time."""
    found = _match(value)
    return found is not None and bool(found[2] or found[4])


def is_no_time(value: str) -> bool:
    """Whether it is midnight, which exports write when they have no time."""
    found = _match(value)
    if not found or int(found[2] or 0):
        return False
    return int(found[1]) == (12 if found[4] and found[4].lower() == "a" else 0) and not (
        found[4] and found[4].lower() == "p"
    )


def is_unclear_time(value: str, *, am_pm: bool, spans: Spans = NOT_ENTERED) -> bool:
    """Whether a time without AM and PM could be in either half of the day, or would be in the night.

    `am_pm`: other rows have AM or PM, so any hour up to 12 is unclear; `spans`: of the visit's location and
    day. A time at which it is closed is unclear if it is open twelve hours later.
    """
    found = _match(value)
    if not found or not found[2] or found[4] or is_no_time(value):
        return False
    hour = int(found[1])
    half = _find_open_half(hour, int(found[2]), spans)
    is_early = hour < FIRST_HOUR if half is None else half > hour
    return is_early or (am_pm and hour <= 12)


def _find_open_half(hour: int, minute: int, spans: Spans) -> int | None:
    """The hour on a 24-hour clock, of the two that it can be, at which the location is open; None if that is
    so of both, or of none.
    """
    if not spans or not 1 <= hour < 12 or minute > 59:
        return None
    halves = [
        each
        for each in (hour, hour + 12)
        if any(opens <= time(each, minute) < closes for opens, closes in spans)
    ]
    return halves[0] if len(halves) == 1 else None


def is_odd_time(value: str, *, am_pm: bool) -> bool:
    """Whether the time has neither AM nor PM in a file where other times have it."""
    found = _match(value)
    return am_pm and found is not None and not found[4]


def ask_about_half(
    cells: Iterable[tuple[int, str]], *, am_pm: bool, open_on: Mapping[int, Spans] = NO_LINES
) -> Question | None:
    """The question which half of the day unclear times are in; `cells`: line and time of each row.

    `open_on`: line -> when its location is open on its day, where that was entered.
    """
    count, has_24_hours = 0, False
    unclear: list[tuple[int, str]] = []
    for line, value in cells:
        has_24_hours = has_24_hours or (not am_pm and _is_after_noon(value))
        if is_unclear_time(value, am_pm=am_pm, spans=open_on.get(line, NOT_ENTERED)):
            count += 1
            if len(unclear) < MOST_UNCLEAR_SAMPLED:
                unclear.append((line, value))
    if not unclear:
        return None
    samples = ", ".join(dict.fromkeys(value for _, value in unclear))
    is_closed = any(line in open_on for line, _ in unclear)
    first = open_on.get(unclear[0][0], NOT_ENTERED)
    ask = _ask_when_closed if is_closed else _ask_when_in_the_night
    text = _ask_when_others_have_it(count) if am_pm else ask(count)
    return Question(
        key=NIGHT_KEY if has_24_hours else HALF_KEY,
        text=text % {"count": count, "samples": samples[:120]},
        choices=(
            Choice(
                BY_DAY,
                gettext(DURING_OPENING_HOURS if is_closed else BY_USUAL_HOURS),
                _sample(unclear, am_pm, BY_DAY, first),
            ),
            Choice(
                BY_CLOCK,
                gettext("As on a 24-hour clock, also in the night"),
                _sample(unclear, am_pm, BY_CLOCK, first),
            ),
            Choice(REJECTED_TIMES, gettext("It isn't clear: leave these rows out")),
        ),
        lines=tuple(line for line, _ in unclear[:5]),
    )


def _ask_when_others_have_it(count: int) -> str:
    return ngettext(
        "%(count)d time has no AM or PM, and other rows have it: %(samples)s. When is this visit?",
        "%(count)d times have no AM or PM, and other rows have it: %(samples)s. When are these visits?",
        count,
    )


def _ask_when_in_the_night(count: int) -> str:
    return ngettext(
        "%(count)d time has no AM or PM, and would be in the night: %(samples)s. When is this visit?",
        "%(count)d times have no AM or PM, and some of them would be in the night: %(samples)s. "
        "When are these visits?",
        count,
    )


def _ask_when_closed(count: int) -> str:
    return ngettext(
        "%(count)d time has no AM or PM, and would be outside opening hours: %(samples)s. "
        "When is this visit?",
        "%(count)d times have no AM or PM, and some of them would be outside opening hours: %(samples)s. "
        "When are these visits?",
        count,
    )


def _is_after_noon(value: str) -> bool:
    found = _match(value)
    return found is not None and int(found[1]) > 12


def _sample(unclear: list[tuple[int, str]], am_pm: bool, half: str, spans: Spans) -> str:
    try:
        meant = read_time(unclear[0][1], am_pm=am_pm, half=half, spans=spans)
    except CellFault as fault:
        return f"{unclear[0][1]}: {fault.problem}"
    return gettext("%(written)s is %(meant)s") % {"written": unclear[0][1], "meant": write_clock(meant)}


def read_time(value: str, *, am_pm: bool, half: str = "", spans: Spans = NOT_ENTERED) -> time:
    """Return the wall time in the cell. `am_pm`: other rows have AM or PM, so 1:15 alone is ambiguous.

    `half`: what staff said about such times: BY_DAY, BY_CLOCK or REJECTED_TIMES; `spans`: when the location
    is open that day. 14:30 is accepted all the same, because it can be read in only one way. Raises
    CellFault, also for midnight.
    """
    if not value:
        raise CellFault(
            gettext("The time is missing."), gettext("Enter it in your practice system and export again.")
        )
    found = _match(value)
    if not found or not (found[2] or found[4]):
        raise CellFault(gettext("This isn't a time."), gettext(WRITE_TIME))
    if is_no_time(value):
        raise refuse_midnight()
    hour, minute = int(found[1]), int(found[2] or 0)
    if found[4]:
        return _read_twelve_hours(hour, minute, found[4].lower())
    if is_unclear_time(value, am_pm=am_pm, spans=spans) and half != BY_CLOCK:
        is_open_at = _find_open_half(hour, minute, spans) if half == BY_DAY else None
        hour = _by_day(hour, half, am_pm) if is_open_at is None else is_open_at
    return _make_time(hour, minute)


def read_stated_time(value: str) -> time:
    """Return the time of a cell whose zone is stated: 0:00 there is a time too. Raises CellFault."""
    found = _match(value)
    if found and found[2] and not found[4]:
        return _make_time(int(found[1]), int(found[2]))
    return read_time(value, am_pm=False, half=BY_CLOCK)


def refuse_midnight() -> CellFault:
    """What is wrong with a visit at midnight by the clock of its location."""
    return CellFault(
        gettext(NO_TIME), gettext("Export the list with times, or enter the time in your practice system.")
    )


def _by_day(hour: int, half: str, am_pm: bool) -> int:
    """The hour on a 24-hour clock, if it is by day. Raises CellFault if nobody said so, or it can't be."""
    if half != BY_DAY:
        remedy = gettext_noop("Add AM or PM, as in the other rows.") if am_pm else WRITE_TIME
        raise CellFault(gettext(UNCLEAR), gettext(remedy))
    if hour == 0:
        raise CellFault(gettext(IN_THE_NIGHT), gettext(WRITE_TIME))
    return hour + 12 if hour < FIRST_HOUR else hour


def _read_twelve_hours(hour: int, minute: int, half: str) -> time:
    if not 1 <= hour <= 12:
        raise CellFault(gettext("This time doesn't exist with AM or PM."), gettext(WRITE_TIME))
    return _make_time(hour % 12 + (12 if half == "p" else 0), minute)


def _make_time(hour: int, minute: int) -> time:
    try:
        return time(hour, minute)
    except ValueError:
        raise CellFault(gettext("This time doesn't exist."), gettext(WRITE_TIME)) from None


def split_date_and_time(value: str) -> tuple[str, str]:
    """Split a cell such as "2026-12-31T14:30:00" or "12/31/2026 2:30 PM" into date and time.

    A day of the week goes with the date. A cell without a time, or too long for one, is all date.
    """
    return _split(value) if len(value) <= LONGEST_DATE else (value, "")


@lru_cache(maxsize=4096)  # most rows of a list have one of a few
def _split(value: str) -> tuple[str, str]:
    text, weekday = take_weekday(value)
    found = DATE_THEN_CLOCK.fullmatch(re.sub(r"(?<=\d)T(?=\d)", " ", text))
    if not found:
        return value, ""
    day = found[1].rstrip(", ")
    return (day if weekday is None else f"{WEEKDAYS[weekday]} {day}"), found[2]


def is_no_day(day: str) -> bool:
    """Whether it is the date that a database writes beside a time without a day, such as 12/30/1899."""
    numbers = [int(number) for number in re.findall(r"\d{1,4}", day)] if len(day) <= LONGEST_DATE else []
    return tuple(sorted(numbers)) in NO_DAYS


@lru_cache(maxsize=4096)  # most rows of a list have one of a few
def place_in_zone(wall: datetime, zone: ZoneInfo) -> tuple[datetime, bool]:
    """Return the moment (aware UTC) of a wall time, and whether that wall time occurs twice that night.

    Of two moments the earlier is returned. Raises CellFault if the clocks skip that time.
    """
    moment = wall.replace(tzinfo=zone).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != wall:
        raise CellFault(
            gettext("The clocks go forward that night, so this time doesn't exist."),
            gettext("Correct the time in your practice system and export again."),
        )
    later = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return moment, later != moment
