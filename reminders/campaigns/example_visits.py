"""The timeline of an example visit as a page shows it beside a campaign that is being edited."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta

from django.utils.translation import gettext as _

from contacts.models import Location
from reminders.models import Step
from reminders.planning.owed_reminders import read_location_clock
from reminders.planning.timelines import ExampleVisit, StepMoment, find_timeline
from reminders.rules.reasons import Reason
from reminders.rules.zones import zone_or_utc

WEEK = timedelta(days=7)
VISIT_TIME = time(10)


@dataclass(frozen=True)
class TimelineEntry:
    """One line, at a time by the location's clock (aware; None: there is no time for it).

    `look`: "booked", "visit", or of a step "goes", "earlier", "later" or "skipped". `number`: the step's
    place, 0 for no step. `due`: when it would have gone, if that is another time. `why`: a sentence, or "".
    """

    look: str
    at: datetime | None
    number: int = 0
    step: Step | None = None
    due: datetime | None = None
    why: str = ""


def choose_example_day(location: Location, today: date) -> date:
    """The first day, a week ahead or later, on which the location is open; a week ahead if it never is."""
    clock = read_location_clock(location)
    days = [today + WEEK + timedelta(days=number) for number in range(28)]
    return next((day for day in days if clock and clock.open_days.include(day)), days[0])


def view_timeline(steps: Sequence[Step], visit: ExampleVisit) -> list[TimelineEntry]:
    """The booking, the steps and the visit by time. The place of each step is its `position`."""
    zone = zone_or_utc(visit.location.time_zone)
    moments = find_timeline(steps, visit)
    entries = [
        TimelineEntry("booked", visit.booked_at.astimezone(zone)),
        *(_view_moment(moment, visit.location) for moment in moments),
        TimelineEntry("visit", visit.starts_at.astimezone(zone)),
    ]
    found = {moment.step.position for moment in moments}
    never_open = _("%(location)s is never open, so there is no time for it.") % {"location": visit.location}
    missing = [
        TimelineEntry("skipped", None, step.position, step, why=never_open)
        for step in steps
        if step.position not in found
    ]
    return sorted(entries, key=_by_time) + missing


def _view_moment(moment: StepMoment, location: Location) -> TimelineEntry:
    zone = zone_or_utc(location.time_zone)
    due = moment.due_at.astimezone(zone)
    entry = TimelineEntry("skipped", due, moment.step.position, moment.step, why=moment.why)
    if moment.goes_at is None:
        return entry
    goes = moment.goes_at.astimezone(zone)
    entry = replace(entry, at=goes, due=due if goes != due else None)
    if moment.reason == Reason.BROUGHT_FORWARD:
        return replace(entry, look="earlier", due=None)
    if goes == due:
        return replace(entry, look="goes")
    late = _("It was booked after the time of this step.")
    return replace(entry, look="later", why=moment.why or late)


def _by_time(entry: TimelineEntry) -> tuple[float, int]:
    """What falls on the same moment: the booking first, the visit last."""
    place = {"booked": -1, "visit": 10_000}.get(entry.look, entry.number)
    return (entry.at.timestamp() if entry.at else 0.0), place
