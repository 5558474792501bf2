"""Stored events that may go: they were applied, or a person has dismissed them."""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet

from reminders.models import EvidenceHold
from reminders.rules.states import CALL_OPEN
from webhooks.models import EventDismissal, WebhookEvent

SETTLED = (WebhookEvent.State.APPLIED, WebhookEvent.State.DISMISSED)


def find_old_events(before: datetime) -> QuerySet[WebhookEvent]:
    """Those received before that moment."""
    held = EvidenceHold.objects.filter(call=OuterRef("call"), ended_at=None)
    settled = Q(call=None) | ~Q(call__state__in=CALL_OPEN)
    return WebhookEvent.objects.filter(settled, ~Exists(held), received_at__lt=before, state__in=SETTLED)


def delete_events(ids: Sequence[int]) -> int:
    EventDismissal.objects.filter(event__in=ids).delete()
    return WebhookEvent.objects.filter(pk__in=ids).delete()[0]
