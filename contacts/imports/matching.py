"""Find the contacts and appointments of a file that exist in the database already, in a few queries.

Who is who is decided by contacts/imports/identity.py, against what the file's source said last of a contact
and against the record: staff may have corrected either.
"""

from collections import defaultdict
from collections.abc import Callable, Collection, Container, Hashable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType
from typing import TypeVar

from django.db.models import CharField, Func, Q, QuerySet, TextField, Value, prefetch_related_objects
from django.db.models.fields.json import KeyTextTransform, KeyTransform
from django.db.models.functions import Concat

from contacts.database.arrays import is_any, is_any_text
from contacts.imports.id_claims import IdClaim, share_contacts
from contacts.imports.identity import (
    Identity,
    Sameness,
    compare_by_id,
    fold_written_name,
    has_same_name,
    identify,
    may_be_the_patient,
    plain_id,
    shares_number,
    spell_id,
)
from contacts.imports.people import ImportedPerson, PersonKey, describe_row
from contacts.imports.rows import AppointmentRow, RowResult
from contacts.imports.status_words import CANCELLED
from contacts.imports.three_way import Said, memory_key, read_memory, read_other_memories, say_slot
from contacts.models import Appointment, AppointmentChange, Contact, ContactId, ImportBatch, PhoneNumber, Way
from contacts.models.local_times import LocalDateTimeField
from contacts.people import find_by_external_ids

What = AppointmentChange.What
Row = TypeVar("Row", Appointment, Contact)
NOBODY: Mapping[PersonKey, ImportedPerson] = MappingProxyType({})
Slot = tuple[int, str]  # contact, and time and place as by say_slot()


@dataclass(frozen=True)
class OtherRows:
    """What matters of the rows of a file that aren't matched now, since rows are matched in blocks.

    `appointment_ids`, `patient_ids`: of all rows of the file; `used`: appointments (ids here) that other rows
    were matched with, but not by their id; `lacks_patient_ids`: some row has none; `batch`: of the file, if
    some of its rows may be written already, such as those of earlier blocks.
    """

    appointment_ids: Container[str]
    patient_ids: Container[str]
    used: Container[int]
    lacks_patient_ids: bool
    batch: ImportBatch | None = None

    def have(self, appointment: Appointment, ids: Collection[str], source: str) -> bool:
        """Whether another row is about that appointment. `ids`: of the rows that are matched now."""
        if appointment.source == source and appointment.external_id in ids:
            return False
        is_new = self.batch is not None and appointment.batch_id == self.batch.pk
        has_id = appointment.source == source and appointment.external_id in self.appointment_ids
        return is_new or has_id or appointment.pk in self.used

    def name(self, contact: Contact, source: str) -> bool:
        """Whether a row has the patient id of that contact."""
        return contact.source == source and contact.external_id in self.patient_ids


@dataclass
class Known:
    """What exists already.

    `people`: the file's, without patient ids that turned out to be a household's. `by_id`: by the file's
    appointment id. `by_slot`: appointments not found by id; `by_time`: what is booked or cancelled at the
    wall times of rows that cancel. `conflicts`: contacts whose patient id the file gives to somebody else;
    `relatives`: those whose id it gives to another member of the household, by the key of that member.
    `recalled`: what the file must have said of appointments from before that was kept. `written_anew`: ids of
    the file that are written in another way here, and the ids here. `by_other_id`: people whose id is that of
    a contact who was merged with the one here; `merged`: of these, those whose file has also the id of the
    one here; `memory_keys`: under what is kept what lists say of these ids. `unclear`: new people without an
    id whose name and number several others in the file have; `rivals`: contacts who are taken for another id
    of the file, by the keys of those who might be them too.
    """

    people: dict[PersonKey, ImportedPerson] = field(default_factory=dict)
    by_id: dict[str, Appointment] = field(default_factory=dict)
    by_slot: dict[Slot, list[Appointment]] = field(default_factory=dict)
    by_time: dict[datetime, list[Appointment]] = field(default_factory=lambda: defaultdict(list))
    contacts: dict[PersonKey, Contact] = field(default_factory=dict)
    conflicts: dict[PersonKey, Contact] = field(default_factory=dict)
    relatives: dict[PersonKey, Contact] = field(default_factory=dict)
    recalled: dict[int, Said] = field(default_factory=dict)
    written_anew: dict[str, str] = field(default_factory=dict)
    by_other_id: set[PersonKey] = field(default_factory=set)
    merged: set[PersonKey] = field(default_factory=set)
    memory_keys: dict[PersonKey, str] = field(default_factory=dict)
    rivals: dict[PersonKey, Contact] = field(default_factory=dict)
    unclear: set[PersonKey] = field(default_factory=set)
    unusable: frozenset[str] = frozenset()

    def forget_key(self, key: PersonKey) -> None:
        """Somebody is known by another key."""
        for by_key in (self.contacts, self.relatives, self.memory_keys, self.rivals):
            by_key.pop(key, None)
        for keys in (self.by_other_id, self.merged, self.unclear):
            keys.discard(key)


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
    _find_by_id(known, ids, source, renamed)
    _drop_guesses_at_others(known, rows)
    _find_known_ids(known, source, household=household, others=others)
    found = _find_candidates(known, source, ignore_ids=ignore_ids, lacks_ids=others.lacks_patient_ids)
    _share_out(known, found, source, others, {**beside, **known.people})
    # one object for each, which all rows about them change
    objects = {one.pk: one for one in known.contacts.values()}
    known.contacts = {key: objects[one.pk] for key, one in known.contacts.items()}
    for key, contact in known.contacts.items():
        memory = _find_memory_of(known.people[key], contact, source)
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

    _find_by_slot(known, rows, source, is_of_others)
    cancelling = [row for row in rows if row.status == CANCELLED]
    _find_by_time(known, [*cancelling, *(each.partial for each in refused if each.partial)], is_of_others)
    matched = [*known.by_id.values(), *(each for group in known.by_slot.values() for each in group)]
    known.recalled = recall_said([each.pk for each in matched if read_memory(each, source) is None])
    known.unusable = _find_unusable(people.values())
    return known


