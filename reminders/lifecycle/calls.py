"""Changing the state of a call; which reminders a call is for, and which calls are for a reminder."""

from collections.abc import Collection
from datetime import datetime
from typing import Any

from django.contrib.postgres.expressions import ArraySubquery
from django.db.models import F, OuterRef, Prefetch, QuerySet

from contacts.database.arrays import is_any
from reminders.models import CallCompanion, CallRecord, Reminder
from reminders.rules.states import CALL_MOVES, CALL_OPEN, CallState

# Columns of a call that no state on a list depends on: converting them takes as long as all the rest.
UNSHOWN_COLUMNS = (
    *("public_id", "batch", "ordered_by", "from_number", "script_text", "missing_language", "variables"),
    *("text", "mode", "decision", "robotalker_id", "submitted_at", "duration_seconds", "amd_result"),
    *("keys", "asked_at", "asked_times", "created_at", "try_number"),
)


def close_call(call: CallRecord, state: CallState, reason: str, at: datetime, *, detail: str = "") -> bool:
    """Move a locked call to `state`, and save it; False when its present state doesn't allow that."""
    if not move_call(call, state, reason, at, detail=detail):
        return False
    call.save(update_fields=["state", "reason", "detail", "ended_at"])
    return True


def move_call(call: CallRecord, state: CallState, reason: str, at: datetime, *, detail: str = "") -> bool:
    """Move a locked call to `state` if CALL_MOVES allows it; whether it does. The caller saves it.

    `reason` is a code of reasons.CallReason or "", `detail` is Robotalker's own text about it.
    """
    if state not in CALL_MOVES[call.state]:
        return False
    call.state, call.reason, call.detail = state, reason, detail[:200]
    if state not in CALL_OPEN:
        call.ended_at = at
    return True


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


def attach_calls(reminders: Collection[Reminder]) -> None:
    """Read what calls_of() needs for many reminders at once: one query, without the words of the calls."""
    by_id = {reminder.pk: reminder for reminder in reminders}
    for reminder in reminders:
        reminder.known_calls = []  # type: ignore[attr-defined]
    companions = CallCompanion.objects.filter(is_any("reminder", by_id))
    calls = CallRecord.objects.defer(*UNSHOWN_COLUMNS).order_by()
    own = calls.filter(is_any("reminder", by_id)).annotate(about=F("reminder"))
    shared = calls.filter(companions__in=companions).annotate(about=F("companions__reminder"))
    for call in own.union(shared, all=True) if by_id else ():
        if one := by_id.get(call.about):
            one.known_calls.append(call)  # type: ignore[attr-defined]
    for reminder in reminders:
        reminder.known_calls.sort(key=lambda call: call.pk)  # type: ignore[attr-defined]


def attach_told_calls(reminders: Collection[Reminder], calls: "QuerySet[CallRecord]") -> None:
    """The same for few reminders, with the calls by the query `calls`: one query.

    Each call has the ids of its companions' reminders and the first names of their patients.
    """
    by_id = {reminder.pk: reminder for reminder in reminders}
    for reminder in reminders:
        reminder.known_calls = []  # type: ignore[attr-defined]
    own = CallRecord.objects.filter(is_any("reminder", by_id)).order_by().values("pk")
    shared = CallCompanion.objects.filter(is_any("reminder", by_id)).order_by().values("call")
    companions = CallCompanion.objects.filter(call=OuterRef("pk")).order_by("pk")
    found = calls.filter(pk__in=own.union(shared)).annotate(
        companion_reminders=ArraySubquery(companions.values("reminder")),
        companion_names=ArraySubquery(companions.values("reminder__appointment__contact__first_name")),
    )
    for call in found.order_by("pk") if by_id else ():
        for pk in (call.reminder_id, *call.companion_reminders):
            if one := by_id.get(pk):
                one.known_calls.append(call)  # type: ignore[attr-defined]


def calls_of(reminder: Reminder) -> list[CallRecord]:
    """Every call for a reminder that one of the functions above gave its calls, oldest first."""
    known: list[CallRecord] | None = getattr(reminder, "known_calls", None)
    if known is not None:
        return known
    shared = (companion.call for companion in reminder.companion_calls.all())
    return sorted([*reminder.calls.all(), *shared], key=lambda call: call.pk)
