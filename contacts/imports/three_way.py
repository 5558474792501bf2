"""Compare what a file says, what it said before, and what is recorded here (product rule 45). Pure.

Each contact and appointment keeps, per source and field, the last value of a file that was taken up here
(`file_values`). Only a value that changed in the file since then changes the record; where the record was
changed here too, it stays, and both are listed. A contact who was merged with another has two ids, and lists
that speak of either: what is kept of each id stands under its own key.
"""

from collections.abc import Iterable, Mapping
from enum import StrEnum
from typing import Any

from contacts.imports.people import ImportedPerson
from contacts.imports.reading.entry_versions import is_older, is_same_state, leave_out_alone
from contacts.imports.rows import AppointmentRow, location_key
from contacts.models import Appointment, Contact

Said = dict[str, str]  # field -> value as text; "" where the file says nothing
CONTACT_VALUES = ("first_name", "last_name", "language", "preferred_channel", "phone", "other_phone")
# What a new record has where the file says nothing: not a change that staff made.
DEFAULTS = {"language": "en", "preferred_channel": "voice", "minutes": "30", "status": "booked"}


class FieldChoice(StrEnum):
    """What becomes of one field."""

    SAME = "same"  # nothing to do: the record has it, or the file says nothing
    TAKE = "take"  # the file's value is new, the record's is not
    OURS = "ours"  # the record was changed here; the file says what it said before
    BOTH = "both"  # both changed: the record stays, and it is listed


# Among what lists say of the id of a contact who was merged: the fields that they have set since, by name.
SET_SINCE = "set_since"
# Among what a source said last: a report of the API has said it, or the same again, since a list did.
REPORTED = "reported"
# Which version of the visit that was, where the kind of file has versions (reading/entry_versions.py).
VERSION = "version"


def choose(
    field: str, said: Mapping[str, str], before: Mapping[str, str], held: Mapping[str, str]
) -> FieldChoice:
    """Decide on one field. `before` lacks it if this source never spoke of it: then the file counts."""
    new, old, ours = said.get(field, ""), before.get(field), held.get(field, "")
    if not new or new == ours:
        return FieldChoice.SAME
    if old is None:
        return FieldChoice.TAKE
    if new == old:
        return FieldChoice.OURS
    is_untouched = ours in ("", DEFAULTS.get(field, "")) if old == "" else ours == old
    return FieldChoice.TAKE if is_untouched else FieldChoice.BOTH


def remember(said: Mapping[str, str], before: Mapping[str, str], held: Mapping[str, str]) -> Said:
    """What to keep of this import. Where both changed the old value stays, so that it is listed again until
    somebody settles it; so does the last value where the file says nothing now.
    """
    kept = leave_out_report(before)
    for field, new in said.items():
        if choose(field, said, before, held) != FieldChoice.BOTH:
            kept[field] = new or kept.get(field, "")
    return kept


def leave_out_report(said: Mapping[str, str]) -> Said:
    """What a source said last, once a list has spoken after the API."""
    return {name: value for name, value in said.items() if name != REPORTED}


def keep_version(kept: Said, version: str, before: Mapping[str, str]) -> Said:
    """What to keep of an import, with the version that it was of.

    The one kept before stays if it is newer, or if nothing else has changed than when the file was written.
    """
    known, version = before.get(VERSION, ""), leave_out_alone(version)
    is_same = is_same_state(version, known) and kept == leave_out_report(before)
    return kept if not version or is_same or is_older(version, known) else kept | {VERSION: version}


def memory_key(source: str, other_id: str = "") -> str:
    """Under what `file_values` keeps what a source said: of the record's own id its name, of the id of a
    contact who was merged with it (`other_id`) both.
    """
    return f"{source}\n{other_id}" if other_id else source


def read_memory(record: Contact | Appointment, key: str) -> Said | None:
    """What the files of a source said last, by memory_key(); None if they never spoke of it, or before this
    was kept.
    """
    values: dict[str, Any] = record.file_values
    return values.get(key)


def keep_memory(values: Mapping[str, Said], key: str, said: Mapping[str, str]) -> dict[str, Said]:
    """What lists said of a record, with what one says now by the id of `key`; empty: nothing new.

    That a list spoke takes the mark of the API off.
    """
    kept = {**values, key: dict(said)} if said else dict(values)
    source = key.partition("\n")[0]
    return kept | {source: leave_out_report(kept[source])} if REPORTED in kept.get(source, {}) else kept


def read_other_memories(contact: Contact, source: str) -> dict[str, Said]:
    """What that source said of the contact by the ids of those who were merged with them, by key."""
    values: dict[str, Said] = contact.file_values
    return {key: said for key, said in values.items() if key.startswith(f"{source}\n")}


def read_contact_values_for(contact: Contact, source: str, key: str, said: Mapping[str, str]) -> Said:
    """The values of a contact as lists see them that speak of the id of `key`, and say `said` now.

    What lists set by another of their ids is no change that staff made: it counts as what those of this id
    said before. Of a merged id that is only what they have set since.
    """
    others = read_other_memories(contact, source)
    own = contact.file_values.get(source, {}) if contact.source == source else {}
    put = {(name, value) for name, value in own.items() if value and key != source}
    for other, memory in others.items():
        if other != key:
            put |= {(name, memory.get(name, "")) for name in memory.get(SET_SINCE, "").split()}
    before = read_memory(contact, key) or {}
    return {
        name: before.get(name, "") if (name, value) in put and value != said.get(name) else value
        for name, value in read_contact_values(contact).items()
    }


def keep_set_since(kept: Said, names: Iterable[str]) -> Said:
    """What to keep of a list by a merged id, with the fields that it sets."""
    together = {*kept.get(SET_SINCE, "").split(), *names}
    return kept | {SET_SINCE: " ".join(sorted(together))} if together else kept


def say_slot(local_start: Any, location: str) -> str:
    """Time and place of a visit as one value: a new one of either is another visit."""
    return f"{local_start.isoformat()}@{location_key(location)}"


def read_row_values(row: AppointmentRow) -> Said:
    """What a row says of its appointment."""
    return {
        "slot": say_slot(row.local_start, row.location),
        "minutes": "" if row.minutes is None else str(row.minutes),
        "provider": "" if "provider" in row.damaged else location_key(row.provider),
        "kind": "" if "kind" in row.damaged else row.kind,
        "status": row.status if row.has_status else "",
    }


def read_appointment_values(appointment: Appointment) -> Said:
    """The same of an appointment as it is recorded."""
    length = appointment.ends_at - appointment.starts_at
    return {
        "slot": say_slot(appointment.local_start, appointment.location.name),
        "minutes": str(int(length.total_seconds() // 60)),
        "provider": location_key(appointment.provider.name) if appointment.provider else "",
        "kind": appointment.kind,
        "status": appointment.status,
    }


def read_person_values(person: ImportedPerson) -> Said:
    """What a file says of a patient."""
    return {
        "first_name": "" if "first_name" in person.damaged else person.first_name,
        "last_name": "" if "last_name" in person.damaged else person.last_name,
        "language": person.language,
        "preferred_channel": person.preference,
        "phone": person.phone.e164 if person.phone else "",
        "other_phone": person.other_phone.e164 if person.other_phone else "",
    }


def read_contact_values(contact: Contact) -> Said:
    """The same of a contact as it is recorded."""
    return {
        "first_name": contact.first_name,
        "last_name": contact.last_name,
        "language": contact.language,
        "preferred_channel": contact.preferred_channel,
        "phone": contact.phone.e164 if contact.phone else "",
        "other_phone": contact.other_phone.e164 if contact.other_phone else "",
    }
