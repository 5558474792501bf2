"""Parse dates and times as other systems write them, and convert them to UTC. Pure: no database."""

import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from contacts.imports.problems import CellFault

ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
NUMERIC = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})")
DAY_THEN_NAME = re.compile(r"(\d{1,2})(?:st|nd|rd|th)?[ .-]+([a-z]{3,9})[ .,-]+(\d{4})", re.IGNORECASE)
NAME_THEN_DAY = re.compile(r"([a-z]{3,9})[ .-]+(\d{1,2})(?:st|nd|rd|th)?[ .,-]+(\d{4})", re.IGNORECASE)
WEEKDAY = re.compile(r"(?:mon|tue|wed|thu|fri|sat|sun)[a-z]*[., ]+", re.IGNORECASE)
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
    "november", "december",
)  # fmt: skip
CLOCK = re.compile(
    r"(\d{1,2})(?:[:.h](\d{2}))?(?::(\d{2})(?:\.\d+)?)?\s*(?:([ap])\.?\s?m?\.?)?", re.IGNORECASE
)
EARLIEST, LATEST = 2000, 2100  # years; anything outside is a typing error
LONGEST_DATE_AND_TIME = 100  # characters
MONTH_FIRST_REGIONS = frozenset({"US"})

CORRECT_DATE = "Correct the date in your practice system and export again."
WRITE_DATE = "Write the date like 12/31/2026 or 2026-12-31."
WRITE_TIME = "Write the time like 4:15 PM or 16:15."


@dataclass(frozen=True)
class DateOrder:
    """How the numeric dates of this file are read. `month_first`: None if rows contradict each other.

    `proof`: the reason, for people; `numeric`: whether the file has dates such as 12/31/2026, so that
    2026-12-31 is an exception.
    """

    month_first: bool | None
    proof: str
    numeric: bool = True


def guess_order(values: Iterable[tuple[int, str]], region: str) -> DateOrder:
    """Find the order of day and month from the whole column; `values`: pairs of line and cell.

    A date such as 12/19/2026 can be read in only one way and decides for all rows. If there is none, the
    month comes first in the US and the day elsewhere.
    """
    proofs: dict[bool, int] = {}
    numeric = False
    for line, value in values:
        numeric = numeric or NUMERIC.match(value) is not None
        order = _proven_order(value)
        if order is not None:
            proofs.setdefault(order, line)
    if len(proofs) == 2:
        return DateOrder(
            None, f"line {proofs[True]} has the month first, line {proofs[False]} the day", numeric
        )
    if proofs:
        [(month_first, line)] = proofs.items()
        return DateOrder(month_first, f"as line {line} shows", numeric)
    return DateOrder(region in MONTH_FIRST_REGIONS, f"as is usual for {region}", numeric)


def _proven_order(value: str) -> bool | None:
    found = NUMERIC.match(value)
    if not found or found[2] == ".":  # with dots the day comes first everywhere
        return None
    month_first = _make_date(found[4], found[1], found[3]) is not None
    day_first = _make_date(found[4], found[3], found[1]) is not None
    return month_first if month_first != day_first else None


def _make_date(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year) + (2000 if len(year) == 2 else 0), int(month), int(day))
    except ValueError:
        return None


def read_date(value: str, order: DateOrder) -> date:
    """Return the date in the cell. Raises CellFault if it is missing, doesn't exist or is ambiguous."""
    if not value:
        raise CellFault("The date is missing.", "Enter it in your practice system and export again.")
    text = WEEKDAY.sub("", value, count=1) if WEEKDAY.match(value) else value
    parts = _split_iso(text) or _split_named(text) or _split_numeric(text, order)
    if parts is None:
        raise CellFault("This isn't a date.", WRITE_DATE)
    found = _make_date(*parts)
    if found is None:
        raise CellFault("This date doesn't exist.", CORRECT_DATE)
    if not EARLIEST <= found.year < LATEST:
        raise CellFault("The year is wrong.", CORRECT_DATE)
    return found


def _split_iso(text: str) -> tuple[str, str, str] | None:
    found = ISO.fullmatch(text)
    return (found[1], found[2], found[3]) if found else None


