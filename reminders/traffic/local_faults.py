"""Failures of Callboard itself around a request: they say nothing about Robotalker."""

from reminders.robotalker.errors import (
    MayHaveArrived,
    NeverLeft,
    Rejected,
)
from reminders.rules.reasons import CallReason


class SleptTooLong(NeverLeft):
    """The worker was suspended between the commit and the POST: it is too late to begin it safely."""

    code = CallReason.SLEPT_TOO_LONG


class HeldBack(NeverLeft):
    """Sending stopped, or became slow, between the commit and the POST: it was not begun."""

    code = CallReason.HELD_BACK


class OurOwnFault(Rejected):
    """The request can't be built, and trying again would not help: nothing was sent."""

    code = CallReason.NOT_WRITABLE

    def __init__(self, note: str) -> None:
        super().__init__(note)
        self.detail = ""  # the note is ours, not Robotalker's


class NotBuilt(NeverLeft):
    """Something went wrong while the request was built: nothing was sent."""

    code = CallReason.NOT_BUILT


class RequestForbidden(NeverLeft):
    """The mode of this installation forbids the request (request_guard.py): nothing was sent."""

    code = CallReason.MODE_FORBIDS


class PostThreadFailed(MayHaveArrived):
    """Something went wrong in Callboard while the request was being sent."""

    code = CallReason.INTERRUPTED


NOT_ABOUT_ROBOTALKER = (SleptTooLong, HeldBack, OurOwnFault, NotBuilt, RequestForbidden, PostThreadFailed)
