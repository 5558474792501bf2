"""What the parts of an import that are written already have done: it must not look like other rows' people.

All rows about a contact or an appointment are in one part (plan_parts). But whom a part has added or renamed
may look like the patient of another row once the rest is planned again: after a restart, or as staff changed
something meanwhile.
"""

from contacts.imports.problems import REJECTED
from contacts.models import ContactMerge, ImportBatch, ImportChange, ImportedRecords, OverwrittenValues

NAMES_AND_NUMBERS = ["first_name", "last_name", "phone_id", "other_phone_id"]  # keys of OverwrittenValues


class WrittenRecords:
    """The records of one batch. What was read once isn't read again."""

    def __init__(self, batch: ImportBatch) -> None:
        self._batch = batch
        self._last_part = self._last_added = self._last_renamed = 0

    def read_new_contacts(self) -> set[int]:
        """Whom (ids) parts written since the last time have added, or given another name or number.

        Not those with whom staff have merged somebody since the list came: another row may be about that one.
        """
        added = ImportChange.objects.filter(
            batch=self._batch, what=ImportChange.What.CONTACT_ADDED, pk__gt=self._last_added
        )
        renamed = OverwrittenValues.objects.filter(
            batch=self._batch, after__has_any_keys=NAMES_AND_NUMBERS, pk__gt=self._last_renamed
        )
        found: set[int] = set()
        for change in added.order_by("pk").only("contact_id"):
            self._last_added = change.pk
            found |= {change.contact_id} if change.contact_id else set()
        for values in renamed.order_by("pk").only("contact_id"):
            self._last_renamed = values.pk
            found |= {values.contact_id} if values.contact_id else set()
        merged = ContactMerge.objects.filter(at__gte=self._batch.made_at)
        return found - set(merged.values_list("survivor_id", flat=True))

    def read_refused_lines(self) -> set[int]:
        """The lines that were rejected, or that the database refused."""
        rejected = self._batch.problems.filter(weight=REJECTED)
        return set(rejected.values_list("line", flat=True))

    def read_new_appointments(self) -> set[int]:
        """The appointments (ids) here that parts written since the last time are about."""
        parts = ImportedRecords.objects.filter(batch=self._batch, pk__gt=self._last_part)
        found: set[int] = set()
        for part in parts.order_by("pk"):
            found.update(part.appointments)
            self._last_part = part.pk
        return found
