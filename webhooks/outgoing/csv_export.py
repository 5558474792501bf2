"""The outgoing events as CSV: the same facts as in webhooks, a line each, with numbers masked."""

from collections.abc import Iterator
from datetime import datetime
from itertools import chain
from typing import Any

from django.db.models import Q

from contacts.csv_cells import write_lines
from webhooks.outgoing.facts import EventFacts, read_facts
from webhooks.outgoing.models import EventType, OutgoingEvent
from webhooks.outgoing.payloads import write_moment, write_number

AT_ONCE = 500  # events read together
BETWEEN_PATIENTS = "|"  # ids of practice systems have spaces, commas and dashes
COLUMNS = [
    "event_id", "type", "timestamp",
    "appointment_id", "appointment_source", "appointment_external_id", "revision", "is_current", "status",
    "starts_at", "local_start", "time_zone", "location_id", "provider_id",
    "contact_ids", "contact_sources", "contact_external_ids", "number", "how", "reason", "scope",
]  # fmt: skip


def stream_csv(since: datetime, until: datetime) -> Iterator[str]:
    """The lines of the file: events that occurred at `since` or later and before `until` (both aware).

    Read piece by piece, so that memory stays constant.
    """
    lines = (_list_cells(facts) for facts in _read_events(since, until))
    return write_lines(chain([COLUMNS], lines))


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
        BETWEEN_PATIENTS.join(str(patient.id) for patient in patients),
        BETWEEN_PATIENTS.join(patient.source for patient in patients),
        BETWEEN_PATIENTS.join(patient.external_id for patient in patients),
        write_number(facts.e164, with_number=False) if facts.e164 else None,
        facts.how,
        facts.reason,
        facts.scope,
    ]
