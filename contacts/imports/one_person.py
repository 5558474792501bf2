"""People of a list who turn out to be one, though their rows have different ids, or none (product rules 41
and 45). No queries.

What the rows of one contact say is put together before it is compared with what lists said last, and is
remembered as one. Compared one by one, rows that differ would undo each other each time the file is imported.
Those that speak of the id of a contact who was merged with another are kept apart (three_way.py: memory_key).
"""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import replace

from contacts.imports.described_contacts import has_own_id
from contacts.imports.identity import fold_written_name
from contacts.imports.known import NOBODY, Known
from contacts.imports.people import ImportedPerson, PersonKey, merge_rows

NameAndNumber = tuple[str, str, str]
ROUNDS = 3  # who fits two people may fit only one when these are joined


def join_people(known: Known, source: str, beside: Mapping[PersonKey, ImportedPerson] = NOBODY) -> None:
    """Make one person of all who are one contact, and of somebody new without a patient id and the only one
    in the list who has their name and number. If there are several, they stay apart, and are noted.

    `beside`: people whose rows aren't planned now, but may be those whom somebody's name and number fit.
    """
    first_keys = {key: key for key in known.people}  # of the people who are one
    contacts: dict[tuple[int, str], PersonKey] = {}
    for key, contact in known.contacts.items():
        about = contact.pk, known.memory_keys.get(key, source)
        first_keys[key] = contacts.setdefault(about, key)
    _find_same_names(known, first_keys, beside)
    groups: dict[PersonKey, list[PersonKey]] = defaultdict(list)
    for key in known.people:
        groups[_find_first_key(first_keys, key)].append(key)
    for group in groups.values():
        if len(group) > 1:
            _join_group(known, group, source)


def _find_first_key(first_keys: dict[PersonKey, PersonKey], key: PersonKey) -> PersonKey:
    while first_keys.get(key, key) != key:
        key = first_keys[key]
    return key


def _find_same_names(
    known: Known, first_keys: dict[PersonKey, PersonKey], beside: Mapping[PersonKey, ImportedPerson]
) -> None:
    """Join whoever is new and has no patient id with the one person of the same name who has their number."""
    open_keys = [key for key, person in known.people.items() if _is_open(known, key, person)]
    if not open_keys:
        return
    people: dict[NameAndNumber, list[PersonKey]] = defaultdict(list)
    for key, person in {**beside, **known.people}.items():
        if key not in known.conflicts and "first_name" not in person.damaged:
            for number in person.identity.numbers:
                people[_name_with(person, number)].append(key)
    for _ in range(ROUNDS):
        known.unclear = set()
        for key in open_keys:
            person = known.people[key]
            fitting = people[_name_with(person, person.phone.e164 if person.phone else "")]
            others = {_find_first_key(first_keys, each) for each in fitting}
            others.discard(own := _find_first_key(first_keys, key))
            if len(others) > 1:
                known.unclear.add(key)
            elif others <= known.people.keys():
                first_keys[own] = next(iter(others), own)
        if not known.unclear:
            return


def _is_open(known: Known, key: PersonKey, person: ImportedPerson) -> bool:
    is_new = key not in known.contacts and key not in known.conflicts and key not in known.relatives
    return is_new and bool(person.phone) and not person.patient_id and "first_name" not in person.damaged


def _name_with(person: ImportedPerson, number: str) -> NameAndNumber:
    return fold_written_name(person.first_name), fold_written_name(person.last_name), number


def _join_group(known: Known, group: Iterable[PersonKey], source: str) -> None:
    """Put the rows of several people together, under the key of one who is the contact, by its own id."""

    def rank(key: PersonKey) -> tuple[bool, bool, bool, int]:
        person, contact = known.people[key], known.contacts.get(key)
        is_own = contact is not None and has_own_id(contact, source, person.patient_id)
        has_id = bool(person.patient_id)
        return contact is not None, has_id and is_own, has_id, len(person.identity.numbers)

    chosen = max(group, key=rank)
    rows = list(known.people[chosen].rows)
    patient_id = known.people[chosen].patient_id
    for key in group:
        if key != chosen:
            rows += [replace(row, same_as=chosen) for row in known.people.pop(key).rows]
            known.forget_key(key)
    joined = merge_rows(chosen, sorted(rows, key=lambda row: row.line))
    known.people[chosen] = replace(joined, patient_id=patient_id)
