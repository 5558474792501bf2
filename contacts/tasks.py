"""The periodic tasks of imports, started by beat and by hints."""

from celery import shared_task
from django.conf import settings

from config.worker_places import PlacedTask
from contacts.imports.importing import import_next
from contacts.imports.stored_files import delete_old_files, hint_import
from contacts.watching import folder_rounds
from contacts.watching.arrivals import LOOK_LIMIT, settle_arrivals
from contacts.watching.calendars import fetch_due_calendars


@shared_task(time_limit=settings.IMPORT_TIME_LIMIT)
def run_imports() -> None:
    """Import the file that has waited longest, or go on where a worker died; the next one is another task."""
    if import_next():
        hint_import()


@shared_task
def delete_old_import_files() -> None:
    """Delete files that nobody confirmed, or that could not be imported, in time."""
    delete_old_files()


@shared_task
def watch_folders() -> None:
    """Take the files of the watched folder that are whole, and move on what has ended."""
    folder_rounds.watch_folders()


@shared_task(time_limit=LOOK_LIMIT)
def look_at_lists() -> None:
    """Look at the lists that came by themselves: queue them, or say what a person must answer first."""
    settle_arrivals()


@shared_task(base=PlacedTask)
def fetch_calendars() -> None:
    """Fetch the watched calendars that are due; a task of its own, since it may take long."""
    fetch_due_calendars()


@shared_task
def delete_old_lists() -> None:
    """Delete the lists in done/ and failed/ that are old enough."""
    folder_rounds.delete_old_lists()
