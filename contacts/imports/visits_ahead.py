"""The visits for which an import would plan reminders, before it is applied. Pure.

What goes out for them is found by reminders/pages/import_calls.py, which contacts doesn't know.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from datetime import datetime

from contacts.imports.plans import Plan, PlannedRow, RowOutcome, Status
from contacts.imports.practice import KnownPractice
from contacts.imports.rows import ImportedLocation, location_key

PLANNED_ANEW = (RowOutcome.ADDED, RowOutcome.MOVED, RowOutcome.BOOKED_AGAIN)


@dataclass(frozen=True, slots=True)
class VisitAhead:
    """When and where a visit is booked. `location`: its id; None: it would be made with the zone `zone`.

    `starts_at`: aware UTC; `is_moved`: it was here before.
    """

    location: int | None
    starts_at: datetime
    zone: str = ""
    is_moved: bool = False


@dataclass
class PlannedAnew:
    """Visits that would be planned anew, and contacts (ids) whose number changes, so theirs would be too.

    `visits`: how many there are of each; those of a list share the hours of a few weeks.
    """

    visits: Counter[VisitAhead] = field(default_factory=Counter)
    renumbered: set[int] = field(default_factory=set)

    def add(self, plan: Plan, practice: KnownPractice, described: dict[str, ImportedLocation]) -> None:
        """Add what a plan would have planned anew. A location that would be held has no visits here."""
        self.renumbered |= {each.contact.pk for each in plan.contacts.values() if each.contact and each.phone}
        self.visits.update(_list_visits(plan.rows, practice, described))


def _list_visits(
    rows: Iterable[PlannedRow], practice: KnownPractice, described: dict[str, ImportedLocation]
) -> Iterator[VisitAhead]:
    for each in rows:
        is_new = each.outcome == RowOutcome.ADDED
        if each.outcome not in PLANNED_ANEW or (is_new and each.row.status != Status.BOOKED):
            continue
        booked = each.appointment
        key = location_key(each.row.location)
        if booked and "slot" not in each.takes:
            yield VisitAhead(booked.location_id, booked.starts_at, is_moved=True)
        elif known := practice.locations.get(key):
            yield VisitAhead(known.pk, each.starts_at, is_moved=not is_new)
        elif (new := described.get(key)) and new.zone and new.is_complete:
            yield VisitAhead(None, each.starts_at, str(new.zone), is_moved=not is_new)
