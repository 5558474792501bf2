"""What is kept about contacts beside themselves: other ids, merges, erasures, and who took their data."""

from django.conf import settings
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from contacts.models.people import Contact, PhoneNumber


class ContactId(models.Model):
    """Another id of a contact, left by a contact who was merged with them: imports find them by it too."""

    contact = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="other_ids")
    source = models.CharField(max_length=60, help_text=_("The system the id came from."))
    external_id = models.CharField(max_length=120)

    class Meta:
        ordering = ["source", "external_id"]
        constraints = [
            models.UniqueConstraint(fields=["source", "external_id"], name="other_id_once_per_source"),
        ]

    def __str__(self) -> str:
        return f"another id of contact {self.contact_id}"


class ContactMerge(models.Model):
    """Two contacts were one person. `was`: what the contact who is gone had, as text, by column."""

    survivor = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="merges")
    merged_id = models.BigIntegerField(unique=True, help_text=_("The key of the contact who is gone."))
    was = models.JSONField(default=dict, help_text=_("What they had: column, text."))
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ["-at", "-id"]

    def __str__(self) -> str:
        return f"merge {self.pk}"


class DistinctPair(models.Model):
    """Two contacts who look alike, and are two people: somebody has said so. `one` has the lower key."""

    one = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="+")
    other = models.ForeignKey(Contact, on_delete=models.CASCADE, related_name="+")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["one", "other"]
        constraints = [
            models.UniqueConstraint(fields=["one", "other"], name="distinct_pair_once"),
            models.CheckConstraint(condition=Q(one__lt=F("other")), name="distinct_pair_in_order"),
        ]

    def __str__(self) -> str:
        return f"contacts {self.one_id} and {self.other_id}"


class ContactLogEntry(models.Model):
    """Who took a person's data, and who erased it. Append-only."""

    class What(models.TextChoices):
        EXPORTED = "exported", _("downloaded everything that is known")
        ERASED = "erased", _("erased the person")

    contact = models.ForeignKey(Contact, on_delete=models.PROTECT, related_name="log_entries")
    what = models.CharField(max_length=10, choices=What)
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, related_name="+")
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name_plural = _("contact log entries")

    def __str__(self) -> str:
        return self.get_what_display()


class ErasedOptOut(models.Model):
    """The “no” of a number that was erased (product rule 64). It counts again once the number comes back.

    `digest` is made from the number with a secret key, so that nobody can tell the number by it
    (contacts/erased_numbers.py).
    """

    digest = models.CharField(max_length=64, unique=True)
    voice_opted_out_at = models.DateTimeField(null=True, blank=True)
    sms_opted_out_at = models.DateTimeField(null=True, blank=True)
    without_consent = models.BooleanField(default=False, help_text=_("No consent was known."))
    at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ["-at", "-id"]
        verbose_name = _("opt-out of an erased number")
        verbose_name_plural = _("opt-outs of erased numbers")

    def __str__(self) -> str:
        return f"opt-out {self.pk}"


class NumberLook(models.Model):
    """That somebody saw a number in full, to dial it (product rule 59): once for each day. Append-only."""

    number = models.ForeignKey(PhoneNumber, on_delete=models.PROTECT, related_name="looks")
    by = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="+")
    day = models.DateField(help_text=_("The day in UTC."))
    at = models.DateTimeField(help_text=_("The first time on that day."))

    class Meta:
        ordering = ["-at", "-id"]
        constraints = [
            models.UniqueConstraint(fields=["number", "by", "day"], name="number_look_once_a_day"),
        ]

    def __str__(self) -> str:
        return f"look {self.pk}"
