"""Imported files and the problems found in them."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class ImportBatch(models.Model):
    """One imported file, with its counts."""

    file_name = models.CharField(max_length=255)
    sha256 = models.CharField(max_length=64)
    source = models.CharField(max_length=60, help_text="The system the file came from.")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True)
    applied_at = models.DateTimeField()
    counts = models.JSONField(default=dict, help_text="How many rows were added, moved, rejected and so on.")

    class Meta:
        ordering = ["-applied_at", "-id"]
        verbose_name_plural = "import batches"

    def __str__(self) -> str:
        return f"{self.file_name} ({self.applied_at:%Y-%m-%d %H:%M})"


class ImportProblem(models.Model):
    """One problem in one row of a file: where it is, the value, what is wrong and what to do."""

    class Weight(models.TextChoices):
        REJECTED = "rejected", "row not imported"
        NOTE = "note", "row imported, please check"

    batch = models.ForeignKey(ImportBatch, on_delete=models.CASCADE, related_name="problems")
    weight = models.CharField(max_length=10, choices=Weight)
    line = models.PositiveIntegerField(help_text="Line in the file; the header is line 1.")
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

    source = models.CharField(max_length=60, unique=True, help_text="The system the lists come from.")
    answers = models.JSONField(default=dict, help_text="Key of a question -> the answer.")
    columns = models.JSONField(default=dict, help_text="Field -> the column that was chosen by hand.")
    reading = models.JSONField(
        default=dict, blank=True, help_text=_("How its lists are read, as somebody chose, and their columns.")
    )
    updated_at = models.DateTimeField(auto_now=True)

    class Meta:
        verbose_name_plural = "source answers"

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
