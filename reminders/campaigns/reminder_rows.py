"""Reminders of one step that are alike in everything but their times, kept together."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from itertools import repeat
from typing import NamedTuple

from reminders.campaigns.clinic_facts import ClinicFacts
from reminders.campaigns.upcoming import ReminderGroup
from reminders.rules.states import REMINDER_PENDING

# By when they are due (seconds since 1970; 0 of those that don't wait): their visits, and in the same order
# their ends.
ByDue = defaultdict[float, tuple[list[int], list[float]]]


class Waiting(NamedTuple):
    """A reminder's row as far as decisions go by it, but its due time and end; seconds since 1970.

    `look`: None if it is looked at when it is due. `is_before_live`: it came to be owed before the
    installation went live (situations.is_due_before).
    """

    look: float | None
    try_after: float | None
    state: str
    reason: str
    channel: str = ""
    ordered_by: int | None = None
    is_before_live: bool = False


class Rows(NamedTuple):
    """Reminders to visits of one class that are alike but for their times."""

    class_index: int
    row: Waiting
    by_due: ByDue


class RowGroups:
    """Collects reminders that are alike."""

    def __init__(self) -> None:
        self._groups: dict[tuple[int, Waiting], ByDue] = {}

    def rows_of(self, index: int, row: Waiting) -> ByDue:
        """Where visits with such a reminder and their ends are added; `index`: the visits' class."""
        return self._groups.setdefault((index, row), defaultdict(_nobody))

    def list_rows(self) -> list[Rows]:
        return [Rows(index, row, by_due) for (index, row), by_due in self._groups.items() if by_due]


def read_rows(facts: ClinicFacts, groups: Sequence[ReminderGroup]) -> list[Rows]:
    """The reminders as they are, those that are alike together."""
    class_of, found = facts.visits.class_of, RowGroups()
    for group in groups:
        row = Waiting(*group[:7])
        indexes = set(map(class_of.get, group.visits))
        rows = {index: found.rows_of(index, row) for index in indexes if index is not None}
        dues: Iterable[float] = group.dues if row.state in REMINDER_PENDING else repeat(0.0)
        for visit, due, end in zip(group.visits, dues, group.ends):  # noqa: B905 - repeat() has no end
            index = class_of.get(visit)
            if index is not None:
                visits, ends = rows[index][due]
                visits.append(visit)
                ends.append(end)
    return found.list_rows()


def _nobody() -> tuple[list[int], list[float]]:
    return [], []
