"""Reminders of one step that are alike in everything but their ends, kept together."""

from collections.abc import Sequence
from typing import NamedTuple

from reminders.campaigns.clinic_facts import ClinicFacts
from reminders.campaigns.upcoming import ReminderGroup
from reminders.rules.states import REMINDER_PENDING


class Waiting(NamedTuple):
    """A reminder's row as far as decisions go by it, but its end; seconds since 1970.

    `is_before_live`: it came to be owed before the installation went live (situations.is_due_before).
    """

    state: str
    reason: str
    channel: str
    ordered_by: int | None
    due: float
    look: float
    try_after: float | None
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

    def add(self, index: int, row: Waiting, visit: int, end: float) -> None:
        """`index`: the visit's class."""
        own = self._groups.get((index, row))
        if own is None:
            own = self._groups[index, row] = ([], [])
        own[0].append(visit)
        own[1].append(end)

    def list_rows(self) -> list[Rows]:
        return [Rows(index, row, *own) for (index, row), own in self._groups.items()]


def read_rows(facts: ClinicFacts, groups: Sequence[ReminderGroup]) -> list[Rows]:
    """The reminders as they are, those that are alike together."""
    class_of, found = facts.visits.class_of, []
    live = facts.mode.live_since.timestamp() if facts.mode.live_since else 0.0
    for group in groups:
        head = group[:4]
        is_pending = group.state in REMINDER_PENDING
        own: dict[tuple[int, float, float, float | None, bool], tuple[list[int], list[float]]] = {}
        for visit, due, end, look, try_after, created in zip(*group[4:], strict=True):
            index = class_of.get(visit)
            if index is None:
                continue
            key = (index, 0.0, 0.0, None, False)
            if is_pending:
                key = (index, due, look, try_after, due < live and created < live)
            pair = own.get(key)
            if pair is None:
                pair = own[key] = ([], [])
            pair[0].append(visit)
            pair[1].append(end)
        found += [
            Rows(index, Waiting(*head, due, look, again, is_before_live), *pair)
            for (index, due, look, again, is_before_live), pair in own.items()
        ]
    return found
