"""At which times of a day a visit would fit. Pure."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

Stretch = tuple[datetime, datetime]  # from, until; aware

SHORT_GRID, GRID = timedelta(minutes=15), timedelta(minutes=30)
_EPOCH = datetime(2000, 1, 1, tzinfo=UTC)


def find_free_starts(
    open_spans: Iterable[Stretch], busy: Iterable[Stretch], length: timedelta, *, after: datetime
) -> list[datetime]:
    """The starts (aware UTC) of visits of that length that fit, none before `after`.

    The first of a gap, then every half an hour; every quarter for visits of at most 15 minutes.
    """
    grid = SHORT_GRID if length <= SHORT_GRID else GRID
    taken = sorted((begin.astimezone(UTC), end.astimezone(UTC)) for begin, end in busy)
    return [
        start
        for opens, closes in open_spans
        for begin, end in _find_gaps(opens.astimezone(UTC), closes.astimezone(UTC), taken)
        for start in _list_starts(begin, end, length, grid)
        if start >= after
    ]


def _find_gaps(opens: datetime, closes: datetime, taken: Sequence[Stretch]) -> Iterator[Stretch]:
    free_from = opens
    for begin, end in taken:
        if end <= free_from or begin >= closes:
            continue
        if begin > free_from:
            yield free_from, begin
        free_from = max(free_from, end)
    if free_from < closes:
        yield free_from, closes


def _list_starts(begin: datetime, end: datetime, length: timedelta, grid: timedelta) -> Iterator[datetime]:
    start = begin
    while start + length <= end:
        yield start
        start += grid - (start - _EPOCH) % grid
