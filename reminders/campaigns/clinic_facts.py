"""The upcoming visits with what decisions about them need, read once for all steps of a campaign."""

from collections.abc import Collection
from datetime import UTC, datetime

from contacts.models import Appointment
from reminders.campaigns.upcoming import VisitClass, Visits
from reminders.deciding.shared_settings import read_shared_settings
from reminders.deciding.situations import (
    ModeFacts,
    read_mode_facts,
)
from reminders.planning.bulk_rows import PlannedAppointment
from reminders.planning.owed_reminders import (
    LocationClock,
    read_location_clock,
)
from reminders.rules.modes import SendingMode


class ClinicFacts:
    """The upcoming visits with what decisions about them need: their classes' examples, locations, clocks.

    `as_live`: as if the mode were live, which is what a trial is a preview of.
    """

    def __init__(self, visits: Visits, now: datetime, *, as_live: bool = False) -> None:
        self.visits, self.now = visits, now
        self.mode = ModeFacts(SendingMode.LIVE, None, 0) if as_live else read_mode_facts(now)
        config = read_shared_settings().config
        self.pronunciations, self.locations = config.pronunciations, config.locations
        self.clocks: dict[int, LocationClock | None] = {
            pk: read_location_clock(location) for pk, location in self.locations.items()
        }
        self.examples = self._read_examples()
        self._places = {index: _find_place(example) for index, example in self.examples.items()}
        self._moments: dict[float, datetime] = {}

    def at(self, seconds: float) -> datetime:
        """The moment (aware UTC); one object for equal moments."""
        found = self._moments.get(seconds)
        if found is None:
            found = self._moments[seconds] = datetime.fromtimestamp(seconds, UTC)
        return found

    def class_of(self, visit: int) -> VisitClass:
        return self.visits.classes[self.visits.class_of[visit]]

    def plannable(self, visit: int, patient: float | None = None) -> PlannedAppointment:
        """The visit as planning takes it; `patient`: one of its times, by the filters that planning uses."""
        times = self.visits.times[visit]
        location, stated_zone, number_zones = self._places[self.visits.class_of[visit]]
        return PlannedAppointment(
            visit,
            location,
            times.revision,
            self.at(times.starts),
            datetime.fromtimestamp(times.revised, UTC),
            None if times.details is None else self.at(times.details),
            stated_zone,
            number_zones,
            None if times.booked is None else self.at(times.booked),
            None if patient is None else self.at(patient),
        )

    def _read_examples(self) -> dict[int, Appointment]:
        """The first visit of each class that has any, by class, with whom and where it is.

        One that was deleted since the visits were read is left out, and the next of its class is taken.
        """
        found: dict[int, Appointment] = {}
        while first := self._find_first(found):
            people = ("contact__phone", "contact__other_phone", "provider")
            rows = Appointment.objects.select_related(*people).in_bulk(list(first.values()))
            for index, visit in first.items():
                if visit in rows and rows[visit].location_id in self.locations:
                    found[index] = rows[visit]
                    found[index].location = self.locations[rows[visit].location_id]
                else:
                    del self.visits.class_of[visit]
        return found

    def _find_first(self, found: Collection[int]) -> dict[int, int]:
        """The first visit of each class that has no example yet, by class."""
        first = {index: visit for visit, index in reversed(self.visits.class_of.items())}
        return {index: visit for index, visit in first.items() if index not in found}


def _find_place(example: Appointment) -> tuple[int, str, tuple[str, ...]]:
    """Its location (id), the zone that the patient has stated, and the zones of the number."""
    phone = example.contact.phone
    return example.location_id, example.contact.time_zone, tuple(phone.time_zones) if phone else ()
