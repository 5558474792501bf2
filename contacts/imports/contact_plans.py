"""Decide what importing a file would change in a patient's contact. Writes nothing and makes no query."""

from django.utils.translation import gettext

from contacts.imports.columns import Columns
from contacts.imports.known import Known
from contacts.imports.people import ImportedPerson
from contacts.imports.plan_notes import (
    BOTH_CHANGED,
    DAMAGED_NAME,
    ID_BESIDE,
    RELATIVE,
    SEVERAL_FIT,
    explain_written_anew,
)
from contacts.imports.plans import NO_FIELDS, NOTHING_IN_BOTH, PlannedContact
from contacts.imports.problems import Problem, clip, translate
from contacts.imports.three_way import (
    FieldChoice,
    choose,
    keep_set_since,
    leave_out_report,
    read_contact_values,
    read_contact_values_for,
    read_memory,
    read_person_values,
    remember,
)
from contacts.imports.words import is_as_strict, join_wishes
from contacts.models import Contact
from contacts.models.people import Preference

WISH_COLUMNS = ("prefers", "no_contact", "no_calls", "texts_ok")


def plan_contact(person: ImportedPerson, known: Known, source: str) -> PlannedContact:
    """Decide what changes in a patient's contact. An empty cell never removes a recorded value."""
    contact = known.contacts.get(person.key)
    said = read_person_values(person)
    phone, other = said["phone"] or None, said["other_phone"] or None
    if contact is None:
        rival = known.rivals.get(person.key)
        planned = PlannedContact(person, None, phone=phone, other_phone=other, rival=rival)
        if rival and not is_as_strict(person.preference, rival.preferred_channel):
            planned.kept_wish = rival.preferred_channel  # it may be the same person, who said no
        return planned
    key = known.memory_keys.get(person.key, source)
    if person.key in known.merged:
        return _plan_merged(person, contact, key)
    memory, held = read_memory(contact, key) or {}, read_contact_values(contact)
    seen = read_contact_values_for(contact, source, key, said)
    choices = {name: choose(name, said, memory, seen) for name in said}
    taken = {name: said[name] for name, choice in choices.items() if choice == FieldChoice.TAKE}
    kept = remember(said, memory, seen)
    kept = keep_set_since(kept, taken) if key != source else kept
    both = {name: (held[name], said[name]) for name, choice in choices.items() if choice == FieldChoice.BOTH}
    planned = PlannedContact(person, contact, kept_under=key)
    if person.preference:
        is_new = choices["preferred_channel"] in (FieldChoice.TAKE, FieldChoice.BOTH)
        joined = join_wishes(person.preference, contact.preferred_channel)
        if is_new and not is_as_strict(contact.preferred_channel, joined):
            taken["preferred_channel"] = joined  # a "no" in the file counts, whatever staff changed
            kept = {**kept, "preferred_channel": person.preference}
            both.pop("preferred_channel", None)
        elif not is_as_strict(person.preference, contact.preferred_channel):
            planned.kept_wish = contact.preferred_channel
            taken.pop("preferred_channel", None)
            both.pop("preferred_channel", None)
    planned.kept = NO_FIELDS if kept == memory else kept
    planned.both = both or NOTHING_IN_BOTH
    # Staff replaced the file's number, which can't be reached, with one that works.
    if contact.phone and not contact.phone.unusable_since and phone in known.unusable:
        taken.pop("phone", None)
        taken.pop("other_phone", None)
    planned.phone, planned.other_phone = taken.pop("phone", None), taken.pop("other_phone", None)
    # A list without ids names somebody who has two numbers once by each; neither is lost for the other.
    if not planned.other_phone and contact.other_phone and planned.phone == contact.other_phone.e164:
        planned.phone = None
    if not planned.phone and contact.phone and planned.other_phone == contact.phone.e164:
        planned.other_phone = None
    planned.fields = (taken | _find_new_id(person, contact, known, source)) or NO_FIELDS
    return planned