def describe_contact(contact: Contact) -> Identity:
    """What tells a contact from others."""
    numbers = (contact.phone, contact.other_phone)
    return identify(contact.first_name, contact.last_name, *(each.e164 for each in numbers if each))


def _describe_merged(was: Mapping[str, str]) -> Identity:
    """A contact who was merged with another, as they were (ContactMerge.was)."""
    return identify(
        was.get("first_name", ""), was.get("last_name", ""), was.get("phone"), was.get("other_phone")
    )


def _describe_as_said(contact: Contact, key: str) -> Identity | None:
    """The same as the files of a source (see memory_key) said it last; None if they didn't."""
    said = read_memory(contact, key)
    if not said or not said.get("first_name"):
        return None
    numbers = (said.get("phone"), said.get("other_phone"))
    return identify(said["first_name"], said.get("last_name", ""), *numbers)


def describe_contact_and_said(contact: Contact, source: str) -> list[Identity]:
    """A contact as recorded, and as the files of a source said of each of their ids last."""
    keys = [source, *read_other_memories(contact, source)]
    return [describe_contact(contact), *filter(None, (_describe_as_said(contact, one) for one in keys))]


def _appointments() -> QuerySet[Appointment]:
    return Appointment.objects.select_related(
        "contact__phone", "contact__other_phone", "location", "provider"
    )


def _contacts() -> QuerySet[Contact]:
    return Contact.objects.select_related("phone", "other_phone")


def _find_by_id(known: Known, ids: Collection[str], source: str, renamed: Mapping[str, str]) -> None:
    """Find by id, or the one that it had before, and where none is the same, by one that is written in
    another way (product rule 51).
    """
    of_source = _appointments().filter(source=source)
    known.by_id = {each.external_id: each for each in of_source.filter(is_any_text("external_id", ids))}
    before = {renamed[each]: each for each in ids if each in renamed and each not in known.by_id}
    if before:
        for visit in of_source.filter(is_any_text("external_id", before)):
            known.by_id[before[visit.external_id]] = visit
    for given, found in _match_written_anew(ids, known.by_id, of_source).items():
        known.by_id[given] = found
        known.written_anew[given] = found.external_id


def _match_written_anew(
    ids: Collection[str], found: Mapping[str, Row], rows: QuerySet[Row]
) -> dict[str, Row]:
    """The rows whose ids are those of the file but for how they are written, if each is of one row only."""
    given: dict[str, list[str]] = defaultdict(list)
    for each in ids:
        given[plain_id(each)].append(each)
    open_ids = {plain for plain, written in given.items() if not any(each in found for each in written)}
    if not open_ids:
        return {}
    spelled = {way for plain in open_ids for each in given[plain] for way in spell_id(each)}
    here: dict[str, set[Row]] = defaultdict(set)
    for row in rows.filter(is_any_text("external_id", spelled)):
        here[plain_id(row.external_id)].add(row)
    if digits := {way for plain in open_ids if plain.isdigit() for way in spell_id(plain)}:
        stripped = Func("external_id", Value("0"), function="LTRIM", output_field=CharField())
        for row in rows.annotate(stripped=stripped).filter(is_any_text("stripped", digits)):
            here[plain_id(row.external_id)].add(row)
    return {
        given[plain][0]: next(iter(found_here))
        for plain, found_here in here.items()
        if len(found_here) == len(given[plain]) == 1
    }


