"""Requests without a good address are counted, and the door never waits for the counter."""

import socket
import threading
import time
from collections.abc import Iterator

import pytest
from django.test import Client
from pytest_django import Settings

from reminders.models import CallRecord
from reminders.traffic.callback_urls import status_url
from reminders.traffic.restore_guard import forget_database_name
from tests.waiting import find_free_port, wait_until
from tests.webhooks.robotalker import ANSWERED, post
from webhooks import refusal_counts as counting
from webhooks.refusal_counts import PATIENCE, forget_refusals, read_refusals

pytestmark = pytest.mark.django_db

FORGED = "/hooks/robotalker/x"


@pytest.fixture(autouse=True)
def begin_at_nothing(settings: Settings) -> Iterator[None]:
    here = settings.REDIS_URL
    forget_refusals()
    forget_database_name()
    yield
    settings.REDIS_URL = here
    forget_refusals()


def wait_for(counts: dict[str, int]) -> None:
    wait_until(lambda: read_refusals() == counts, f"the counts to be {counts}")


def test_refused_requests_are_counted_by_why(call: CallRecord, settings: Settings) -> None:
    urls = [FORGED, FORGED, status_url(CallRecord(public_id="A" * 16))]
    assert [post(url, ANSWERED) for url in urls] == [404, 404, 404]
    good = status_url(call)
    settings.WEBHOOK_TOKEN_DAYS = 0
    assert post(good, ANSWERED) == 404
    wait_for({"forged": 2, "unknown call": 1, "expired": 1})


def test_a_good_request_is_not_counted(call: CallRecord) -> None:
    assert [post(status_url(call), ANSWERED), post(FORGED, ANSWERED)] == [200, 404]
    wait_for({"forged": 1})


def test_the_count_is_a_note_where_health_is_asked() -> None:
    post(FORGED, ANSWERED)
    wait_for({"forged": 1})
    notes = Client().get("/readyz").json()["notes"]
    assert notes["refused"] == "1 requests today had no good address: 1 forged"


def test_while_redis_is_away_the_door_works_and_nothing_is_forgotten(
    settings: Settings, caplog: pytest.LogCaptureFixture
) -> None:
    here = settings.REDIS_URL
    settings.REDIS_URL = f"redis://127.0.0.1:{find_free_port()}/0"
    assert [post(FORGED, ANSWERED) for _ in range(3)] == [404, 404, 404]
    wait_until(lambda: "could not be counted yet: ConnectionError" in caplog.text, "the counter to fail")
    settings.REDIS_URL = here
    post(FORGED, ANSWERED)
    wait_for({"forged": 4})


def test_a_redis_that_hangs_holds_up_no_request(settings: Settings) -> None:
    """It takes the connection and never answers; requests that waited for it would take 10 s together."""
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        here = settings.REDIS_URL
        settings.REDIS_URL = f"redis://127.0.0.1:{hanging.getsockname()[1]}/0"
        hanging.settimeout(10)
        post(FORGED, ANSWERED)
        line, _ = hanging.accept()  # the counter hangs now
        with line:
            started = time.monotonic()
            assert [post(FORGED, ANSWERED) for _ in range(20)] == [404] * 20
            assert time.monotonic() - started < 20 * PATIENCE / 2
        settings.REDIS_URL = here
    post(FORGED, ANSWERED)
    wait_for({"forged": 22})


def test_a_machine_that_has_no_thread_left_refuses_all_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    wait_until(lambda: not counting._is_due, "what was counted before to be written")
    with monkeypatch.context() as exhausted:
        exhausted.setattr(threading, "_start_new_thread", refuse_thread)
        assert post(FORGED, ANSWERED) == 404
    assert post(FORGED, ANSWERED) == 404
    wait_for({"forged": 2})


def refuse_thread(*_: object, **__: object) -> None:
    """As Python does when the system has none left."""
    raise RuntimeError("can't start new thread")
