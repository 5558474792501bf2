"""Whether sending is on, which database this is, and when sweeps and workers last ran."""

import secrets
from datetime import datetime

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _

from reminders.rules.modes import SendingMode


class SendingSwitch(models.Model):
    """The one row that can pause all sending, and that counts how Robotalker has been answering.

    A pause (`paused_at`) has a cause. The gate (`gate_until`) closes for seconds or minutes after a 429.
    `mode` says who may be called at all; "" while nobody has chosen one (rules/modes.py).
    """

    class Cause(models.TextChoices):
        PERSON = "person", _("a person paused it")
        KEY_REFUSED = "key_refused", _("Robotalker refused the API key")
        ROBOTALKER_FAILING = "robotalker_failing", _("Robotalker fails again and again")
        RESTORED = "restored", _("the database was restored or moved")

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    paused_at = models.DateTimeField(null=True, blank=True)
    cause = models.CharField(max_length=20, choices=Cause, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True)
    pause_reason = models.CharField(
        max_length=200,
        blank=True,
        default="",
        db_default="",
        help_text=_("In the words of whoever paused it."),
    )
    mode = models.CharField(max_length=7, choices=SendingMode, blank=True, default="", db_default="")
    mode_at = models.DateTimeField(null=True, blank=True, help_text=_("When the mode was chosen."))
    mode_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True, related_name="+"
    )
    live_since = models.DateTimeField(
        null=True, blank=True, help_text=_("When it last went live: what was due before is not sent.")
    )
    failures = models.PositiveIntegerField(default=0, help_text=_("Failures in a row, from all workers."))
    probe_at = models.DateTimeField(
        null=True, blank=True, help_text=_("During a pause: when Robotalker is next tested.")
    )
    probes = models.PositiveIntegerField(default=0, help_text=_("Failed tests in a row during a pause."))
    gate_until = models.DateTimeField(
        null=True, blank=True, help_text=_("Robotalker asked to slow down: no request is sent before this.")
    )
    gate_closings = models.PositiveIntegerField(
        default=0, help_text=_("Closings in a row, without a successful request between them.")
    )

    class Meta:
        verbose_name_plural = _("sending switch")
        permissions = [("change_mode", "Can choose between sandbox, trial and live")]
        constraints = [
            models.CheckConstraint(condition=models.Q(id=1), name="sending_switch_is_one"),
            models.CheckConstraint(
                condition=models.Q(mode__in=["", "sandbox", "trial", "live"]), name="sending_mode_known"
            ),
        ]

    def __str__(self) -> str:
        return "paused" if self.paused_at else "sending"


class Heartbeat(models.Model):
    """When a sweep last finished, or a worker last reported itself, by the database's clock.

    Also how the rounds of a sweep failed lately, and how the webhook endpoint did ("door").
    """

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField(help_text=_("When a round last finished; 1970 if none ever did."))
    did = models.CharField(max_length=200, blank=True, help_text=_("What the last run did, in numbers."))
    queues = ArrayField(
        models.CharField(max_length=40),
        default=list,
        blank=True,
        help_text=_("Of a worker: the queues it takes."),
    )
    failed_at = models.DateTimeField(null=True, blank=True, help_text=_("When a round last failed."))
    failure = models.CharField(max_length=200, blank=True, help_text=_("Why it failed: the kind of error."))
    failures = models.PositiveIntegerField(
        default=0, db_default=0, help_text=_("Rounds that failed since one last did something.")
    )
    read_at: datetime | None = None  # by the database's clock; set by heartbeats.read_heartbeats

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


def make_database_name() -> str:
    """48 random bits, safe in a URL."""
    return secrets.token_urlsafe(6)


class DatabaseIdentity(models.Model):
    """The one row that says which database this is, to notice that it was restored or moved.

    `name` is in every callback address; `fingerprint` says which PostgreSQL server and database it is in.
    """

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    name = models.CharField(max_length=12, default=make_database_name, editable=False)
    fingerprint = models.CharField(max_length=200, blank=True)
    since = models.DateTimeField(auto_now_add=True)

    class Meta:
        verbose_name_plural = _("database identity")
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="database_identity_is_one")]

    def __str__(self) -> str:
        return self.name
