"""Numbers in Robotalker's contact list, with the opt-outs last sent to it or read from it."""

from django.db import models

from contacts.models import PhoneNumber


class ListedNumber(models.Model):
    """A number as it is in Robotalker's contact list, as far as we know."""

    number = models.OneToOneField(PhoneNumber, on_delete=models.CASCADE, related_name="listed")
    calls_opted_out = models.BooleanField(default=False)
    texts_opted_out = models.BooleanField(default=False)
    told_at = models.DateTimeField(
        null=True, blank=True, help_text="When Robotalker last accepted an update."
    )
    failures = models.PositiveSmallIntegerField(default=0, help_text="Failed attempts in a row.")
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(
        max_length=40, blank=True, help_text="Why it failed; reminders/rules/reasons.py."
    )
    detail = models.CharField(max_length=200, blank=True, help_text="Robotalker's own message about it.")

    class Meta:
        verbose_name = "number on Robotalker's list"
        verbose_name_plural = "numbers on Robotalker's list"

    def __str__(self) -> str:
        return str(self.number)
