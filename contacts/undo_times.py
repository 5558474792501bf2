"""At which times the visits of a batch that is to be undone were, and which other visits are there now."""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from typing import NamedTuple

from django.db.models import Q

from contacts.database.arrays import is_any
from contacts.imports.overwriting import Values
from contacts.models import Appointment, AppointmentChange
from contacts.undo_records import BatchRecords
from contacts.undo_surroundings import BY_LISTS
from contacts.wall_times import find_moment

Status = Appointment.Status
# Columns of an appointment by which its patient or provider has another time, or another one has theirs.
SLOT = frozenset({"status", "local_start", "fold", "seconds", "contact_id", "provider_id"})


class FormerSlot(NamedTuple):
    """When and whose a visit was before the list."""

    contact_id: int
    provider_id: int | None
    starts_at: datetime
    ends_at: datetime


def find_former_slots(records: BatchRecords, visits: Mapping[int, Appointment]) -> dict[int, FormerSlot]:
    """By visit, the slot that it was booked for before the list, if the list changed any of that."""
    former = dict[int, FormerSlot]()
    for pk, (before, _after) in records.appointments.items():
        if pk in visits and (slot := _read_former_slot(visits[pk], before)):
            former[pk] = slot
    return former


def read_visits_beside(
    records: BatchRecords, visits: Mapping[int, Appointment], former: Mapping[int, FormerSlot]
) -> list[Appointment]:
    """Visits of the same patients that somebody has cancelled since, and those for which the patients and
    providers of the former times were booked by the list or since. One query.
    """
    owners = {one.contact_id for one in visits.values() if one.status == Status.BOOKED}
    cancellations = AppointmentChange.objects.filter(
        what=AppointmentChange.What.CANCELLED, at__gt=records.since
    )
    by_people = cancellations.exclude(how__in=BY_LISTS).values("appointment")
    cancelled = Appointment.objects.filter(
        is_any("contact", owners), status=Status.CANCELLED, pk__in=by_people
    )
    people = {slot.contact_id for slot in former.values()}
    providers = {slot.provider_id for slot in former.values() if slot.provider_id}
    by_list = {pk for pk, (before, _after) in records.appointments.items() if SLOT & before.keys()}
    by_list |= set(records.added_appointments)
    booked = Appointment.objects.filter(
        Q(is_any("contact", people)) | Q(is_any("provider", providers)),
        Q(revised_at__gt=records.since) | Q(is_any("pk", by_list)),
        status=Status.BOOKED,
    )
    return list(cancelled.order_by().union(booked.order_by(), all=True))


def find_taken_times(former: Mapping[int, FormerSlot], beside: Iterable[Appointment]) -> dict[int, set[int]]:
    """By visit, what its patient or provider was booked for at its former time, by the list or since.

    Put back beside one of these, the patient would be called for two visits at once, or two patients come at
    one time.
    """
    by_owner: dict[tuple[str, int | None], list[Appointment]] = {}
    for one in beside:
        if one.status == Status.BOOKED:
            by_owner.setdefault(("contact", one.contact_id), []).append(one)
            by_owner.setdefault(("provider", one.provider_id), []).append(one)
    taken: dict[int, set[int]] = {}
    for pk, slot in former.items():
        for owner in (("contact", slot.contact_id), ("provider", slot.provider_id or 0)):
            for one in by_owner.get(owner, ()):
                if one.pk != pk and _overlap(one, slot):
                    taken.setdefault(pk, set()).add(one.pk)
    return taken


def find_left_alone(
    records: BatchRecords, visits: Mapping[int, Appointment], beside: Iterable[Appointment]
) -> set[int]:
    """Visits that are all that is left of two at one time.

    Somebody has cancelled another visit of the patient at that time since, such as the copy when two contacts
    were merged. If the list's visit went as well, the patient would have none.
    """
    given_up: dict[int, list[Appointment]] = {}
    for one in beside:
        if one.status == Status.CANCELLED:
            given_up.setdefault(one.contact_id, []).append(one)
    return {
        one.pk
        for one in visits.values()
        if one.status == Status.BOOKED
        and any(_leaves(records, one, other) for other in given_up.get(one.contact_id, ()))
    }


def _leaves(records: BatchRecords, visit: Appointment, other: Appointment) -> bool:
    """Whether the visit is at the time of the other one now, and wouldn't be after the undo."""
    if not _overlap(visit, other):
        return False
    if visit.batch_id == records.batch.pk:
        return True
    before = records.appointments[visit.pk][0]
    former = _read_former_slot(visit, before)
    if former is None:
        return bool(SLOT & before.keys())
    return former.contact_id != visit.contact_id or not _overlap(former, other)


def _read_former_slot(visit: Appointment, before: Values) -> FormerSlot | None:
    """None if it wasn't booked, or is as it was."""
    status = before.get("status", visit.status)
    if status != Status.BOOKED or not SLOT & before.keys():
        return None
    local = before.get("local_start")
    start = visit.starts_at
    if local:
        start = find_moment(datetime.fromisoformat(local), visit.time_zone, before.get("fold", visit.fold))
    length = visit.ends_at - visit.starts_at
    if "seconds" in before:
        length = timedelta(seconds=before["seconds"])
    return FormerSlot(
        contact_id=before.get("contact_id", visit.contact_id),
        provider_id=before.get("provider_id", visit.provider_id),
        starts_at=start,
        ends_at=start + length,
    )


def _overlap(one: Appointment | FormerSlot, other: Appointment | FormerSlot) -> bool:
    return one.starts_at < other.ends_at and other.starts_at < one.ends_at
