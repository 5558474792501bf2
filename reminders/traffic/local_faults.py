"""Failures of our own around a request: they say nothing about Robotalker."""

from reminders.robotalker.errors import (
    MayHaveArrived,
    NeverLeft,
    Rejected,
)
from reminders.rules.reasons import CallReason


class SleptTooLong(NeverLeft):
    """The worker was frozen between the commit and the POST: too late to begin it safely."""

    code = CallReason.SLEPT_TOO_LONG


class OurOwnFault(Rejected):
    """The request can't be built, however often it is tried: nothing has left."""

    code = CallReason.NOT_WRITABLE

    def __init__(self, note: str) -> None:
        super().__init__(note)
        self.detail = ""  # the note is ours, not Robotalker's


class NotBuilt(NeverLeft):
    """Something went wrong while the request was built: nothing has left."""

    code = CallReason.NOT_BUILT


class PostThreadFailed(MayHaveArrived):
    """Something of our own went wrong while the request was under way."""

    code = CallReason.INTERRUPTED


NOT_ABOUT_ROBOTALKER = (SleptTooLong, OurOwnFault, NotBuilt, PostThreadFailed)
