"""One process at a time looks at a folder or fetches a calendar, over all machines.

The turn is a lease in the row itself, so it also works behind a pooler that gives each transaction another
connection. A process that dies loses its turn after LEASE; one that was only slow finds that out before its
next step, since it renews the turn with each.
"""

import uuid
from dataclasses import dataclass
from datetime import timedelta

from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from contacts.models import WatchedCalendar, WatchedFolder

LEASE = timedelta(minutes=6)  # longer than a task may take (CELERY_TASK_TIME_LIMIT)
WatchedRow = WatchedFolder | WatchedCalendar


class TurnLost(Exception):
    """Another process has taken over, or the row is gone: nothing more may be done for it."""


@dataclass(frozen=True)
class Turn:
    """This process' right to work on a row, as long as the token is in it."""

    row: WatchedRow
    token: uuid.UUID

    def renew(self) -> None:
        """Raises TurnLost. In a transaction it also keeps others from taking the turn until the commit."""
        if not self._find().update(leased_until=Now() + LEASE):
            raise TurnLost

    def end(self) -> None:
        """Let the next process have its turn."""
        self._find().update(lease=None, leased_until=None)

    def _find(self) -> QuerySet[WatchedFolder] | QuerySet[WatchedCalendar]:
        return _rows_of(self.row).filter(lease=self.token)


def take_turn(row: WatchedRow) -> Turn | None:
    """Return the turn; None while another process has it.

    One that seems to last longer than any was written before the clock was set back (product rule 28).
    """
    token = uuid.uuid4()
    is_free = Q(leased_until=None) | Q(leased_until__lte=Now()) | Q(leased_until__gt=Now() + LEASE)
    taken = _rows_of(row).filter(is_free).update(lease=token, leased_until=Now() + LEASE)
    return Turn(row, token) if taken else None


def _rows_of(row: WatchedRow) -> QuerySet[WatchedFolder] | QuerySet[WatchedCalendar]:
    if isinstance(row, WatchedFolder):
        return WatchedFolder.objects.filter(pk=row.pk)
    return WatchedCalendar.objects.filter(pk=row.pk)
