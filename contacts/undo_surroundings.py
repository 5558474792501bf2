"""What else the database says of the records of a batch that is to be undone.

Who has spoken of them since, who refers to them, and whether what they had before is there still.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from django.db.models import ManyToOneRel, Model, Q

from contacts.database.arrays import is_any, is_any_text
from contacts.imports.overwriting import Values
from contacts.imports.three_way import DEFAULTS, read_appointment_values, read_contact_values
from contacts.models import (
    Appointment,
    AppointmentChange,
    Contact,
    ContactMerge,
    ImportedRecords,
    KeptByUndo,
    Location,
    PhoneNumber,
    Provider,
    Way,
)
from contacts.models.people import OtherNumberUse
from contacts.undo_records import BatchRecords
from contacts.wall_times import find_moment

What, Why = KeptByUndo.What, KeptByUndo.Why
# Entries of an appointment's history that aren't a person's doing, and those of lists, whose values are
# compared instead.
NOT_A_CHANGE = (
    AppointmentChange.What.ZONE_CORRECTED,
    AppointmentChange.What.RULES_CHANGED,
    AppointmentChange.What.MERGED,
)
BY_LISTS = (Way.IMPORT, Way.UNDO)
ANSWERS = (AppointmentChange.What.CONFIRMED, AppointmentChange.What.WANTS_ANOTHER_TIME)
# Rows that go with an appointment or a contact that is removed; any other reference keeps it.
GOES_WITH_APPOINTMENT = frozenset(
    {
        "contacts.AppointmentChange", "contacts.ImportChange", "contacts.OverwrittenValues",
        "contacts.KeptByUndo", "reminders.Reminder", "reminders.FollowUp",
    }
)  # fmt: skip
GOES_WITH_CONTACT = frozenset(
    {
        "contacts.Appointment", "contacts.ImportChange", "contacts.OverwrittenValues",
        "contacts.KeptByUndo", "reminders.FollowUp",
    }
)  # fmt: skip


# Columns of an appointment by which its patient or provider has another time, or another one has theirs.
SLOT = frozenset({"status", "local_start", "fold", "seconds", "contact_id", "provider_id"})


@dataclass(frozen=True)
class SaidAgain:
    """Ids of appointments and contacts of which a later list spoke as well."""

    appointments: Collection[int]
    contacts: Collection[int]


def find_said_again(records: BatchRecords) -> SaidAgain:
    """Of which records lists that came later, and weren't undone, spoke as well."""
    later = ImportedRecords.objects.filter(at__gt=records.since, batch__undone_at=None)
    parts = list(later.exclude(batch=records.batch).values_list("appointments", "contacts"))
    ours = set(records.appointment_ids), records.contact_ids
    return SaidAgain(
        {pk for visits, _ in parts for pk in visits} & ours[0],
        {pk for _, people in parts for pk in people} & ours[1],
    )


def find_merged_since(people: Collection[int], since: datetime) -> set[int]:
    """Those of these contacts with whom another one was merged since."""
    merges = ContactMerge.objects.filter(is_any("survivor", people), at__gt=since)
    return set(merges.values_list("survivor", flat=True))


def find_touched(records: BatchRecords) -> dict[int, str]:
    """Appointments of whose history somebody has written a line since, and why that keeps them."""
    entries = (
        AppointmentChange.objects.filter(is_any("appointment", records.appointment_ids), at__gt=records.since)
        .exclude(what__in=NOT_A_CHANGE)
        .exclude(how__in=BY_LISTS)
    )
    touched: dict[int, str] = {}
    for pk, what in entries.order_by("at").values_list("appointment", "what"):
        touched[pk] = Why.ANSWERED if what in ANSWERS else Why.CHANGED
    return touched


def find_taken_times(records: BatchRecords, visits: Mapping[int, Appointment]) -> dict[int, set[int]]:
    """By visit, what its patient or provider was booked for at its former time, by the list or since.

    Put back beside one of these, the patient would be called for two visits at once, or two patients come at
    one time.
    """
    former = dict[int, _Slot]()
    for pk, (before, _after) in records.appointments.items():
        if pk in visits and (slot := _read_former(visits[pk], before)):
            former[pk] = slot
    if not former:
        return {}
    people = {slot.contact_id for slot in former.values()}
    providers = {slot.provider_id for slot in former.values() if slot.provider_id}
    booked = Appointment.objects.filter(status=Appointment.Status.BOOKED)
    by_list = {pk for pk, (before, _after) in records.appointments.items() if SLOT & before.keys()}
    by_list |= set(records.added_appointments)
    new = booked.filter(Q(revised_at__gt=records.since) | Q(is_any("pk", by_list)))
    by_owner: dict[tuple[str, int | None], list[Appointment]] = {}
    for one in new.filter(Q(is_any("contact", people)) | Q(is_any("provider", providers))).order_by():
        by_owner.setdefault(("contact", one.contact_id), []).append(one)
        by_owner.setdefault(("provider", one.provider_id), []).append(one)
    taken: dict[int, set[int]] = {}
    for pk, slot in former.items():
        for owner in (("contact", slot.contact_id), ("provider", slot.provider_id or 0)):
            for one in by_owner.get(owner, ()):
                if one.pk != pk and _overlap(one, slot):
                    taken.setdefault(pk, set()).add(one.pk)
    return taken


