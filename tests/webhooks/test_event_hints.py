"""A stored event is applied by a worker that is told of it; a "no" in its own request."""

import json
import logging
import os
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from datetime import timedelta
from typing import Any
from urllib.parse import urlsplit

import psycopg
import pytest
import requests
from celery import current_app
from django.db import connection, transaction
from django.db.models import Model
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from psycopg import sql
from pytest_django import Settings
from pytest_django.live_server_helper import LiveServer
from redis import Redis

from config.queues import EVENTS_QUEUE
from contacts.models import Appointment, PhoneNumber
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.health.rounds import begin_round, find_trouble
from reminders.lifecycle.follow_ups import open_follow_up
from reminders.lifecycle.locking import BRIEFLY
from reminders.models import CallRecord, FollowUp, Heartbeat
from reminders.traffic import shutdown
from reminders.traffic.callback_urls import Callback, status_url
from tests.celery_processes import read_database_url
from tests.flows.applying import applying_events
from tests.people import make_contact, make_due_reminder
from tests.waiting import find_free_port, wait_until
from tests.webhooks.robotalker import ANSWERED, make_event, post, post_for_response
from webhooks import event_hints
from webhooks.applying import MOST_ATTEMPTS, apply_at_once, apply_stored
from webhooks.inbox import store_event
from webhooks.models import WebhookEvent
from webhooks.tasks import apply_new_events

pytestmark = pytest.mark.django_db(transaction=True)

PEOPLE = 30


@pytest.fixture
def broker(monkeypatch: pytest.MonkeyPatch) -> Iterator[Redis]:
    """Redis, with no hint and no task in it."""
    monkeypatch.setattr(event_hints, "_paused_until", 0.0)
    with Redis.from_url(os.environ["REDIS_URL"]) as redis:
        redis.delete(event_hints.KEY, EVENTS_QUEUE)
        yield redis
        redis.delete(event_hints.KEY, EVENTS_QUEUE)


def list_tasks(broker: Redis) -> list[str]:
    """The names of the tasks that wait in the queue of events."""
    return [json.loads(message)["headers"]["task"] for message in broker.lrange(EVENTS_QUEUE, 0, -1)]


def count_applied() -> int:
    return WebhookEvent.objects.filter(state="applied").count()


def test_a_worker_is_told_once_of_a_burst_and_again_after_it_has_applied_it(
    call: CallRecord, broker: Redis
) -> None:
    assert current_app.conf.task_routes[event_hints.TASK]["queue"] == EVENTS_QUEUE
    for event in ("call.ringing", "call.dtmf", "call.completed"):
        assert post_for_response(status_url(call), make_event(event)).status_code == 200
    assert list_tasks(broker) == [event_hints.TASK]
    assert count_applied() == 0
    apply_new_events()
    assert count_applied() == 3
    post_for_response(status_url(call), make_event("call.voicemail"))
    assert list_tasks(broker) == [event_hints.TASK] * 2


