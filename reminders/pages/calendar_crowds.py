"""The crowded times of a week: visits that would stand beside each other too narrow to be read or touched.

They are drawn as one entry, such as "5 visits", which leads to the day; there each provider has a column.
"""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from operator import attrgetter

from reminders.pages.calendar import CalendarVisit

MOST_BESIDE = 2  # in a column of a week
LONGEST_CROWD = timedelta(hours=1)  # visits that begin within it are one entry


@dataclass(frozen=True)
class CrowdedTime:
    """Visits that are drawn as one, until the next entry begins."""

    visits: Sequence[CalendarVisit]
    ends_at: datetime

    @property
    def starts_at(self) -> datetime:
        return self.visits[0].starts_at

    @property
    def states(self) -> Counter[str]:
        """How many are in each state."""
        return Counter(visit.state for visit in self.visits)


def count_beside(visits: Iterable[CalendarVisit]) -> int:
    """How many boxes stand beside each other, at most."""
    most, ends = 0, list[datetime]()
    for visit in sorted(visits, key=attrgetter("starts_at")):
        ends = [*(end for end in ends if end > visit.starts_at), visit.drawn_until]
        most = max(most, len(ends))
    return most


def fold_crowded(visits: Iterable[CalendarVisit]) -> Iterator[CalendarVisit | CrowdedTime]:
    """The visits of a day by their time; those of a crowded time as one.

    What a provider has elsewhere has no box, and crowds nobody.
    """
    by_time = sorted(visits, key=attrgetter("starts_at"))
    yield from (visit for visit in by_time if visit.elsewhere)
    for group in _split([visit for visit in by_time if not visit.elsewhere]):
        if count_beside(group) <= MOST_BESIDE:
            yield from group
        else:
            yield from _fold(group)


def _split(visits: Sequence[CalendarVisit]) -> Iterator[list[CalendarVisit]]:
    """Into groups, of which none goes on when the next begins."""
    group = list[CalendarVisit]()
    for visit in visits:
        if group and visit.starts_at >= max(one.drawn_until for one in group):
            yield group
            group = []
        group.append(visit)
    if group:
        yield group


def _fold(group: Sequence[CalendarVisit]) -> Iterator[CrowdedTime]:
    parts = [[group[0]]]
    for visit in group[1:]:
        if visit.starts_at >= parts[-1][0].starts_at + LONGEST_CROWD:
            parts.append([])
        parts[-1].append(visit)
    begins = [part[0].starts_at for part in parts]
    for part, end in zip(parts, [*begins[1:], max(one.drawn_until for one in group)], strict=True):
        yield CrowdedTime(part, end)
