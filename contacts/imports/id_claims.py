"""Several patient ids of one list that would all be one contact here (product rules 42 and 45).

A contact takes one id. If two ids that aren't known have the name and number of a contact, such as those of a
father and a son, one takes the contact, and the other is somebody new. As one person, they would be two when
the same list comes again, since then one of the ids is known and the other isn't.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from contacts.imports.known_visits import find_visits_at, list_said_slots
from contacts.imports.people import ImportedPerson, PersonKey
from contacts.imports.rows import AppointmentRow
from contacts.imports.status_words import CANCELLED
from contacts.imports.three_way import read_memory, say_slot
from contacts.models import Appointment, Contact


@dataclass(frozen=True)
class IdClaim:
    """A person of a list whose id isn't known, and the contacts who may be that person, the likeliest first.

    `visited`: the contacts (ids) who have a visit here whose id a row of the person has.
    """

    person: ImportedPerson
    contacts: Sequence[Contact]
    visited: Collection[int]


def share_contacts(
    claims: Sequence[IdClaim], known: Collection[int], source: str
) -> dict[PersonKey, Contact]:
    """The contact of each person who gets one. Of several who may be one contact it is the first who has a
    visit of theirs by its id, else by its time, else the first of the list. At most one query.

    `claims`: in the order of the list; `known`: contacts (ids) whose own ids are in the list.
    """
    counts = Counter(contact.pk for claim in claims for contact in claim.contacts)
    disputed = {pk for pk, count in counts.items() if count > 1 and pk not in known}
    rows = [row for claim in claims for row in claim.person.rows if claim.contacts]
    visits = read_visits_at(rows, disputed, source) if disputed else {}

    def has_visit(claim: IdClaim, contact: Contact) -> bool:
        return has_visit_of(claim.person.rows, visits.get(contact.pk, ()), source)

    ties: Sequence[Callable[[IdClaim, Contact], bool]] = (
        lambda claim, contact: contact.pk in claim.visited,
        has_visit,
        lambda _claim, _contact: True,
    )
    shared: dict[PersonKey, Contact] = {}
    taken = set(known)
    for is_tied in ties:
        for claim in claims:
            free = [one for one in claim.contacts if one.pk not in taken and is_tied(claim, one)]
            if free and claim.person.key not in shared:
                shared[claim.person.key] = free[0]
                taken.add(free[0].pk)
    return shared


def read_visits_at(
    rows: Collection[AppointmentRow], contacts: Collection[int], source: str
) -> Mapping[int, list[Appointment]]:
    """The visits that these contacts (ids) have at the times of rows that may be about them. One query."""
    found: dict[int, list[Appointment]] = defaultdict(list)
    for visit in find_visits_at(rows, contacts, source).order_by("pk"):
        found[visit.contact_id].append(visit)
    return found


def has_visit_of(rows: Iterable[AppointmentRow], visits: Collection[Appointment], source: str) -> bool:
    """Whether one of these rows is about one of a contact's visits, as the list or the desk has it."""
    return any(_is_about(row, visit, source) for row in rows for visit in visits)


def was_told_of(rows: Iterable[AppointmentRow], visits: Collection[Appointment], source: str) -> bool:
    """Whether the last list said of one of a contact's visits when and where it is, and whether it is
    cancelled, as one of these rows does.
    """
    memories = [memory for visit in visits if (memory := read_memory(visit, source))]
    said = {(memory.get("slot"), memory.get("status") == CANCELLED) for memory in memories}
    return any((say_slot(row.local_start, row.location), row.status == CANCELLED) in said for row in rows)


def _is_about(row: AppointmentRow, visit: Appointment, source: str) -> bool:
    if say_slot(row.local_start, row.location) not in list_said_slots(visit, source):
        return False
    said = (read_memory(visit, source) or {}).get("status")
    is_booked = visit.status != Appointment.Status.CANCELLED
    return is_booked or (said == CANCELLED if row.status == CANCELLED else said not in (None, CANCELLED))
