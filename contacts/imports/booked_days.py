"""Whether a remembered order of day and month gives the days that are booked (product rule 46)."""

from collections.abc import Mapping
from dataclasses import dataclass

from contacts.database.arrays import is_any_external_id
from contacts.imports.dates import DAY_FIRST, MONTH_FIRST, read_both_ways, take_weekday
from contacts.models import Appointment


@dataclass(frozen=True)
class KeptDays:
    """How many known appointments keep their day if the dates are read in an order, and in the other."""

    same: int = 0
    other: int = 0


def count_kept_days(days: Mapping[str, str], source: str, order: str) -> KeptDays:
    """Count the appointments that keep their day. `days`: id -> date of a list; `order`: MONTH_FIRST or
    DAY_FIRST. Dates that can be read in one way only don't count. One query.
    """
    both = {given: read_both_ways(take_weekday(text)[0]) for given, text in days.items() if given}
    both = {given: readings for given, readings in both.items() if len(readings) == 2}
    booked = Appointment.objects.filter(is_any_external_id(list(both)), source=source)
    found = [(both[given], start.date()) for given, start in booked.values_list("external_id", "local_start")]
    counts = {
        name: sum(readings[at] == day for readings, day in found)
        for at, name in enumerate((MONTH_FIRST, DAY_FIRST))
    }
    other = DAY_FIRST if order == MONTH_FIRST else MONTH_FIRST
    return KeptDays(counts[order], counts[other])
