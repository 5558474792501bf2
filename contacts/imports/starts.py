"""Where in a row date and time stand: in one cell, in two, or half in each. Pure: no database."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from contacts.imports.dates import WEEKDAY_ALONE, take_weekday
from contacts.imports.times import is_no_day, is_no_time, split_date_and_time


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
    day, time = split_date_and_time(_cell(cells, positions, "date"))
    weekday = _cell(cells, positions, "weekday")
    if day and WEEKDAY_ALONE.fullmatch(weekday) and take_weekday(day)[1] is None:
        day = f"{weekday} {day}"
    if "time" not in positions:
        return StartTexts(day, time)
    written = _cell(cells, positions, "time")
    beside_time, clock = split_date_and_time(written)
    other_time = "" if is_no_time(time) else time
    if not clock:
        return StartTexts(day, written, other_time=other_time)
    return StartTexts(day, clock, "" if is_no_day(beside_time) else beside_time, other_time)


def _cell(cells: Sequence[str], positions: Mapping[str, int], name: str) -> str:
    position = positions.get(name)
    return cells[position] if position is not None and position < len(cells) else ""
