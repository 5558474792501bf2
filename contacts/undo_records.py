"""What an imported batch added and wrote over, read from what its parts have kept."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from contacts.imports.overwriting import Values
from contacts.models import (
    ImportBatch,
    ImportChange,
)


@dataclass(frozen=True)
class BatchRecords:
    """What a batch has to do with. `since`: when its first part had been written (aware UTC).

    `appointments`, `contacts`: those that were here, by id, with the columns that it changed.
    """

    batch: ImportBatch
    since: datetime
    added_appointments: tuple[int, ...]
    added_contacts: tuple[int, ...]
    appointments: Mapping[int, tuple[Values, Values]]
    contacts: Mapping[int, tuple[Values, Values]]
    new_locations: tuple[int, ...] = ()
    new_providers: tuple[int, ...] = ()

    @property
    def appointment_ids(self) -> list[int]:
        return sorted({*self.added_appointments, *self.appointments})

    @property
    def contact_ids(self) -> set[int]:
        """Patients of the batch, without the owners of its appointments."""
        owners = {before["contact_id"] for before, _ in self.appointments.values() if "contact_id" in before}
        return {*self.added_contacts, *self.contacts, *owners}


def read_records(batch: ImportBatch) -> BatchRecords | None:
    """What the batch changed; None if that wasn't kept when it was imported."""
    parts = list(batch.records.order_by("pk"))
    if not parts:
        return None
    folded: dict[str, dict[int, tuple[Values, Values]]] = {"appointment": {}, "contact": {}}
    for row in batch.overwritten.order_by("pk"):
        kind = "contact" if row.contact_id else "appointment"
        pk = row.contact_id or row.appointment_id or 0
        before, after = folded[kind].get(pk, ({}, {}))
        folded[kind][pk] = (row.before | before, after | row.after)
    added = batch.changes.filter(what=ImportChange.What.CONTACT_ADDED)
    return BatchRecords(
        batch=batch,
        since=parts[0].at,
        added_appointments=tuple(batch.appointments.order_by("pk").values_list("pk", flat=True)),
        added_contacts=tuple(pk for pk in added.order_by("contact").values_list("contact", flat=True) if pk),
        appointments=folded["appointment"],
        contacts=folded["contact"],
        new_locations=tuple(pk for part in parts for pk in part.new_locations),
        new_providers=tuple(pk for part in parts for pk in part.new_providers),
    )
