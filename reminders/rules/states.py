"""The states of a reminder and of a call, and every move between them that is allowed.

One table per kind, asked at every write while the row is locked. What isn't in the
table doesn't happen: a late or doubled event is recorded and changes nothing.
"""

from django.db import models
from django.utils.translation import gettext_lazy as _


class ReminderState(models.TextChoices):
    PLANNED = "planned", _("planned")
    CLAIMED = "claimed", _("about to be called")
    IN_PROGRESS = "in_progress", _("in progress")
    DONE = "done", _("done")
    SKIPPED = "skipped", _("skipped")
    WITHDRAWN = "withdrawn", _("withdrawn")
    MISSED = "missed", _("missed")


class CallState(models.TextChoices):
    SUBMITTING = "submitting", _("about to go out")
    SUBMITTED = "submitted", _("taken by Robotalker")
    UNKNOWN = "unknown", _("unknown")
    OVERDUE = "overdue", _("no result yet")
    NOT_SENT = "not_sent", _("not sent")
    REJECTED = "rejected", _("rejected")
    FAILED = "failed", _("failed")
    NO_ANSWER = "no_answer", _("no answer")
    VOICEMAIL = "voicemail", _("voicemail")
    DELIVERED = "delivered", _("delivered")  # a text message; a call is never "delivered"
    ANSWERED = "answered", _("answered")
    ABANDONED = "abandoned", _("settled by a person")


_R, _C = ReminderState, CallState

REMINDER_MOVES: dict[str, frozenset[str]] = {
    # to in progress: as a companion in the call of another, which was claimed (households.py)
    # to done: another try was planned, and then it shows that the last one had reached somebody
    _R.PLANNED: frozenset({_R.CLAIMED, _R.IN_PROGRESS, _R.SKIPPED, _R.WITHDRAWN, _R.MISSED, _R.DONE}),
    _R.CLAIMED: frozenset({_R.IN_PROGRESS, _R.SKIPPED, _R.PLANNED, _R.WITHDRAWN, _R.MISSED, _R.DONE}),
    _R.IN_PROGRESS: frozenset({_R.DONE, _R.PLANNED, _R.MISSED, _R.WITHDRAWN}),
    # an order by a person puts a call to a reminder that was settled without one
    _R.SKIPPED: frozenset({_R.PLANNED}),
    _R.MISSED: frozenset({_R.PLANNED, _R.DONE}),
    _R.DONE: frozenset({_R.PLANNED}),
    _R.WITHDRAWN: frozenset(),
}
REMINDER_PENDING = (_R.PLANNED, _R.CLAIMED)
REMINDER_OPEN = (_R.PLANNED, _R.CLAIMED, _R.IN_PROGRESS)
REMINDER_ORDERABLE = (_R.PLANNED, _R.SKIPPED, _R.MISSED, _R.DONE)  # a person may order a call for it

# What Robotalker may report, weakest first. Events can come in any order, so of two that
# contradict each other the stronger evidence stands, whichever came last.
OUTCOMES_BY_STRENGTH = (_C.FAILED, _C.NO_ANSWER, _C.VOICEMAIL, _C.DELIVERED, _C.ANSWERED)
_OUTCOMES = frozenset(OUTCOMES_BY_STRENGTH)

CALL_MOVES: dict[str, frozenset[str]] = {
    _C.SUBMITTING: _OUTCOMES | {_C.SUBMITTED, _C.NOT_SENT, _C.REJECTED, _C.UNKNOWN},
    _C.SUBMITTED: _OUTCOMES | {_C.OVERDUE},
    _C.UNKNOWN: _OUTCOMES | {_C.SUBMITTED, _C.NOT_SENT, _C.REJECTED, _C.ABANDONED},
    _C.OVERDUE: _OUTCOMES | {_C.ABANDONED},
    **{
        outcome: frozenset(OUTCOMES_BY_STRENGTH[strength + 1 :])
        for strength, outcome in enumerate(OUTCOMES_BY_STRENGTH)
    },
    _C.ABANDONED: _OUTCOMES,  # the facts still count when they arrive after all
    # We were told it was not taken; an event on the address that only Robotalker has proves otherwise.
    _C.NOT_SENT: _OUTCOMES,
    _C.REJECTED: _OUTCOMES,
}
CALL_OPEN = (_C.SUBMITTING, _C.SUBMITTED, _C.UNKNOWN, _C.OVERDUE)


class MoveNotAllowed(ValueError):
    """A state was asked to move where the table has no way."""


def can_move_reminder(old: str, new: str) -> bool:
    return new in REMINDER_MOVES[old]


def can_move_call(old: str, new: str) -> bool:
    return new in CALL_MOVES[old]


def check_reminder_move(old: str, new: str) -> None:
    """Raise MoveNotAllowed unless a reminder may go from `old` to `new`."""
    if not can_move_reminder(old, new):
        raise MoveNotAllowed(f"a reminder can't go from {old} to {new}")
