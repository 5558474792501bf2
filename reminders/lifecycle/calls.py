"""How a call changes its state."""

from datetime import datetime

from reminders.models import CallRecord
from reminders.rules.states import CALL_OPEN, CallState, can_move_call


def close_call(call: CallRecord, state: CallState, reason: str, at: datetime) -> bool:
    """Move a locked call to `state`, and save it; False when evidence came first."""
    if not move_call(call, state, reason, at):
        return False
    call.save(update_fields=["state", "reason", "ended_at"])
    return True


def move_call(call: CallRecord, state: CallState, reason: str, at: datetime) -> bool:
    """Move a locked call to `state` if the table allows it; the caller saves it."""
    if not can_move_call(call.state, state):
        return False
    call.state, call.reason = state, reason[:200]
    if state not in CALL_OPEN:
        call.ended_at = at
    return True
