"""Imported files and the problems found in them."""

from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models.functions import Now
from django.utils import timezone
from django.utils.translation import gettext_lazy as _

from contacts.clock_habits import write_day_and_clock


class ImportBatch(models.Model):
    """One file to import, from its arrival until it is imported, with its counts.

    `state` has the database default DONE because a process of the previous release, during an upgrade,
    stores only what it has imported. `rows_done` of `rows_total` are imported. `lease`: of the worker that
    imports it, who holds it until `leased_until`; `attempts`: how often a worker took it since it was queued.
    While it waits for answers, the last two are of the process that makes its first preview
    (watching/arrivals.py).
    """

    class State(models.TextChoices):
        ASKING = "asking", _("waits for your answers")
        WAITING = "waiting", _("waits for its turn")
        RUNNING = "running", _("is being imported")
        DONE = "done", _("imported")
        FAILED = "failed", _("could not be imported")

    class How(models.TextChoices):
        PAGE = "page", _("uploaded")
        COMMAND = "command", _("by the command")
        FOLDER = "folder", _("from the watched folder")
        CALENDAR = "calendar", _("from the calendar address")

    file_name = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64)
    source = models.CharField(max_length=60, help_text=_("The system the file came from."))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True)
    state = models.CharField(max_length=10, choices=State, default=State.ASKING, db_default=State.DONE)
    how = models.CharField(
        max_length=10, choices=How, default=How.PAGE, db_default=How.PAGE, help_text=_("The way it came.")
    )
    made_at = models.DateTimeField(default=timezone.now, db_default=Now(), help_text=_("When the file came."))
    queued_at = models.DateTimeField(null=True, blank=True, help_text=_("When somebody confirmed it."))
    applied_at = models.DateTimeField(null=True, blank=True, help_text=_("When it was imported."))
    rows_total = models.PositiveIntegerField(default=0, db_default=0)
    rows_done = models.PositiveIntegerField(default=0, db_default=0)
    error = models.CharField(
        max_length=300, blank=True, db_default="", help_text=_("Why it waits or failed.")
    )
    lease = models.UUIDField(null=True, blank=True, editable=False)
    leased_until = models.DateTimeField(null=True, blank=True, editable=False)
    attempts = models.PositiveSmallIntegerField(default=0, db_default=0, editable=False)
    counts = models.JSONField(
        default=dict, help_text=_("How many rows were added, moved, rejected and so on.")
    )
    dismissed_at = models.DateTimeField(
        null=True,
        blank=True,
        editable=False,
        help_text=_("When somebody had seen that it failed, and nobody needs to look any more."),
    )
    dismissed_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )
    undone_at = models.DateTimeField(null=True, blank=True, editable=False)
    undone_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )

    class Meta:
        ordering = ["-made_at", "-id"]
        verbose_name_plural = _("import batches")
        indexes = [
            # contacts/watching/arrivals.py: find_asking, on every page
            models.Index(fields=["how"], condition=models.Q(state="asking"), name="import_batch_asking"),
            # contacts/watching/arrivals.py: find_failed, on every page
            models.Index(
                fields=["how", "made_at"], condition=models.Q(state="failed"), name="import_batch_failed"
            ),
        ]

    def __str__(self) -> str:
        return f"{self.file_name} ({write_day_and_clock(timezone.localtime(self.made_at))})"

    @property
    def newest_moment(self) -> datetime:
        """When it was imported, or if it isn't, when it came."""
        return self.applied_at or self.made_at


class ImportFile(models.Model):
    """The file of a batch and what was answered about it; deleted when it is imported.

    `content` is written and read by contacts/imports/stored_files.py, which compresses it with zlib; that of
    files which an earlier release stored `is_compressed` tells apart.
    """

    batch = models.OneToOneField(ImportBatch, on_delete=models.CASCADE, primary_key=True, related_name="file")
    content = models.BinaryField()
    is_compressed = models.BooleanField(default=False, db_default=False, editable=False)
    options = models.JSONField(default=dict, help_text=_("ImportOptions as JSON."))

    def __str__(self) -> str:
        return f"file of batch {self.batch_id}"


class ImportPart(models.Model):
    """The lines of a file that one transaction imported, and their counts; deleted with the file.

    After a restart the file is planned again: these lines are skipped, and counted as they were then.
    """

    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="parts")
    lines = ArrayField(models.PositiveIntegerField())
    counts = models.JSONField(default=dict)

    def __str__(self) -> str:
        return f"part of batch {self.batch_id}"


class ImportProblem(models.Model):
    """One problem in one row of a file: where it is, the value, what is wrong and what to do."""

    class Weight(models.TextChoices):
        REJECTED = "rejected", _("row not imported")
        NOTE = "note", _("row imported, please check")

    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="problems")
    weight = models.CharField(max_length=10, choices=Weight)
    line = models.PositiveIntegerField(help_text=_("Line in the file; the header is line 1."))
    column = models.CharField(max_length=80)
    value = models.CharField(max_length=300, blank=True)
    problem = models.CharField(max_length=300)
    remedy = models.CharField(max_length=300)

    class Meta:
        ordering = ["line", "id"]

    def __str__(self) -> str:
        return f"line {self.line}, {self.column}"


