"""Claims: due reminders that one dispatcher holds until its lease is over."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from uuid import UUID, uuid4

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from contacts.database.arrays import is_any
from reminders.models import Reminder
from reminders.rules.states import ReminderState


@dataclass(frozen=True)
class Claim:
    """What one dispatcher holds until the lease is over."""

    token: UUID
    reminder_ids: list[int]
    ends_at: float  # by this process's monotonic clock, so that nothing is opened after the lease


@transaction.atomic
def claim_due(limit: int) -> Claim:
    """Claim up to `limit` due reminders, oldest first, that no other dispatcher is claiming just now."""
    token, started = uuid4(), time.monotonic()
    due = (
        Reminder.objects.filter(state=ReminderState.PLANNED, next_look_at__lte=Now())
        .order_by("next_look_at", "id")
        .select_for_update(skip_locked=True, no_key=True)
        .values_list("pk", flat=True)[:limit]
    )
    ids = list(due)
    lease = timedelta(seconds=settings.DISPATCH_LEASE)
    Reminder.objects.filter(is_any("pk", ids)).update(
        state=ReminderState.CLAIMED, claim=token, lease_until=Now() + lease, updated_at=Now()
    )
    return Claim(token, ids, ends_at=started + settings.DISPATCH_LEASE)


def give_back(claim: Claim, reminder_ids: Sequence[int]) -> None:
    """Plan again at once those of these reminders that are still in the claim."""
    claimed = Reminder.objects.filter(state=ReminderState.CLAIMED, claim=claim.token)
    claimed.filter(is_any("pk", reminder_ids)).update(
        state=ReminderState.PLANNED, claim=None, lease_until=None, updated_at=Now()
    )
