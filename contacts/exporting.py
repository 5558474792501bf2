"""Everything that is known about a person, as JSON.

    {
      "format": 1, "made_at": "2026-11-26T12:00:00Z", "contact": 42,
      "tables": {"contacts.Contact": [{"id": 42, "first_name": "Sarah", …}], "contacts.Appointment": […], …},
      "mentions": {"reminders.FollowUp": [{"id": 9, "note": "Sarah Lind called for Tom"}], …},
      "files": [12, …]
    }

`tables` has each table of person_tables.py, also those without rows, and of each row every column but those
that are withheld: references as keys, moments in UTC, dates and wall times as ISO 8601, bodies of events as
text. It is made piece by piece, so its size doesn't matter. A call for a household names the others in it.
`mentions` has what belongs to somebody else, or to nobody, and names them or their numbers, as far as it
does (contacts/mentions.py); `files`: the imports whose kept files name them.
"""

import json
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.contrib.auth.models import User
from django.core.serializers.json import DjangoJSONEncoder
from django.db import transaction
from django.db.models import Model, QuerySet
from django.utils import timezone

from contacts.erasing import plan_erasure
from contacts.kept_mentions import find_files_naming
from contacts.mentions import PersonWords, list_mentions, read_words
from contacts.models import Contact, ContactLogEntry
from contacts.person_tables import PERSON_TABLES, PersonTable

FORMAT = 1
CHUNK = 500  # rows read at once


def begin_export(contact_id: int, *, by: User) -> Iterator[str]:
    """Record that `by` takes the data, and return the pieces of the JSON. Raises Contact.DoesNotExist."""
    with transaction.atomic():
        contact = Contact.objects.get(pk=contact_id)
        ContactLogEntry.objects.create(contact=contact, what=ContactLogEntry.What.EXPORTED, by=by)
    return write_person(contact_id, timezone.now())


def write_person(contact_id: int, now: datetime) -> Iterator[str]:
    """The pieces of the JSON, a table after the other."""
    yield f'{{"format": {FORMAT}, "made_at": {_encode(now)}, "contact": {contact_id}, "tables": {{'
    for place, table in enumerate(PERSON_TABLES):
        yield f"{', ' if place else ''}{_encode(table.label)}: ["
        yield from _write_rows(table, contact_id)
        yield "]"
    yield '}, "mentions": {'
    words = _read_words(contact_id)
    for place, (label, rows, columns) in enumerate(list_mentions(words)):
        yield f"{', ' if place else ''}{_encode(label)}: ["
        yield from _write_found(_leave_out_own(label, rows, contact_id), [rows.model._meta.pk.name, *columns])
        yield "]"
    yield f'}}, "files": {_encode(find_files_naming(words))}}}\n'


def _read_words(contact_id: int) -> PersonWords:
    """Without numbers that others have: what mentions these is about the others as well."""
    plan = plan_erasure(Contact.objects.get(pk=contact_id))
    return read_words(plan.contact, [number.e164 for number in plan.going])


def _leave_out_own(label: str, rows: QuerySet[Any], contact_id: int) -> QuerySet[Any]:
    """Rows that `tables` has already."""
    own = next((table for table in PERSON_TABLES if table.label == label), None)
    return rows.exclude(pk__in=own.find_rows(contact_id).order_by().values("pk")) if own else rows


def list_columns(table: PersonTable) -> list[str]:
    """The columns that an export has of this table, by the names of their fields."""
    return [field.name for field in table.model._meta.concrete_fields if field.name not in table.withheld]


def _write_rows(table: PersonTable, contact_id: int) -> Iterator[str]:
    yield from _write_found(table.find_rows(contact_id), list_columns(table))


def _write_found(rows: QuerySet[Any], columns: list[str]) -> Iterator[str]:
    for place, row in enumerate(rows.iterator(chunk_size=CHUNK)):
        yield f"{', ' if place else ''}{_encode(_read_row(row, columns))}"


def _read_row(row: Model, columns: list[str]) -> dict[str, Any]:
    return {name: _readable(row._meta.get_field(name).value_from_object(row)) for name in columns}  # type: ignore[union-attr]


def _readable(value: Any) -> Any:
    return bytes(value).decode(errors="replace") if isinstance(value, bytes | memoryview) else value


def _encode(value: Any) -> str:
    return json.dumps(value, cls=DjangoJSONEncoder, ensure_ascii=False)
