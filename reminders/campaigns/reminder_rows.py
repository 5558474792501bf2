"""Reminders of one step that are alike in everything but their ends, kept together."""

from collections.abc import Sequence
from typing import NamedTuple

from reminders.campaigns.clinic_facts import ClinicFacts
from reminders.campaigns.upcoming import ReminderGroup


class Waiting(NamedTuple):
    """A reminder's row as far as decisions go by it, but its end; seconds since 1970.

    `is_before_live`: it came to be owed before the installation went live (situations.is_due_before).
    """

    due: float
    look: float
    try_after: float | None
    state: str
    reason: str
    channel: str = ""
    ordered_by: int | None = None
    is_before_live: bool = False


class Rows(NamedTuple):
    """Reminders to visits of one class that are alike but for their ends (seconds since 1970)."""

    class_index: int
    row: Waiting
    visits: list[int]
    ends: list[float]


class RowGroups:
    """Collects reminders that are alike."""

    def __init__(self) -> None:
        self._groups: dict[tuple[int, Waiting], tuple[list[int], list[float]]] = {}

    def lists_for(self, index: int, row: Waiting) -> tuple[list[int], list[float]]:
        """Where visits with such a reminder and its ends are added; `index`: the visits' class."""
        own = self._groups.get((index, row))
        if own is None:
            own = self._groups[index, row] = ([], [])
        return own

    def list_rows(self) -> list[Rows]:
        return [Rows(index, row, *own) for (index, row), own in self._groups.items() if own[0]]


def read_rows(facts: ClinicFacts, groups: Sequence[ReminderGroup]) -> list[Rows]:
    """The reminders as they are, those that are alike together."""
    class_of, found = facts.visits.class_of, []
    for group in groups:
        row = Waiting(*group[:8])
        indexes = set(map(class_of.get, group.visits))
        own: dict[int | None, tuple[list[int], list[float]]] = {index: ([], []) for index in indexes}
        if len(indexes) == 1:
            own[indexes.pop()] = group.visits, group.ends
        else:
            for visit, end in zip(group.visits, group.ends, strict=True):
                visits, ends = own[class_of.get(visit)]
                visits.append(visit)
                ends.append(end)
        found += [Rows(index, row, *pair) for index, pair in own.items() if index is not None]
    return found
