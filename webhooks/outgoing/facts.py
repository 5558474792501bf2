"""What is known about outgoing events, read from the rows that they name, for many events at once.

Nothing of it is stored with the event: a body is made for each request anew. So it always shows what the
endpoint may see at that moment, and whoever is deleted is in no outbox.
"""

from collections import defaultdict
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from datetime import datetime

from django.db.models import Q

from contacts.models import Appointment, AppointmentChange, ConsentEntry, Contact
from contacts.wall_times import find_moment
from reminders.models import FollowUp
from reminders.results.unanswered import UNREACHED
from webhooks.outgoing.models import EventType, OutgoingEvent

ANSWERS = {
    EventType.CONFIRMED: Appointment.Answer.CONFIRMED,
    EventType.ANOTHER_TIME: Appointment.Answer.WANTS_ANOTHER_TIME,
}
# What puts "not reached" into the outbox, as the trigger of migration 0005 has it; a test holds both equal.
NOT_REACHED_KINDS = (*UNREACHED, FollowUp.Kind.WRONG_NUMBER)


@dataclass(frozen=True)
class Patient:
    """A contact: our id, and the id in the system that it came from ("" if it came from none)."""

    id: int
    source: str
    external_id: str


@dataclass(frozen=True)
class AppointmentFacts:
    """The appointment as the event was about it.

    `starts_at` (aware UTC) and `local_start` (by the location's clock) are None if its time of then isn't
    known any more, `time_zone` is "" if its zone of then isn't. `status` and `is_current` are of now: False
    if it has been moved since.
    """

    id: int
    source: str
    external_id: str
    revision: int
    starts_at: datetime | None
    local_start: datetime | None
    time_zone: str
    location_id: int
    provider_id: int | None
    status: str
    is_current: bool


@dataclass(frozen=True)
class EventFacts:
    """`how`: by which way an answer or an opt-out came; `reason`: why nobody was reached.

    `scope`: what an opt-out stops. All three are codes. `e164`: the number in full, or "".
    """

    event: OutgoingEvent
    appointment: AppointmentFacts | None = None
    patients: list[Patient] = field(default_factory=list)
    e164: str = ""
    how: str = ""
    reason: str = ""
    scope: str = ""


def read_facts(events: Collection[OutgoingEvent]) -> dict[int, EventFacts]:
    """The facts of events by their primary key, with a constant number of queries.

    An event whose row has been deleted is missing.
    """
    found = [
        *_read_answers([event for event in events if event.type in ANSWERS]),
        *_read_unreached([event for event in events if event.type == EventType.NOT_REACHED]),
        *_read_optouts([event for event in events if event.type == EventType.OPTED_OUT]),
        *(EventFacts(event) for event in events if event.type == EventType.TEST),
    ]
    return {facts.event.pk: facts for facts in found}


def _read_answers(events: list[OutgoingEvent]) -> Iterable[EventFacts]:
    ids = {event.row_id or 0 for event in events}
    rows = AppointmentChange.objects.filter(pk__in=ids).select_related("appointment__contact__phone")
    changes = {change.pk: change for change in (rows if ids else ())}
    for event in events:
        if not (change := changes.get(event.row_id or 0)):
            continue
        visit = change.appointment
        is_current = change.revision == visit.revision or _still_stands(event, change)
        yield EventFacts(
            event,
            AppointmentFacts(
                id=visit.pk,
                source=visit.source,
                external_id=visit.external_id,
                revision=change.revision,
                # of a visit whose location got another zone, the moment of now
                starts_at=visit.starts_at if is_current else change.starts_after,
                local_start=visit.local_start if is_current else change.local_after,
                time_zone=visit.time_zone if is_current or _is_in_zone(change) else "",
                location_id=visit.location_id,
                provider_id=visit.provider_id,
                status=visit.status,
                is_current=is_current,
            ),
            [_describe(visit.contact)],
            e164=visit.contact.phone.e164 if visit.contact.phone else "",
            how=change.how,
        )


def _still_stands(event: OutgoingEvent, change: AppointmentChange) -> bool:
    """Whether the answer counts for a later revision, too, such as one of another number of the patient."""
    visit = change.appointment
    return visit.current_answer == ANSWERS[EventType(event.type)] and visit.starts_at == change.starts_after


def _is_in_zone(change: AppointmentChange) -> bool:
    """Whether the time of then is one by the visit's zone of now."""
    local, zone = change.local_after, change.appointment.time_zone
    if local is None or change.starts_after is None:
        return False
    return change.starts_after in {find_moment(local, zone, fold) for fold in (0, 1)}


def _read_unreached(events: list[OutgoingEvent]) -> Iterable[EventFacts]:
    ids = {event.row_id or 0 for event in events}
    rows = FollowUp.objects.filter(pk__in=ids, appointment__isnull=False).select_related(
        "appointment__contact__phone", "reminder", "call__number"
    )
    follow_ups = {row.pk: row for row in (rows if ids else ())}
    for event in events:
        follow_up = follow_ups.get(event.row_id or 0)
        if follow_up is None or follow_up.appointment is None:
            continue
        visit, called = follow_up.appointment, follow_up.call
        revision = follow_up.reminder.revision if follow_up.reminder else visit.revision
        is_current = revision == visit.revision
        number = called.number if called else visit.contact.phone
        yield EventFacts(
            event,
            AppointmentFacts(
                id=visit.pk,
                source=visit.source,
                external_id=visit.external_id,
                revision=revision,
                starts_at=visit.starts_at if is_current else None,
                local_start=visit.local_start if is_current else None,
                time_zone=visit.time_zone,
                location_id=visit.location_id,
                provider_id=visit.provider_id,
                status=visit.status,
                is_current=is_current,
            ),
            [_describe(visit.contact)],
            e164=number.e164 if number else "",
            reason=follow_up.kind,
        )


def _read_optouts(events: list[OutgoingEvent]) -> Iterable[EventFacts]:
    ids = {event.row_id or 0 for event in events}
    rows = ConsentEntry.objects.filter(pk__in=ids).select_related("number")
    entries = {entry.pk: entry for entry in (rows if ids else ())}
    numbers = {entry.number_id for entry in entries.values()}
    patients: defaultdict[int, list[Patient]] = defaultdict(list)
    shared = Contact.objects.filter(Q(phone__in=numbers) | Q(other_phone__in=numbers)).order_by("pk")
    for contact in shared if numbers else ():
        for number_id in {contact.phone_id, contact.other_phone_id} & numbers:
            patients[number_id or 0].append(_describe(contact))
    for event in events:
        if entry := entries.get(event.row_id or 0):
            yield EventFacts(
                event,
                patients=patients[entry.number_id],
                e164=entry.number.e164,
                how=entry.source,
                scope=entry.scope,
            )


def _describe(contact: Contact) -> Patient:
    return Patient(contact.pk, contact.source, contact.external_id)
