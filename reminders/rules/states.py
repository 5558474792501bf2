"""The states of a reminder and of a call, and the allowed moves between them.

There is one table for each, checked at every write while the row is locked. A move that isn't in the table
isn't made: a late or duplicate event is recorded and changes nothing.
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
    ABANDONED = "abandoned", _("closed by staff")


_R, _C = ReminderState, CallState

REMINDER_MOVES: dict[str, frozenset[str]] = {
    # to in progress: when it joins the call of another, claimed reminder (deciding/households.py)
    # to done: another try was planned, and then an event shows that the last one had reached the patient
    _R.PLANNED: frozenset({_R.CLAIMED, _R.IN_PROGRESS, _R.SKIPPED, _R.WITHDRAWN, _R.MISSED, _R.DONE}),
    _R.CLAIMED: frozenset({_R.IN_PROGRESS, _R.SKIPPED, _R.PLANNED, _R.WITHDRAWN, _R.MISSED, _R.DONE}),
    _R.IN_PROGRESS: frozenset({_R.DONE, _R.PLANNED, _R.MISSED, _R.WITHDRAWN}),
    # an order by staff plans a try of a reminder that had ended
    _R.SKIPPED: frozenset({_R.PLANNED}),
    _R.MISSED: frozenset({_R.PLANNED, _R.DONE}),
    _R.DONE: frozenset({_R.PLANNED}),
    _R.WITHDRAWN: frozenset(),
}
REMINDER_PENDING = (_R.PLANNED, _R.CLAIMED)
REMINDER_OPEN = (_R.PLANNED, _R.CLAIMED, _R.IN_PROGRESS)
REMINDER_ENDED_WITHOUT_CALL = (_R.SKIPPED, _R.MISSED)  # a person may put it back
REMINDER_ORDERABLE = (_R.PLANNED, _R.SKIPPED, _R.MISSED, _R.DONE)  # a person may order a call for it

# The outcomes that Robotalker may report, weakest evidence first. Events can arrive in any order, so of two
# that contradict each other the stronger one counts, not the later one.
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
    _C.ABANDONED: _OUTCOMES,  # an event still counts if it arrives after all
    # Robotalker refused it, but an event at the address that only Robotalker knows proves otherwise.
    _C.NOT_SENT: _OUTCOMES,
    _C.REJECTED: _OUTCOMES,
}
# After a call in any other state the patient may have been told.
REACHED_NOBODY_FOR_SURE = (_C.NOT_SENT, _C.REJECTED, _C.FAILED, _C.NO_ANSWER)
CALL_OPEN = (_C.SUBMITTING, _C.SUBMITTED, _C.UNKNOWN, _C.OVERDUE)
