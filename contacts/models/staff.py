"""What members of staff have set for themselves."""

from django.conf import settings
from django.db import models


class StaffLanguage(models.Model):
    """The language in which somebody reads the pages. Nothing that is stored or said depends on it.

    Without a row it is the language that their browser asks for.
    """

    user = models.OneToOneField(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, primary_key=True, related_name="chosen_language"
    )
    language = models.CharField(max_length=8)

    def __str__(self) -> str:
        return self.language