def find_left_alone(records: BatchRecords, visits: Mapping[int, Appointment]) -> dict[int, str]:
    """Visits that are all that is left of two at one time, and why that keeps them.

    Somebody has cancelled another visit of the patient at that time since, such as the copy when two contacts
    were merged. If the list's visit went as well, the patient would have none.
    """
    at_risk = [one for one in visits.values() if one.status == Appointment.Status.BOOKED]
    owners = {one.contact_id for one in at_risk}
    by_people = AppointmentChange.objects.filter(
        what=AppointmentChange.What.CANCELLED, at__gt=records.since
    ).exclude(how__in=BY_LISTS)
    cancelled = Appointment.objects.filter(
        is_any("contact", owners), status=Appointment.Status.CANCELLED, pk__in=by_people.values("appointment")
    )
    given_up: dict[int, list[Appointment]] = {}
    for one in cancelled.order_by():
        given_up.setdefault(one.contact_id, []).append(one)
    merged = find_merged_since(given_up, records.since)
    return {
        one.pk: Why.MERGED if one.contact_id in merged else Why.CHANGED
        for one in at_risk
        if any(_leaves(records, one, other) for other in given_up.get(one.contact_id, ()))
    }


def _leaves(records: BatchRecords, visit: Appointment, other: Appointment) -> bool:
    """Whether the visit is at the time of the other one now, and wouldn't be after the undo."""
    if not _overlap(visit, other):
        return False
    if visit.batch_id == records.batch.pk:
        return True
    before = records.appointments[visit.pk][0]
    former = _read_former(visit, before)
    if former is None:
        return bool(SLOT & before.keys())
    return former.contact_id != visit.contact_id or not _overlap(former, other)


class _Slot(NamedTuple):
    contact_id: int
    provider_id: int | None
    starts_at: datetime
    ends_at: datetime


def _overlap(one: Appointment | _Slot, other: Appointment | _Slot) -> bool:
    return one.starts_at < other.ends_at and other.starts_at < one.ends_at


def _read_former(visit: Appointment, before: Values) -> _Slot | None:
    """When and whose it was before the list; None if it wasn't booked, or its time is as it was."""
    status = before.get("status", visit.status)
    if status != Appointment.Status.BOOKED or not SLOT & before.keys():
        return None
    local = before.get("local_start")
    start = visit.starts_at
    if local:
        start = find_moment(datetime.fromisoformat(local), visit.time_zone, before.get("fold", visit.fold))
    length = visit.ends_at - visit.starts_at
    if "seconds" in before:
        length = timedelta(seconds=before["seconds"])
    return _Slot(
        contact_id=before.get("contact_id", visit.contact_id),
        provider_id=before.get("provider_id", visit.provider_id),
        starts_at=start,
        ends_at=start + length,
    )


def has_other_details(visit: Appointment, source: str) -> bool:
    """Whether somebody changed the kind or length of a new appointment: its history has no line for that."""
    said = visit.file_values.get(source) or {}
    if read_appointment_values(visit)["minutes"] != (said.get("minutes") or DEFAULTS["minutes"]):
        return True
    return visit.details_at is not None and visit.kind != said.get("kind", "")


def was_edited(person: Contact, source: str) -> bool:
    """Whether a new contact isn't as the file made them: compared with what the file said of them."""
    said = person.file_values.get(source)
    if said is None or person.source != source:
        return True
    held = read_contact_values(person)
    if any(
        held[name] != (value or DEFAULTS.get(name, ""))
        for name, value in said.items()
        if _counts(name, value)
    ):
        return True
    has_more = person.date_of_birth or person.notes or person.time_zone
    return bool(has_more) or person.other_phone_use != OtherNumberUse.NEVER


def _counts(name: str, value: str) -> bool:
    """A name of which letters were lost isn't kept as what the file said."""
    return bool(value) or name not in ("first_name", "last_name")


def id_of(record: Any, values: Values) -> tuple[str, str]:
    """Source and id that a record has with these columns."""
    return values.get("source", record.source), values.get("external_id", record.external_id)


