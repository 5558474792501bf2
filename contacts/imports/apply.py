"""Write a plan to the database: new rows in bulk, changes through contacts/appointments.py."""

from collections.abc import Iterable, Iterator, Sequence

from django.contrib.auth.models import User

from contacts.appointments import lock_appointments, set_times
from contacts.database.arrays import is_any
from contacts.database.clock import read_database_clock
from contacts.database.saving import ROWS_PER_STATEMENT, save_rows, take_chunks
from contacts.imports.changes import ImportedChange, list_changes
from contacts.imports.overwriting import IMPORTED_CONTACT_FIELDS, read_values_before, store_overwritten
from contacts.imports.people import PersonKey, person_key
from contacts.imports.plans import Plan, PlannedContact, RowOutcome
from contacts.imports.practice import KnownPractice, PracticeChanged, is_as_known, make_location
from contacts.imports.problems import Problem
from contacts.imports.rows import ImportedLocation, location_key
from contacts.imports.staleness import RowLeftOut, settle_changes
from contacts.imports.three_way import keep_memory, read_memory
from contacts.imports.words import join_wishes
from contacts.listed_appointments import ListedChange, change_appointments
from contacts.models import (
    Appointment,
    AppointmentChange,
    Contact,
    ImportBatch,
    ImportChange,
    ImportProblem,
    Location,
    PhoneNumber,
    Provider,
    Way,
)
from contacts.models.people import Preference
from contacts.people import create_numbers, revise_upcoming


def write_plan(
    plan: Plan,
    practice: KnownPractice,
    described: dict[str, ImportedLocation],
    batch: ImportBatch,
    by: User | None,
) -> tuple[list[RowLeftOut], list[ImportedChange]]:
    """Write the whole plan in the caller's transaction, and store with the batch what it changes.

    Returns what is left out of a fresh plan, since somebody changed it here meanwhile, and the changes.
    Raises PlanStale, PracticeChanged.
    """
    _lock_affected_appointments(plan)
    left_out = settle_changes(plan, batch.source)
    before = read_values_before(plan, practice, batch.source)
    _add_locations_and_providers(plan, practice, described)
    numbers = _get_or_create_numbers(plan.contacts.values())
    changes = list_changes(plan)
    contacts = _write_contacts(plan, batch.source, numbers)
    _add_appointments(plan, contacts, practice, batch, by)
    listed = [
        *_list_row_changes(plan, contacts, practice, batch.source),
        *_list_refused_changes(plan, batch.source),
    ]
    for some in take_chunks(listed, ROWS_PER_STATEMENT):
        change_appointments(some, by=by, how=Way.IMPORT)
    _store_changes(batch, changes, plan, contacts)
    store_overwritten(batch, before, practice)
    return left_out, changes


def _lock_affected_appointments(plan: Plan) -> None:
    """Lock all appointments at once and in order, because dispatch may lock some of them too."""
    people = [planned.contact.pk for planned in plan.contacts.values() if planned.contact]
    rows = {appointment.pk for appointment in plan.known_appointments}
    of_people = Appointment.objects.filter(is_any("contact", people)).values_list("pk", flat=True)
    lock_appointments(rows | set(of_people))


def _add_locations_and_providers(
    plan: Plan, practice: KnownPractice, described: dict[str, ImportedLocation]
) -> None:
    left_out = (RowOutcome.REJECTED, RowOutcome.DUPLICATE)
    rows = [each.row for each in plan.rows if each.outcome not in left_out]
    locations = _first_spellings(row.location for row in rows)
    providers = _first_spellings(row.provider for row in rows if row.provider)
    new_locations = [
        make_location(name, described[key])
        for key, name in locations.items()
        if key not in practice.locations
    ]
    new_providers = [Provider(name=name) for key, name in providers.items() if key not in practice.providers]
    if (new_locations or new_providers) and not is_as_known(practice):
        raise PracticeChanged
    made = Location.objects.bulk_create(new_locations)
    practice.locations |= {location_key(each.name): each for each in made}
    practice.zones |= {each.pk: each.time_zone for each in made}
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


def _write_contacts(plan: Plan, source: str, numbers: dict[str, PhoneNumber]) -> dict[PersonKey, Contact]:
    """Create or update the contact of each person in the plan, and return them all."""
    new = [each for each in plan.contacts.values() if each.contact is None]
    made = Contact.objects.bulk_create(
        [_make_contact(planned, source, numbers) for planned in new], batch_size=ROWS_PER_STATEMENT
    )
    _update_contacts(list(plan.contacts.values()), numbers)
    known = {key: each.contact for key, each in plan.contacts.items() if each.contact}
    return known | {planned.person.key: contact for planned, contact in zip(new, made, strict=True)}


