"""What was checked and tried before going live: one row for each item and each assumption."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from reminders.models.test_calls import TestCall


class LiveCheck(models.Model):
    """The last result of an item of the checklist that can't be read from the tables (desk/live_checks.py).

    Such as: the public address was reached from outside, the key was accepted, a person heard a test call.
    """

    name = models.CharField(max_length=40, primary_key=True)
    passed = models.BooleanField()
    detail = models.CharField(max_length=300, blank=True)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name


class AssumptionTrial(models.Model):
    """What was seen when an assumption about Robotalker was tried (rules/assumptions.py). Never changed."""

    class Result(models.TextChoices):
        AS_ASSUMED = "as_assumed", _("as assumed")
        OTHERWISE = "otherwise", _("otherwise")

    assumption = models.CharField(max_length=40, db_index=True)
    result = models.CharField(max_length=10, choices=Result)
    seen = models.CharField(max_length=500, blank=True, help_text=_("What was seen, in words."))
    exchange = models.JSONField(default=list, help_text=_("The raw exchange with Robotalker."))
    test_call = models.ForeignKey(
        TestCall, on_delete=models.SET_NULL, null=True, blank=True, related_name="trials"
    )
    is_real = models.BooleanField(help_text=_("On the real account, and not in the sandbox."))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-id"]

    def __str__(self) -> str:
        return f"{self.assumption}: {self.result}"
