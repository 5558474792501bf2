"""Importing what waits for its turn, as a worker does, for tests."""

from contacts.imports.importing import import_file
from contacts.imports.stored_files import read_stored_file
from contacts.models import ImportBatch, WatchedCalendar, WatchedFile


def import_waiting() -> None:
    """Import each file that waits for its turn."""
    for batch in ImportBatch.objects.filter(state=ImportBatch.State.WAITING).order_by("queued_at"):
        stored = read_stored_file(batch)
        report = import_file(stored.data, stored.file_name, stored.options)
        ImportBatch.objects.filter(pk=report.batch_id).update(how=batch.how)
        WatchedFile.objects.filter(batch=batch).update(batch=report.batch_id)
        WatchedCalendar.objects.filter(batch=batch).update(batch=report.batch_id)
        batch.delete()
