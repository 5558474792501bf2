"""Which reminders a call is for, and which calls are for a reminder."""

from collections.abc import Collection
from typing import Any

from django.db.models import Prefetch, QuerySet

from reminders.models import CallRecord, Reminder


def reminders_of(call: CallRecord) -> list[Reminder]:
    """Every reminder that the call is for, its lead first; from lock_call() they are the locked rows."""
    return [call.reminder, *(companion.reminder for companion in call.companions.all())]


def find_calls_about(
    reminder: Reminder, *, leave_out: Collection[str] = (), **by: Any
) -> "QuerySet[CallRecord]":
    """Every call for the reminder, as its lead or as a companion.

    `leave_out`: call states; `by`: further conditions. They are arguments because a union can't be filtered.
    """
    calls = CallRecord.objects.filter(**by).exclude(state__in=leave_out).order_by()
    return calls.filter(reminder=reminder).union(calls.filter(companions__reminder=reminder))


def with_calls(reminders: "QuerySet[Reminder]", calls: "QuerySet[CallRecord]") -> "QuerySet[Reminder]":
    """The reminders with what calls_of() reads prefetched, the calls by the query `calls`."""
    return reminders.prefetch_related(
        Prefetch("calls", queryset=calls),
        "companion_calls",
        Prefetch("companion_calls__call", queryset=calls),
    )


def calls_of(reminder: Reminder) -> list[CallRecord]:
    """Every call for a reminder from with_calls(), oldest first."""
    shared = (companion.call for companion in reminder.companion_calls.all())
    return sorted([*reminder.calls.all(), *shared], key=lambda call: call.pk)
