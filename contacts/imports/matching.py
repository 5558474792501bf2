"""Find the contacts and appointments of a file that exist in the database already, in a few queries."""

from collections.abc import Collection, Iterable, Mapping, Sequence
from types import MappingProxyType

from contacts.database.arrays import is_any_text
from contacts.imports.known import NOBODY, Known, OtherRows
from contacts.imports.known_people import find_known_ids, find_likely_contacts, find_memory_of, share_out
from contacts.imports.known_visits import (
    drop_guesses_at_others,
    find_visits_by_id,
    find_visits_by_slot,
    find_visits_by_time,
    recall_said,
)
from contacts.imports.people import ImportedPerson, PersonKey
from contacts.imports.rows import RowResult
from contacts.imports.status_words import CANCELLED
from contacts.imports.three_way import read_memory
from contacts.models import Appointment, PhoneNumber


def match_people(
    people: Mapping[PersonKey, ImportedPerson],
    source: str,
    *,
    others: OtherRows,
    refused_ids: Collection[str] = (),
    household: bool = False,
    ignore_ids: bool = False,
    renamed: Mapping[str, str] = MappingProxyType({}),
    beside: Mapping[PersonKey, ImportedPerson] = NOBODY,
) -> Known:
    """Match patients of a file with those in the database, and appointments by their ids; as find_known()."""
    known = Known(people=dict(people))
    rows = [row for person in people.values() for row in person.rows]
    ids = {row.appointment_id for row in rows if row.appointment_id} | set(refused_ids)
    rows_beside = [row for person in beside.values() for row in person.rows]
    visits_beside = {row.appointment_id for row in rows_beside if row.appointment_id}
    find_visits_by_id(known, ids, source, renamed, visits_beside)
    drop_guesses_at_others(known, rows)
    patients_beside = {row.patient_id for row in rows_beside if row.patient_id}
    find_known_ids(known, source, household=household, others=others, ids_beside=patients_beside)
    found = find_likely_contacts(known, source, ignore_ids=ignore_ids, others=others)
    share_out(known, found, source, others, {**beside, **known.people})
    # one object for each, which all rows about them change
    objects = {one.pk: one for one in known.contacts.values()}
    known.contacts = {key: objects[one.pk] for key, one in known.contacts.items()}
    for key, contact in known.contacts.items():
        memory = find_memory_of(known.people[key], contact, source)
        if memory:
            known.memory_keys[key] = memory
    return known


def find_known(
    people: Mapping[PersonKey, ImportedPerson],
    source: str,
    *,
    others: OtherRows,
    refused: Sequence[RowResult] = (),
    household: bool = False,
    ignore_ids: bool = False,
    renamed: Mapping[str, str] = MappingProxyType({}),
    beside: Mapping[PersonKey, ImportedPerson] = NOBODY,
) -> Known:
    """Match patients and appointments of a file with those in the database.

    `refused`: rejected rows that cancel; `renamed`: ids here, by the new ids of the file; `household`: the
    patient ids are a household's by their header; `ignore_ids`: people with another id may be the same,
    because the practice system changed them; `beside`: the people of all rows of the block, if not all of it.
    """
    refused_ids = {each.appointment_id for each in refused if each.appointment_id}
    known = match_people(
        people,
        source,
        others=others,
        refused_ids=refused_ids,
        household=household,
        ignore_ids=ignore_ids,
        renamed=renamed,
        beside=beside,
    )
    rows = [row for person in people.values() for row in person.rows]
    ids = {row.appointment_id for row in rows if row.appointment_id} | refused_ids

    def is_of_others(each: Appointment) -> bool:
        return others.have(each, ids, source)

    find_visits_by_slot(known, rows, source, is_of_others)
    cancelling = [row for row in rows if row.status == CANCELLED]
    find_visits_by_time(
        known,
        [*cancelling, *(each.partial for each in refused if each.partial)],
        lambda each: is_of_others(each) or each.contact_id in others.taken,
    )
    matched = [*known.by_id.values(), *(each for group in known.by_slot.values() for each in group)]
    known.recalled = recall_said([each.pk for each in matched if read_memory(each, source) is None])
    known.unusable = _find_unusable(people.values())
    return known


def _find_unusable(people: Iterable[ImportedPerson]) -> frozenset[str]:
    numbers = {person.phone.e164 for person in people if person.phone}
    unusable = PhoneNumber.objects.filter(is_any_text("e164", numbers)).exclude(unusable_since=None)
    return frozenset(unusable.values_list("e164", flat=True))
