"""What an import wrote over, kept with its batch so that it can be undone (contacts/undoing.py).

What is read before and after the write is what the database holds, under the import's locks, and not what
the plan meant to write.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models.functions import Now

from contacts.database.arrays import is_any
from contacts.database.saving import ROWS_PER_STATEMENT
from contacts.imports.plans import Plan, RowOutcome
from contacts.imports.practice import KnownPractice
from contacts.imports.three_way import read_other_memories
from contacts.models import Appointment, Contact, ImportBatch, ImportedRecords, OverwrittenValues

# Columns by which an appointment is put back; `seconds` is its length. The moments follow from the wall time.
APPOINTMENT_COLUMNS = (
    "contact_id", "location_id", "provider_id", "kind", "local_start", "fold", "seconds", "status", "source",
    "external_id", "memory",
)  # fmt: skip
CONTACT_COLUMNS = (
    "first_name", "last_name", "language", "preferred_channel", "phone_id", "other_phone_id", "source",
    "external_id",
)  # fmt: skip
# Columns that an import, or its undo, writes of a contact.
IMPORTED_CONTACT_FIELDS = (
    "first_name", "last_name", "language", "language_at", "preferred_channel", "phone", "other_phone",
    "source", "external_id", "file_values", "updated_at",
)  # fmt: skip
# The patient's, for the present revision: what a list moves loses it, and its undo gives it back.
ANSWER = "answer"
Values = dict[str, Any]


def read_record_values(record: Appointment | Contact, source: str) -> Values:
    """The columns of a record that an undo puts back, as JSON values.

    `memory`: what the source's files said of it, None if nothing; `other_memories`: the same by the ids of
    contacts who were merged with it, by key.
    """
    values = {"memory": record.file_values.get(source)}
    if isinstance(record, Contact):
        values["other_memories"] = read_other_memories(record, source)
        return values | {name: getattr(record, name) for name in CONTACT_COLUMNS}
    plain = {name: getattr(record, name) for name in APPOINTMENT_COLUMNS if hasattr(record, name)}
    seconds = int((record.ends_at - record.starts_at).total_seconds())
    return values | plain | {"local_start": record.local_start.isoformat(), "seconds": seconds}


@dataclass
class ValuesBefore:
    """The records that a plan is about, as they are before it is written."""

    appointments: dict[int, Values]
    contacts: dict[int, Values]
    practice: frozenset[tuple[str, int]] = field(default_factory=frozenset)


def read_values_before(plan: Plan, practice: KnownPractice, source: str) -> ValuesBefore:
    """Read them, with appointments and contacts locked. Two queries."""
    spoken_of = {
        each.appointment.pk for each in plan.rows if each.appointment and each.outcome != RowOutcome.REJECTED
    }
    spoken_of |= {each.appointment.pk for each in plan.refused if each.outcome != RowOutcome.REJECTED}
    people = {each.contact.pk for each in plan.contacts.values() if each.contact}
    return ValuesBefore(
        _read_appointments(spoken_of, source), _read_contacts(people, source), _list_practice(practice)
    )


def store_overwritten(batch: ImportBatch, before: ValuesBefore, practice: KnownPractice) -> None:
    """Store with the batch what differs now from `before`, and of which records the file spoke."""
    source = batch.source
    changed = [
        OverwrittenValues(batch=batch, appointment_id=pk, **differing)
        for pk, differing in _compare(before.appointments, _read_appointments(before.appointments, source))
    ]
    changed += [
        OverwrittenValues(batch=batch, contact_id=pk, **differing)
        for pk, differing in _compare(before.contacts, _read_contacts(before.contacts, source))
    ]
    OverwrittenValues.objects.bulk_create(changed, batch_size=ROWS_PER_STATEMENT)
    new = _list_practice(practice) - before.practice
    ImportedRecords.objects.create(
        batch=batch,
        appointments=sorted(before.appointments),
        contacts=sorted(before.contacts),
        new_locations=sorted(pk for kind, pk in new if kind == "location"),
        new_providers=sorted(pk for kind, pk in new if kind == "provider"),
        at=Now(),
    )


def _compare(before: Mapping[int, Values], after: Mapping[int, Values]) -> Iterable[tuple[int, Values]]:
    """Of each record that differs, the columns that do."""
    for pk, was in before.items():
        now = after[pk]
        names = [name for name in was if was[name] != now[name]]
        if names:
            yield (
                pk,
                {
                    "before": {name: was[name] for name in names},
                    "after": {name: now[name] for name in names},
                },
            )


def _read_appointments(ids: Collection[int], source: str) -> dict[int, Values]:
    if not ids:
        return {}
    rows = Appointment.objects.filter(is_any("pk", ids)).order_by("pk")
    return {
        each.pk: read_record_values(each, source) | {ANSWER: each.current_answer} for each in rows.iterator()
    }


def _read_contacts(ids: Collection[int], source: str) -> dict[int, Values]:
    if not ids:
        return {}
    rows = Contact.objects.filter(is_any("pk", ids)).order_by("pk").defer("search_text")
    return {each.pk: read_record_values(each, source) for each in rows.iterator()}


def _list_practice(practice: KnownPractice) -> frozenset[tuple[str, int]]:
    locations = {("location", each.pk) for each in practice.locations.values()}
    return frozenset(locations | {("provider", each.pk) for each in practice.providers.values()})
