"""Which reminders a call speaks for, and which calls speak for a reminder."""

from collections.abc import Collection
from typing import Any

from django.db.models import Prefetch, QuerySet

from reminders.models import CallRecord, Reminder


def reminders_of(call: CallRecord) -> list[Reminder]:
    """Every reminder that the call speaks for, its lead first. From lock_call() they are the locked rows."""
    return [call.reminder, *(companion.reminder for companion in call.companions.all())]


def find_calls_about(
    reminder: Reminder, *, leave_out: Collection[str] = (), **by: Any
) -> "QuerySet[CallRecord]":
    """Every call that speaks for the reminder, be it as its lead or as a companion.

    `leave_out`: states; `by`: further conditions. They are given here since a union can't be filtered.
    """
    calls = CallRecord.objects.filter(**by).exclude(state__in=leave_out).order_by()
    return calls.filter(reminder=reminder).union(calls.filter(companions__reminder=reminder))


def with_calls(reminders: "QuerySet[Reminder]", calls: "QuerySet[CallRecord]") -> "QuerySet[Reminder]":
    """The reminders with what calls_of() asks for, the calls as `calls` brings them."""
    return reminders.prefetch_related(
        Prefetch("calls", queryset=calls),
        "companion_calls",
        Prefetch("companion_calls__call", queryset=calls),
    )


def calls_of(reminder: Reminder) -> list[CallRecord]:
    """Every call that speaks for a reminder from with_calls(), oldest first."""
    shared = (companion.call for companion in reminder.companion_calls.all())
    return sorted([*reminder.calls.all(), *shared], key=lambda call: call.pk)
