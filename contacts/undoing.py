"""Undoing an import: what undo_plans.py has found is put back.

Staff's undo calls it through reminders/desk/import_undo.py.

The consent ledger isn't touched: it only ever grows.
"""

from collections import Counter
from collections.abc import Collection, Mapping
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.models import User
from django.db import transaction
from django.utils.translation import gettext as _

from contacts.database.arrays import is_any
from contacts.database.clock import read_database_clock
from contacts.database.saving import ROWS_PER_STATEMENT, save_rows, take_chunks
from contacts.imports.leases import lock_import_writes
from contacts.imports.overwriting import ANSWER, IMPORTED_CONTACT_FIELDS, Values
from contacts.imports.three_way import read_other_memories
from contacts.listed_appointments import FormerState, put_back_appointments
from contacts.models import (
    Appointment,
    Contact,
    ImportBatch,
    ImportFile,
    KeptByUndo,
    Location,
    PhoneNumber,
    Provider,
    Way,
)
from contacts.people import lock_people, revise_upcoming
from contacts.undo_plans import UndoPlan
from contacts.undo_records import BatchRecords, read_records
from contacts.undo_surroundings import IDENTITY, read_told, tell_references


class UndoRefused(ValueError):
    """The import can't be undone, or not now. The message is a sentence for staff."""


def read_undoable(batch: ImportBatch) -> BatchRecords:
    """What the batch has to do with. Raises UndoRefused if it isn't done, was undone, or is too old."""
    if batch.undone_at:
        raise UndoRefused(_("This import was undone already."))
    # of one that failed, or asks again, a part may be imported, and no worker goes on by itself
    has_stopped = batch.state in (ImportBatch.State.FAILED, ImportBatch.State.ASKING)
    records = read_records(batch) if batch.applied_at or has_stopped else None
    if records is None and batch.applied_at is None:
        raise UndoRefused(_("This list isn't imported yet, or not all of it."))
    if records is None:
        raise UndoRefused(
            _("This list was imported before Callboard kept what an undo needs, so it can't be undone.")
        )
    return records


def lock_batch(batch_id: int) -> BatchRecords:
    """The batch, with imports, its locations, appointments and contacts locked, in the order of all locks.

    Its locations are held exclusively, so that nobody plans reminders meanwhile for what is removed. Raises
    UndoRefused.
    """
    lock_import_writes()
    batch = ImportBatch.objects.select_for_update(no_key=True, of=("self",)).filter(pk=batch_id).first()
    if batch is None:
        raise UndoRefused(_("This import is no longer on record."))
    records = read_undoable(batch)
    under_way = ImportBatch.State.WAITING, ImportBatch.State.RUNNING
    if ImportBatch.objects.filter(source=batch.source, state__in=under_way).exists():
        raise UndoRefused(_("A list of the same source is being imported. Try again when it has ended."))
    visits = Appointment.objects.filter(is_any("pk", records.appointment_ids)).order_by()
    locations = set(visits.values_list("location", flat=True).distinct())
    locations |= {
        before["location_id"] for before, _ in records.appointments.values() if "location_id" in before
    }
    list(
        Location.objects.filter(pk__in=locations)
        .order_by("pk")
        .select_for_update(no_key=True)
        .values_list("pk")
    )
    owners = set(visits.values_list("contact", flat=True).distinct())
    lock_people(owners | records.contact_ids)
    return records


@transaction.atomic
def apply_undo(plan: UndoPlan, *, by: User) -> None:
    """Carry out the plan of a locked batch, whose removed appointments have no reminders any more."""
    batch = plan.batch
    _delete(Appointment, [one.pk for one in plan.removed_appointments])
    _free_ids(Appointment, plan.appointments)
    _free_ids(Contact, plan.contacts)
    numbers = _put_back_contacts(plan, read_database_clock())
    put_back_appointments(_list_former_states(plan), by=by, how=Way.UNDO)
    numbers |= {
        number for one in plan.removed_contacts for number in (one.phone_id, one.other_phone_id) if number
    }
    _delete(Contact, [one.pk for one in plan.removed_contacts])
    _remove_unused_numbers(numbers)
    KeptByUndo.objects.bulk_create(
        [
            KeptByUndo(
                batch=batch,
                what=each.what,
                why=each.why,
                about=each.about,
                appointment_id=each.appointment_id,
                contact_id=each.contact_id,
            )
            for each in plan.kept
        ],
        batch_size=ROWS_PER_STATEMENT,
    )
    batch.overwritten.all().delete()
    batch.undone_at, batch.undone_by = read_database_clock(), by
    batch.save(update_fields=["undone_at", "undone_by"])
    if batch.applied_at is None:
        _end_halfway(batch)


def _end_halfway(batch: ImportBatch) -> None:
    """Nobody can import the rest: the file goes, and the batch counts as done with what was written."""
    counts: Counter[str] = Counter()
    for some in batch.parts.values_list("counts", flat=True):
        counts.update(some)
    batch.state, batch.counts, batch.error = ImportBatch.State.DONE, dict(counts), ""
    batch.applied_at = batch.records.latest("pk").at
    batch.save(update_fields=["state", "counts", "error", "applied_at"])
    batch.parts.all().delete()
    ImportFile.objects.filter(batch=batch).delete()


