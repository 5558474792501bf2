"""How long outgoing events are kept: OUTGOING_EVENT_DAYS, with their deliveries and attempts.

The appointments and the consent ledger keep what happened; an event only says that it was to be told. Until
it is deleted it can be sent again and is in the file of events (docs/webhooks.md).
"""

import logging
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import transaction
from django.db.models import QuerySet
from django.db.models.functions import Now

from webhooks.outgoing.models import DeliveryAttempt, OutgoingDelivery, OutgoingEvent

log = logging.getLogger(__name__)

MOST_ROWS = 1000  # in one transaction
MOST_IN_A_ROUND = 50_000  # rows: the rest goes in the next hour


def delete_old_events() -> int:
    """Delete the events of which both the occurrence and the record are older than OUTGOING_EVENT_DAYS.

    In parts, so that no worker waits for long; two processes at once delete different ones. How many events.
    """
    rows = events = 0
    while rows < MOST_IN_A_ROUND and (deleted := _delete_some())[0]:
        rows, events = rows + deleted[0], events + deleted[1]
    if events:
        log.info("%d outgoing events were deleted, older than %d days", events, settings.OUTGOING_EVENT_DAYS)
    return events


@transaction.atomic
def _delete_some() -> tuple[int, int]:
    """Of the oldest events at most MOST_ROWS attempts, else deliveries, else the events themselves.

    How many rows, and how many of them are events.
    """
    before = Now() - timedelta(days=settings.OUTGOING_EVENT_DAYS)
    # what a list or a late event tells may have occurred long ago and be new all the same
    old = OutgoingEvent.objects.filter(occurred_at__lt=before, recorded_at__lt=before)
    locked = old.order_by("occurred_at", "pk").select_for_update(skip_locked=True)
    ids = list(locked.values_list("pk", flat=True)[:MOST_ROWS])
    count = _delete_first(DeliveryAttempt.objects.filter(delivery__event__in=ids))
    count = count or _delete_first(OutgoingDelivery.objects.filter(event__in=ids))
    if count:
        return count, 0
    count = _delete_first(OutgoingEvent.objects.filter(pk__in=ids))
    return count, count


def _delete_first(rows: QuerySet[Any]) -> int:
    first = list(rows.order_by("pk").values_list("pk", flat=True)[:MOST_ROWS])
    return rows.model._default_manager.filter(pk__in=first).delete()[0] if first else 0
