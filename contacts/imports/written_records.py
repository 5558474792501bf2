"""What the parts of an import that are written already are about: no row of another part is about that.

All rows about a contact or an appointment are in one part (plan_parts). But whom a part has added or renamed
may look like somebody else in the file once the rest is planned again: after a restart, or as staff changed
something meanwhile.
"""

from contacts.models import ImportBatch, ImportChange, ImportedRecords


class WrittenRecords:
    """The records of one batch. What was read once isn't read again."""

    def __init__(self, batch: ImportBatch) -> None:
        self._batch = batch
        self._last_part = self._last_change = 0

    def read_new(self) -> tuple[list[int], list[int]]:
        """The ids of contacts and of appointments that parts written since the last time are about."""
        contacts: list[int] = []
        appointments: list[int] = []
        for part in ImportedRecords.objects.filter(batch=self._batch, pk__gt=self._last_part).order_by("pk"):
            contacts += part.contacts
            appointments += part.appointments
            self._last_part = part.pk
        added = ImportChange.objects.filter(
            batch=self._batch, what=ImportChange.What.CONTACT_ADDED, pk__gt=self._last_change
        )
        for pk, contact in added.order_by("pk").values_list("pk", "contact_id"):
            contacts += [contact] if contact else []  # None: erased since
            self._last_change = pk
        return contacts, appointments
