"""Several patient ids of one list that would all be one contact here (product rules 42 and 45).

A contact takes one id. If two ids that aren't known have the name and number of a contact, such as those of a
father and a son, one takes the contact, and the other is somebody new. As one person, they would be two when
the same list comes again, since then one of the ids is known and the other isn't.
"""

from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass

from contacts.database.arrays import is_any
from contacts.imports.people import ImportedPerson, PersonKey
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
    starts = _find_starts(claims, disputed) if disputed else {}

    def has_visit(claim: IdClaim, contact: Contact) -> bool:
        slots = starts.get(contact.pk, ())
        return any(say_slot(row.local_start, row.location) in slots for row in claim.person.rows)

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


def _find_starts(claims: Sequence[IdClaim], disputed: Collection[int]) -> Mapping[int, set[str]]:
    """When and where these contacts have visits at the times of rows that may be about them."""
    found: dict[int, set[str]] = defaultdict(set)
    rows = [row for claim in claims for row in claim.person.rows if claim.contacts]
    visits = Appointment.objects.filter(
        is_any("contact", disputed),
        is_any("local_start", {row.local_start for row in rows}, LocalDateTimeField()),
    )
    for visit in visits.select_related("location").order_by():
        found[visit.contact_id].add(say_slot(visit.local_start, visit.location.name))
    return found
