"""The outbox: what happened that other systems want to know, to whom it is sent, and each attempt.

Rows of OutgoingEvent are written by triggers of the database (migration 0005), in the transaction that writes
the outcome itself, whoever writes it. So no event is lost or invented, and nothing that records outcomes
knows of webhooks. The event names its row and has no data of its own; what is sent is read from that row
(webhooks/outgoing/facts.py).
"""

import uuid

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.db.models import Q
from django.db.models.functions import Now
from django.utils.translation import gettext_lazy as _

from contacts.models import Provider
from contacts.public_requests import LONGEST_URL, RequestFault
from webhooks.outgoing.signing import make_secret


class EventType(models.TextChoices):
    """What happened, as receivers read it."""

    CONFIRMED = "appointment.confirmed", _("appointment confirmed")
    ANOTHER_TIME = "appointment.another_time_wanted", _("another time wanted")
    NOT_REACHED = "appointment.not_reached", _("patient not reached")
    OPTED_OUT = "number.opted_out", _("number opted out")
    TEST = "callboard.test", _("test")


WANTED_TYPES = [choice for choice in EventType.choices if choice[0] != EventType.TEST]


class OutgoingEvent(models.Model):
    """Something that happened. `row_id`: the AppointmentChange, FollowUp or ConsentEntry that says it.

    Not a foreign key: an event must never keep a row from being deleted. None for a test.
    """

    public_id = models.UUIDField(unique=True, default=uuid.uuid4, help_text=_("Its id for receivers."))
    type = models.CharField(max_length=40, choices=EventType)
    row_id = models.BigIntegerField(null=True)
    occurred_at = models.DateTimeField()
    recorded_at = models.DateTimeField(db_default=Now())
    distributed_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When it was handed to the endpoints that want it.")
    )

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["type", "row_id"], name="outgoing_event_once"),
        ]
        indexes = [
            # webhooks/outgoing/deliveries.py: distribute_events
            models.Index(fields=["id"], condition=Q(distributed_at__isnull=True), name="outgoing_event_new"),
            # webhooks/outgoing/csv_export.py: find_events
            models.Index(fields=["occurred_at", "id"], name="outgoing_event_by_time"),
        ]

    def __str__(self) -> str:
        return f"{self.type} {self.public_id}"


class OutgoingEndpoint(models.Model):
    """An address of another system, and which events it wants.

    While a process delivers to it, it has a lease with a random token (webhooks/outgoing/deliveries.py).
    """

    class State(models.TextChoices):
        ON = "on", _("on")
        OFF = "off", _("switched off")
        FAILED = "failed", _("switched off, since it kept failing")

    name = models.CharField(max_length=80, unique=True)
    url = models.CharField(_("address"), max_length=LONGEST_URL, help_text=_("It must begin with https://."))
    types = ArrayField(models.CharField(max_length=40, choices=WANTED_TYPES), verbose_name=_("events wanted"))
    secret = models.CharField(
        max_length=120, default=make_secret, help_text=_("The receiver checks signatures with it.")
    )
    old_secret = models.CharField(
        max_length=120,
        blank=True,
        editable=False,
        help_text=_("Signs too, until the receiver has the new secret."),
    )
    with_number = models.BooleanField(
        _("with the number"),
        default=False,
        help_text=_("Telephone numbers are sent in full. Otherwise only their last two digits are."),
    )
    state = models.CharField(max_length=8, choices=State, default=State.ON, editable=False)
    since = models.DateTimeField(
        db_default=Now(), editable=False, help_text=_("Events recorded before aren't sent by themselves.")
    )
    failing_since = models.DateTimeField(null=True, blank=True, editable=False)
    failures = models.PositiveIntegerField(default=0, editable=False, help_text=_("In a row."))
    paused_until = models.DateTimeField(null=True, blank=True, editable=False)
    lease_token = models.UUIDField(null=True, editable=False)
    lease_until = models.DateTimeField(null=True, editable=False)
    served_at = models.DateTimeField(null=True, editable=False)

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class OutgoingDelivery(models.Model):
    """One event for one endpoint, until it is delivered or kept for a person."""

    class State(models.TextChoices):
        WAITING = "waiting", _("to be sent")
        DELIVERED = "delivered", _("delivered")
        GIVEN_UP = "given_up", _("given up, kept for a person")
        GONE = "gone", _("not sent, since what it was about has been deleted")

    endpoint = models.ForeignKey(OutgoingEndpoint, on_delete=models.PROTECT, related_name="deliveries")
    event = models.ForeignKey(OutgoingEvent, on_delete=models.PROTECT, related_name="deliveries")
    state = models.CharField(max_length=10, choices=State, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0, help_text=_("Since it was last put on the list."))
    next_attempt_at = models.DateTimeField(db_default=Now())
    delivered_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        ordering = ["-id"]
        verbose_name_plural = _("outgoing deliveries")
        constraints = [
            models.UniqueConstraint(fields=["endpoint", "event"], name="outgoing_delivery_once"),
        ]
        indexes = [
            # webhooks/outgoing/deliveries.py: claim_endpoint and begin_attempt
            models.Index(
                fields=["endpoint", "event"], condition=Q(state="waiting"), name="outgoing_delivery_waiting"
            ),
            # webhooks/outgoing/endpoints.py: count_given_up
            models.Index(fields=["id"], condition=Q(state="given_up"), name="outgoing_delivery_given_up"),
        ]

    def __str__(self) -> str:
        return f"delivery {self.pk}"


class DeliveryAttempt(models.Model):
    """One request to an endpoint. Without status and fault, the process ended before the answer came."""

    delivery = models.ForeignKey(OutgoingDelivery, on_delete=models.CASCADE, related_name="tries")
    begun_at = models.DateTimeField(db_default=Now())
    milliseconds = models.PositiveIntegerField(null=True, blank=True)
    status = models.PositiveSmallIntegerField(null=True, blank=True, help_text=_("HTTP status."))
    fault = models.CharField(max_length=20, choices=RequestFault, blank=True)
    answer = models.CharField(max_length=500, blank=True, help_text=_("How the answer begins."))

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"attempt {self.pk}"


class CalendarFeed(models.Model):
    """A provider's appointments as a calendar at a secret address, of which only the digest is stored."""

    class Naming(models.TextChoices):
        NOBODY = "nobody", _("“Appointment”, without the patient")
        INITIALS = "initials", _("the patient's initials")
        FULL = "full", _("the patient's whole name")

    provider = models.ForeignKey(Provider, on_delete=models.PROTECT, related_name="feeds")
    name = models.CharField(max_length=80, help_text=_("Who reads it, such as “Dr. Chen's phone”."))
    naming = models.CharField(_("what entries say"), max_length=8, choices=Naming, default=Naming.NOBODY)
    token_digest = models.CharField(
        max_length=64, unique=True, editable=False, help_text=_("SHA-256 of the token, hex.")
    )
    made_at = models.DateTimeField(db_default=Now(), editable=False)
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, editable=False, related_name="+"
    )
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, editable=False, related_name="+"
    )
    read_at = models.DateTimeField(
        null=True, blank=True, editable=False, help_text=_("When it was last read, to the hour.")
    )

    class Meta:
        ordering = ["provider", "name"]

    def __str__(self) -> str:
        return f"{self.provider}: {self.name}"