@dataclass(frozen=True)
class PresentRows:
    """What is in the database beside the records themselves."""

    ids: Mapping[str, frozenset[int]]
    holders: Mapping[str, Mapping[tuple[str, str], int]]
    added: Mapping[str, frozenset[int]]
    referred_appointments: Collection[int]
    referred_contacts: Collection[int]
    visits_of_added: tuple[tuple[int, int], ...]
    new_locations: tuple[tuple[int, str, tuple[int, ...]], ...]
    new_providers: tuple[tuple[int, str, tuple[int, ...]], ...]

    def has_all(self, values: Values) -> bool:
        """Whether everything to which these columns refer is there still."""
        return all(values.get(name) is None or values[name] in ids for name, ids in self.ids.items())


def read_present_rows(records: BatchRecords) -> PresentRows:
    """Read all of it. The same number of queries for any batch."""
    before = [each for each, _ in (*records.appointments.values(), *records.contacts.values())]

    def named(*columns: str) -> list[int]:
        return sorted({each[name] for each in before for name in columns if each.get(name)})

    numbers = frozenset(
        PhoneNumber.objects.filter(is_any("pk", named("phone_id", "other_phone_id")), erased_at=None)
        .order_by()
        .values_list("pk", flat=True)
    )
    people = Contact.objects.filter(is_any("pk", named("contact_id")), erased_at=None).order_by()
    locations = Location.objects.filter(is_any("pk", named("location_id"))).order_by()
    providers = Provider.objects.filter(is_any("pk", named("provider_id"))).order_by()
    of_added = Appointment.objects.filter(is_any("contact", records.added_contacts)).order_by("pk")
    return PresentRows(
        ids={
            "phone_id": numbers,
            "other_phone_id": numbers,
            "contact_id": frozenset(people.values_list("pk", flat=True)),
            "location_id": frozenset(locations.values_list("pk", flat=True)),
            "provider_id": frozenset(providers.values_list("pk", flat=True)),
        },
        holders={
            What.APPOINTMENT: _read_holders(Appointment, records.appointments),
            What.CONTACT: _read_holders(Contact, records.contacts),
        },
        added={
            What.APPOINTMENT: frozenset(records.added_appointments),
            What.CONTACT: frozenset(records.added_contacts),
        },
        referred_appointments=find_referred(Appointment, records.added_appointments, GOES_WITH_APPOINTMENT),
        referred_contacts=find_referred(Contact, records.added_contacts, GOES_WITH_CONTACT),
        visits_of_added=tuple(of_added.values_list("pk", "contact")),
        new_locations=_read_use(Location, records.new_locations, "location"),
        new_providers=_read_use(Provider, records.new_providers, "provider"),
    )


def _read_holders(
    model: "type[Appointment] | type[Contact]", overwritten: Mapping[int, tuple[Values, Values]]
) -> dict[tuple[str, str], int]:
    """Who has the ids that could be put back, by source and id."""
    ids = {before["external_id"] for before, _ in overwritten.values() if before.get("external_id")}
    ids |= {
        external_id
        for external_id in model._default_manager.filter(
            is_any("pk", [pk for pk, (before, _) in overwritten.items() if "source" in before])
        )
        .order_by()
        .values_list("external_id", flat=True)
        if external_id
    }
    if not ids:
        return {}
    rows = model._default_manager.filter(is_any_text("external_id", ids)).order_by()
    columns = rows.values_list("source", "external_id", "pk")
    return {(source, external_id): pk for source, external_id, pk in columns}


def _read_use(
    model: "type[Location] | type[Provider]", ids: Collection[int], column: str
) -> tuple[tuple[int, str, tuple[int, ...]], ...]:
    """Those of these rows that are still there, with their names and visits."""
    if not ids:
        return ()
    visits: dict[int, list[int]] = {}
    for owner, pk in Appointment.objects.filter(is_any(column, ids)).values_list(column, "pk"):
        visits.setdefault(owner, []).append(pk)
    rows = model._default_manager.filter(is_any("pk", ids)).order_by("name").values_list("pk", "name")
    return tuple((pk, name, tuple(visits.get(pk, ()))) for pk, name in rows)


def find_referred(model: type[Model], ids: Collection[int], besides: Collection[str]) -> set[int]:
    """Which of these rows another row refers to, in any table of any app but `besides` (labels)."""
    parts = []
    for relation in model._meta.get_fields(include_hidden=True) if ids else ():
        if isinstance(relation, ManyToOneRel) and relation.related_model._meta.label not in besides:
            name = relation.field.name
            rows = relation.related_model._default_manager.filter(is_any(name, ids)).order_by()
            parts.append(rows.values_list(name, flat=True))
    return set(parts[0].union(*parts[1:])) if parts else set()
