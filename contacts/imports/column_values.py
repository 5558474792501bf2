"""What the cells of a column look like: dates, times, days of the week, links. Pure: no database."""

import re
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from itertools import islice

from contacts.imports.dates import WEEKDAY_ALONE, is_like_date
from contacts.imports.files import RawRow
from contacts.imports.times import is_like_time, is_no_day, is_no_time, split_date_and_time

LOOKED_AT = 500  # filled cells of a column; more would say the same
MOST_SAMPLES = 3
LINK = re.compile(
    r"(?:https?://|www\.)\S+|\S+\.(?:zoom\.us|webex\.com)/\S*|(?:meet\.google|teams\.microsoft)\.com/\S*",
    re.IGNORECASE,
)


class Look(Enum):
    """What most filled cells of a column are."""

    EMPTY = "empty"
    DATE = "date"
    TIME = "time"
    DATE_AND_TIME = "date and time"
    WEEKDAY = "weekday"
    LINK = "link"
    OTHER = "other"


def read_values(rows: Iterable[RawRow], position: int, most: int | None = None) -> Iterator[str]:
    """The filled cells of a column, from the first row down; at most so many."""
    filled = (row.cells[position] for row in rows if position < len(row.cells) and row.cells[position])
    return islice(filled, most)


def read_first_values(rows: Iterable[RawRow], columns: int, most: int) -> list[list[str]]:
    """The first filled cells of each of so many columns, in one pass; at most so many."""
    found: list[list[str]] = [[] for _ in range(columns)]
    open_columns = set(range(columns))
    for row in rows:
        if not open_columns:
            break
        for at in [at for at in open_columns if at < len(row.cells) and row.cells[at]]:
            found[at].append(row.cells[at])
            if len(found[at]) == most:
                open_columns.discard(at)
    return found


def sample_values(rows: Sequence[RawRow], position: int) -> tuple[str, ...]:
    """Up to three different cells of a column, among its first filled ones."""
    return take_samples(read_values(rows, position, LOOKED_AT))


def take_samples(values: Iterable[str]) -> tuple[str, ...]:
    """The first three of them that differ."""
    return tuple(dict.fromkeys(values))[:MOST_SAMPLES]


def find_look(values: Sequence[str]) -> Look:
    """What more than half of a column's filled cells look like."""
    looked_at = values[:LOOKED_AT]
    if not looked_at:
        return Look.EMPTY
    looks = [_look_of(value) for value in looked_at]
    times = looks.count(Look.TIME)
    both = looks.count(Look.DATE_AND_TIME)
    dates = looks.count(Look.DATE)
    half = len(looks) / 2
    if both and both + dates > half:
        return Look.DATE_AND_TIME
    for look, count in ((Look.DATE, dates), (Look.TIME, times)):
        if count > half:
            return look
    return next((look for look in (Look.WEEKDAY, Look.LINK) if looks.count(look) > half), Look.OTHER)


def _look_of(value: str) -> Look:
    if LINK.fullmatch(value):
        return Look.LINK
    if WEEKDAY_ALONE.fullmatch(value):
        return Look.WEEKDAY
    day, clock = split_date_and_time(value)
    if clock and is_like_date(day):
        if is_no_day(day):
            return Look.TIME
        return Look.DATE if is_no_time(clock) else Look.DATE_AND_TIME
    if is_like_date(value):
        return Look.DATE
    return Look.TIME if is_like_time(value) else Look.OTHER
