"""What an admin does with endpoints: switch on and off, rotate the secret, test, and send again."""

from collections.abc import Collection
from datetime import datetime, timedelta

from django.db import transaction
from django.db.models import Q, QuerySet
from django.db.models.functions import Now

from webhooks.outgoing.models import (
    EventType,
    OutgoingDelivery,
    OutgoingEndpoint,
    OutgoingEvent,
)
from webhooks.outgoing.signing import make_secret

State, DeliveryState = OutgoingEndpoint.State, OutgoingDelivery.State
LATE_AFTER = timedelta(minutes=15)


@transaction.atomic
def switch_on(endpoint_ids: Collection[int]) -> int:
    """Switch endpoints on: what waits for them is sent, beginning with its first try. How many were off.

    What happened while a person had switched one off isn't sent by itself; replay_since() does that.
    """
    off = OutgoingEndpoint.objects.filter(pk__in=endpoint_ids).exclude(state=State.ON)
    ids = list(off.select_for_update(no_key=True).values_list("pk", flat=True))
    OutgoingEndpoint.objects.filter(pk__in=ids, state=State.OFF).update(since=Now())
    OutgoingEndpoint.objects.filter(pk__in=ids).update(
        state=State.ON, failures=0, failing_since=None, paused_until=None
    )
    _put_on_list(OutgoingDelivery.objects.filter(endpoint__in=ids, state=DeliveryState.WAITING))
    return len(ids)


def switch_off(endpoint_ids: Collection[int]) -> int:
    """Switch endpoints off: nothing is sent but a request that has begun. How many were not off."""
    return (
        OutgoingEndpoint.objects.filter(pk__in=endpoint_ids).exclude(state=State.OFF).update(state=State.OFF)
    )


@transaction.atomic
def rotate_secrets(endpoint_ids: Collection[int]) -> int:
    """Give endpoints a new secret each. The one before signs too, until end_old_secrets()."""
    endpoints = list(OutgoingEndpoint.objects.filter(pk__in=endpoint_ids).select_for_update(no_key=True))
    for endpoint in endpoints:
        endpoint.old_secret, endpoint.secret = endpoint.secret, make_secret()
        endpoint.save(update_fields=["secret", "old_secret"])
    return len(endpoints)


def end_old_secrets(endpoint_ids: Collection[int]) -> int:
    """Sign with the new secret only. How many had an old one."""
    return OutgoingEndpoint.objects.filter(pk__in=endpoint_ids).exclude(old_secret="").update(old_secret="")


@transaction.atomic
def send_test_events(endpoint_ids: Collection[int]) -> int:
    """Send each endpoint one event that is about nobody, whichever events it wants; how many."""
    endpoints = list(OutgoingEndpoint.objects.filter(pk__in=endpoint_ids))
    for endpoint in endpoints:
        event = OutgoingEvent.objects.create(type=EventType.TEST, occurred_at=Now(), distributed_at=Now())
        OutgoingDelivery.objects.create(endpoint=endpoint, event=event)
    return len(endpoints)


@transaction.atomic
def replay_deliveries(delivery_ids: Collection[int]) -> int:
    """Send these once more, whatever became of them, with the same ids; how many."""
    return _put_on_list(OutgoingDelivery.objects.filter(pk__in=delivery_ids))


@transaction.atomic
def replay_since(endpoint_id: int, since: datetime) -> int:
    """Send an endpoint all events that it wants and that occurred, or were recorded, from `since` (aware) on;
    how many.

    Those that it has got come again, with the same ids, and those that it never got come, too.
    """
    endpoint = OutgoingEndpoint.objects.select_for_update(no_key=True).get(pk=endpoint_id)
    is_since = Q(occurred_at__gte=since) | Q(recorded_at__gte=since)
    wanted = OutgoingEvent.objects.filter(is_since, type__in=endpoint.types)
    OutgoingDelivery.objects.bulk_create(
        (OutgoingDelivery(endpoint=endpoint, event_id=pk) for pk in wanted.values_list("pk", flat=True)),
        batch_size=1000,
        ignore_conflicts=True,
    )
    return _put_on_list(OutgoingDelivery.objects.filter(endpoint=endpoint, event__in=wanted))


def list_failed_endpoints() -> list[str]:
    """The names of those that were switched off since they kept failing, for whoever sets them up."""
    return list(OutgoingEndpoint.objects.filter(state=State.FAILED).values_list("name", flat=True))


def describe_trouble() -> list[str]:
    """What an admin has to look at, a short phrase each, without names of anybody; [] if nothing."""
    failed = OutgoingEndpoint.objects.filter(state=State.FAILED).count()
    deliveries = OutgoingDelivery.objects.filter(endpoint__state=State.ON)
    given_up = deliveries.filter(state=DeliveryState.GIVEN_UP).count()
    untried = Q(state=DeliveryState.WAITING, attempts=0, next_attempt_at__lt=Now() - LATE_AFTER)
    late = deliveries.filter(untried, endpoint__failures=0).count()
    found = [
        (failed, "outgoing endpoints are switched off, since they kept failing"),
        (given_up, "outgoing deliveries were given up"),
        (late, f"outgoing deliveries have waited for {LATE_AFTER.total_seconds() / 60:.0f} minutes"),
    ]
    return [f"{count} {words}" for count, words in found if count]


def _put_on_list(deliveries: "QuerySet[OutgoingDelivery]") -> int:
    return deliveries.update(
        state=DeliveryState.WAITING, attempts=0, next_attempt_at=Now(), delivered_at=None
    )
