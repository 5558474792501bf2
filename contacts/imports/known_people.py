"""Find the patients of a file who are here already: by their id, by a visit of theirs, or by name and number.

Who is who is decided by contacts/imports/identity.py, against what the file's source said last of a contact
and against the record: staff may have corrected either.
"""

from collections import defaultdict
from collections.abc import Collection, Container, Hashable, Iterable, Mapping, Sequence
from dataclasses import replace

from django.db.models import Func, Q, QuerySet, TextField, Value, prefetch_related_objects
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Concat

from contacts.database.arrays import is_among, is_any, is_any_text
from contacts.imports.described_contacts import (
    describe_as_said,
    describe_contact,
    describe_contact_and_said,
    describe_merged,
    has_own_id,
)
from contacts.imports.id_claims import (
    IdClaim,
    has_visit_of,
    read_visits_at,
    share_contacts,
    was_told_of,
)
from contacts.imports.identity import (
    Identity,
    Sameness,
    compare_by_id,
    fold_written_name,
    has_same_first,
    has_same_last,
    has_same_name,
    may_be_the_patient,
    shares_number,
)
from contacts.imports.known import Known, OtherRows
from contacts.imports.people import ImportedPerson, PersonKey
from contacts.imports.respelled_ids import match_respelled_ids
from contacts.imports.status_words import CANCELLED
from contacts.imports.three_way import memory_key, read_memory, read_other_memories
from contacts.models import Appointment, Contact, ContactId, PhoneNumber
from contacts.people import find_by_external_ids


def _contacts() -> QuerySet[Contact]:
    return Contact.objects.select_related("phone", "other_phone")


def find_known_ids(
    known: Known, source: str, *, household: bool, others: OtherRows, ids_beside: Collection[str]
) -> None:
    """Match by the patient's id: fills known.contacts, or what else becomes of an id (see Known).

    `ids_beside`: of other rows of the block.
    """
    ids = {person.patient_id for person in known.people.values() if person.patient_id}
    by_id = find_by_external_ids(source, ids)
    anew = match_respelled_ids(ids, by_id, _contacts().filter(source=source), ids_beside)
    survivors = [one for external_id, one in by_id.items() if not has_own_id(one, source, external_id)]
    prefetch_related_objects(survivors, "merges")
    for key, person in list(known.people.items()):
        contact = by_id.get(person.patient_id) or anew.get(person.patient_id)
        is_guess = person.patient_id not in by_id
        if contact and person.patient_id and not (is_guess and contact.pk in others.taken):
            _take_by_id(known, key, contact, source, household=household, is_guess=is_guess)
            is_other = not is_guess and not has_own_id(contact, source, person.patient_id)
            if is_other and known.contacts.get(key) == contact:
                known.by_other_id.add(key)
                known.memory_keys[key] = memory_key(source, person.patient_id)
                if contact.source == source and (contact.external_id in ids or others.name(contact, source)):
                    known.merged.add(key)


def _take_by_id(
    known: Known, key: PersonKey, contact: Contact, source: str, *, household: bool, is_guess: bool
) -> None:
    """Decide whether the contact with the person's id is that person. `is_guess`: but for leading zeros."""
    person = known.people[key]
    appointments = [known.by_id.get(row.appointment_id) for row in person.rows]
    is_linked = any(each and each.contact_id == contact.pk for each in appointments)
    seen = [describe_as_said(contact, source), describe_contact(contact)]
    if not is_guess and not has_own_id(contact, source, person.patient_id):
        seen.append(describe_as_said(contact, memory_key(source, person.patient_id)))
        seen += [describe_merged(merge.was) for merge in contact.merges.all()]
    verdicts = [
        compare_by_id(person.identity, each, linked=is_linked, household=household) for each in seen if each
    ]
    if Sameness.SAME in verdicts:
        known.contacts[key] = contact
        if is_guess:
            known.written_anew[person.patient_id] = contact.external_id
    elif is_guess:
        return
    elif Sameness.OTHER_MEMBER in verdicts:
        known.relatives[key] = contact
        known.people[key] = replace(person, patient_id="")
    else:
        known.conflicts[key] = contact


