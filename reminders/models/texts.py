"""The texts that staff write to a number, and those that whoever has the number writes to the practice."""

from django.conf import settings
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from contacts.models import Location, PhoneNumber
from reminders.models.calls import CallRecord, make_public_id
from reminders.rules.replies import ReplyMeaning


class StaffText(models.Model):
    """A text message that somebody of the practice wrote to a number. `text` is exactly what is sent.

    `submitting` is committed before the request; what may have left is never sent again.
    """

    class State(models.TextChoices):
        WAITING = "waiting", _("about to go out")
        SUBMITTING = "submitting", _("being sent")
        SUBMITTED = "submitted", _("sent")
        DELIVERED = "delivered", _("delivered")
        UNDELIVERED = "undelivered", _("not delivered")
        UNKNOWN = "unknown", _("not known whether it was sent")
        DROPPED = "dropped", _("not sent")

    # made with the form, so that a form sent twice is one text
    public_id = models.CharField(max_length=24, unique=True, default=make_public_id, editable=False)
    number = models.ForeignKey(PhoneNumber, on_delete=models.PROTECT, related_name="staff_texts")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    location = models.ForeignKey(
        Location, on_delete=models.SET_NULL, null=True, blank=True, related_name="staff_texts"
    )
    from_number = models.CharField(max_length=16)
    text = models.CharField(max_length=200)
    state = models.CharField(max_length=12, choices=State, default=State.WAITING)
    reason = models.CharField(
        max_length=40, blank=True, help_text=_("Why it is in its state; reminders/rules/reasons.py.")
    )
    detail = models.CharField(max_length=200, blank=True, help_text=_("Robotalker's own message about it."))
    robotalker_id = models.CharField(max_length=100, blank=True, db_index=True)
    created_at = models.DateTimeField(db_default=Now())
    submitting_at = models.DateTimeField(null=True, blank=True)
    submitted_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name = _("text by staff")
        verbose_name_plural = _("texts by staff")
        indexes = [
            # reminders/sweeps/staff_texts.py: those that wait, and those being sent
            models.Index(
                fields=["id"],
                condition=Q(state__in=["waiting", "submitting"]),
                name="staff_text_open",
            ),
        ]

    def __str__(self) -> str:
        return f"text to {self.number}"


class ReceivedTextQuerySet(models.QuerySet["ReceivedText"]):
    """Lookups of received texts."""

    def unread(self) -> "ReceivedTextQuerySet":
        """Those that somebody of the practice has still to read."""
        return self.filter(needs_reader=True, read_at=None)


class ReceivedText(models.Model):
    """A text message from a number, as Robotalker reported it.

    `event`: the stored event's id (webhooks.WebhookEvent), so that it is kept once. `call`: the text that it
    answers, if the event names one. A text whose meaning is certain and has been acted on needs no reader.
    """

    event = models.BigIntegerField(unique=True)
    number = models.ForeignKey(PhoneNumber, on_delete=models.PROTECT, related_name="received_texts")
    call = models.ForeignKey(
        CallRecord, on_delete=models.PROTECT, null=True, blank=True, related_name="received_texts"
    )
    text = models.TextField()
    meaning = models.CharField(
        max_length=12, choices=[(one.value, one.value) for one in ReplyMeaning], editable=False
    )
    at = models.DateTimeField(help_text=_("When it was written, as far as Robotalker says."))
    needs_reader = models.BooleanField()
    read_at = models.DateTimeField(null=True, blank=True)
    read_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )

    objects = ReceivedTextQuerySet.as_manager()

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name = _("received text")
        verbose_name_plural = _("received texts")
        indexes = [
            models.Index(
                fields=["number"],
                condition=Q(needs_reader=True, read_at__isnull=True),
                name="received_text_unread",
            ),
            models.Index(fields=["number", "at"], name="received_text_of_number"),
        ]

    def __str__(self) -> str:
        return f"text from {self.number}"


class TextTemplate(models.Model):
    """Words that staff often write, to begin a text with."""

    name = models.CharField(_("name"), max_length=60, unique=True)
    text = models.CharField(_("text"), max_length=160)

    class Meta:
        ordering = ["name"]
        verbose_name = _("text template")
        verbose_name_plural = _("text templates")

    def __str__(self) -> str:
        return self.name
