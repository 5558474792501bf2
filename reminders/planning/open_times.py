"""On which days a location is open, and from when until when."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db.models import prefetch_related_objects
from django.utils.translation import gettext as _

from contacts.models import Location
from contacts.opening_hours import WeekHours, read_week_hours
from reminders.planning.owed_reminders import open_days_of
from reminders.rules.free_slots import Stretch
from reminders.rules.schedule import OpenDays

LONGEST_KNOWN = timedelta(days=1)  # of a visit: those of lists may be longer than the forms allow


@dataclass(frozen=True)
class OpenTimes:
    """`reasons`: what was entered for closed days, "" where nothing was."""

    zone: ZoneInfo
    days: OpenDays
    hours: WeekHours
    reasons: Mapping[date, str]

    def spans_of(self, day: date) -> list[Stretch]:
        """When it is open on that day (aware, by the location's clock); none where it is closed."""
        if not self.days.include(day):
            return []
        return [
            (
                datetime.combine(day, span.opens, tzinfo=self.zone),
                datetime.combine(day, span.closes, tzinfo=self.zone),
            )
            for span in self.hours.on(day.weekday())
        ]

    def say_closed(self, day: date) -> str:
        """A sentence about a day on which it is closed; "" where it is open."""
        if self.days.include(day):
            return ""
        if reason := self.reasons.get(day):
            return _("Closed: %(reason)s") % {"reason": reason}
        if day.weekday() in self.days.weekdays and day not in self.reasons:
            return _("Closed for a public holiday")
        return _("Closed on this day")


def read_open_times(location: Location) -> OpenTimes:
    """Two queries, none where `closed_days` and `opening_hours` are prefetched."""
    return read_open_times_of([location])[location.pk]


def read_open_times_of(locations: Iterable[Location]) -> dict[int, OpenTimes]:
    """Those of each of these locations, by its id; two queries for all."""
    read = list(locations)
    prefetch_related_objects(read, "closed_days", "opening_hours")
    return {location.pk: _make_open_times(location) for location in read}


def _make_open_times(location: Location) -> OpenTimes:
    return OpenTimes(
        zone=location.zone,
        days=open_days_of(location),
        hours=read_week_hours(location),
        reasons={day.date: day.reason for day in location.closed_days.all()},
    )
