"""Numbers in Robotalker's contact list, with the opt-outs last sent to it or read from it."""

from django.db import models
from django.utils.translation import gettext_lazy as _

from contacts.models import PhoneNumber


class ListedNumber(models.Model):
    """A number as it is in Robotalker's contact list, as far as we know."""

    number = models.OneToOneField(PhoneNumber, on_delete=models.CASCADE, related_name="listed")
    calls_opted_out = models.BooleanField(default=False)
    texts_opted_out = models.BooleanField(default=False)
    told_at = models.DateTimeField(
        null=True, blank=True, help_text=_("When Robotalker last accepted an update.")
    )
    failures = models.PositiveSmallIntegerField(default=0, help_text=_("Failed attempts in a row."))
    next_attempt_at = models.DateTimeField(null=True, blank=True)
    error = models.CharField(
        max_length=40, blank=True, help_text=_("Why it failed; reminders/rules/reasons.py.")
    )
    detail = models.CharField(max_length=200, blank=True, help_text=_("Robotalker's own message about it."))

    class Meta:
        verbose_name = _("number on Robotalker's list")
        verbose_name_plural = _("numbers on Robotalker's list")

    def __str__(self) -> str:
        return str(self.number)
