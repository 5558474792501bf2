"""A day's visits as lines of a table on paper."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime

from contacts.models import Location, PhoneNumber
from reminders.deciding.shared_settings import SharedSettings
from reminders.pages.day import Row, build_row, keep_state
from reminders.pages.day_reading import VisitOfDay, read_visits_of_day


@dataclass(frozen=True)
class PrintedLine:
    """A row of Today, with the number itself."""

    row: Row
    phone: PhoneNumber | None


def print_visits(visits: Collection[VisitOfDay], now: datetime, state: str = "") -> list[PrintedLine]:
    """A line for each visit that the filter keeps, by time."""
    phones = {one.appointment.pk: one.appointment.contact.phone for one in visits}
    rows = keep_state([build_row(one, now) for one in visits], state)
    return [PrintedLine(row, phones[row.pk]) for row in rows]


def read_printed_day(
    locations: Collection[Location],
    day: date | None,
    now: datetime,
    *,
    provider_id: int | None,
    state: str,
    practice: SharedSettings | None = None,
) -> list[PrintedLine]:
    """The lines of `day` (None: each location's own today) with the filters of Today.

    `practice`: the settings, where they were read for this request already.
    """
    visits = read_visits_of_day(locations, day, now, practice)
    kept = [one for one in visits if provider_id in (None, one.appointment.provider_id)]
    return print_visits(kept, now, state)
