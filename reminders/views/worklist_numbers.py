"""The numbers on the worklist: in full for those who may dial them, and each look is recorded."""

from collections.abc import Iterable

from django.http import HttpRequest

from contacts.number_looks import show_in_full
from reminders.pages.worklist_words import WorklistEntry
from reminders.views.requests import signed_in


def show_numbers(request: HttpRequest, entries: Iterable[WorklistEntry]) -> bool:
    """Whether the reader sees the numbers of these entries in full; if so, that they saw them is recorded."""
    return show_in_full([entry.number for entry in entries], signed_in(request))