def _find_new_id(person: ImportedPerson, contact: Contact, known: Known, source: str) -> dict[str, str]:
    """The patient's id for a contact that has none, or that the practice system gave a new one."""
    is_of_source = contact.source == source or not contact.external_id
    has_it = person.patient_id in ("", contact.external_id) or person.key in known.by_other_id
    if has_it or not is_of_source or person.patient_id in known.written_anew:
        return {}
    return {"source": source, "external_id": person.patient_id}


def describe_person_notes(planned: PlannedContact, known: Known, columns: Columns) -> list[Problem]:
    """Return notes of what was kept against the file, and of ids that weren't taken as they are."""
    person, line = planned.person, planned.person.rows[-1].line
    notes = [describe_kept_wish(planned, columns)] if planned.kept_wish else []
    for name, (held, said) in planned.both.items():
        header = columns.header_of("mobile" if name == "phone" else name)
        value = gettext("%(name)s: “%(held)s” here, “%(said)s” in the file") % {
            "name": person.full_name,
            "held": held,
            "said": said,
        }
        notes.append(Problem(line, header, clip(value), *translate(BOTH_CHANGED)))
    if person.damaged and planned.contact:
        notes.append(
            Problem(line, columns.header_of("last_name"), person.full_name, *translate(DAMAGED_NAME))
        )
    ids = columns.header_of("patient_id")
    if person.patient_id in known.written_anew:
        here = known.written_anew[person.patient_id]
        why = translate(explain_written_anew(person.patient_id, here))
        notes.append(Problem(line, ids, clip(f"{person.patient_id}: {here}"), *why))
    if person.key in known.relatives:
        here = known.relatives[person.key].full_name
        both = gettext("%(there)s in the file, %(here)s here") % {"there": person.full_name, "here": here}
        notes.append(Problem(line, ids, clip(both), *translate(RELATIVE)))
    if person.key in known.unclear:
        notes.append(Problem(line, ids, clip(person.full_name), *translate(SEVERAL_FIT)))
    elif person.key in known.rivals:
        value = ": ".join(filter(None, [person.patient_id, person.full_name]))
        notes.append(Problem(line, ids, clip(value), *translate(ID_BESIDE)))
    return notes


def _plan_merged(person: ImportedPerson, contact: Contact, key: str) -> PlannedContact:
    """A row with the id of a contact who was merged with this one changes their appointments, and a new wish
    makes theirs stricter, but it changes no name, language or number: of two rows of one person, that of
    their own id counts, in whatever order they come. What it says is remembered under `key`.
    """
    planned = PlannedContact(person, contact, kept_under=key)
    memory = read_memory(contact, key) or {}
    said = {name: value for name, value in read_person_values(person).items() if value}
    kept = leave_out_report(memory) | said
    planned.kept = NO_FIELDS if kept == memory else kept
    if person.preference in ("", contact.preferred_channel):
        return planned
    joined = join_wishes(person.preference, contact.preferred_channel)
    if joined != contact.preferred_channel:
        if person.preference != memory.get("preferred_channel"):
            planned.fields = {"preferred_channel": joined}
    else:
        planned.kept_wish = contact.preferred_channel
    return planned


def describe_kept_wish(planned: PlannedContact, columns: Columns) -> Problem:
    """Return a note that what the patient wants never to get, by the record here, stays as it is."""
    header = next((name for name in WISH_COLUMNS if name in columns.positions), WISH_COLUMNS[0])
    wish = Preference(planned.kept_wish).label
    return Problem(
        planned.person.rows[-1].line,
        columns.header_of(header),
        str(Preference(planned.person.preference).label) if planned.person.preference else "",
        gettext("Here this patient's wish is “%(wish)s”, which forbids more than the file. It stays.")
        % {"wish": wish},
        gettext("If it is no longer their wish, change it on the patient's page."),
    )