def find_likely_contacts(
    known: Known, source: str, *, ignore_ids: bool, others: OtherRows
) -> dict[PersonKey, Sequence[Contact]]:
    """The contacts who may be each person whose id isn't known, the likeliest first: the one who has a visit
    of theirs, else those of the same name and number.
    """
    unknown = {
        key: person
        for key, person in known.people.items()
        if key not in known.contacts and key not in known.conflicts
    }
    named: dict[int, list[Identity]] = defaultdict(list)
    for key, contact in known.contacts.items():
        if key not in known.by_other_id:
            named[contact.pk].append(known.people[key].identity)
    found: dict[PersonKey, Sequence[Contact]] = {}
    for key, person in unknown.items():
        if contact_of_visit := _find_by_appointment(person, known, source, named):
            found[key] = [contact_of_visit]
    unnamed = [
        person for key, person in unknown.items() if key not in found and not _is_about_others(person, known)
    ]
    lacks_ids = others.lacks_patient_ids or not all(person.patient_id for person in unnamed)
    renamed = {contacts[0].pk: unknown[key] for key, contacts in found.items()}
    by_name = _find_by_name(unnamed, source, renamed, ignore_ids=ignore_ids, lacks_ids=lacks_ids)
    for key, contacts in by_name.items():
        # all rows about a contact are in one part: who is new or has another name since isn't theirs
        left = [one for one in contacts if one.pk not in others.taken]
        if fitting := [one for one in left if _fits_its_id(unknown[key], named.get(one.pk))]:
            found[key] = fitting
    return found


def _fits_its_id(person: ImportedPerson, named: Sequence[Identity] | None) -> bool:
    """Whether a contact can be a person with another id: if the list has the contact's own (`named`: what it
    says of that one), only by that name and number.
    """
    if named is None or not person.patient_id:
        return True
    return any(
        has_same_name(person.identity, each) and shares_number(person.identity, each) for each in named
    )


def _find_by_appointment(
    person: ImportedPerson, known: Known, source: str, named: Mapping[int, Sequence[Identity]]
) -> Contact | None:
    """The contact of an appointment that a row has by id, if it can be that person.

    One with another patient id of this source can be only if the file's is new and name and number are
    the same: the practice system gave the patient a new id. If the file has the other id too, they are
    compared with what it says of that one: what is here may be another number after the import.
    `named`: that, by contact.
    """
    for row in person.rows:
        appointment = known.by_id.get(row.appointment_id)
        if appointment is None:
            continue
        contact, identity = appointment.contact, person.identity
        seen = describe_contact_and_said(contact, source)
        has_other_id = bool(person.patient_id and contact.external_id and contact.source == source)
        if has_other_id:
            if _fits_its_id(person, named.get(contact.pk, seen)):
                return contact
        elif any(may_be_the_patient(identity, each) for each in seen):
            return contact
    return None


def _is_about_others(person: ImportedPerson, known: Known) -> bool:
    """Whether all rows are about visits of people with other names, so that none of them is imported."""
    visits = [known.by_id.get(row.appointment_id) for row in person.rows]
    owners = [describe_contact(visit.contact) for visit in visits if visit]
    return len(owners) == len(visits) and not any(
        has_same_first(person.identity, owner) and has_same_last(person.identity, owner) for owner in owners
    )


