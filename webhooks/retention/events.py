"""Stored events that may go: they were applied, or a person has dismissed them.

There may be ten million of them, and by far the most are too new. No index is by the moment they came, since
each event would pay for it; but they have their ids in that order.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db.models import Exists, OuterRef, Q, QuerySet
from django.db.models.functions import Now

from reminders.models import EvidenceHold
from reminders.rules.states import CALL_OPEN
from webhooks.models import EventDismissal, WebhookEvent

SETTLED = (WebhookEvent.State.APPLIED, WebhookEvent.State.DISMISSED)


def find_old_events(before: datetime) -> QuerySet[WebhookEvent]:
    """Those received before that moment, up to the first that wasn't: all that come after it are left alone.

    If the database's clock was set back meanwhile, some wait for one of the next nights.
    """
    first = _find_first_newer(before)
    older = WebhookEvent.objects.all() if first is None else WebhookEvent.objects.filter(pk__lt=first)
    held = EvidenceHold.objects.filter(call=OuterRef("call"), ended_at=None)
    settled = Q(call=None) | ~Q(call__state__in=CALL_OPEN)
    return older.filter(settled, ~Exists(held), received_at__lt=before, state__in=SETTLED)


def _find_first_newer(before: datetime) -> int | None:
    """The id of the first event received then or later; one dated ahead of now says nothing."""
    newer = WebhookEvent.objects.filter(received_at__gte=before, received_at__lte=Now())
    return newer.order_by("pk").values_list("pk", flat=True).first()


def delete_events(ids: Sequence[int]) -> int:
    EventDismissal.objects.filter(event__in=ids).delete()
    return WebhookEvent.objects.filter(pk__in=ids).delete()[0]
