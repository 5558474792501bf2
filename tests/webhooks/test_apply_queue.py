"""Which thread applies events when many come at once."""

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import requests
from django.db import InterfaceError, connection, connections
from django.db.models import Model
from django.utils import timezone
from psycopg import sql
from pytest_django.live_server_helper import LiveServer

from contacts.models import Appointment, PhoneNumber
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import CallRecord
from reminders.traffic.callback_urls import Callback, status_url
from tests.celery_processes import read_database_url
from tests.people import make_contact, make_due_reminder
from tests.waiting import wait_until
from tests.webhooks.robotalker import ANSWERED, make_event, post
from webhooks import apply_queue
from webhooks.applying import apply_at_once
from webhooks.inbox import apply_stored, store_event
from webhooks.models import WebhookEvent

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = 30


@pytest.fixture(autouse=True)
def end_with_an_empty_queue() -> Iterator[None]:
    yield
    wait_until(apply_queue.is_idle, "the last event to be applied")


@pytest.fixture
def another_thread_applies() -> Iterator[None]:
    """Another thread seems to be applying events, until the test ends or releases the lock."""
    assert apply_queue._applying.acquire(timeout=10)
    yield
    if apply_queue._applying.locked():
        apply_queue._release_lock()


def count_applied() -> int:
    return WebhookEvent.objects.filter(state="applied").count()


def test_a_single_event_is_applied_before_its_request_is_answered(call: CallRecord) -> None:
    assert post(status_url(call), ANSWERED) == 200
    assert count_applied() == 1


def test_an_event_is_queued_while_another_thread_applies_events_and_is_applied_after_them(
    call: CallRecord, another_thread_applies: None
) -> None:
    assert post(status_url(call), ANSWERED) == 200
    assert (WebhookEvent.objects.count(), count_applied()) == (1, 0)
    apply_queue._release_lock()
    wait_until(lambda: count_applied() == 1, "the event to be applied")
    assert Appointment.objects.get().is_confirmed


OPT_OUTS: dict[str, dict[str, Any]] = {
    "contact.optout": make_event("contact.optout", channel="voice"),
    "key 9": {**ANSWERED, "dtmf_response": "9"},
    "STOP": make_event("sms.received", text="STOP"),
}


@pytest.mark.parametrize("body", OPT_OUTS.values(), ids=OPT_OUTS.keys())
def test_an_opt_out_is_recorded_before_its_request_is_answered_while_another_thread_applies_events(
    call: CallRecord, another_thread_applies: None, body: dict[str, Any]
) -> None:
    assert post(status_url(call), body) == 200
    call.number.refresh_from_db()
    assert call.number.voice_opted_out_at is not None


def test_every_event_of_a_burst_is_applied(live_server: LiveServer) -> None:
    """Thirty people answer at the same time, and each answer is sent twice, over eight connections."""
    for person in range(PEOPLE):
        make_due_reminder(make_contact(f"Patient {person}", number=f"+120255501{person:02}"))
    claim = claim_due(PEOPLE)
    calls = open_calls(claim.reminder_ids, claim.token)
    requests_ = [
        (urlsplit(status_url(call)).path, {"event": event, "to": call.number.e164, "digit": "1"})
        for call in calls
        for event in ("call.dtmf", "call.completed")
    ]

    def send(request: tuple[str, dict[str, Any]]) -> int:
        path, body = request
        answer = requests.post(f"{live_server.url}{path}", data=json.dumps(body), timeout=30)
        return answer.status_code

    with ThreadPoolExecutor(8) as pool:
        assert set(pool.map(send, requests_)) == {200}
    wait_until(lambda: count_applied() == 2 * PEOPLE, "all to be applied", within_seconds=30)
    assert sum(appointment.is_confirmed for appointment in Appointment.objects.all()) == PEOPLE


def refuse_thread(*_: object, **__: object) -> None:
    """As Python does when the system has no threads left."""
    raise RuntimeError("can't start new thread")


