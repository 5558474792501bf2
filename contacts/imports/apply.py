"""Write a plan to the database: new rows in bulk, changes through contacts/appointments.py."""

from collections.abc import Iterable, Sequence

from django.contrib.auth.models import User
from django.utils import timezone

from contacts.appointments import (
    AppointmentClosed,
    cancel_appointment,
    lock_appointments,
    move_appointment,
    record_attendance,
    reinstate_appointment,
    set_times,
)
from contacts.database.clock import read_database_clock
from contacts.imports.people import PersonKey, person_key
from contacts.imports.planning import Plan, PlannedContact, PlannedRow, RowOutcome
from contacts.imports.practice import KnownPractice, make_location
from contacts.imports.problems import Problem
from contacts.imports.rows import ImportedLocation, location_key
from contacts.models import (
    Appointment,
    AppointmentChange,
    Contact,
    ImportBatch,
    ImportProblem,
    Location,
    PhoneNumber,
    Provider,
    Way,
)
from contacts.models.people import Preference
from contacts.people import change_phone, create_numbers

BATCH_SIZE = 2000  # rows in one INSERT or UPDATE
NO_CHANGE_NEEDED = (RowOutcome.UNCHANGED, RowOutcome.REJECTED, RowOutcome.ADDED)
CLOSED_MEANWHILE = (
    "Somebody changed this appointment here while the file was being imported.",
    "Import the file again.",
)


def write_plan(
    plan: Plan,
    practice: KnownPractice,
    described: dict[str, ImportedLocation],
    batch: ImportBatch,
    by: User | None,
) -> list[Problem]:
    """Write the whole plan in the caller's transaction.

    Returns a note for each row whose appointment somebody changed since the plan was made.
    """
    _lock_affected_appointments(plan)
    _add_locations_and_providers(plan, practice, described)
    numbers = _get_or_create_numbers(plan.contacts.values())
    contacts = _write_contacts(plan, batch.source, numbers, by)
    _add_appointments(plan, contacts, practice, batch, by)
    _write_details(plan.rows)
    return [note for planned in plan.rows if (note := _apply_row(planned, practice, by))]


def _lock_affected_appointments(plan: Plan) -> None:
    """Lock all appointments at once and in order, because dispatch may lock some of them too."""
    people = [planned.contact.pk for planned in plan.contacts.values() if planned.contact]
    rows = {planned.appointment.pk for planned in plan.rows if planned.appointment}
    lock_appointments(rows | set(Appointment.objects.filter(contact__in=people).values_list("pk", flat=True)))


def _add_locations_and_providers(
    plan: Plan, practice: KnownPractice, described: dict[str, ImportedLocation]
) -> None:
    rows = [each.row for each in plan.rows if each.outcome != RowOutcome.REJECTED]
    locations = _first_spellings(row.location for row in rows)
    providers = _first_spellings(row.provider for row in rows if row.provider)
    new_locations = [
        make_location(name, described[key])
        for key, name in locations.items()
        if key not in practice.locations
    ]
    new_providers = [Provider(name=name) for key, name in providers.items() if key not in practice.providers]
    practice.locations |= {
        location_key(each.name): each for each in Location.objects.bulk_create(new_locations)
    }
    practice.providers |= {
        location_key(each.name): each for each in Provider.objects.bulk_create(new_providers)
    }


def _first_spellings(names: Iterable[str]) -> dict[str, str]:
    """Return each name once, by its key, as the first row spells it."""
    spellings: dict[str, str] = {}
    for name in names:
        spellings.setdefault(location_key(name), name)
    return spellings


def _get_or_create_numbers(contacts: Iterable[PlannedContact]) -> dict[str, PhoneNumber]:
    """Return the rows of all numbers to be set, by E.164, creating those that are new."""
    parsed = {
        number.e164: number
        for planned in contacts
        for number in (planned.person.phone, planned.person.other_phone)
        if number and number.e164 in (planned.phone, planned.other_phone)
    }
    return create_numbers(parsed.values())


def _write_contacts(
    plan: Plan, source: str, numbers: dict[str, PhoneNumber], by: User | None
) -> dict[PersonKey, Contact]:
    """Create or update the contact of each person in the plan, and return them all."""
    new = [each for each in plan.contacts.values() if each.contact is None]
    made = Contact.objects.bulk_create(
        [_make_contact(planned, source, numbers) for planned in new], batch_size=BATCH_SIZE
    )
    _update_contacts(list(plan.contacts.values()), numbers, by)
    known = {key: each.contact for key, each in plan.contacts.items() if each.contact}
    return known | {planned.person.key: contact for planned, contact in zip(new, made, strict=True)}


def _make_contact(planned: PlannedContact, source: str, numbers: dict[str, PhoneNumber]) -> Contact:
    person = planned.person
    return Contact(
        first_name=person.first_name,
        last_name=person.last_name,
        language=person.language or "en",
        preferred_channel=person.preference or Preference.VOICE,
        phone=numbers.get(planned.phone or ""),
        other_phone=numbers.get(planned.other_phone or ""),
        source=source,
        external_id=person.patient_id,
    )


