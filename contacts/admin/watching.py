"""Watched folders and calendar addresses, to look at. They are edited on the imports page."""

from django.contrib import admin
from django.utils.translation import gettext_lazy as _

from contacts.admin.history import HistoryAdmin
from contacts.models import WatchedCalendar, WatchedFile, WatchedFolder
from contacts.watching.calendars import mask_address


@admin.register(WatchedFolder)
class WatchedFolderAdmin(HistoryAdmin[WatchedFolder]):
    list_display = ("source", "name", "looked_at", "fault", "is_overdue")


@admin.register(WatchedFile)
class WatchedFileAdmin(HistoryAdmin[WatchedFile]):
    list_display = ("name", "folder", "state", "ending", "fault", "batch")
    list_filter = ("state", "folder")
    list_select_related = ("folder", "batch")
    search_fields = ("name",)


@admin.register(WatchedCalendar)
class WatchedCalendarAdmin(HistoryAdmin[WatchedCalendar]):
    """The address is a secret, so only its server is shown."""

    list_display = ("name", "server", "source", "every", "is_on", "succeeded_at", "fault", "failures")
    list_filter = ("is_on", "fault")
    fields = (*list_display, "tried_at", "stored_at", "due_at")
    search_fields = ("name", "source")

    @admin.display(description=_("address"))
    def server(self, calendar: WatchedCalendar) -> str:
        return mask_address(calendar.address)
