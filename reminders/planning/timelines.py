"""When each step would go out for an example visit, for a page that shows a campaign while it is edited.

Pure once the location is loaded with its closed days: it reads nothing else, and writes nothing. Since when a
step means somebody is left out, and so is what other calls to the number would delay.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from contacts.models import Location
from reminders.deciding.situations import zones_of
from reminders.models import Step
from reminders.planning.bulk_rows import PlannedAppointment
from reminders.planning.owed_reminders import LONG_AGO, find_owed, read_location_clock, read_step_timing
from reminders.rules.calling_hours import next_allowed
from reminders.rules.reaching_back import MeantSince
from reminders.rules.reasons import Reason, sentence_for
from reminders.rules.states import ReminderState


@dataclass(frozen=True)
class ExampleVisit:
    """A visit to show a campaign by; moments are aware.

    `stated_zone`: the patient's, "" if not known; `number_zones`: those their number could be in.
    """

    location: Location
    starts_at: datetime
    booked_at: datetime
    stated_zone: str = ""
    number_zones: Sequence[str] = ()


@dataclass(frozen=True)
class StepMoment:
    """What a step means for the visit; moments are aware UTC.

    `due_at`: its time; `goes_at`: when it goes out, within calling hours, None if it doesn't; `not_after`:
    its end. `reason`: a code of reasons.Reason why it doesn't go, goes earlier or waits, else "".
    """

    step: Step
    due_at: datetime
    goes_at: datetime | None
    not_after: datetime
    reason: str

    @property
    def why(self) -> str:
        """The reason's sentence."""
        return sentence_for(self.reason)


def find_timeline(steps: Iterable[Step], visit: ExampleVisit) -> list[StepMoment]:
    """The moment of each step, by time; a step without one (an impossible time, never open) is left out.

    The steps need not be saved, but their `campaign` must be set.
    """
    moments = [moment for step in steps if (moment := _find_moment(step, visit))]
    return sorted(moments, key=lambda moment: (moment.goes_at or moment.due_at, moment.step.position))


def _find_moment(step: Step, visit: ExampleVisit) -> StepMoment | None:
    location, timing = read_location_clock(visit.location), read_step_timing(step)
    if location is None or timing is None:
        return None
    number_zones = tuple(visit.number_zones)
    appointment = PlannedAppointment(
        pk=0,
        location_id=visit.location.pk,
        revision=1,
        starts_at=visit.starts_at,
        revised_at=visit.booked_at,
        details_at=None,
        stated_zone=visit.stated_zone,
        number_zones=number_zones,
        booked_at=visit.booked_at,
    )
    owed = find_owed(timing._replace(since=MeantSince(LONG_AGO, LONG_AGO)), appointment, location)
    if owed is None:
        return None
    if owed.state == ReminderState.SKIPPED:
        return StepMoment(step, owed.due_at, None, owed.not_after, owed.reason)
    zones = zones_of(visit.stated_zone, visit.location.time_zone, number_zones)
    owed_from = max(owed.due_at, visit.booked_at)
    goes_at = next_allowed(owed_from, location.hours, zones) if zones else None
    if goes_at is None:
        return StepMoment(step, owed.due_at, None, owed.not_after, Reason.NO_COMMON_HOURS)
    waits = Reason.OUTSIDE_CALLING_HOURS if goes_at > owed_from else ""
    return StepMoment(step, owed.due_at, goes_at, owed.not_after, owed.reason or waits)
