"""The upcoming visits with what decisions about them need, read once for all steps of a campaign."""

from collections.abc import Collection, Iterable, Mapping
from datetime import UTC, datetime

from contacts.models import Appointment
from reminders.campaigns.upcoming import VisitClass, Visits
from reminders.deciding.present import Present
from reminders.deciding.situations import ModeFacts
from reminders.planning.bulk_rows import PlannedAppointment
from reminders.planning.owed_reminders import (
    LocationClock,
    read_location_clock,
)
from reminders.rules.modes import SendingMode

PEOPLE = ("contact__phone", "contact__other_phone", "provider")
FEW_MEMBERS = 200  # visits of households, which are read with the examples
IDS_AT_ONCE = 20_000  # a statement has at most 65,535 parameters


class ClinicFacts:
    """The upcoming visits with what decisions about them need: their classes' examples, locations, clocks.

    `as_live`: as if the mode were live, which is what a trial is a preview of. `known`: visits that were read
    already, as read_appointments() reads them.
    """

    def __init__(
        self,
        visits: Visits,
        present: Present,
        *,
        as_live: bool = False,
        known: Mapping[int, Appointment] | None = None,
    ) -> None:
        self.visits, self.now = visits, present.now
        self.mode = ModeFacts(SendingMode.LIVE, None, 0) if as_live else present.mode
        self.pronunciations, self.locations = present.config.pronunciations, present.config.locations
        self.clocks: dict[int, LocationClock | None] = {
            pk: read_location_clock(location) for pk, location in self.locations.items()
        }
        self._appointments: dict[int, Appointment] = {}
        for appointment in (known or {}).values():
            self._place(appointment)
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

    def read_appointments(self, visits: Iterable[int]) -> dict[int, Appointment]:
        """These visits with whom and where they are, those that are gone left out; each is read once."""
        wanted = list(dict.fromkeys(visits))
        missing = [visit for visit in wanted if visit not in self._appointments]
        rows = Appointment.objects.select_related(*PEOPLE)
        for start in range(0, len(missing), IDS_AT_ONCE):
            for appointment in rows.filter(pk__in=missing[start : start + IDS_AT_ONCE]).order_by():
                self._place(appointment)
        return {visit: self._appointments[visit] for visit in wanted if visit in self._appointments}

    def _place(self, appointment: Appointment) -> None:
        """With its location as the settings have it; one at a location that is newer is left out."""
        if location := self.locations.get(appointment.location_id):
            appointment.location = location
            self._appointments[appointment.pk] = appointment

    def _read_examples(self) -> dict[int, Appointment]:
        """The first visit of each class that has any, by class; with them, the few that share a call.

        One that was deleted since the visits were read is left out, and the next of its class is taken.
        """
        found: dict[int, Appointment] = {}
        members = [visit for household in self.visits.households for visit in household]
        also = members if len(members) <= FEW_MEMBERS else []
        while first := self._find_first(found):
            rows = self.read_appointments([*first.values(), *also])
            for index, visit in first.items():
                if visit in rows:
                    found[index] = rows[visit]
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
