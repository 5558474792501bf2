"""The one text that may go to a number after its opt-out by text: it confirms the opt-out."""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from contacts.models import ConsentEntry


class OptOutConfirmation(models.Model):
    """The confirming text that an opt-out by text calls for. There is at most one for each opt-out.

    `text` is exactly what is sent. It is written when the opt-out is recorded, in the same transaction.
    `submitting` is committed before the request; what may have left is never sent again.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("not sent yet")
        SUBMITTING = "submitting", _("being sent")
        SUBMITTED = "submitted", _("accepted by Robotalker")
        DELIVERED = "delivered", _("delivered")
        UNDELIVERED = "undelivered", _("not delivered")
        UNKNOWN = "unknown", _("not known whether it was sent")
        DROPPED = "dropped", _("not sent")

    entry = models.OneToOneField(ConsentEntry, on_delete=models.PROTECT, related_name="confirmation")
    from_number = models.CharField(max_length=16)
    text = models.CharField(max_length=300)
    state = models.CharField(max_length=12, choices=State, default=State.WAITING)
    reason = models.CharField(
        max_length=40, blank=True, help_text=_("Why it is in its state; reminders/rules/reasons.py.")
    )
    detail = models.CharField(max_length=200, blank=True, help_text=_("Robotalker's own message about it."))
    robotalker_id = models.CharField(max_length=100, blank=True, db_index=True)
    submitting_at = models.DateTimeField(null=True, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("text that confirms an opt-out")
        verbose_name_plural = _("texts that confirm opt-outs")
        constraints = [
            models.CheckConstraint(
                condition=Q(
                    state__in=[
                        "waiting",
                        "submitting",
                        "submitted",
                        "delivered",
                        "undelivered",
                        "unknown",
                        "dropped",
                    ]
                ),
                name="optout_confirmation_state_known",
            ),
        ]
        indexes = [
            # reminders/sweeps/confirming_texts.py: those that wait, and those being sent
            models.Index(
                fields=["id"],
                condition=Q(state__in=["waiting", "submitting"]),
                name="optout_confirmation_open",
            ),
        ]

    def __str__(self) -> str:
        return f"confirmation of {self.entry}"
