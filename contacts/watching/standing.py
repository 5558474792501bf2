"""How the watched folders and calendar addresses stand, for the imports page and the number in the menu."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

from django.conf import settings
from django.db.models import BooleanField, ExpressionWrapper, Q, QuerySet
from django.db.models.functions import Now
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from contacts.models import FolderFault, WatchedCalendar, WatchedFile, WatchedFolder
from contacts.watching.arrivals import find_asking, find_failed
from contacts.watching.calendars import mask_address
from contacts.watching.gone_folders import list_forgettable

FAILURES_BORNE = 3  # of a calendar in a row, before anybody is asked to look; servers fail now and then
MOST_SHOWN = 5  # files
# Then a folder is watched by nobody: no worker that runs takes the queue "folders".
NOT_LOOKED_FOR = timedelta(minutes=10)


@dataclass(frozen=True)
class WatchedLine:
    """One folder or calendar on the page. `trouble`: what a person must look at, "" if nothing.

    `at`: when it was last read or fetched without a fault; `last_came`: when it last brought something.
    `forgettable`: the folder, if it is gone and may be forgotten.
    """

    title: str
    source: str
    state: str
    trouble: str
    at: datetime | None
    last_came: datetime | None
    calendar: WatchedCalendar | None = None
    forgettable: WatchedFolder | None = None


def read_watched() -> list[WatchedLine]:
    """All that is watched, folders first: three queries."""
    is_unwatched = ExpressionWrapper(_is_unwatched(), output_field=BooleanField())
    watched = WatchedFolder.objects.annotate(is_unwatched=is_unwatched).prefetch_related("files")
    folders = watched if settings.IMPORT_FOLDER else []
    gone = {folder.pk for folder in list_forgettable(folders)}
    lines = [
        replace(_describe_folder(folder), forgettable=folder if folder.pk in gone else None)
        for folder in folders
    ]
    return [*lines, *(_describe_calendar(calendar) for calendar in WatchedCalendar.objects.all())]


def count_for_staff() -> int:
    """How many lists wait for answers or failed, and what else needs somebody: one query."""
    first, *others = [each.order_by().values("pk") for each in find_what_needs_staff()]
    return first.union(*others, all=True).count()


def find_what_needs_staff() -> "list[QuerySet[Any]]":
    """The lists that wait for answers or failed, and the folders and calendars that need somebody."""
    folders = WatchedFolder.objects.filter(~Q(fault="") | Q(is_overdue=True) | _is_unwatched())
    if not settings.IMPORT_FOLDER:
        folders = folders.none()
    calendars = WatchedCalendar.objects.filter(_needs_somebody(), is_on=True)
    return [find_asking(), find_failed(), folders, calendars]


def _is_unwatched() -> Q:
    return Q(looked_at__lt=Now() - NOT_LOOKED_FOR)


def _needs_somebody() -> Q:
    return Q(failures__gte=FAILURES_BORNE)


def _describe_folder(folder: Any) -> WatchedLine:
    files = list(folder.files.all())
    coming = [file.name for file in files if file.state == WatchedFile.State.COMING]
    held = sum(file.state == WatchedFile.State.TAKEN for file in files)
    said = []
    if coming:
        said.append(_("coming: %(names)s") % {"names": ", ".join(coming[:MOST_SHOWN])})
    if held:
        said.append(
            ngettext(
                "%(count)d list is being imported, or waits for answers",
                "%(count)d lists are being imported, or wait for answers",
                held,
            )
            % {"count": held}
        )
    return WatchedLine(
        title=_("Folder %(name)s") % {"name": folder.name} if folder.name else _("Watched folder"),
        source=folder.source,
        state="; ".join(said) or _("waits for a file"),
        trouble=_find_trouble(folder, files),
        at=folder.looked_at,
        last_came=folder.arrivals[-1] if folder.arrivals else None,
    )


def _find_trouble(folder: Any, files: list[WatchedFile]) -> str:
    if folder.fault:
        return str(FolderFault(folder.fault).label)
    for file in files:
        if file.fault:
            return f"{file.name}: {FolderFault(file.fault).label}"
    if folder.is_unwatched:
        return _("No worker has looked into this folder for more than ten minutes.")
    if folder.is_overdue:
        return _("No list has come for longer than usual. Look whether the export still runs.")
    return ""


def _describe_calendar(calendar: WatchedCalendar) -> WatchedLine:
    trouble = str(calendar.get_fault_display()) if calendar.fault and calendar.is_on else ""
    state = str(calendar.get_every_display()) if calendar.is_on else _("switched off")
    return WatchedLine(
        title=calendar.name,
        source=calendar.source,
        state=f"{mask_address(calendar.address)}, {state}",
        trouble=trouble,
        at=calendar.succeeded_at,
        last_came=calendar.stored_at,
        calendar=calendar,
    )
