"""The outgoing events as CSV: the same facts as in webhooks, a line each, with numbers masked."""

import csv
from collections.abc import Iterator
from datetime import datetime
from typing import Any

from django.db.models import Q

from webhooks.outgoing.facts import EventFacts, read_facts
from webhooks.outgoing.models import EventType, OutgoingEvent
from webhooks.outgoing.payloads import write_moment, write_number

AT_ONCE = 500  # events read together
BYTE_ORDER_MARK = "\ufeff"  # by which spreadsheets know that it is UTF-8
COLUMNS = [
    "event_id", "type", "timestamp",
    "appointment_id", "appointment_source", "appointment_external_id", "revision", "is_current", "status",
    "starts_at", "local_start", "time_zone", "location_id", "provider_id",
    "contact_ids", "contact_sources", "contact_external_ids", "number", "how", "reason", "scope",
]  # fmt: skip
# A spreadsheet takes such a cell for a formula, or drops the first character and then does.
FORMULA_BEGINS = ("=", "+", "-", "@", "\t", "\r", "\n")


def stream_csv(since: datetime, until: datetime) -> Iterator[str]:
    """The lines of the file: events that occurred at `since` or later and before `until` (both aware).

    Read piece by piece, so that memory stays constant.
    """
    writer = csv.writer(_Echo())
    yield BYTE_ORDER_MARK + writer.writerow(COLUMNS)
    for facts in _read_events(since, until):
        yield writer.writerow([guard_cell(cell) for cell in _list_cells(facts)])


def guard_cell(cell: object) -> str:
    """A cell as text that no spreadsheet takes for a formula; None as ""."""
    text = "" if cell is None else str(cell)
    return f"'{text}" if text.startswith(FORMULA_BEGINS) else text


class _Echo:
    """A file for csv.writer that hands back each line instead of keeping it."""

    def write(self, line: str) -> str:
        return line


def _read_events(since: datetime, until: datetime) -> Iterator[EventFacts]:
    """The facts, by time; an event whose row was deleted is left out, and so is a test."""
    events = OutgoingEvent.objects.filter(occurred_at__gte=since, occurred_at__lt=until)
    events = events.exclude(type=EventType.TEST).order_by("occurred_at", "pk")
    after = Q()
    while chunk := list(events.filter(after)[:AT_ONCE]):
        facts = read_facts(chunk)
        yield from (facts[event.pk] for event in chunk if event.pk in facts)
        last = chunk[-1]
        after = Q(occurred_at__gt=last.occurred_at) | Q(occurred_at=last.occurred_at, pk__gt=last.pk)


def _list_cells(facts: EventFacts) -> list[Any]:
    visit, patients = facts.appointment, facts.patients
    appointment: list[Any] = [None] * 11
    if visit:
        appointment = [
            visit.id, visit.source, visit.external_id, visit.revision,
            "true" if visit.is_current else "false", visit.status, write_moment(visit.starts_at),
            visit.local_start.isoformat(sep=" ", timespec="minutes") if visit.local_start else None,
            visit.time_zone, visit.location_id, visit.provider_id,
        ]  # fmt: skip
    return [
        f"msg_{facts.event.public_id.hex}",
        facts.event.type,
        write_moment(facts.event.occurred_at),
        *appointment,
        " ".join(str(patient.id) for patient in patients),
        " ".join(patient.source for patient in patients),
        " ".join(patient.external_id for patient in patients),
        write_number(facts.e164, with_number=False) if facts.e164 else None,
        facts.how,
        facts.reason,
        facts.scope,
    ]
