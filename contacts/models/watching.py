"""Watched folders and calendar addresses: lists that come by themselves, and how far each one is."""

from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contacts.models.imports import ImportBatch
from contacts.public_requests import LONGEST_URL

LONGEST_FILE_NAME = 1100  # 255 bytes, each of which may be written as four characters


class FolderFault(models.TextChoices):
    """Why a folder or a file in it can't be worked with. The sentence is for staff."""

    GONE = "gone", _("The folder isn't there. It is looked for again all the time.")
    NO_PERMISSION = "no_permission", _("Callboard may not read it, or may not move files out of it.")
    DISK_FULL = "disk_full", _("The disk is full, so files can't be moved and reports can't be written.")
    LEADS_OUT = "leads_out", _("It is a link to another place, which isn't followed.")
    BAD_NAME = "bad_name", _("Its name can't be a source's: use letters, digits, dots and dashes only.")
    BROKEN = "broken", _("It can't be read or written at the moment. It is tried again.")


class Watched(models.Model):
    """What is looked at by one process at a time, for as long as `lease` is that process' token."""

    lease = models.UUIDField(null=True, blank=True, editable=False)
    leased_until = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        abstract = True


class WatchedFolder(Watched):
    """A folder whose files are imported: IMPORT_FOLDER itself (name "") or a subfolder of it.

    `arrivals`: when lists came, the newest last, at most one for each day.
    """

    name = models.CharField(max_length=60, unique=True, blank=True)
    source = models.CharField(max_length=60, help_text=_("The system that the lists come from."))
    fault = models.CharField(max_length=20, choices=FolderFault, blank=True)
    looked_at = models.DateTimeField(null=True, blank=True, help_text=_("When it could last be read."))
    arrivals = ArrayField(models.DateTimeField(), default=list, blank=True)
    is_overdue = models.BooleanField(default=False, help_text=_("Whether its next list should have come."))

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.source


class WatchedFile(models.Model):
    """A file in a watched folder, from when it is first seen until it lies in done/ or failed/.

    While it is coming, `size`, `modified_ns` and `changed_ns` are as last seen, `looks` counts how often they
    were seen so again, and `unchanged_since` is the first time. Once it is taken, `batch` has its content, or
    `ending` says why none is needed. `held_name`: its name in waiting/; `is_held`: it was moved there, or it
    had gone; `final_name`: its name in done/ (`is_good`) or failed/.
    While it has failed, `held_name` is its name in failed/.
    """

    class State(models.TextChoices):
        COMING = "coming", _("is being watched")
        TAKEN = "taken", _("was taken")
        FAILED = "failed", _("lies in failed/, and its import can be tried again")

    class Ending(models.TextChoices):
        NOTHING_NEW = "nothing_new", _("nothing new")
        ALREADY_HERE = "comes_already", _("the same list came before and isn't imported yet")
        REPLACED = "replaced", _("a newer list took its place")

    folder = models.ForeignKey(WatchedFolder, on_delete=models.CASCADE, related_name="files")
    name = models.CharField(max_length=LONGEST_FILE_NAME)
    state = models.CharField(max_length=10, choices=State, default=State.COMING)
    size = models.BigIntegerField(default=0)
    modified_ns = models.BigIntegerField(default=0)
    changed_ns = models.BigIntegerField(default=0)
    looks = models.PositiveIntegerField(default=0)
    unchanged_since = models.DateTimeField(null=True, blank=True)
    fault = models.CharField(max_length=20, choices=FolderFault, blank=True)
    sha256 = models.CharField(max_length=64, blank=True)
    batch = models.ForeignKey(
        ImportBatch, on_delete=models.SET_NULL, null=True, blank=True, related_name="watched_files"
    )
    ending = models.CharField(max_length=20, choices=Ending, blank=True)
    held_name = models.CharField(max_length=LONGEST_FILE_NAME, blank=True)
    is_held = models.BooleanField(default=False)
    final_name = models.CharField(max_length=LONGEST_FILE_NAME, blank=True)
    is_good = models.BooleanField(default=False)

    class Meta:
        ordering = ["id"]
        constraints = [
            models.UniqueConstraint(
                fields=["folder", "name"], condition=Q(state="coming"), name="watched_file_comes_once"
            )
        ]

    def __str__(self) -> str:
        return self.name


class CalendarFault(models.TextChoices):
    """Why a calendar could not be fetched. The sentence is for staff."""

    BAD_ADDRESS = "bad_address", _("The address isn't one that can be asked. Check it.")
    PRIVATE = "private", _("The address leads into a private network, where no calendar is fetched.")
    NOT_REACHED = "not_reached", _("The server can't be reached.")
    NO_TLS = "no_tls", _("The server's certificate isn't valid for this address.")
    TOO_SLOW = "too_slow", _("The server took too long.")
    BROKEN_OFF = "broken_off", _("The calendar came only in part, so nothing of it was imported.")
    TOO_LARGE = "too_large", _("The calendar is too large to be imported.")
    NOT_ALLOWED = "not_allowed", _("The server refuses to give the calendar. Its address may have changed.")
    NOT_FOUND = "not_found", _("There is no calendar at this address any more. Copy its address anew.")
    BUSY = "busy", _("The server asks to try again later.")
    SERVER_FAULT = "server_fault", _("The server has a fault of its own. It is asked again.")
    REDIRECTS = "redirects", _("The address leads to other addresses without end, or to one without https.")
    WEB_PAGE = "web_page", _("A web page came instead of a calendar. Copy the address for ICS or iCal.")
    NO_CALENDAR = "no_calendar", _("What came is not a calendar (ICS).")
    EMPTY = "empty", _("The calendar has no appointments at all, so it was left aside. Nothing was changed.")


class WatchedCalendar(Watched):
    """A calendar (ICS) that is fetched every `every` minutes. Whoever has its address can read it: a secret.

    `etag`, `last_modified` and `digest` are of the content that was stored last, at `stored_at`. `failures`:
    in a row. `due_at`: when it is fetched next.
    """

    class Every(models.IntegerChoices):
        QUARTER = 15, _("every 15 minutes")
        HALF = 30, _("every 30 minutes")
        HOUR = 60, _("every hour")
        THREE_HOURS = 180, _("every 3 hours")
        SIX_HOURS = 360, _("every 6 hours")
        HALF_DAY = 720, _("every 12 hours")
        DAY = 1440, _("once a day")

    name = models.CharField(_("name"), max_length=60, unique=True)
    address = models.CharField(
        _("address"),
        max_length=LONGEST_URL,
        help_text=_("The secret address in iCal format (https or webcal). Never pass it on."),
    )
    source = models.CharField(_("source"), max_length=60)
    every = models.PositiveSmallIntegerField(_("how often"), choices=Every, default=Every.HOUR)
    is_on = models.BooleanField(_("fetch it"), default=True)
    due_at = models.DateTimeField(null=True, blank=True, editable=False)
    tried_at = models.DateTimeField(_("last tried"), null=True, blank=True, editable=False)
    succeeded_at = models.DateTimeField(_("last fetched"), null=True, blank=True, editable=False)
    stored_at = models.DateTimeField(_("last changed"), null=True, blank=True, editable=False)
    fault = models.CharField(max_length=20, choices=CalendarFault, blank=True, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False)
    etag = models.CharField(max_length=500, blank=True, editable=False)
    last_modified = models.CharField(max_length=100, blank=True, editable=False)
    digest = models.CharField(max_length=64, blank=True, editable=False)
    batch = models.ForeignKey(
        ImportBatch, on_delete=models.SET_NULL, null=True, blank=True, editable=False, related_name="+"
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
