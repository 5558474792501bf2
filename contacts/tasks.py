"""The periodic tasks of imports, started by beat and by hints."""

from celery import shared_task
from django.conf import settings

from contacts.imports.importing import import_next
from contacts.imports.stored_files import delete_old_files, hint_import


@shared_task(time_limit=settings.IMPORT_TIME_LIMIT)
def run_imports() -> None:
    """Import the file that has waited longest, or go on where a worker died; the next one is another task."""
    if import_next():
        hint_import()


@shared_task
def delete_old_import_files() -> None:
    """Delete files that nobody confirmed, or that could not be imported, in time."""
    delete_old_files()
