"""The numbers on the worklist: in full for those who may dial them, and each look is recorded."""

from collections.abc import Iterable

from django.http import HttpRequest

from reminders.pages.worklist_words import WorklistEntry


def show_numbers(request: HttpRequest, entries: Iterable[WorklistEntry]) -> bool:
    """Whether the reader sees the numbers of these entries in full."""
    del entries
    return request.user.has_perm("contacts.dial_phonenumber")
