"""Parse dates as other systems write them. Pure: no database (product rule 46)."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import date
from functools import lru_cache

from django.utils.dates import WEEKDAYS as DAY_NAMES
from django.utils.translation import gettext, gettext_noop

from contacts.clock_habits import write_birthday
from contacts.imports.problems import CellFault
from contacts.imports.questions import Choice, Question

LONGEST_DATE = 60  # characters; nothing longer is looked at, so that no cell takes long
ISO = re.compile(r"(\d{4})[-/.](\d{1,2})[-/.](\d{1,2})")
NUMERIC = re.compile(r"(\d{1,2})([-/.])(\d{1,2})\2(\d{4}|\d{2})(?!\d)")
DAY_THEN_NAME = re.compile(
    r"(\d{1,2})(?:st|nd|rd|th)?[ ./-]+([a-z]{3,9})[ .,/-]+(\d{4}|\d{2})", re.IGNORECASE
)
NAME_THEN_DAY = re.compile(r"([a-z]{3,9})[ .-]+(\d{1,2})(?:st|nd|rd|th)?[ .,-]+(\d{4}|\d{2})", re.IGNORECASE)
MONTHS = (
    "january", "february", "march", "april", "may", "june", "july", "august", "september", "october",
    "november", "december",
)  # fmt: skip
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
A_WEEKDAY = (
    r"(mon(?:day)?|tue(?:s(?:day)?)?|wed(?:s|nesday)?|thu(?:r(?:s(?:day)?)?)?|fri(?:day)?|sat(?:urday)?"
    r"|sun(?:day)?)\b\.?"
)
WEEKDAY_ALONE = re.compile(A_WEEKDAY, re.IGNORECASE)
WEEKDAY_WITHIN = re.compile(rf"[(\[]?\b{A_WEEKDAY}[)\]]?,?", re.IGNORECASE)
EARLIEST, LATEST = 2000, 2100  # years; anything outside is a typing error
YEARS_AROUND = 5  # before and after today; a date further off is a typing error too
MONTH_FIRST_REGIONS = frozenset({"US"})
ORDER_KEY = "date_order"  # of the question
MONTH_FIRST, DAY_FIRST = "month_first", "day_first"  # its answers
MOST_OPEN_SHOWN = 5

CORRECT_DATE = gettext_noop("Correct the date in your practice system and export again.")
WRITE_DATE = gettext_noop("Write the date like 12/31/2026 or 2026-12-31.")
WRITE_YEAR = gettext_noop("Export dates with all four digits of the year.")


@dataclass(frozen=True)
class DateOrder:
    """How the numeric dates of this file are read. `month_first`: None if rows contradict each other.

    `proof`: the reason, for people; `numeric`: whether the file has dates such as 12/31/2026, so that
    2026-12-31 is an exception. `today`: dates far from it are wrong; None to accept EARLIEST to LATEST.
    `year_unclear`: of dates such as 27-03-28, either end can be the year.
    `proven_by`: the line that can be read in only one way, 0 if none; `either_way`: lines and dates of the
    first that can be read in both orders, if no line proves one; `overruled`: a person said the order that
    `proven_by` contradicts.
    """

    month_first: bool | None
    proof: str
    numeric: bool = True
    today: date | None = None
    year_unclear: bool = False
    proven_by: int = 0
    either_way: tuple[tuple[int, str], ...] = ()
    overruled: bool = False

    def has_year(self, found: date) -> bool:
        """Whether a date's year is one that a list of appointments can have."""
        if self.today is None:
            return EARLIEST <= found.year < LATEST
        return abs(found.year - self.today.year) <= YEARS_AROUND


def guess_order(
    values: Iterable[tuple[int, str]], region: str, today: date | None = None, answer: str = ""
) -> DateOrder:
    """Find the order of day and month from the whole column; `values`: pairs of line and cell.

    A date such as 12/19/2026 can be read in only one way and decides for all rows, and so does one beside its
    day of the week. If there is none, it is as a person says (`answer`: MONTH_FIRST or DAY_FIRST), else the
    month comes first in the US and the day elsewhere.
    """
    proofs: dict[bool, int] = {}
    either_way: list[tuple[int, str]] = []
    numeric, years = False, _YearPlaces(DateOrder(None, "", today=today))
    for line, value in values:
        text, weekday = take_weekday(value)
        found = NUMERIC.match(text)
        if not found:
            continue
        numeric = True
        years.look_at(found)
        order = _proven_order(found, weekday)
        if order is not None:
            proofs.setdefault(order, line)
        elif len(either_way) < MOST_OPEN_SHOWN and len(read_both_ways(text)) == 2:
            either_way.append((line, text))
    unclear = today is not None and years.are_unclear
    order_seen = DateOrder(None, "", numeric, today, unclear, either_way=() if proofs else tuple(either_way))
    return _settle_order(order_seen, proofs, region, answer)


