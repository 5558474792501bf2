"""The inbox: every request to the webhook endpoint with a valid token. The outbox: webhooks/outgoing/."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from reminders.models import CallBatch, CallRecord
from reminders.robotalker.events import MAX_EVENT_BYTES
from webhooks.outgoing.models import (
    CalendarFeed,
    DeliveryAttempt,
    OutgoingDelivery,
    OutgoingEndpoint,
    OutgoingEvent,
)

__all__ = [
    "CalendarFeed",
    "DeliveryAttempt",
    "EventDismissal",
    "OutgoingDelivery",
    "OutgoingEndpoint",
    "OutgoingEvent",
    "RetentionRun",
    "WebhookEvent",
]


class WebhookEvent(models.Model):
    """One request as received, and its state. The body is always kept."""

    class State(models.TextChoices):
        STORED = "stored", _("stored, to be applied")
        UNVERIFIED = "unverified", _("to be confirmed by Robotalker before it counts")
        APPLIED = "applied", _("applied")
        FAILED = "failed", _("could not be applied yet")
        QUARANTINED = "quarantined", _("kept, doesn't fit its call")
        DISMISSED = "dismissed", _("dismissed by a person, with a reason")

    call = models.ForeignKey(CallRecord, on_delete=models.PROTECT, null=True, related_name="events")
    batch = models.ForeignKey(CallBatch, on_delete=models.PROTECT, null=True, related_name="events")
    purpose = models.CharField(
        max_length=8, help_text=_("What the address was for: status, a key, or optouts.")
    )
    content_type = models.CharField(max_length=100, blank=True)
    body = models.BinaryField(max_length=MAX_EVENT_BYTES)
    digest = models.CharField(max_length=64, help_text=_("SHA-256 of address and body, hex."))
    occurrence = models.PositiveIntegerField(
        default=0, help_text=_("How many events with the same address and body came before it.")
    )
    received_at = models.DateTimeField()
    state = models.CharField(max_length=12, choices=State, default=State.STORED)
    kind = models.CharField(max_length=20, blank=True)
    attempts = models.PositiveSmallIntegerField(default=0)
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    applied_at = models.DateTimeField(null=True, blank=True)
    passed_over = models.CharField(
        max_length=300,
        blank=True,
        db_default="",
        help_text=_(
            "What could not be read but bears on nothing: codes of webhooks/oddities.py, with blanks."
        ),
    )
    error = models.TextField(blank=True, help_text=_("Why it could not be applied, with the traceback."))

    class Meta:
        ordering = ["-received_at", "-id"]
        constraints = [
            models.CheckConstraint(
                condition=Q(call__isnull=False) | Q(batch__isnull=False) | Q(purpose="optouts"),
                name="webhook_event_belongs_to_a_try",
            ),
            # webhooks/inbox.py: store_event; two requests at the same moment are one event
            models.UniqueConstraint(fields=["digest", "occurrence"], name="webhook_event_once"),
        ]
        indexes = [
            # webhooks/applying.py: apply_stored
            models.Index(
                fields=["received_at"],
                condition=Q(state__in=["stored", "unverified", "failed"]),
                name="webhook_event_unapplied",
            ),
            # webhooks/applying.py: count_stuck, together with the one above
            models.Index(fields=["id"], condition=Q(state="quarantined"), name="webhook_event_quarantined"),
            # webhooks/event_caps.py: the events of the account's address in a day
            models.Index(
                fields=["received_at"],
                condition=Q(call__isnull=True, batch__isnull=True),
                name="webhook_event_of_account",
            ),
        ]

    def __str__(self) -> str:
        return f"event {self.pk}"


class EventDismissal(models.Model):
    """That a person looked at an event that can't be applied, and set it aside. Append-only."""

    event = models.ForeignKey(WebhookEvent, on_delete=models.PROTECT, related_name="dismissals")
    reason = models.CharField(max_length=300)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-id"]

    def __str__(self) -> str:
        return f"dismissal {self.pk}"


class RetentionRun(models.Model):
    """One night's deleting of what is kept no longer, or one trial of it (webhooks/retention/)."""

    begun_at = models.DateTimeField()
    ended_at = models.DateTimeField(null=True, help_text=_("Empty while something is left to do."))
    is_trial = models.BooleanField(default=False, help_text=_("It only counted."))
    counts = models.JSONField(default=dict, help_text=_("Rows by kind of data."))

    class Meta:
        ordering = ["-begun_at", "-id"]

    def __str__(self) -> str:
        return f"retention run {self.pk}"
