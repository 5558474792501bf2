"""Failures of our own around a request: they say nothing about Robotalker."""

from reminders.robotalker.errors import (
    MayHaveArrived,
    NeverLeft,
    Rejected,
)


class SleptTooLong(NeverLeft):
    """The worker was frozen between the commit and the POST: too late to begin it safely."""


class OurOwnFault(Rejected):
    """The request can't be built, however often it is tried: nothing has left."""


class NotBuilt(NeverLeft):
    """Something went wrong while the request was built: nothing has left."""


class PostThreadFailed(MayHaveArrived):
    """Something of our own went wrong while the request was under way."""


NOT_ABOUT_ROBOTALKER = (SleptTooLong, OurOwnFault, NotBuilt, PostThreadFailed)
