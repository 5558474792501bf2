"""The filters of Today that a person uses often."""

from urllib.parse import urlencode

from django.conf import settings
from django.db import models
from django.utils.translation import gettext_lazy as _

from contacts.models import Location, Provider


class SavedFilter(models.Model):
    """One person's name for a choice of location, provider and state; what isn't chosen is empty.

    `state` is a key of reminders/pages/day.py: COUNTED_STATES.
    """

    user = models.ForeignKey(settings.AUTH_USER_MODEL, on_delete=models.PROTECT, related_name="day_filters")
    name = models.CharField(_("name"), max_length=40)
    location = models.ForeignKey(Location, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    provider = models.ForeignKey(Provider, on_delete=models.CASCADE, null=True, blank=True, related_name="+")
    state = models.CharField(max_length=20, blank=True)

    class Meta:
        ordering = ["name", "id"]
        verbose_name = _("saved filter")
        verbose_name_plural = _("saved filters")
        constraints = [models.UniqueConstraint(fields=["user", "name"], name="saved_filter_name_once")]

    def __str__(self) -> str:
        return self.name

    @property
    def query(self) -> str:
        """Of Today's address."""
        chosen = {"location": self.location_id, "provider": self.provider_id, "state": self.state}
        return urlencode({name: value for name, value in chosen.items() if value})