def test_an_event_that_is_stored_while_the_hint_is_taken_away_is_applied(
    call: CallRecord, broker: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its own request saw the hint, and told nobody."""
    drop = event_hints.drop_hint

    def store_and_drop() -> None:
        store_event(
            Callback("c", call.public_id, "status"), json.dumps(ANSWERED).encode(), "application/json"
        )
        drop()

    monkeypatch.setattr("webhooks.tasks.drop_hint", store_and_drop)
    apply_new_events()
    assert Appointment.objects.get().is_confirmed


def test_a_worker_that_has_worked_for_long_enough_asks_for_the_next_task(
    call: CallRecord, broker: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("webhooks.tasks.ROUND_SECONDS", -1.0)
    post_for_response(status_url(call), ANSWERED)
    broker.delete(EVENTS_QUEUE)
    apply_new_events()
    assert (count_applied(), list_tasks(broker)) == (1, [event_hints.TASK])


def test_an_event_of_which_no_worker_is_told_is_applied_by_the_tick(
    call: CallRecord, settings: Settings, broker: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    """Redis is away: the request says so once, waits once, and is answered."""
    settings.REDIS_URL = f"redis://127.0.0.1:{find_free_port()}"
    with caplog.at_level(logging.WARNING, "webhooks.event_hints"):
        for event in ("call.ringing", "call.completed"):
            assert post_for_response(status_url(call), make_event(event)).status_code == 200
    assert len([one for one in caplog.records if one.name == "webhooks.event_hints"]) == 1
    assert apply_stored() == 2


def test_an_event_that_rolls_back_tells_nobody(broker: Redis) -> None:
    with transaction.atomic():
        event_hints.hint_applying()
        transaction.set_rollback(True)
    assert not list_tasks(broker)


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

    with applying_events(), ThreadPoolExecutor(8) as pool:
        assert set(pool.map(send, requests_)) == {200}
        wait_until(lambda: count_applied() == 2 * PEOPLE, "all to be applied", within_seconds=30)
    assert sum(appointment.is_confirmed for appointment in Appointment.objects.all()) == PEOPLE


OPT_OUTS: dict[str, dict[str, Any]] = {
    "contact.optout": make_event("contact.optout", channel="voice"),
    "key 9": {**ANSWERED, "dtmf_response": "9"},
    "STOP": make_event("sms.received", text="STOP"),
}


@pytest.mark.parametrize("body", OPT_OUTS.values(), ids=OPT_OUTS.keys())
def test_an_opt_out_is_recorded_before_its_request_is_answered(
    call: CallRecord, body: dict[str, Any]
) -> None:
    assert post_for_response(status_url(call), body).status_code == 200
    check_opted_out(call)


def test_a_lock_timeout_leaves_the_event_to_the_next_run_and_counts_no_attempt(call: CallRecord) -> None:
    with hold(Appointment):
        assert post(status_url(call), ANSWERED) == 200
        event = WebhookEvent.objects.get()
        assert (event.state, event.attempts) == ("stored", 0)
    assert apply_stored() == 1


def test_events_whose_rows_somebody_holds_keep_no_others_waiting(call: CallRecord) -> None:
    make_due_reminder(make_contact("Noah", number="+12025550177"))
    claim = claim_due(1)
    [other] = open_calls(claim.reminder_ids, claim.token)
    held, free = (
        store_event(Callback("c", one.public_id, "key-1"), b"", "text/plain") for one in (call, other)
    )
    assert held
    assert free
    with psycopg.connect(read_database_url()) as desk:
        visit = call.reminder.appointment_id
        desk.execute("SELECT 1 FROM contacts_appointment WHERE id = %s FOR UPDATE", [visit])
        assert apply_stored() == 1
        assert WebhookEvent.objects.get(pk=held).state == "stored"
    assert apply_stored() == 1
    assert count_applied() == 2


def test_a_row_that_somebody_holds_is_no_trouble_of_the_worker(call: CallRecord) -> None:
    """Else every page would say that events fail, after two ticks."""
    store_event(Callback("c", call.public_id, "key-1"), b"", "text/plain")
    begin_round()
    with hold(Appointment):
        assert apply_stored() == 0
    assert find_trouble() == ""


def test_many_events_whose_rows_somebody_holds_for_long_wait_for_two_seconds_in_all() -> None:
    for person in range(5):
        make_due_reminder(make_contact(f"Patient {person}", number=f"+120255501{person:02}"))
    claim = claim_due(5)
    for call in open_calls(claim.reminder_ids, claim.token):
        store_event(Callback("c", call.public_id, "key-1"), b"", "text/plain")
    with hold(Appointment):
        with CaptureQueriesContext(connection) as queries:
            assert apply_stored() == 0
        assert count_patient(queries) == 2, "the group, which waits for nobody, and the first event alone"
    assert apply_stored() == 5


def test_a_row_that_a_whole_group_waits_for_costs_two_seconds() -> None:
    """Such as a follow-up that an answer closes: the group fails, and each half of it waits again."""
    for person in range(4):
        make_due_reminder(make_contact(f"Patient {person}", number=f"+120255501{person:02}"))
    claim = claim_due(4)
    for call in open_calls(claim.reminder_ids, claim.token):
        open_follow_up(FollowUp.Kind.COULD_NOT_REACH, reminder=call.reminder, call=call)
        store_event(Callback("c", call.public_id, "key-1"), b"", "text/plain")
    with hold(FollowUp):
        with CaptureQueriesContext(connection) as queries:
            assert apply_stored() == 0
        assert count_patient(queries) == 1
    assert apply_stored() == 4


def test_a_failed_event_that_is_sent_again_is_applied_at_once(call: CallRecord, broker: Redis) -> None:
    """Its next attempt is not due yet, or it had its last."""
    post_for_response(status_url(call), ANSWERED)
    later = timezone.now() + timedelta(minutes=1)
    WebhookEvent.objects.update(state="failed", attempts=MOST_ATTEMPTS, next_attempt_at=later)
    assert post_for_response(status_url(call), ANSWERED).status_code == 200
    apply_new_events()
    assert count_applied() == 1


def test_a_worker_that_is_stopped_leaves_the_rest_to_the_next_task(
    call: CallRecord, broker: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutdown, "_shared", bytearray(b"\1"))
    post_for_response(status_url(call), ANSWERED)
    broker.delete(EVENTS_QUEUE)
    apply_new_events()
    assert (count_applied(), list_tasks(broker)) == (1, [event_hints.TASK])


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


def count_patient(queries: CaptureQueriesContext) -> int:
    """In how many transactions locks are waited for longer than hardly."""
    return len([one for one in queries if f"'lock_timeout', '{BRIEFLY:.3f}s'" in one["sql"]])


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


def test_a_worker_that_events_keep_busy_says_that_they_are_applied(
    call: CallRecord, broker: Redis, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Under such a load the tick that says so else expires before it has its turn."""
    monkeypatch.setattr("webhooks.tasks.ROUND_SECONDS", -1.0)
    assert post_for_response(status_url(call), ANSWERED).status_code == 200
    apply_new_events()
    assert Heartbeat.objects.get(name="events").did == "1 applied"
    assert list_tasks(broker) == [event_hints.TASK] * 2, "the next one goes on"