def _delete(model: type[Appointment] | type[Contact], ids: Collection[int]) -> None:
    for some in take_chunks(ids, ROWS_PER_STATEMENT):
        model._default_manager.filter(pk__in=some).delete()


def _free_ids(model: type[Appointment] | type[Contact], back: Mapping[int, Values]) -> None:
    """Take off the ids that change, so that two records can exchange theirs."""
    changing = [pk for pk, values in back.items() if IDENTITY & values.keys()]
    if changing:
        former = dict(model._default_manager.filter(is_any("pk", changing)).values_list("pk", "external_id"))
        for pk in changing:  # what isn't put back stays as it is
            back[pk].setdefault("external_id", former[pk])
        model._default_manager.filter(is_any("pk", changing)).update(external_id="")


def _put_back_contacts(plan: UndoPlan, now: datetime) -> set[int]:
    """Give contacts what they had; the numbers (ids) that they no longer have."""
    source = plan.batch.source
    rows = list(Contact.objects.filter(is_any("pk", plan.contacts)).order_by("pk").defer("search_text"))
    renumbered, left = [], set()
    for person in rows:
        values = plan.contacts[person.pk]
        left |= {getattr(person, name) for name in ("phone_id", "other_phone_id") if name in values}
        if "phone_id" in values:
            renumbered.append(person.pk)
        for name, value in values.items():
            if name not in ("memory", "other_memories"):
                setattr(person, name, value)
        if "language" in values:
            person.language_at = now
        if "memory" in values:
            person.file_values = put_back_memory(person.file_values, source, values["memory"])
        if "other_memories" in values:
            others = read_other_memories(person, source)
            own = {key: said for key, said in person.file_values.items() if key not in others}
            person.file_values = own | values["other_memories"]
    for some in take_chunks(rows, ROWS_PER_STATEMENT):
        save_rows(some, IMPORTED_CONTACT_FIELDS)
    if renumbered:
        revised = revise_upcoming(renumbered, now)
        # later than the new revision: what was due before isn't sent late (product rule 29)
        Appointment.objects.filter(is_any("pk", revised)).update(details_at=read_database_clock())
    return left - {None}


def put_back_memory(held: Mapping[str, Any], source: str, before: Any) -> dict[str, Any]:
    """What files said of a record, with what `source` had said before; None: nothing yet."""
    others = {name: said for name, said in held.items() if name != source}
    return others if before is None else others | {source: before}


def _list_former_states(plan: UndoPlan) -> list[FormerState]:
    source = plan.batch.source
    visits = {one.pk: one for one in Appointment.objects.filter(is_any("pk", plan.appointments))}
    values = list(plan.appointments.values())
    owners = Contact.objects.filter(
        is_any("pk", {one["contact_id"] for one in values if "contact_id" in one})
    )
    people = {one.pk: one for one in owners}
    locations = Location.objects.in_bulk({each["location_id"] for each in values if "location_id" in each})
    providers = Provider.objects.in_bulk({each["provider_id"] for each in values if each.get("provider_id")})
    states = []
    for pk, each in plan.appointments.items():
        held = visits[pk]
        local = each.get("local_start", held.local_start.isoformat() if "fold" in each else None)
        states.append(
            FormerState(
                pk,
                status=each.get("status", ""),
                answer=each.get(ANSWER, ""),
                local_start=datetime.fromisoformat(local) if local else None,
                fold=each.get("fold", held.fold),
                length=timedelta(seconds=each["seconds"]) if "seconds" in each else None,
                location=locations[each["location_id"]] if "location_id" in each else None,
                provider=providers.get(each.get("provider_id") or 0),
                has_provider="provider_id" in each,
                contact=people[each["contact_id"]] if "contact_id" in each else None,
                details={name: each[name] for name in ("kind", "source", "external_id") if name in each},
                file_values=(
                    put_back_memory(held.file_values, source, each["memory"]) if "memory" in each else None
                ),
            )
        )
    return states


def _remove_unused_numbers(ids: Collection[int]) -> None:
    """Remove those to which nothing refers any more, and about which nothing is known."""
    plain = PhoneNumber.objects.filter(
        is_any("pk", ids),
        voice_opted_out_at=None,
        sms_opted_out_at=None,
        unusable_since=None,
        verified_at=None,
        consent_basis=PhoneNumber.ConsentBasis.GIVEN_FOR_CARE,
        erased_at=None,
    )
    # not NO KEY: whoever gives one of them to a contact just now is waited for, and then seen
    locked = list(plain.order_by("pk").select_for_update().values_list("pk", flat=True))
    free = set(locked) - {one.pk for one in read_told(tell_references("number", PhoneNumber, locked))}
    PhoneNumber.objects.filter(is_any("pk", free)).delete()