def _make_contact(planned: PlannedContact, source: str, numbers: dict[str, PhoneNumber]) -> Contact:
    person = planned.person
    return Contact(
        first_name=person.first_name,
        last_name=person.last_name,
        language=person.language or "en",
        preferred_channel=join_wishes(person.preference or Preference.VOICE, planned.kept_wish),
        phone=numbers.get(planned.phone or ""),
        other_phone=numbers.get(planned.other_phone or ""),
        source=source,
        external_id=person.patient_id,
        file_values={source: planned.said},
    )


def _update_contacts(planned: Sequence[PlannedContact], numbers: dict[str, PhoneNumber]) -> None:
    """Set what changes in known contacts; those with a new number get new revisions of what is ahead."""
    now = read_database_clock()
    changed: list[Contact] = []
    only_said: list[Contact] = []
    renumbered: list[int] = []
    for each in planned:
        contact = each.contact
        if contact is None:
            continue
        if each.outcome == RowOutcome.UNCHANGED:
            kept = keep_memory(contact.file_values, each.kept_under, each.said)
            if kept != contact.file_values:
                contact.file_values = kept
                only_said.append(contact)
            continue
        for name, value in each.fields.items():
            # two rows can be about one contact; what either of them forbids counts
            is_wish = name == "preferred_channel"
            setattr(contact, name, join_wishes(value, contact.preferred_channel) if is_wish else value)
        if "language" in each.fields:
            contact.language_at = now
        if each.phone:
            contact.phone = numbers[each.phone]
            renumbered.append(contact.pk)
        contact.other_phone = numbers[each.other_phone] if each.other_phone else contact.other_phone
        contact.file_values = keep_memory(contact.file_values, each.kept_under, each.said)
        changed.append(contact)
    for some in take_chunks(changed, ROWS_PER_STATEMENT):
        save_rows(some, IMPORTED_CONTACT_FIELDS)
    for some in take_chunks(only_said, ROWS_PER_STATEMENT):
        save_rows(some, ["file_values"])
    if renumbered:
        revise_upcoming(renumbered, now)


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
                    file_values={batch.source: planned.said or {}},
                ),
                planned.starts_at,
                planned.ends_at,
            )
            for planned in new
        ],
        batch_size=ROWS_PER_STATEMENT,
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
        batch_size=ROWS_PER_STATEMENT,
    )


def _list_row_changes(
    plan: Plan, contacts: dict[PersonKey, Contact], practice: KnownPractice, source: str
) -> Iterator[ListedChange]:
    """What changes in each known appointment, what to keep of the file included."""
    for planned in plan.rows:
        appointment = planned.appointment
        if appointment is None or planned.outcome in (RowOutcome.ADDED, RowOutcome.REJECTED):
            continue
        is_known = planned.said is None or planned.said == read_memory(appointment, source)
        if planned.outcome == RowOutcome.UNCHANGED and is_known:
            continue
        row, times = planned.row, planned.takes - {"attendance"}
        yield ListedChange(
            appointment.pk,
            cancels=planned.outcome == RowOutcome.CANCELLED,
            books_again=planned.outcome == RowOutcome.BOOKED_AGAIN,
            starts_at=planned.starts_at if times else None,
            ends_at=planned.ends_at if times else None,
            location=practice.locations[location_key(row.location)] if "slot" in times else None,
            provider=practice.providers[location_key(row.provider)] if "provider" in times else None,
            attended=row.status if "attendance" in planned.takes else "",
            contact=contacts[person_key(row)] if planned.merges else None,
            details=planned.fields,
            file_values=None if is_known else appointment.file_values | {source: planned.said},
        )


def _list_refused_changes(plan: Plan, source: str) -> Iterator[ListedChange]:
    """The cancellations of rejected rows."""
    for each in plan.refused:
        if each.outcome == RowOutcome.CANCELLED:
            said = each.appointment.file_values | {source: each.kept}
            yield ListedChange(each.appointment.pk, cancels=True, file_values=said)


def _store_changes(
    batch: ImportBatch, changes: Iterable[ImportedChange], plan: Plan, contacts: dict[PersonKey, Contact]
) -> None:
    """Store what changed, and which contacts are new; new appointments know their batch."""
    rows = [
        ImportChange(
            batch=batch,
            line=each.line,
            what=each.what,
            appointment_id=each.appointment_id,
            contact_id=each.contact_id,
            about=each.about,
            old=each.old,
            new=each.new,
        )
        for each in changes
    ]
    rows += [
        ImportChange(
            batch=batch,
            line=each.person.rows[0].line,
            what=ImportChange.What.CONTACT_ADDED,
            contact=contacts[key],
            about=each.person.full_name,
        )
        for key, each in plan.contacts.items()
        if each.contact is None
    ]
    ImportChange.objects.bulk_create(rows, batch_size=ROWS_PER_STATEMENT)


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
        batch_size=ROWS_PER_STATEMENT,
    )
