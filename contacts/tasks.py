"""The tasks about lists that beat sends. They carry no state; running one twice at once does no harm."""

from celery import shared_task

from contacts.watching import folder_rounds
from contacts.watching.arrivals import settle_arrivals
from contacts.watching.calendars import fetch_due_calendars


@shared_task
def watch_folders() -> None:
    """Take the files of the watched folder that are whole, and look at what came since."""
    folder_rounds.watch_folders()
    settle_arrivals()


@shared_task
def fetch_calendars() -> None:
    """Fetch the watched calendars that are due; a task of its own, since it may take long."""
    fetch_due_calendars()


@shared_task
def delete_old_lists() -> None:
    """Delete the lists in done/ and failed/ that are old enough."""
    folder_rounds.delete_old_lists()
