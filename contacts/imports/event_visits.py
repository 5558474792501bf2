"""Visits here, and rows of a calendar, that are of one event, and whether they can be of one patient."""

from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache

from django.utils import timezone

from contacts.imports.described_contacts import describe_contact_and_said
from contacts.imports.identity import Identity, identify, is_related, may_be_the_patient
from contacts.imports.people import describe_row
from contacts.imports.reading.entry_versions import is_alone
from contacts.imports.reading.event_ids import KEPT_OF_ID, is_cut, may_be_of_one_event, name_of_event
from contacts.imports.rows import RowResult
from contacts.models import Appointment

# A little less than what is read of a calendar, so that what the file leaves out at the ends isn't missed.
FROM, TO = -timedelta(hours=23), timedelta(days=399)
MOST_PATIENTS = 300  # of an event
NOBODY = (identify("", ""),)
EventKey = tuple[str, str]  # the name of the event, and the initial of the patient where that may be cut


@dataclass(frozen=True, slots=True)
class EventVisit:
    """A visit here, or a row of the file (`line`, and its `version`). `who`: what is said of its patient."""

    id: str
    starts: datetime | None
    who: tuple[Identity, ...]
    is_booked: bool = True
    is_ahead: bool = True
    line: int = 0
    version: str = ""

    @property
    def has_name(self) -> bool:
        """Whether it is known who the patient is."""
        return any(each.first or each.remains for each in self.who)

    def list_keys(self) -> Iterator[EventKey]:
        """Under what visits of the same event, and perhaps others, are found."""
        event = name_of_event(self.id)
        if len(event) < KEPT_OF_ID:
            yield event, ""
        else:
            for initial in {(each.first or each.remains)[:1] for each in self.who}:
                yield event[:KEPT_OF_ID], initial


def read_event_visits(source: str) -> dict[EventKey, list[EventVisit]]:
    """The visits of a source in the time that is read of a calendar, by their events."""
    now = timezone.now()
    here = Appointment.objects.filter(source=source, starts_at__range=(now + FROM, now + TO))
    here = here.exclude(external_id="").select_related("contact__phone", "contact__other_phone")
    people: dict[int, tuple[Identity, ...]] = {}
    found: defaultdict[EventKey, list[EventVisit]] = defaultdict(list)
    for each in here.defer("file_values").order_by("starts_at", "pk").iterator():
        if each.contact_id not in people:
            people[each.contact_id] = tuple(describe_contact_and_said(each.contact, source))
        who, is_booked = people[each.contact_id], each.status == Appointment.Status.BOOKED
        visit = EventVisit(each.external_id, each.local_start, who, is_booked, each.starts_at > now)
        for key in visit.list_keys():
            found[key].append(visit)
    return dict(found)


def read_event_row(result: RowResult) -> EventVisit:
    """The visit that a row of a calendar is about."""
    row = result.row or result.partial
    who = (describe_row(row),) if row else NOBODY
    starts = row.local_start if row else None
    return EventVisit(result.appointment_id, starts, who, line=result.line, version=result.version)


def may_be_one(one: EventVisit, other: EventVisit) -> bool:
    """Whether they can be of one event and one patient."""
    return _may_be_one_patient(one.who, other.who) and may_be_of_one_event(one.id, other.id)


@lru_cache(maxsize=8192)  # there are few patients in an event, and many visits
def _may_be_one_patient(some: tuple[Identity, ...], others: tuple[Identity, ...]) -> bool:
    return any(may_be_the_patient(one, other) for one in some for other in others)


def has_relative(visit: EventVisit, rows: Iterable[EventVisit]) -> bool:
    """Whether one of the rows is surely of the same event, and of somebody with that last name or number."""
    if is_cut(visit.id):
        return False
    of_event = [row for row in rows if name_of_event(row.id) == name_of_event(visit.id)]
    return any(is_related(one, other) for row in of_event for one in row.who for other in visit.who)


def are_alone(rows: Iterable[EventVisit]) -> bool:
    """Whether they are single visits of a series that isn't in the file itself."""
    return all(is_alone(row.version) for row in rows)


def divide_events(
    rows: Sequence[EventVisit], visits: Sequence[EventVisit]
) -> list[tuple[list[EventVisit], list[EventVisit]]]:
    """Rows with the visits here that are under the same key, event by event. Where an id was cut, all are
    together, since nothing tells which are of one event.
    """
    if any(is_cut(each.id) for each in (*rows, *visits)):
        return [([*rows], [*visits])]
    of_event: defaultdict[str, tuple[list[EventVisit], list[EventVisit]]] = defaultdict(lambda: ([], []))
    for side, some in enumerate((rows, visits)):
        for each in some:
            of_event[name_of_event(each.id)][side].append(each)
    return [pair for pair in of_event.values() if all(pair)]


def group_by_patient(rows: Iterable[EventVisit]) -> list[list[EventVisit]]:
    """Rows of one event that can be of one patient; those without a name are with the first of the others.

    [] if they are of more than MOST_PATIENTS: what they have in common is hardly one event, but the beginning
    that a system gives all its ids, and each would be compared with each. What left the calendar is then only
    listed as missing.
    """
    groups: list[list[EventVisit]] = []
    for row in sorted(rows, key=lambda each: not each.has_name):
        group = next((each for each in groups if may_be_one(each[0], row)), None)
        if group is None and len(groups) == MOST_PATIENTS:
            return []
        if group is None:
            groups.append([row])
        else:
            group.append(row)
    return groups
