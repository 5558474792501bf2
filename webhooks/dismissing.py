"""Dismissing an event that can't be applied: a person has looked at it, and says why it may rest.

It no longer counts as waiting for a person. “Apply again” still applies it, since its body is kept. The
worklist's entry about it is resolved on the worklist, by whoever called the patient.
"""

from collections.abc import Collection

from django.contrib.auth.models import User
from django.db import transaction

from contacts.database.clock import read_database_clock
from webhooks.applying import is_stuck
from webhooks.models import EventDismissal, WebhookEvent

LONGEST_REASON = 300


def read_dismissal_reason(written: str | None) -> str:
    """A reason as it was typed, on one line and without what PostgreSQL can't store; "" for none."""
    return " ".join((written or "").replace("\x00", "").split())[:LONGEST_REASON]


@transaction.atomic
def dismiss_events(event_ids: Collection[int], reason: str, *, by: User) -> int:
    """Dismiss those of these events that wait for a person; how many. Each records `reason` and `by`."""
    rows = WebhookEvent.objects.filter(is_stuck(), pk__in=event_ids).order_by("pk")
    ids = list(rows.select_for_update(no_key=True).values_list("pk", flat=True))
    WebhookEvent.objects.filter(pk__in=ids).update(state=WebhookEvent.State.DISMISSED, next_attempt_at=None)
    now = read_database_clock()
    EventDismissal.objects.bulk_create(
        EventDismissal(event_id=pk, reason=reason, by=by, at=now) for pk in ids
    )
    return len(ids)