def _update_contacts(
    planned: Sequence[PlannedContact], numbers: dict[str, PhoneNumber], by: User | None
) -> None:
    now, changed_at, changed = timezone.now(), read_database_clock(), []
    for each in planned:
        contact = each.contact
        if contact and (each.fields or each.other_phone):
            for name, value in each.fields.items():
                setattr(contact, name, value)
            if "language" in each.fields:
                contact.language_at = changed_at
            contact.other_phone = numbers[each.other_phone] if each.other_phone else contact.other_phone
            contact.updated_at = now
            changed.append(contact)
        if contact and each.phone:
            change_phone(contact, numbers[each.phone], by=by)
    fields = ["first_name", "last_name", "language", "preferred_channel", "source", "external_id"]
    fields += ["language_at", "other_phone", "updated_at"]
    Contact.objects.bulk_update(changed, fields, batch_size=BATCH_SIZE)


def _add_appointments(
    plan: Plan,
    contacts: dict[PersonKey, Contact],
    practice: KnownPractice,
    batch: ImportBatch,
    by: User | None,
) -> None:
    """Insert the new appointments and the first history entry of each, in two statements."""
    new = [each for each in plan.rows if each.outcome == RowOutcome.ADDED]
    now = read_database_clock()
    made = Appointment.objects.bulk_create(
        [
            set_times(
                Appointment(
                    contact=contacts[person_key(planned.row)],
                    location=practice.locations[location_key(planned.row.location)],
                    provider=practice.providers.get(location_key(planned.row.provider)),
                    kind=planned.row.kind,
                    status=planned.row.status,
                    revised_at=now,
                    source=batch.source,
                    external_id=planned.row.appointment_id,
                    batch=batch,
                ),
                planned.starts_at,
                planned.ends_at,
            )
            for planned in new
        ],
        batch_size=BATCH_SIZE,
    )
    AppointmentChange.objects.bulk_create(
        [
            AppointmentChange(
                appointment=each,
                what=AppointmentChange.What.IMPORTED,
                revision=each.revision,
                how=Way.IMPORT,
                by=by,
                starts_after=each.starts_at,
                local_after=each.local_start,
                at=now,
            )
            for each in made
        ],
        batch_size=BATCH_SIZE,
    )


def _write_details(rows: Iterable[PlannedRow]) -> None:
    """Write kind and id, before other functions lock and read the row."""
    now, changed = read_database_clock(), []
    for planned in rows:
        if planned.appointment and planned.fields:
            if "kind" in planned.fields:
                planned.appointment.details_at = now
            for name, value in planned.fields.items():
                setattr(planned.appointment, name, value)
            planned.appointment.updated_at = timezone.now()
            changed.append(planned.appointment)
    fields = ["kind", "details_at", "source", "external_id", "updated_at"]
    Appointment.objects.bulk_update(changed, fields, batch_size=BATCH_SIZE)


def _apply_row(planned: PlannedRow, practice: KnownPractice, by: User | None) -> Problem | None:
    """Apply one change; return a note if the appointment was closed since the plan was made."""
    if planned.appointment is None or planned.outcome in NO_CHANGE_NEEDED:
        return None
    try:
        _apply_outcome(planned, planned.appointment.pk, practice, by)
    except AppointmentClosed:
        planned.outcome = RowOutcome.UNCHANGED
        return Problem(planned.row.line, "Row", planned.row.appointment_id, *CLOSED_MEANWHILE)
    return None


def _apply_outcome(
    planned: PlannedRow, appointment_id: int, practice: KnownPractice, by: User | None
) -> None:
    row = planned.row
    if planned.outcome == RowOutcome.CANCELLED:
        cancel_appointment(appointment_id, by=by, how=Way.IMPORT)
        return
    if planned.outcome == RowOutcome.BOOKED_AGAIN:
        reinstate_appointment(appointment_id, by=by, how=Way.IMPORT)
    if planned.outcome != RowOutcome.UPDATED or planned.has_new_length_or_provider:
        move_appointment(
            appointment_id,
            starts_at=planned.starts_at,
            ends_at=planned.ends_at,
            location=practice.locations[location_key(row.location)],
            provider=practice.providers.get(location_key(row.provider)),
            by=by,
            how=Way.IMPORT,
        )
    if planned.has_new_attendance:
        record_attendance(appointment_id, row.status, by=by)


def store_problems(batch: ImportBatch, problems: Iterable[Problem]) -> None:
    """Store the problems with the batch."""
    ImportProblem.objects.bulk_create(
        [
            ImportProblem(
                batch=batch,
                weight=each.weight,
                line=each.line,
                column=each.column,
                value=each.value,
                problem=each.problem,
                remedy=each.remedy,
            )
            for each in problems
        ],
        batch_size=BATCH_SIZE,
    )