class SourceAnswers(models.Model):
    """What staff said about the lists of one source, so that the next list isn't asked about again."""

    source = models.CharField(max_length=60, unique=True, help_text=_("The system the lists come from."))
    answers = models.JSONField(default=dict, help_text=_("Key of a question -> the answer."))
    columns = models.JSONField(default=dict, help_text=_("Field -> the column that was chosen by hand."))
    reading = models.JSONField(
        default=dict, blank=True, help_text=_("How its lists are read, as somebody chose, and their columns.")
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = _("source answers")

    def __str__(self) -> str:
        return self.source


class ImportChange(models.Model):
    """One contact or appointment that an import added, changed or cancelled, with each field old and new.

    Those that it added have no fields; added appointments aren't listed, since they know their batch.
    """

    class What(models.TextChoices):
        MOVED = "moved", _("moved")
        CANCELLED = "cancelled", _("cancelled")
        BOOKED_AGAIN = "booked_again", _("booked again")
        UPDATED = "updated", _("updated")
        RENAMED = "renamed", _("renamed")
        MERGED = "merged", _("given to another record of the same patient")
        CONTACT_UPDATED = "contact_updated", _("patient updated")
        CONTACT_ADDED = "contact_added", _("patient added")

    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="changes")
    line = models.PositiveIntegerField(help_text=_("Line in the file; the header is line 1."))
    what = models.CharField(max_length=20, choices=What)
    appointment = models.ForeignKey(
        "contacts.Appointment", on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    contact = models.ForeignKey(
        "contacts.Contact", on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    about = models.CharField(max_length=300, help_text=_("Name, and for an appointment time and place."))
    old = models.JSONField(default=dict, help_text=_("Each field that changed, as it was."))
    new = models.JSONField(default=dict, help_text=_("The same fields, as they are since."))

    class Meta:
        ordering = ["line", "id"]

    def __str__(self) -> str:
        return f"line {self.line}: {self.get_what_display()}"


class ImportedRecords(models.Model):
    """Of which contacts and appointments here an import spoke, changed or not, and the locations and
    providers that it added: by id, so that an undo sees what a later list says again. One row for each part
    that was written.
    """

    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="records")
    appointments = ArrayField(models.BigIntegerField(), default=list)
    contacts = ArrayField(models.BigIntegerField(), default=list)
    new_locations = ArrayField(models.BigIntegerField(), default=list)
    new_providers = ArrayField(models.BigIntegerField(), default=list)
    at = models.DateTimeField(help_text=_("When this part had been written, by the database's clock."))

    class Meta:
        ordering = ["id"]
        verbose_name_plural = _("imported records")

    def __str__(self) -> str:
        return f"records of batch {self.batch_id}"


class OverwrittenValues(models.Model):
    """What an import wrote over in one contact or appointment that was here: columns before and after.

    `memory` is what the record kept of the source's files (`file_values`), null where they had never spoken
    of it; `other_memories` the same by the ids of contacts who were merged with it. An undo puts back
    `before` where the record still has `after` (contacts/undoing.py).
    """

    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="overwritten")
    appointment = models.ForeignKey(
        "contacts.Appointment", on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    contact = models.ForeignKey(
        "contacts.Contact", on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    before = models.JSONField(default=dict)
    after = models.JSONField(default=dict)

    class Meta:
        ordering = ["id"]
        verbose_name_plural = _("overwritten values")

    def __str__(self) -> str:
        return f"values {self.pk}"


class KeptByUndo(models.Model):
    """One thing that stayed when an import was undone, and why."""

    class What(models.TextChoices):
        """In the order in which they are shown."""

        APPOINTMENT_ADDED = "appointment_added", _("Appointments that the list added")
        APPOINTMENT = "appointment", _("Changes of appointments")
        CONTACT_ADDED = "contact_added", _("Patients that the list added")
        CONTACT = "contact", _("Changes of patients")
        LOCATION = "location", _("Locations that the list added")
        PROVIDER = "provider", _("Providers that the list added")

    class Why(models.TextChoices):
        SENT = "sent", _("A call or text about it has gone out since, or is going out.")
        ANSWERED = "answered", _("The patient has answered since.")
        WORKED_ON = "worked_on", _("Somebody has worked on it on the worklist.")
        CHANGED = "changed", _("It was changed since.")
        SAID_AGAIN = "said_again", _("A later list or another system says it too.")
        MERGED = "merged", _("The patient was merged with another contact since.")
        ERASED = "erased", _("What belonged there was erased or removed since.")
        ID_TAKEN = "id_taken", _("Its former id belongs to another record now.")
        IN_USE = "in_use", _("Something that stays belongs to this patient.")
        SAYS_NO = "says_no", _("A “no” to calls or texts stays, whichever way it came.")
        UNUSED = "unused", _("Nothing uses it now. Remove it in the admin if it is wrong.")

    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="kept")
    what = models.CharField(max_length=20, choices=What)
    why = models.CharField(max_length=12, choices=Why)
    about = models.CharField(max_length=300)
    appointment = models.ForeignKey(
        "contacts.Appointment", on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )
    contact = models.ForeignKey(
        "contacts.Contact", on_delete=models.CASCADE, null=True, blank=True, related_name="+"
    )

    class Meta:
        ordering = ["id"]
        verbose_name = _("kept by an undo")
        verbose_name_plural = _("kept by an undo")

    def __str__(self) -> str:
        return f"kept {self.pk}"


class RejectedRow(models.Model):
    """A row that wasn't imported, as its cells stood in the file, to be mended and uploaded again.

    `line` 0 is the header; its `problem` says how the file's dates were read (contacts/imports/mending.py).
    """

    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="rejected_rows")
    line = models.PositiveIntegerField()
    cells = ArrayField(models.TextField(blank=True))
    problem = models.TextField(blank=True)

    class Meta:
        ordering = ["line", "id"]

    def __str__(self) -> str:
        return f"line {self.line}"