def _find_by_name(
    people: Sequence[ImportedPerson],
    source: str,
    renamed: Mapping[int, ImportedPerson],
    *,
    ignore_ids: bool,
    lacks_ids: bool,
) -> dict[PersonKey, Sequence[Contact]]:
    """Find contacts of the same name and number, or of the same name if neither has a number; the likeliest
    first.

    `renamed`: who contacts (ids) are in the file, by a visit of theirs; to people without an id they are
    also known by that name.
    `lacks_ids`: somebody in the file has no patient id; then contacts are also known by what files of this
    source said last.
    """
    if not people:
        return {}
    numbers = {number.e164 for person in people for number in (person.phone,) if number}
    names = {person.last_name for person in people if not person.phone}
    # by their ids, for which contacts have indexes
    ids = list(PhoneNumber.objects.filter(is_any_text("e164", numbers)).values_list("pk", flat=True))
    fits = Q(is_any("phone", ids)) | Q(is_any("other_phone", ids))
    candidates = _contacts().filter(fits | Q(is_any_text("last_name", names), phone=None) if names else fits)
    by_name: dict[tuple[str, str], dict[int, Contact]] = defaultdict(dict)
    by_new_name: dict[tuple[str, str], dict[int, Contact]] = defaultdict(dict)
    for contact in _find_as_said(numbers, names, source) if lacks_ids else ():
        for said in (*read_other_memories(contact, source).values(), read_memory(contact, source) or {}):
            name = _name(said.get("first_name", ""), said.get("last_name", ""))
            by_name[name, said.get("phone", "")][contact.pk] = contact
    for contact in candidates.order_by("pk"):
        held = [each.e164 for each in (contact.phone, contact.other_phone) if each]
        for number in held or [""]:
            by_name[_name(contact.first_name, contact.last_name), number].setdefault(contact.pk, contact)
            if in_file := renamed.get(contact.pk):
                by_new_name[_name(in_file.first_name, in_file.last_name), number][contact.pk] = contact
    found: dict[PersonKey, Sequence[Contact]] = {}
    for person in people:
        known_as = {} if person.patient_id else by_new_name.get(_name_and_number(person), {})
        match = [*(by_name.get(_name_and_number(person), {}) | known_as).values()]
        if person.patient_id and not ignore_ids and any(each.external_id for each in match[:1]):
            continue
        fitting = [each for each in match if ignore_ids or not (person.patient_id and each.external_id)]
        if fitting:
            found[person.key] = fitting
    return found


def _find_as_said(numbers: Collection[str], names: Collection[str], source: str) -> list[Contact]:
    """Contacts by the number and name that files of this source gave last, whatever staff corrected since;
    also those that they gave of somebody who was merged with the contact.
    """

    def fits(phone: str, name: str) -> Q:
        has_number, has_name = is_among(phone, numbers, TextField()), is_among(name, names, TextField())
        return Q(has_number) | Q(has_name, **{phone: ""})

    of_source = KeyTransform(source, "file_values")
    said = (
        _contacts()
        .exclude(file_values={})
        .annotate(
            said_phone=KeyTextTransform("phone", of_source),
            said_name=KeyTextTransform("last_name", of_source),
        )
    )
    merged = ContactId.objects.filter(source=source).annotate(
        said_phone=_read_of_other_id("phone"), said_name=_read_of_other_id("last_name")
    )
    by_other_id = merged.filter(fits("said_phone", "said_name")).order_by().values("contact")
    return list(said.filter(fits("said_phone", "said_name") | Q(pk__in=by_other_id)).order_by("pk"))


def _read_of_other_id(name: str) -> Func:
    """What lists said last of a merged contact's id: see memory_key()."""
    key = Concat("source", Value("\n"), "external_id")
    return Func(
        "contact__file_values",
        key,
        Value(name),
        function="JSONB_EXTRACT_PATH_TEXT",
        output_field=TextField(),
    )


def _name(first_name: str, last_name: str) -> str:
    return f"{fold_written_name(first_name)}\n{fold_written_name(last_name)}"


def share_out(
    known: Known,
    found: Mapping[PersonKey, Sequence[Contact]],
    source: str,
    others: OtherRows,
    people: Mapping[PersonKey, ImportedPerson],
) -> None:
    """Decide who of these people is which contact: one contact takes one id (id_claims.py), and who has none
    isn't one of several who have. `people`: all who may be in question.
    """
    own = {one.pk for key, one in known.contacts.items() if key not in known.by_other_id}
    claims, without_id = [], {}
    for key, contacts in found.items():
        person = known.people[key]
        visits = [known.by_id.get(row.appointment_id) for row in person.rows]
        visited = {each.contact_id for each in visits if each}
        is_visited = contacts[0].pk in visited
        if is_visited and (contacts[0].pk in own or not person.patient_id):
            known.contacts[key] = contacts[0]
        elif person.patient_id:
            claims.append(IdClaim(person, contacts, visited))
        else:
            without_id[key] = contacts
    claims.sort(key=lambda claim: claim.person.rows[0].line)
    in_list = {one.pk for claim in claims for one in claim.contacts if others.name(one, source)}
    shared = share_contacts(claims, own | in_list, source)
    known.contacts |= shared
    known.rivals = {each.person.key: each.contacts[0] for each in claims if each.person.key not in shared}
    if without_id:
        _share_without_ids(known, without_id, source, others, people)


