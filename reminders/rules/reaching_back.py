"""What was due before somebody was meant is not sent. Pure: values in, values out (product rules 5, 6, 29).

A campaign means nobody before it is activated, a step before it is added or its time is changed, and filters
before they are changed. What was due before is skipped from the start, however early in time it still is.

A reminder comes to be owed at its due time, or when the appointment was booked or moved, if that was later.
So a step that is sent at once after a late booking is sent for one that comes after the edit, and never for
one that was booked before it. A step right after booking is owed at the booking itself.
"""

from dataclasses import dataclass, replace
from datetime import datetime

from reminders.rules.reasons import Reason

REACHING_BACK = frozenset({Reason.BEFORE_ACTIVATION, Reason.BEFORE_STEP, Reason.BEFORE_FILTERS})


@dataclass(frozen=True)
class MeantSince:
    """Since when a campaign is active, a step has its time, and the filters are as they are (aware UTC).

    `activated`: None if the campaign never was. `filters`: for an appointment of which the filters ask
    something that changed later, such as its provider, since then; None for one that is not new to them.
    """

    activated: datetime | None
    step: datetime
    filters: datetime | None = None

    def for_details_of(self, details_at: datetime) -> "MeantSince":
        """The same for an appointment of which what filters ask last changed at `details_at` (aware UTC)."""
        return replace(self, filters=max(details_at, self.filters or details_at))

    @property
    def latest(self) -> datetime | None:
        """The last of the three; None if the campaign was never activated."""
        if self.activated is None:
            return None
        return max(self.activated, self.step, self.filters or self.step)


def find_reaching_back(owed_from: datetime, since: MeantSince) -> Reason | None:
    """The reason not to send what came to be owed at `owed_from` (aware UTC), or None."""
    if since.activated is None or owed_from < since.activated:
        return Reason.BEFORE_ACTIVATION
    if owed_from < since.step:
        return Reason.BEFORE_STEP
    if since.filters is not None and owed_from < since.filters:
        return Reason.BEFORE_FILTERS
    return None


def find_end_of_reaching_back(owed_from: datetime, since: MeantSince) -> datetime | None:
    """Until when (excluded) find_reaching_back() says the same as of `owed_from`; None: always."""
    if since.activated is None:
        return None
    moments = (since.activated, since.step, since.filters)
    return min((moment for moment in moments if moment and moment > owed_from), default=None)