def _split_named(text: str) -> tuple[str, str, str] | None:
    if found := DAY_THEN_NAME.fullmatch(text):
        day, name, year = found.groups()
    elif found := NAME_THEN_DAY.fullmatch(text):
        name, day, year = found.groups()
    else:
        return None
    number = next((at for at, month in enumerate(MONTHS, 1) if month.startswith(name.lower())), 0)
    return (year, str(number), day) if number else None


def _split_numeric(text: str, order: DateOrder) -> tuple[str, str, str] | None:
    found = NUMERIC.fullmatch(text)
    if not found:
        return None
    first, mark, second, year = found.groups()
    proven = _proven_order(text)
    month_first = False if mark == "." else order.month_first if proven is None else proven
    if order.month_first is None and proven is None and mark != ".":
        raise CellFault(
            f"It isn't clear which is the day and which the month: {order.proof}.",
            "Correct the line that differs from the others, or export dates like 2026-12-31.",
        )
    return (year, first, second) if month_first else (year, second, first)


def is_odd_date(value: str, order: DateOrder) -> bool:
    """Whether the date is written like 2026-12-31 in a file that writes its other dates differently."""
    return order.numeric and ISO.match(value) is not None


def is_odd_time(value: str, *, am_pm: bool) -> bool:
    """Whether the time has neither AM nor PM in a file where other times have it."""
    found = CLOCK.fullmatch(value)
    return am_pm and found is not None and not found[4]


def has_am_pm(values: Iterable[str]) -> bool:
    """Whether any time of the column has AM or PM, so that one without it is ambiguous."""
    return any(found[4] for value in values if (found := CLOCK.fullmatch(value)))


def read_time(value: str, *, am_pm: bool) -> time:
    """Return the wall time in the cell. `am_pm`: other rows have AM or PM, so 1:15 alone is ambiguous.

    14:30 is accepted all the same, because it can be read in only one way. Raises CellFault.
    """
    if not value:
        raise CellFault("The time is missing.", "Enter it in your practice system and export again.")
    found = CLOCK.fullmatch(value)
    if not found or not (found[2] or found[4]):
        raise CellFault("This isn't a time.", WRITE_TIME)
    hour, minute = int(found[1]), int(found[2] or 0)
    if found[4]:
        return _read_twelve_hours(hour, minute, found[4].lower())
    if am_pm and 1 <= hour <= 12:
        raise CellFault("It isn't clear whether this is AM or PM.", "Add AM or PM, as in the other rows.")
    return _make_time(hour, minute)


def _read_twelve_hours(hour: int, minute: int, half: str) -> time:
    if not 1 <= hour <= 12:
        raise CellFault("This time doesn't exist with AM or PM.", WRITE_TIME)
    return _make_time(hour % 12 + (12 if half == "p" else 0), minute)


def _make_time(hour: int, minute: int) -> time:
    try:
        return time(hour, minute)
    except ValueError:
        raise CellFault("This time doesn't exist.", WRITE_TIME) from None


def split_date_and_time(value: str) -> tuple[str, str]:
    """Split a cell such as "2026-12-31T14:30:00" or "12/31/2026 2:30 PM" into date and time."""
    if len(value) > LONGEST_DATE_AND_TIME:  # the pattern below takes a time that grows with its square
        return value, ""
    text = re.sub(r"(?<=\d)T(?=\d)", " ", value)
    found = re.fullmatch(
        r"(.*\d{4}|\S+)[, ]+(\d{1,2}[:.h]\d{2}.*|\d{1,2}\s*[ap]\.?m\.?)", text, re.IGNORECASE
    )
    return (found[1].rstrip(", "), found[2]) if found else (value, "")


def place_in_zone(wall: datetime, zone: ZoneInfo) -> tuple[datetime, bool]:
    """Return the moment (aware UTC) of a wall time, and whether that wall time occurs twice that night.

    Of two moments the earlier is returned. Raises CellFault if the clocks skip that time.
    """
    moment = wall.replace(tzinfo=zone).astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != wall:
        raise CellFault(
            "The clocks go forward that night, so this time doesn't exist.",
            "Correct the time in your practice system and export again.",
        )
    later = wall.replace(tzinfo=zone, fold=1).astimezone(UTC)
    return moment, later != moment