def test_when_no_thread_can_be_started_the_next_request_applies_the_queued_events(
    call: CallRecord, another_thread_applies: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    post(status_url(call), ANSWERED)
    with monkeypatch.context() as exhausted:
        exhausted.setattr(threading, "_start_new_thread", refuse_thread)
        apply_queue._release_lock()
    assert not apply_queue._applying.locked()
    post(status_url(call), make_event("call.voicemail"))
    assert count_applied() == 2


def test_the_lock_is_released_when_connections_can_not_be_closed(
    call: CallRecord, another_thread_applies: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail() -> None:
        raise InterfaceError("it was closed already")

    monkeypatch.setattr(connections, "close_all", fail)
    post(status_url(call), ANSWERED)
    apply_queue._apply_waiting()
    assert not apply_queue._applying.locked()
    assert count_applied() == 1


def test_a_lock_timeout_leaves_the_event_to_the_sweep_and_counts_no_attempt(call: CallRecord) -> None:
    with hold(Appointment):
        assert post(status_url(call), ANSWERED) == 200
        event = WebhookEvent.objects.get()
        assert (event.state, event.attempts, apply_queue.is_idle()) == ("stored", 0, True)
    assert apply_stored(timezone.now() + timedelta(minutes=1)) == 1


def test_only_a_few_requests_wait_when_the_queue_is_too_long(
    call: CallRecord, another_thread_applies: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(apply_queue, "MOST_WAITING", 0)
    for _ in range(apply_queue.MOST_SLOWED):
        assert apply_queue._slowed.acquire(blocking=False)
    started = time.monotonic()
    try:
        assert post(status_url(call), ANSWERED) == 200
    finally:
        apply_queue._slowed.release(apply_queue.MOST_SLOWED)
    assert time.monotonic() - started < apply_queue.LONGEST_WAIT


def test_an_opt_out_that_can_not_be_recorded_gets_503_and_is_recorded_when_it_is_sent_again(
    call: CallRecord,
) -> None:
    optout = make_event("call.dtmf", digit="9")
    with hold(PhoneNumber):
        assert post(status_url(call), optout) == 503
        assert post(status_url(call), optout) == 503, "the repeated request, too"
    assert post(status_url(call), optout) == 200
    check_opted_out(call)


def test_an_opt_out_is_recorded_although_the_database_connection_was_cut(call: CallRecord) -> None:
    """The connection is cut between storing and applying it."""
    event_id = store_event(Callback("c", call.public_id, "status"), b'{"event": "contact.optout"}', "")
    assert event_id is not None
    with psycopg.connect(read_database_url(), autocommit=True) as server:
        server.execute("SELECT pg_terminate_backend(%s)", [connection.connection.info.backend_pid])
    assert apply_at_once(event_id)
    check_opted_out(call)


def test_a_repeated_opt_out_is_answered_only_after_it_is_recorded(call: CallRecord) -> None:
    optout = make_event("call.dtmf", digit="9")

    def send_optout() -> tuple[int, bool]:
        try:
            answer = post(status_url(call), optout)
            return answer, PhoneNumber.objects.get().voice_opted_out_at is not None
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        with hold(PhoneNumber):
            answers = [pool.submit(send_optout) for _ in range(2)]
            wait_until(lambda: count_lock_waits() >= 2, "both to wait")
        assert [answer.result() for answer in answers] == [(200, True), (200, True)]


def check_opted_out(call: CallRecord) -> None:
    call.number.refresh_from_db()
    assert call.number.voice_opted_out_at is not None


def count_lock_waits() -> int:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT count(*) FROM pg_stat_activity"
            " WHERE wait_event_type = 'Lock' AND datname = current_database()"
        )
        return int(cursor.fetchone()[0])


@contextmanager
def hold(model: type[Model]) -> Iterator[None]:
    """Another connection has these rows locked until the block ends."""
    with psycopg.connect(read_database_url()) as other:
        table = sql.Identifier(model._meta.db_table)
        other.execute(sql.SQL("SELECT 1 FROM {} FOR UPDATE").format(table))
        yield
