"""Changing the state of a call."""

from datetime import datetime

from reminders.models import CallRecord
from reminders.rules.states import CALL_OPEN, CallState, can_move_call


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
    if not can_move_call(call.state, state):
        return False
    call.state, call.reason, call.detail = state, reason, detail[:200]
    if state not in CALL_OPEN:
        call.ended_at = at
    return True
