"""Outgoing events are kept for OUTGOING_EVENT_DAYS, and can be sent again until then (product rule 64)."""

from datetime import timedelta

import pytest
from django.conf import settings as ours
from django.db import connection, transaction
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from contacts.models import ConsentEntry, PhoneNumber
from contacts.optouts import record_optout
from tests.people import make_number
from tests.webhooks.outgoing.receiver import Receiver
from webhooks.outgoing import retention
from webhooks.outgoing.csv_export import stream_csv
from webhooks.outgoing.deliveries import deliver_due
from webhooks.outgoing.endpoints import replay_since
from webhooks.outgoing.models import DeliveryAttempt, OutgoingDelivery, OutgoingEndpoint, OutgoingEvent
from webhooks.outgoing.retention import delete_old_events
from webhooks.tasks import forget_events

pytestmark = pytest.mark.django_db


def opt_out(*last: int) -> None:
    for each in last:
        record_optout(make_number(f"+1202555010{each}").pk, scope="all", source="key", at=timezone.now())


def make_older(days: float, *, occurred: bool = True, recorded: bool = True) -> None:
    """All events as if they were of so many days before."""
    then = timezone.now() - timedelta(days=days)
    if occurred:
        OutgoingEvent.objects.update(occurred_at=then)
    if recorded:
        OutgoingEvent.objects.update(recorded_at=then)


def test_old_events_go_with_their_deliveries_and_attempts_and_the_ledger_stays(
    receiver: Receiver, endpoint: OutgoingEndpoint
) -> None:
    opt_out(0, 1)
    deliver_due()
    make_older(ours.OUTGOING_EVENT_DAYS + 1)
    opt_out(2)
    assert delete_old_events() == 2
    assert (OutgoingEvent.objects.count(), OutgoingDelivery.objects.count()) == (1, 0)
    assert not DeliveryAttempt.objects.exists()
    assert ConsentEntry.objects.count() == 3
    assert PhoneNumber.objects.exclude(voice_opted_out_at=None).count() == 3


@pytest.mark.parametrize(("occurred", "recorded"), [(True, False), (False, True), (False, False)])
def test_what_is_recorded_late_or_dated_ahead_is_not_old(occurred: bool, recorded: bool) -> None:
    opt_out(0)
    make_older(ours.OUTGOING_EVENT_DAYS + 1, occurred=occurred, recorded=recorded)
    assert delete_old_events() == 0


def test_until_then_all_can_be_sent_again_and_are_in_the_file(
    receiver: Receiver, endpoint: OutgoingEndpoint, settings: Settings
) -> None:
    settings.OUTGOING_EVENT_DAYS = 30
    opt_out(0)
    make_older(29)
    forget_events()
    now = timezone.now()
    assert replay_since(endpoint.pk, now - timedelta(days=30)) == 1
    assert deliver_due() == 1
    assert len(list(stream_csv(now - timedelta(days=30), now))) == 2


def test_what_waits_for_an_endpoint_that_is_off_goes_too(endpoint: OutgoingEndpoint) -> None:
    OutgoingEndpoint.objects.update(state="failed")
    opt_out(0)
    deliver_due()
    assert OutgoingDelivery.objects.get().state == "waiting"
    make_older(ours.OUTGOING_EVENT_DAYS + 1)
    assert delete_old_events() == 1
    assert deliver_due() == 0


def test_they_are_deleted_in_parts_and_the_rest_of_very_many_the_next_time(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(retention, "MOST_ROWS", 2)
    monkeypatch.setattr(retention, "MOST_IN_A_ROUND", 4)
    opt_out(*range(7))
    make_older(ours.OUTGOING_EVENT_DAYS + 1)
    with CaptureQueriesContext(connection) as queries:
        assert delete_old_events() == 4
    assert sum(query["sql"].startswith("SAVEPOINT") for query in queries) == 2
    assert delete_old_events() == 3


def test_of_events_with_many_attempts_no_more_rows_go_in_one_transaction(
    receiver: Receiver, endpoint: OutgoingEndpoint, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(retention, "MOST_ROWS", 2)
    opt_out(*range(3))
    deliver_due()
    for delivery in OutgoingDelivery.objects.all():
        DeliveryAttempt.objects.create(delivery=delivery)
    make_older(ours.OUTGOING_EVENT_DAYS + 1)
    with CaptureQueriesContext(connection) as queries:
        assert delete_old_events() == 3
    assert (
        sum(query["sql"].startswith("SAVEPOINT") for query in queries) == 3 + 2 + 2 + 1
    )  # the last finds none
    assert not DeliveryAttempt.objects.exists()
    assert not OutgoingDelivery.objects.exists()


def test_the_old_ones_are_found_by_the_index_of_time() -> None:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SET LOCAL enable_seqscan = off")
        with CaptureQueriesContext(connection) as queries:
            delete_old_events()
        [found] = [one["sql"] for one in queries if "FOR UPDATE" in one["sql"]]
        cursor.execute(f"EXPLAIN {found}")
        plan = "".join(line for (line,) in cursor.fetchall())
    assert "outgoing_event_by_time" in plan
