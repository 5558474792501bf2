"""Who paused something, and why: the same for a location and a campaign."""

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _


class Pausable(models.Model):
    """Columns of what a person can pause. `paused_at` is the model's own."""

    paused_by = models.ForeignKey(
        settings.AUTH_USER_MODEL,
        on_delete=models.PROTECT,
        null=True,
        blank=True,
        editable=False,
        related_name="+",
    )
    pause_reason = models.CharField(
        max_length=200,
        blank=True,
        default="",
        db_default="",
        editable=False,
        help_text=_("In the words of whoever paused it."),
    )

    class Meta:
        abstract = True
