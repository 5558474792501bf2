"""How long outgoing events are kept: OUTGOING_EVENT_DAYS, with their deliveries and attempts.

The appointments and the consent ledger keep what happened; an event only says that it was to be told. Until
it is deleted it can be sent again and is in the file of events (docs/webhooks.md).
"""

import logging
from datetime import timedelta

from django.conf import settings
from django.db import transaction
from django.db.models.functions import Now

from webhooks.outgoing.models import DeliveryAttempt, OutgoingDelivery, OutgoingEvent

log = logging.getLogger(__name__)

DELETED_AT_ONCE = 1000  # events in one transaction
MOST_IN_A_ROUND = 50_000  # events: the rest goes in the next hour


def delete_old_events() -> int:
    """Delete the events of which both the occurrence and the record are older than OUTGOING_EVENT_DAYS.

    In parts, so that no worker waits for long; two processes at once delete different ones. How many events.
    """
    deleted = 0
    while deleted < MOST_IN_A_ROUND and (count := _delete_some()):
        deleted += count
    if deleted:
        log.info("%d outgoing events were deleted, older than %d days", deleted, settings.OUTGOING_EVENT_DAYS)
    return deleted


@transaction.atomic
def _delete_some() -> int:
    """The oldest, with all that was sent of them, whatever its state."""
    before = Now() - timedelta(days=settings.OUTGOING_EVENT_DAYS)
    # what a list or a late event tells may have occurred long ago and be new all the same
    old = OutgoingEvent.objects.filter(occurred_at__lt=before, recorded_at__lt=before)
    locked = old.order_by("occurred_at", "pk").select_for_update(skip_locked=True)
    ids = list(locked.values_list("pk", flat=True)[:DELETED_AT_ONCE])
    deliveries = OutgoingDelivery.objects.filter(event__in=ids)
    DeliveryAttempt.objects.filter(delivery__in=deliveries.values("pk")).delete()
    deliveries.delete()
    OutgoingEvent.objects.filter(pk__in=ids).delete()
    return len(ids)