def _drop_guesses_at_others(known: Known, rows: Iterable[AppointmentRow]) -> None:
    """An id that is written in another way is a guess: it needs the name or the number of the patient."""
    for row in rows:
        if row.appointment_id in known.written_anew:
            person = describe_row(row)
            contact = describe_contact(known.by_id[row.appointment_id].contact)
            if not has_same_name(person, contact) and not shares_number(person, contact):
                del known.by_id[row.appointment_id], known.written_anew[row.appointment_id]


def _find_known_ids(known: Known, source: str, *, household: bool, others: OtherRows) -> None:
    """Match by the patient's id."""
    ids = {person.patient_id for person in known.people.values() if person.patient_id}
    by_id = find_by_external_ids(source, ids)
    anew = _match_written_anew(ids, by_id, _contacts().filter(source=source))
    survivors = [one for external_id, one in by_id.items() if not has_own_id(one, source, external_id)]
    prefetch_related_objects(survivors, "merges")
    for key, person in list(known.people.items()):
        contact = by_id.get(person.patient_id) or anew.get(person.patient_id)
        if contact and person.patient_id:
            is_guess = person.patient_id not in by_id
            _take_by_id(known, key, contact, source, household=household, is_guess=is_guess)
            is_other = not is_guess and not has_own_id(contact, source, person.patient_id)
            if is_other and known.contacts.get(key) == contact:
                known.by_other_id.add(key)
                known.memory_keys[key] = memory_key(source, person.patient_id)
                if contact.source == source and (contact.external_id in ids or others.name(contact, source)):
                    known.merged.add(key)


