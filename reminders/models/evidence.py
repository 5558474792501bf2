"""Who looked at the evidence of a call."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from reminders.models.calls import CallRecord


class EvidenceLook(models.Model):
    """One look of a person at the evidence of one call. Append-only."""

    class How(models.TextChoices):
        PAGE = "page", _("looked at the page")
        FILE = "file", _("took the signed file")

    call = models.ForeignKey(CallRecord, on_delete=models.PROTECT, related_name="evidence_looks")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    how = models.CharField(max_length=4, choices=How)
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-id"]
        permissions = [("read_evidence", "Can look at the evidence of a call")]

    def __str__(self) -> str:
        return f"look {self.pk}"


class EvidenceHold(models.Model):
    """Everything about a call is kept, for a dispute, until somebody ends the hold (docs/operations.md)."""

    call = models.ForeignKey(CallRecord, on_delete=models.PROTECT, related_name="holds")
    reason = models.CharField(max_length=300, help_text=_("Such as whose complaint it is, and since when."))
    by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+", editable=False
    )
    at = models.DateTimeField(editable=False)
    ended_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+", editable=False
    )
    ended_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["-at", "-id"]

    def __str__(self) -> str:
        return f"hold {self.pk}"
