"""Where in a row date and time stand: in one cell, in two, or half in each. Pure: no database."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, time

from django.utils.translation import gettext, gettext_noop

from contacts.imports.dates import WEEKDAY_ALONE, DateOrder, read_date, take_weekday
from contacts.imports.problems import CellFault, clip
from contacts.imports.times import is_no_day, is_no_time, split_date_and_time

FIND_OUT_WHICH = gettext_noop("Find out which of the two is right, correct it and export again.")


@dataclass(frozen=True, slots=True)
class StartTexts:
    """What a row writes for date and time. A date may have its day of the week before it.

    `other_day`: a second date, in the cell of the time; `other_time`: a second time, in the cell of the date.
    They must say the same. "" if there is none, or it is one that databases write for none.
    """

    day: str
    time: str
    other_day: str = ""
    other_time: str = ""


def split_start(cells: Sequence[str], positions: Mapping[str, int]) -> StartTexts:
    """Return the texts of date and time of one row. `positions`: the column of each field."""
    day, beside_day = split_date_and_time(_cell(cells, positions, "date"))
    weekday = _cell(cells, positions, "weekday")
    if day and WEEKDAY_ALONE.fullmatch(weekday) and take_weekday(day)[1] is None:
        day = f"{weekday} {day}"
    if "time" not in positions:
        return StartTexts(day, beside_day)
    written = _cell(cells, positions, "time")
    beside_time, clock = split_date_and_time(written)
    other_time = "" if is_no_time(beside_day) else beside_day
    if not clock:
        return StartTexts(day, written, other_time=other_time)
    return StartTexts(day, clock, "" if is_no_day(beside_time) else beside_time, other_time)


def read_one_day(texts: StartTexts, order: DateOrder) -> date:
    """Return the date of a row. Raises CellFault, also if it has two that differ."""
    day = read_date(texts.day, order)
    if texts.other_day and read_date(texts.other_day, order) != day:
        problem = gettext("The cell of the time has another date, %(date)s.") % {
            "date": clip(texts.other_day, 30)
        }
        raise CellFault(problem, gettext(FIND_OUT_WHICH))
    return day


def read_one_time(texts: StartTexts, read: Callable[[str], time]) -> time:
    """Return the time of a row, as `read` reads it. Raises CellFault, also if it has two that differ."""
    clock = read(texts.time)
    if texts.other_time and read(texts.other_time) != clock:
        problem = gettext("The cell of the date has another time, %(time)s.") % {
            "time": clip(texts.other_time, 30)
        }
        raise CellFault(problem, gettext(FIND_OUT_WHICH))
    return clock


def _cell(cells: Sequence[str], positions: Mapping[str, int], name: str) -> str:
    position = positions.get(name)
    return cells[position] if position is not None and position < len(cells) else ""
