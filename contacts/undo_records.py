"""What an imported batch added and wrote over, read from what its parts have kept."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from django.db.models import BigIntegerField, CharField, IntegerField, JSONField, Q, Value

from contacts.imports.changes import ImportedChange
from contacts.imports.overwriting import Values
from contacts.models import ImportBatch, ImportChange, ImportedRecords

# What a row of _read_written() is that isn't a change of the import's report.
ADDED, OVERWRITTEN = "added", "overwritten"


@dataclass(frozen=True)
class SaidAgain:
    """Ids of appointments and contacts of which lists that came later, and weren't undone, spoke."""

    appointments: frozenset[int]
    contacts: frozenset[int]


@dataclass(frozen=True)
class BatchRecords:
    """What a batch has to do with. `since`: when its first part had been written (aware UTC).

    `appointments`, `contacts`: those that were here, by id, with the columns that it changed, before and
    after. `changes`: the lines of its report.
    """

    batch: ImportBatch
    since: datetime
    added_appointments: tuple[int, ...]
    added_contacts: tuple[int, ...]
    appointments: Mapping[int, tuple[Values, Values]]
    contacts: Mapping[int, tuple[Values, Values]]
    changes: tuple[ImportedChange, ...]
    said_again: SaidAgain
    new_locations: tuple[int, ...]
    new_providers: tuple[int, ...]

    @property
    def appointment_ids(self) -> list[int]:
        return sorted({*self.added_appointments, *self.appointments})

    @property
    def contact_ids(self) -> set[int]:
        """Patients of the batch, without the owners of its appointments."""
        owners = {before["contact_id"] for before, _ in self.appointments.values() if "contact_id" in before}
        return {*self.added_contacts, *self.contacts, *owners}


def read_records(batch: ImportBatch) -> BatchRecords | None:
    """What the batch changed; None if that wasn't kept when it was imported. Two queries."""
    first = batch.records.order_by("pk").values("at")[:1]
    since = Q(batch=batch) | Q(batch__undone_at=None, at__gt=first)
    parts = list(ImportedRecords.objects.filter(since).order_by("pk"))
    own = [part for part in parts if part.batch_id == batch.pk]
    if not own:
        return None
    later = [part for part in parts if part.batch_id != batch.pk]
    written = _read_written(batch)
    changes = [row for row in written if row.what not in (ADDED, OVERWRITTEN)]
    added = [row for row in written if row.what == ADDED]
    added_people = [row for row in changes if row.what == ImportChange.What.CONTACT_ADDED]
    return BatchRecords(
        batch=batch,
        since=own[0].at,
        added_appointments=tuple(row.appointment_id for row in added if row.appointment_id),
        added_contacts=tuple(row.contact_id for row in added_people if row.contact_id),
        appointments=_fold_overwritten(written, "appointment_id"),
        contacts=_fold_overwritten(written, "contact_id"),
        changes=tuple(changes),
        said_again=SaidAgain(
            frozenset(pk for part in later for pk in part.appointments),
            frozenset(pk for part in later for pk in part.contacts),
        ),
        new_locations=tuple(pk for part in own for pk in part.new_locations),
        new_providers=tuple(pk for part in own for pk in part.new_providers),
    )


def _read_written(batch: ImportBatch) -> list[ImportedChange]:
    """The appointments that the batch added, what it wrote over, and the lines of its report: one query."""
    no_line, no_name = Value(0, IntegerField()), Value("", CharField())
    nobody, nothing = Value(None, BigIntegerField()), Value({}, JSONField())
    changes = batch.changes.order_by().values_list(
        "pk", "line", "what", "about", "old", "new", "appointment_id", "contact_id"
    )
    overwritten = batch.overwritten.order_by().values_list(
        "pk", no_line, Value(OVERWRITTEN), no_name, "before", "after", "appointment_id", "contact_id"
    )
    added = batch.appointments.order_by().values_list(
        "pk", no_line, Value(ADDED), no_name, nothing, nothing, "pk", nobody
    )
    rows = changes.union(overwritten, added, all=True).order_by("line", "pk")
    return [ImportedChange(*row[1:]) for row in rows]


def _fold_overwritten(written: Iterable[ImportedChange], column: str) -> dict[int, tuple[Values, Values]]:
    """By the id in this column, what was written over: as it was at first, and as it was in the end."""
    folded: dict[int, tuple[Values, Values]] = {}
    for row in written:
        pk = getattr(row, column)
        if row.what == OVERWRITTEN and pk:
            before, after = folded.get(pk, ({}, {}))
            folded[pk] = (row.old | before, after | row.new)
    return folded
