"""People of a list who turn out to be one, though their rows have different ids, or none (product rules 41
and 45). No queries.

What the rows of one contact say is put together before it is compared with what lists said last, and is
remembered as one. Compared one by one, rows that differ would undo each other each time the file is imported.
Those that speak of the id of a contact who was merged with another are kept apart (three_way.py: memory_key).
"""

from collections import defaultdict
from collections.abc import Collection, Mapping
from dataclasses import replace

from contacts.imports.contact_plans import plan_contact
from contacts.imports.described_contacts import has_own_id
from contacts.imports.identity import fold_written_name
from contacts.imports.known import NOBODY, Known
from contacts.imports.people import ImportedPerson, PersonKey, merge_rows
from contacts.imports.plans import PlannedContact
from contacts.imports.three_way import keep_memory, read_contact_values, read_memory

NameAndNumber = tuple[str, str, str]
ROUNDS = 3  # who fits two people may fit only one when these are joined


def join_people(known: Known, source: str, beside: Mapping[PersonKey, ImportedPerson] = NOBODY) -> None:
    """Make one person of all who are one contact, and of somebody new without a patient id and the only one
    in the list who has their name and number. If there are several, they stay apart, and are noted.

    `beside`: people whose rows aren't planned now, but may be those whom somebody's name and number fit.
    """
    first_keys = {key: key for key in known.people}  # of the people who are one
    contacts: dict[tuple[int, str], list[PersonKey]] = defaultdict(list)
    for key, contact in known.contacts.items():
        contacts[contact.pk, known.memory_keys.get(key, source)].append(key)
    for keys in contacts.values():
        _take_out_renamed(known, keys, source)
        first_keys |= dict.fromkeys(keys, keys[0])
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


def _take_out_renamed(known: Known, keys: list[PersonKey], source: str) -> None:
    """Take out of `keys`, which are of one contact, whoever is that contact only by a name and number that
    the others change: when the list comes again, nobody here would have these.
    """
    while len(keys) > 1:
        planned = plan_contact(_join_rows(known, keys, source), known, source)
        names = _list_names_after(planned, source)
        renamed = [key for key in keys if _is_renamed(known.people[key], names)]
        if not renamed:
            return
        for key in renamed:
            keys.remove(key)
            known.rivals[key] = known.contacts.pop(key)
            known.memory_keys.pop(key, None)


def _is_renamed(person: ImportedPerson, names: Collection[NameAndNumber]) -> bool:
    """Whether nothing will tell who that is: neither an id of theirs or a visit, nor one of these names."""
    has_id = person.patient_id or any(row.appointment_id for row in person.rows)
    return not has_id and _name_with(person, person.phone.e164 if person.phone else "") not in names


def _list_names_after(planned: PlannedContact, source: str) -> set[NameAndNumber]:
    """By which names and numbers lists know a contact once this is written: as recorded, and as said last."""
    contact = planned.contact
    assert contact is not None  # noqa: S101 - only of those who are known
    numbers = {"phone": planned.phone, "other_phone": planned.other_phone}
    held = read_contact_values(contact) | {**planned.fields} | {at: new for at, new in numbers.items() if new}
    memories = keep_memory(contact.file_values, planned.kept_under, planned.said)
    said = [memory for key, memory in memories.items() if key.partition("\n")[0] == source]
    known_by = [(held, number) for number in {held["phone"], held["other_phone"]} - {""} or {""}]
    known_by += [(memory, memory.get("phone", "")) for memory in said]
    return {
        (fold_written_name(of.get("first_name", "")), fold_written_name(of.get("last_name", "")), number)
        for of, number in known_by
    }


def _join_group(known: Known, group: Collection[PersonKey], source: str) -> None:
    """Put the rows of several people together, under the key of one who is the contact, by its own id."""
    joined = _join_rows(known, group, source)
    rival = next((known.rivals[key] for key in group if key in known.rivals), None)
    for key in group:
        if key != joined.key:
            del known.people[key]
            known.forget_key(key)
    known.people[joined.key] = joined
    if rival and joined.key not in known.contacts:
        known.rivals[joined.key] = rival


def _join_rows(known: Known, group: Collection[PersonKey], source: str) -> ImportedPerson:
    """One person of several, with the key and id of the one who is the contact, by its own id; of several
    such the one with the number here, or that lists gave last, so that they don't take turns.
    """

    def rank(key: PersonKey) -> tuple[bool, bool, bool, tuple[bool, ...], int]:
        person, contact = known.people[key], known.contacts.get(key)
        is_own = contact is not None and has_own_id(contact, source, person.patient_id)
        has_id = bool(person.patient_id)
        held = read_contact_values(contact) if contact else {}
        said = (read_memory(contact, source) or {}) if contact else {}
        number = person.phone.e164 if person.phone else ""
        known_numbers = tuple(number != "" and number == of.get("phone") for of in (held, said))
        return contact is not None, has_id and is_own, has_id, known_numbers, len(person.identity.numbers)

    chosen = max(group, key=rank)
    rows = list(known.people[chosen].rows)
    for key in group:
        if key != chosen:
            rows += [replace(row, same_as=chosen) for row in known.people[key].rows]
    joined = merge_rows(chosen, sorted(rows, key=lambda row: row.line))
    return replace(joined, patient_id=known.people[chosen].patient_id)
