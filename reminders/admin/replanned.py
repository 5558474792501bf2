"""The message about reminders that an edit of a campaign, step or location has rescheduled."""

from typing import Any

from django.contrib import admin
from django.http import HttpRequest
from django.utils.translation import ngettext


def describe_replanned(page: admin.ModelAdmin[Any], request: HttpRequest, moved: int) -> None:
    """Show how many waiting reminders have a new time; no message if none has."""
    if moved:
        words = ngettext(
            "%(count)d waiting reminder has a new time.",
            "%(count)d waiting reminders have a new time.",
            moved,
        )
        page.message_user(request, words % {"count": moved})