def _share_without_ids(
    known: Known,
    found: Mapping[PersonKey, Sequence[Contact]],
    source: str,
    others: OtherRows,
    people: Mapping[PersonKey, ImportedPerson],
) -> None:
    """The same for people without a patient id, once those who have one are known."""
    named = {one.pk: one for key, one in known.contacts.items() if known.people[key].patient_id}
    namesakes = _list_with_ids(known, people)
    likely: dict[PersonKey, Sequence[Contact]] = {}
    for key, contacts in found.items():
        in_list = [named[pk] for pk in sorted(named.keys() & namesakes[_name_and_number(known.people[key])])]
        likely[key] = [*contacts, *(one for one in in_list if one not in contacts)]
    with_namesakes = {key: contacts for key, contacts in likely.items() if contacts[1:]}
    rows = [row for key in with_namesakes for row in known.people[key].rows]
    in_question = {one.pk for contacts in with_namesakes.values() for one in contacts}
    visits_there = read_visits_at(rows, in_question, source) if rows else {}
    ids = {row.appointment_id for person in known.people.values() for row in person.rows} - {""}
    by_id = {each.pk for each in known.by_id.values()}
    visits_of = {
        contact: [each for each in visits if each.pk not in by_id and not others.have(each, ids, source)]
        for contact, visits in visits_there.items()
    }
    for key, contacts in likely.items():
        fitting = namesakes[_name_and_number(known.people[key])]
        in_turn = _put_likeliest_first(known.people[key], contacts, visits_of, source, named, fitting)
        if len(fitting) > (1 if known.people[key].phone else 0):
            free = [one for one in in_turn if one.pk not in named and not others.name(one, source)]
        else:
            free = [*in_turn]
        (known.contacts if free else known.rivals)[key] = [*free, *in_turn][0]


def _put_likeliest_first(
    person: ImportedPerson,
    contacts: Iterable[Contact],
    visits_of: Mapping[int, Collection[Appointment]],
    source: str,
    named: Container[int],
    fitting: Container[Hashable],
) -> list[Contact]:
    """Of namesakes with the person's number first who has a visit just as a row says it (`visits_of`
    contacts), unless the list has an id for that one (`named`); then who has that name and number by an id
    of the list (`fitting`), whatever they have here; then those who have a visit of theirs.
    """
    number = person.phone.e164 if person.phone else None
    booked = [row for row in person.rows if row.status != CANCELLED] or person.rows

    def rank(contact: Contact) -> tuple[bool, bool, bool]:
        has_number = number == (contact.phone.e164 if contact.phone else None)
        visits = visits_of.get(contact.pk, ()) if has_number else ()
        is_told = contact.pk not in named and was_told_of(booked, visits, source)
        has_visit = has_visit_of(person.rows, visits, source)
        return not is_told, contact.pk not in fitting, not has_visit

    return sorted(contacts, key=rank)


def _list_with_ids(
    known: Known, people: Mapping[PersonKey, ImportedPerson]
) -> Mapping[tuple[str, str], set[Hashable]]:
    """Who has an id, by name and each number, or "" without one: as contacts if they are known, so that two
    ids of one are one.
    """
    found: dict[tuple[str, str], set[Hashable]] = defaultdict(set)
    for key, person in people.items():
        if person.patient_id and key not in known.conflicts and "first_name" not in person.damaged:
            contact = known.contacts.get(key)
            for number in person.identity.numbers or {""}:
                name = _name(person.first_name, person.last_name)
                found[name, number].add(contact.pk if contact else key)
    return found


def _name_and_number(person: ImportedPerson) -> tuple[str, str]:
    return _name(person.first_name, person.last_name), person.phone.e164 if person.phone else ""


def find_memory_of(person: ImportedPerson, contact: Contact, source: str) -> str | None:
    """Under what is kept what lists say of a merged contact, if a row without a patient id names that one;
    None if it can be about the contact's own id.
    """
    others = {} if person.patient_id else read_other_memories(contact, source)

    def is_named(seen: Identity | None) -> bool:
        if seen is None or not has_same_name(person.identity, seen):
            return False
        return shares_number(person.identity, seen) or not (seen.numbers or person.identity.numbers)

    if not others or is_named(describe_as_said(contact, source) or describe_contact(contact)):
        return None
    return next((key for key in others if is_named(describe_as_said(contact, key))), None)