def _settle_order(found: DateOrder, proofs: Mapping[bool, int], region: str, answer: str) -> DateOrder:
    """The order that a line proves (`proofs`: month first -> line), else the one said, else the usual."""
    usual = find_usual_order(region)
    said = answer if answer in (MONTH_FIRST, DAY_FIRST) and answer != usual else ""
    if len(proofs) == 2:
        lines = {"month": proofs[True], "day": proofs[False]}
        proof = gettext("line %(month)d has the month first, line %(day)d the day") % lines
        return replace(found, proof=proof)
    if proofs:
        [(month_first, line)] = proofs.items()
        proof = gettext("as line %(line)d shows") % {"line": line}
        overruled = bool(said) and (said == MONTH_FIRST) != month_first
        return replace(found, month_first=month_first, proof=proof, proven_by=line, overruled=overruled)
    if said and found.either_way:
        return replace(found, month_first=said == MONTH_FIRST, proof=gettext("as was chosen"))
    proof = gettext("as is usual for %(country)s") % {"country": region}
    return replace(found, month_first=usual == MONTH_FIRST, proof=proof)


def find_usual_order(region: str) -> str:
    """MONTH_FIRST or DAY_FIRST, as is usual in a country (ISO 3166)."""
    return MONTH_FIRST if region in MONTH_FIRST_REGIONS else DAY_FIRST


def ask_about_order(order: DateOrder, region: str) -> Question | None:
    """The question which of day and month comes first, if nothing in the file proves it.

    What is usual in the country holds until somebody answers.
    """
    if not order.either_way:
        return None
    words = {MONTH_FIRST: gettext("The month comes first"), DAY_FIRST: gettext("The day comes first")}
    first = order.either_way[0][1]
    return Question(
        key=ORDER_KEY,
        text=gettext(
            "Dates such as %(date)s can be read in two ways. Which comes first, the month or the day?"
        )
        % {"date": first},
        choices=tuple(
            Choice(
                value,
                words[value],
                gettext("%(date)s is %(meant)s") % {"date": first, "meant": write_birthday(meant)},
            )
            for value, meant in zip((MONTH_FIRST, DAY_FIRST), read_both_ways(first), strict=True)
        ),
        lines=tuple(line for line, _ in order.either_way),
        standard=find_usual_order(region),
    )


def read_both_ways(text: str) -> list[date]:
    """The two dates that a cell can be, month first and day first; empty or one if it isn't ambiguous."""
    found = NUMERIC.match(text)
    if not found or found[2] == ".":
        return []
    both = [
        _make_date(found[4], found[1], found[3]),
        _make_date(found[4], found[3], found[1]),
    ]
    return [each for each in both if each] if both[0] != both[1] else []


class _YearPlaces:
    """Finds out whether years of two digits may stand first: not if one date can only have it last."""

    def __init__(self, order: DateOrder) -> None:
        self.order = order
        self.last = False
        self.first = False

    def look_at(self, found: re.Match[str]) -> None:
        if len(found[4]) == 2:
            ends = [_make_date(found[4], *pair) for pair in ((found[1], found[3]), (found[3], found[1]))]
            may_be_last = any(each and self.order.has_year(each) for each in ends)
            begins = _make_date(found[1].zfill(2), found[3], found[4])
            may_be_first = begins is not None and self.order.has_year(begins)
            self.first = self.first or may_be_first
            self.last = self.last or (may_be_last and not may_be_first)

    @property
    def are_unclear(self) -> bool:
        return self.first and not self.last


def take_weekday(value: str) -> tuple[str, int | None]:
    """Return the cell without a day of the week, and that day (Monday is 0; None if there is none)."""
    if len(value) > LONGEST_DATE:
        return value, None
    found = WEEKDAY_WITHIN.search(value)
    if not found:
        return value, None
    rest = f"{value[: found.start()]} {value[found.end() :]}"
    return " ".join(rest.split()).strip(" ,"), _weekday_number(found[1])


