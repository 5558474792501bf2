"""An event that could not be applied keeps its error and is applied again."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from django.db import connection, transaction
from django.utils import timezone

from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import CallRecord
from reminders.traffic.callback_urls import Callback
from tests.people import SARAH, make_due_reminder
from webhooks.applying import apply_again, apply_event, apply_stored, set_aside
from webhooks.inbox import store_event
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db

CONFIRMED = (
    b'{"event": "call.completed", "call_id": "cal_1", "to": "%s", "status": "answered", "dtmf_response": "1"}'
)


@pytest.fixture
def event() -> WebhookEvent:
    make_due_reminder()
    claim = claim_due(10)
    [call] = open_calls(claim.reminder_ids, claim.token)
    callback = Callback("c", call.public_id, "status")
    event_id = store_event(callback, CONFIRMED % SARAH.encode(), "application/json")
    assert event_id is not None
    return WebhookEvent.objects.get(pk=event_id)


def break_applying() -> None:
    """A real database error: the appointment's history can't be written."""
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE contacts_appointmentchange RENAME TO gone")


def mend_applying() -> None:
    with connection.cursor() as cursor:
        cursor.execute("ALTER TABLE gone RENAME TO contacts_appointmentchange")


def test_an_event_that_cannot_be_applied_keeps_its_error_and_gets_a_next_attempt(event: WebhookEvent) -> None:
    break_applying()
    assert apply_event(event.pk) == "failed"
    event.refresh_from_db()
    assert "contacts_appointmentchange" in event.error
    assert event.next_attempt_at is not None
    assert CallRecord.objects.get().state == "submitting", "nothing is half applied"


def test_the_sweep_applies_a_failed_event_again_when_its_pause_is_over(event: WebhookEvent) -> None:
    break_applying()
    apply_event(event.pk)
    mend_applying()
    assert apply_stored() == 0, "not before its pause is over"
    assert apply_stored(timezone.now() + timedelta(minutes=2)) == 1
    assert CallRecord.objects.get().reminder.appointment.is_confirmed


def test_an_event_that_is_only_stored_is_applied(event: WebhookEvent) -> None:
    assert apply_stored() == 1
    event.refresh_from_db()
    assert event.state == "applied"


def test_after_the_last_attempt_only_a_person_can_apply_an_event_again(event: WebhookEvent) -> None:
    break_applying()
    for _ in range(8):
        apply_event(event.pk)
    mend_applying()
    assert apply_stored(timezone.now() + timedelta(days=30)) == 0
    assert apply_again([event.pk]) == {event.pk: "applied"}


def test_folding_the_same_event_twice_changes_nothing(event: WebhookEvent) -> None:
    apply_event(event.pk)
    before = CallRecord.objects.values().get()
    WebhookEvent.objects.update(state="stored")  # as if its state had been lost
    assert apply_event(event.pk) == "applied"
    assert CallRecord.objects.values().get() == before


def test_a_stored_error_contains_no_personal_data(event: WebhookEvent) -> None:
    with connection.cursor() as cursor:
        cursor.execute("SET CONSTRAINTS ALL IMMEDIATE")
        cursor.execute("ALTER TABLE reminders_callrecord ADD CONSTRAINT broken CHECK (key_pressed <> '1')")
    assert apply_event(event.pk) == "failed"
    event.refresh_from_db()
    assert "CheckViolation" in event.error
    assert SARAH not in event.error
    assert "Harbor Clinic" not in event.error


def test_an_event_applied_meanwhile_stays_applied(event: WebhookEvent) -> None:
    apply_event(event.pk)
    assert set_aside(event.pk, "quarantined", "too late") == "applied"
    event.refresh_from_db()
    assert (event.state, event.error, event.attempts) == ("applied", "", 1)


def test_a_failed_event_is_applied_when_it_is_sent_again(event: WebhookEvent) -> None:
    assert event.call is not None
    again = Callback("c", event.call.public_id, "status"), bytes(event.body), "application/json"
    break_applying()
    apply_event(event.pk)
    assert store_event(*again) == event.pk
    mend_applying()
    apply_event(event.pk)
    assert store_event(*again) is None


def test_the_same_body_with_another_content_type_is_another_event(event: WebhookEvent) -> None:
    assert event.call is not None
    callback = Callback("c", event.call.public_id, "status")
    assert store_event(callback, bytes(event.body), "text/plain") not in (None, event.pk)


@pytest.mark.django_db(transaction=True)
def test_of_equal_requests_at_the_same_moment_one_is_stored(event: WebhookEvent) -> None:
    """The first time, and again when the same answer comes after a while (product rule 33)."""
    assert event.call is not None
    callback, together = Callback("c", event.call.public_id, "status"), Barrier(4)

    def store(_: int) -> int | None:
        try:
            together.wait(timeout=20)
            return store_event(callback, b'{"event": "call.completed", "dtmf_response": "1"}', "")
        finally:
            connection.close()

    with ThreadPoolExecutor(4) as threads:
        first = set(threads.map(store, range(4)))
        assert len(first) == 1
        assert apply_event(first.pop() or 0) == "applied"
        WebhookEvent.objects.update(received_at=timezone.now() - timedelta(minutes=5))
        assert len(set(threads.map(store, range(4)))) == 1
    assert WebhookEvent.objects.exclude(pk=event.pk).count() == 2


@pytest.mark.django_db(transaction=True)
def test_of_several_appliers_at_the_same_moment_one_tries_an_event_that_can_not_be_applied(
    event: WebhookEvent,
) -> None:
    together = Barrier(4)

    def apply() -> str:
        try:
            WebhookEvent.objects.count()
            together.wait(timeout=30)
            return apply_event(event.pk, wait=True)
        finally:
            connection.close()

    WebhookEvent.objects.update(body=CONFIRMED % b"+12125550177")
    with ThreadPoolExecutor(4) as threads:
        states = [done.result(timeout=60) for done in [threads.submit(apply) for _ in range(4)]]
    assert states == ["quarantined"] * 4
    event.refresh_from_db()
    assert event.attempts == 1


@pytest.mark.django_db(transaction=True)
def test_an_event_that_a_person_applies_again_is_at_no_moment_one_that_counts_untrusted(
    event: WebhookEvent,
) -> None:
    WebhookEvent.objects.update(state="unverified")

    def apply() -> dict[int, str]:
        try:
            return apply_again([event.pk])
        finally:
            connection.close()

    with transaction.atomic():  # somebody else is changing the call
        CallRecord.objects.select_for_update().get(pk=event.call_id or 0)
        with ThreadPoolExecutor(1) as threads:
            assert threads.submit(apply).result(timeout=60) == {event.pk: "unverified"}
    assert apply_stored() == 0
    assert apply_again([event.pk]) == {event.pk: "applied"}
