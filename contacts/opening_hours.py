"""When a location sees patients: its opening hours, or the usual ones where none are entered."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, time
from typing import NamedTuple

from contacts.clock_habits import USUAL_STARTS, is_usual
from contacts.models import Location


class OpenSpan(NamedTuple):
    """From `opens` to `closes`, by the location's clock."""

    opens: time
    closes: time


USUAL_SPANS = (OpenSpan(*USUAL_STARTS),)


@dataclass(frozen=True)
class WeekHours:
    """The spans of each day of the week (Monday is 0) that has any of its own, in order."""

    entered: Mapping[int, tuple[OpenSpan, ...]]

    def on(self, weekday: int) -> tuple[OpenSpan, ...]:
        """When it is open on that day of the week, if it is open that day at all."""
        return self.entered.get(weekday, USUAL_SPANS)

    def include(self, start: datetime, end: datetime) -> bool:
        """Whether a visit with these wall times is within opening hours.

        Where none are entered only the start counts: a visit at 18:45 is no question.
        """
        spans = self.entered.get(start.weekday())
        if spans is None:
            return is_usual(start.time())
        same_day = start.date() == end.date()
        return same_day and any(span.opens <= start.time() and end.time() <= span.closes for span in spans)


def read_week_hours(location: Location) -> WeekHours:
    """One query, none where `opening_hours` are prefetched."""
    spans: dict[int, tuple[OpenSpan, ...]] = {}
    for row in location.opening_hours.all():
        spans[row.weekday] = (*spans.get(row.weekday, ()), OpenSpan(row.opens, row.closes))
    return WeekHours({weekday: tuple(sorted(found)) for weekday, found in spans.items()})