def _find_candidates(
    known: Known, source: str, *, ignore_ids: bool, lacks_ids: bool
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
    others = [person for key, person in unknown.items() if key not in found]
    lacks_ids = lacks_ids or not all(person.patient_id for person in others)
    return found | _find_by_name(others, source, ignore_ids=ignore_ids, lacks_ids=lacks_ids)


def _share_out(
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
    shared = share_contacts(claims, own)
    known.contacts |= shared
    known.rivals = {each.person.key: each.contacts[0] for each in claims if each.person.key not in shared}
    if not without_id:
        return
    named = {one.pk for key, one in known.contacts.items() if known.people[key].patient_id}
    namesakes = _list_with_ids(known, people)
    for key, contacts in without_id.items():
        fitting = namesakes[_name_and_number(known.people[key])]
        if len(fitting) > (1 if known.people[key].phone else 0):
            free = [one for one in contacts if one.pk not in named and not others.name(one, source)]
        else:
            free = [*contacts]
        (known.contacts if free else known.rivals)[key] = [*free, *contacts][0]


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


def _find_memory_of(person: ImportedPerson, contact: Contact, source: str) -> str | None:
    """Under what is kept what lists say of a merged contact, if a row without a patient id names that one;
    None if it can be about the contact's own id.
    """
    others = {} if person.patient_id else read_other_memories(contact, source)

    def is_named(seen: Identity | None) -> bool:
        if seen is None or not has_same_name(person.identity, seen):
            return False
        return shares_number(person.identity, seen) or not (seen.numbers or person.identity.numbers)

    if not others or is_named(_describe_as_said(contact, source) or describe_contact(contact)):
        return None
    return next((key for key in others if is_named(_describe_as_said(contact, key))), None)


def has_own_id(contact: Contact, source: str, external_id: str) -> bool:
    """Whether that is the contact's own id, and not one left by a contact who was merged with them."""
    return (contact.source, contact.external_id) == (source, external_id)


def _take_by_id(
    known: Known, key: PersonKey, contact: Contact, source: str, *, household: bool, is_guess: bool
) -> None:
    """Decide whether the contact with the person's id is that person. `is_guess`: but for leading zeros."""
    person = known.people[key]
    appointments = [known.by_id.get(row.appointment_id) for row in person.rows]
    is_linked = any(each and each.contact_id == contact.pk for each in appointments)
    seen = [_describe_as_said(contact, source), describe_contact(contact)]
    if not is_guess and not has_own_id(contact, source, person.patient_id):
        seen.append(_describe_as_said(contact, memory_key(source, person.patient_id)))
        seen += [_describe_merged(merge.was) for merge in contact.merges.all()]
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
            seen = [*named[contact.pk]] if contact.pk in named else seen
            if any(has_same_name(identity, each) and shares_number(identity, each) for each in seen):
                return contact
        elif any(may_be_the_patient(identity, each) for each in seen):
            return contact
    return None


def _find_by_name(
    people: Sequence[ImportedPerson], source: str, *, ignore_ids: bool, lacks_ids: bool
) -> dict[PersonKey, Sequence[Contact]]:
    """Find contacts of the same name and number, or of the same name if neither has a number; the likeliest
    first.

    `lacks_ids`: somebody in the file has no patient id; then contacts are also known by what files of this
    source said last.
    """
    if not people:
        return {}
    numbers = {number.e164 for person in people for number in (person.phone,) if number}
    names = {person.last_name for person in people if not person.phone}
    has_number = Q(is_any_text("phone__e164", numbers)) | Q(is_any_text("other_phone__e164", numbers))
    candidates = _contacts().filter(has_number | Q(is_any_text("last_name", names), phone=None))
    by_name: dict[tuple[str, str], dict[int, Contact]] = defaultdict(dict)
    for contact in _find_as_said(numbers, names, source) if lacks_ids else ():
        for said in (*read_other_memories(contact, source).values(), read_memory(contact, source) or {}):
            name = _name(said.get("first_name", ""), said.get("last_name", ""))
            by_name[name, said.get("phone", "")][contact.pk] = contact
    for contact in candidates.order_by("pk"):
        held = [each.e164 for each in (contact.phone, contact.other_phone) if each]
        for number in held or [""]:
            by_name[_name(contact.first_name, contact.last_name), number].setdefault(contact.pk, contact)
    found: dict[PersonKey, Sequence[Contact]] = {}
    for person in people:
        match = [*by_name.get(_name_and_number(person), {}).values()]
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
        return Q(is_any_text(phone, numbers)) | Q(is_any_text(name, names), **{phone: ""})

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


def _find_by_slot(
    known: Known,
    rows: Sequence[AppointmentRow],
    source: str,
    is_of_others: Callable[[Appointment], bool],
) -> None:
    """Find the appointments of the file's people that start when a row does, or did by the last file: one
    that staff moved is found at the time where the file had it.
    """
    open_rows = [row for row in rows if row.appointment_id not in known.by_id]
    starts = {row.local_start for row in open_rows}
    slots = {say_slot(row.local_start, row.location) for row in open_rows}
    people = {contact.pk for contact in known.contacts.values()}
    taken = {each.pk for each in known.by_id.values()}
    said_slot = KeyTextTransform("slot", KeyTransform(source, "file_values"))
    now_or_then = Q(is_any("local_start", starts, LocalDateTimeField())) | Q(is_any_text("said_slot", slots))
    found = (
        _appointments().annotate(said_slot=said_slot).filter(is_any("contact", people)).filter(now_or_then)
    )
    by_slot: dict[Slot, list[Appointment]] = defaultdict(list)
    # Appointments without an id come first, because one with another id is less likely to be the same.
    for each in found.order_by("external_id", "pk") if starts and people else ():
        if each.pk not in taken and not is_of_others(each):
            now = say_slot(each.local_start, each.location.name)
            then = (read_memory(each, source) or {}).get("slot") or now
            for slot in {then, now}:
                by_slot[each.contact_id, slot].append(each)
    known.by_slot = by_slot


def _find_by_time(
    known: Known, rows: Iterable[AppointmentRow], is_of_others: Callable[[Appointment], bool]
) -> None:
    """Find what is booked or cancelled at the time of each cancelling row without an id, whoever it belongs
    to.
    """
    times = {row.local_start for row in rows if row.appointment_id not in known.by_id}
    if times:
        found = _appointments().filter(status__in=[Appointment.Status.BOOKED, Appointment.Status.CANCELLED])
        for each in found.filter(is_any("local_start", times, LocalDateTimeField())).order_by("pk"):
            if not is_of_others(each):
                known.by_time[each.local_start].append(each)


def recall_said(appointment_ids: Collection[int]) -> dict[int, Said]:
    """What the file must have said last of appointments from before that was kept, by their history.

    Only of what staff changed since: the time before they moved it, or the state before they cancelled it or
    booked it again. What came by the API its source said itself. All else counts as not known, so the file
    decides.
    """
    recalled: dict[int, Said] = {}
    if not appointment_ids:
        return recalled
    changes = AppointmentChange.objects.filter(
        is_any("appointment", appointment_ids), what__in=[What.MOVED, What.CANCELLED, What.REINSTATED]
    ).select_related("appointment__location")
    for change in changes.order_by("pk"):
        said = recalled.setdefault(change.appointment_id, {})
        by_hand = change.how not in (Way.IMPORT, Way.API)
        if change.what == What.MOVED:
            if not by_hand:
                said.pop("slot", None)
            elif change.local_before:
                said.setdefault("slot", say_slot(change.local_before, change.appointment.location.name))
        elif not by_hand:
            said["status"] = "booked" if change.what == What.REINSTATED else "cancelled"
        elif change.what == What.CANCELLED:
            said.setdefault("status", "booked")
    return recalled


def _find_unusable(people: Iterable[ImportedPerson]) -> frozenset[str]:
    numbers = {person.phone.e164 for person in people if person.phone}
    unusable = PhoneNumber.objects.filter(is_any_text("e164", numbers)).exclude(unusable_since=None)
    return frozenset(unusable.values_list("e164", flat=True))