def _weekday_number(name: str) -> int:
    return next(at for at, day in enumerate(WEEKDAYS) if day.lower().startswith(name.lower()[:3]))


def _proven_order(found: re.Match[str], weekday: int | None) -> bool | None:
    if found[2] == ".":  # with dots the day comes first everywhere
        return None
    month_first, day_first = (
        _make_date(found[4], found[1], found[3]),
        _make_date(found[4], found[3], found[1]),
    )
    if weekday is not None and month_first != day_first:
        month_first = month_first if month_first and month_first.weekday() == weekday else None
        day_first = day_first if day_first and day_first.weekday() == weekday else None
    if (month_first is None) == (day_first is None):
        return None
    return month_first is not None


def _make_date(year: str, month: str, day: str) -> date | None:
    try:
        return date(int(year) + (2000 if len(year) == 2 else 0), int(month), int(day))
    except ValueError:
        return None


@lru_cache(maxsize=4096)  # most rows of a list have one of a few
def read_date(value: str, order: DateOrder, weekday: int | None = None) -> date:
    """Return the date in the cell. `weekday`: of another cell of the row, Monday is 0.

    Raises CellFault if it is missing, doesn't exist, is ambiguous, isn't on that day of the week, or is years
    away.
    """
    if not value:
        raise CellFault(
            gettext("The date is missing."), gettext("Enter it in your practice system and export again.")
        )
    if len(value) > LONGEST_DATE:
        raise CellFault(gettext("This is too long to be a date."), gettext(WRITE_DATE))
    text, beside = take_weekday(value)
    weekday = weekday if beside is None else beside
    parts = _split_iso(text) or _split_named(text)
    found = _make_date(*parts) if parts else _read_numeric(text, order, weekday)
    if found is None:
        raise CellFault(gettext("This date doesn't exist."), gettext(CORRECT_DATE))
    if weekday is not None and found.weekday() != weekday:
        raise _contradicts(found, weekday)
    if not order.has_year(found):
        raise CellFault(gettext("The year is wrong."), gettext(CORRECT_DATE))
    return found


def _contradicts(found: date, weekday: int) -> CellFault:
    problem = gettext("%(date)s is a %(day)s, but the row says %(other)s.") % {
        "date": write_birthday(found),
        "day": DAY_NAMES[found.weekday()],
        "other": DAY_NAMES[weekday],
    }
    return CellFault(problem, gettext("Find out which of the two is right, correct it and export again."))


def is_like_date(value: str) -> bool:
    """Whether the cell is written like a date, whether or not that date exists."""
    text, _ = take_weekday(value)
    if len(text) > LONGEST_DATE:
        return False
    return any((ISO.fullmatch(text), NUMERIC.fullmatch(text), _split_named(text)))


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


def _read_numeric(text: str, order: DateOrder, weekday: int | None) -> date | None:
    found = NUMERIC.fullmatch(text)
    if not found:
        raise CellFault(gettext("This isn't a date."), gettext(WRITE_DATE))
    first, mark, second, year = found.groups()
    if len(year) == 2 and order.year_unclear and _make_date(first.zfill(2), second, year):
        raise CellFault(gettext("It isn't clear which end of this date is the year."), gettext(WRITE_YEAR))
    month_first = _make_date(year, first, second) if mark != "." else None
    day_first = _make_date(year, second, first)
    readings = [each for each in (month_first, day_first) if each]
    of_weekday = [each for each in readings if weekday in (None, each.weekday())]
    if readings and not of_weekday:
        raise _contradicts(
            readings[0] if order.month_first or len(readings) == 1 else readings[1], weekday or 0
        )
    if len(set(of_weekday)) < 2:
        return of_weekday[0] if of_weekday else None
    if order.month_first is None:
        raise CellFault(
            gettext("It isn't clear which is the day and which the month: %(proof)s.")
            % {"proof": order.proof},
            gettext("Correct the line that differs from the others, or export dates like 2026-12-31."),
        )
    return month_first if order.month_first else day_first


def is_odd_date(value: str, order: DateOrder) -> bool:
    """Whether the date is written like 2026-12-31 in a file that writes its other dates differently."""
    return order.numeric and ISO.match(value) is not None
