"""Tokens by which other systems of a practice use the API."""

from django.conf import settings
from django.contrib.postgres.fields import ArrayField
from django.db import models
from django.utils.translation import gettext_lazy as _


class ApiScope(models.TextChoices):
    """What a token may do. None implies another: a token that writes reads only if it has that scope too."""

    READ_CONTACTS = "contacts:read", _("read contacts")
    WRITE_CONTACTS = "contacts:write", _("add and change contacts")
    READ_APPOINTMENTS = "appointments:read", _("read appointments")
    WRITE_APPOINTMENTS = "appointments:write", _("book, move and cancel appointments")
    READ_REMINDERS = "reminders:read", _("read reminders, calls and campaigns")
    READ_OPTOUTS = "opt_outs:read", _("read opt-outs")
    ADD_OPTOUTS = "opt_outs:write", _("add opt-outs")


class ApiToken(models.Model):
    """One token. Its secret is not stored, only the SHA-256 of it; contacts/api_tokens.py makes and finds it.

    A fast hash is enough, because the secret is 256 random bits and nothing that a person has chosen.
    """

    name = models.CharField(
        max_length=100, unique=True, help_text=_("The system that uses it. Histories show this name.")
    )
    digest = models.CharField(max_length=64, unique=True, editable=False)
    hint = models.CharField(
        max_length=4, editable=False, help_text=_("The last characters of the secret, to recognise it by.")
    )
    scopes = ArrayField(models.CharField(max_length=20, choices=ApiScope))
    user = models.OneToOneField(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        editable=False,
        related_name="api_token",
        help_text=_("Who histories name. Nobody can log in as this user."),
    )
    made_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.PROTECT, null=True, editable=False, related_name="+"
    )
    made_at = models.DateTimeField(editable=False)
    expires_at = models.DateTimeField(help_text=_("From then on it is refused."))
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    revoked_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False, help_text=_("To the minute."))

    class Meta:
        ordering = ["name"]
        verbose_name = _("API token")
        verbose_name_plural = _("API tokens")

    def __str__(self) -> str:
        return self.name
