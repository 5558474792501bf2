"""Of which days, location and campaign a report is."""

from dataclasses import dataclass
from datetime import date
from typing import Any

from django.db.models import Q


@dataclass(frozen=True)
class Scope:
    """From `since` to `until`, both included. `with_pretend`: calls of the sandbox and the demo count too."""

    since: date
    until: date
    location: int | None = None
    campaign: int | None = None
    with_pretend: bool = False

    def of_calls(self) -> Q:
        """The condition for counts of calls."""
        return self._conditions() & (Q(campaign=self.campaign) if self.campaign else Q())

    def of_visits(self) -> Q:
        """The condition for counts of visits and results, which stand once for all campaigns together."""
        return self._conditions() & (Q(campaign=self.campaign) if self.campaign else Q(campaign__isnull=True))

    def _conditions(self) -> Q:
        wanted: dict[str, Any] = {"day__range": (self.since, self.until)}
        if self.location:
            wanted["location"] = self.location
        if not self.with_pretend:
            wanted["is_pretend"] = False
        return Q(**wanted)
