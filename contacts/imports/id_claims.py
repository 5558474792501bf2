"""Several patient ids of one list that would all be one contact here (product rules 42 and 45).

A contact takes one id. If two ids that aren't known have the name and number of a contact, such as those of a
father and a son, one takes the contact, and the other is somebody new. As one person, they would be two when
the same list comes again, since then one of the ids is known and the other isn't.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

from contacts.database.arrays import is_any
from contacts.imports.people import ImportedPerson, PersonKey
from contacts.imports.rows import AppointmentRow
from contacts.imports.three_way import say_slot
from contacts.models import Appointment, Contact
from contacts.models.local_times import LocalDateTimeField


@dataclass(frozen=True)
class IdClaim:
    """A person of a list whose id isn't known, and the contacts who may be that person, the likeliest first.

    `visited`: the contacts (ids) who have a visit here whose id a row of the person has.
    """

    person: ImportedPerson
    contacts: Sequence[Contact]
    visited: Collection[int]


def share_contacts(claims: Sequence[IdClaim], known: Collection[int]) -> dict[PersonKey, Contact]:
    """The contact of each person who gets one. Of several who may be one contact it is the first who has a
    visit of theirs by its id, else by its time, else the first of the list. At most one query.

    `claims`: in the order of the list; `known`: contacts (ids) whose own ids are in the list.
    """
    counts = Counter(contact.pk for claim in claims for contact in claim.contacts)
    disputed = {pk for pk, count in counts.items() if count > 1 and pk not in known}
    slots = _read_slots_of(claims, disputed) if disputed else {}

    def has_visit(claim: IdClaim, contact: Contact) -> bool:
        return has_visit_of(claim.person.rows, slots.get(contact.pk, ()))

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


def read_slots(claims: Sequence[IdClaim], *, besides: Collection[int]) -> Mapping[int, set[str]]:
    """When and where (see say_slot) the contacts (ids) of these claims have visits at the times of rows that
    may be about them, but for the visits `besides`. At most one query.
    """
    contacts = {one.pk for claim in claims for one in claim.contacts}
    return _read_slots_of(claims, contacts, besides) if claims else {}


def has_visit_of(rows: Iterable[AppointmentRow], slots: Collection[str]) -> bool:
    """Whether one of these rows has its visit among the slots of a contact."""
    return any(say_slot(row.local_start, row.location) in slots for row in rows)


def _read_slots_of(
    claims: Sequence[IdClaim], contacts: Collection[int], besides: Collection[int] = ()
) -> Mapping[int, set[str]]:
    found: dict[int, set[str]] = defaultdict(set)
    rows = [row for claim in claims for row in claim.person.rows if claim.contacts]
    visits = Appointment.objects.filter(
        is_any("contact", contacts),
        is_any("local_start", {row.local_start for row in rows}, LocalDateTimeField()),
    )
    for visit in visits.select_related("location").order_by():
        if visit.pk not in besides:
            found[visit.contact_id].add(say_slot(visit.local_start, visit.location.name))
    return found
