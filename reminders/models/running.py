"""Whether sending is on, and who has been alive when."""

from django.conf import settings
from django.db import models


class SendingSwitch(models.Model):
    """The one row that can hold all sending: by a person, or because Robotalker refused our key."""

    class Cause(models.TextChoices):
        PERSON = "person", "a person paused it"
        KEY_REFUSED = "key_refused", "Robotalker refused the API key"

    id = models.PositiveSmallIntegerField(primary_key=True, default=1, editable=False)
    paused_at = models.DateTimeField(null=True, blank=True)
    cause = models.CharField(max_length=20, choices=Cause, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, blank=True)

    class Meta:
        verbose_name_plural = "sending switch"
        constraints = [models.CheckConstraint(condition=models.Q(id=1), name="sending_switch_is_one")]

    def __str__(self) -> str:
        return "paused" if self.paused_at else "sending"


class Heartbeat(models.Model):
    """When a sweep last finished, by the database's clock."""

    name = models.CharField(max_length=40, primary_key=True)
    at = models.DateTimeField()
    did = models.CharField(max_length=200, blank=True, help_text="What the last round did, in counts.")

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name
