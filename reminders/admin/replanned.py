"""What an edit of a campaign, a step or a place did to the reminders that were waiting."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import gettext as _


def describe_replanned(page: admin.ModelAdmin[Any], request: HttpRequest, moved: int) -> None:
    """Say how many of them have a new moment; nothing when none has."""
    if moved:
        words = _("%(count)d reminders that were waiting have a new moment.") % {"count": moved}
        page.message_user(request, words)
