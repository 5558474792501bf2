"""Requests without a valid address are counted, and the webhook endpoint never waits for the counter."""

import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from django.test import Client
from pytest_django import Settings

from reminders.models import CallRecord
from reminders.traffic.callback_urls import forget_database_name, status_url
from tests.waiting import find_free_port
from tests.webhooks.robotalker import ANSWERED, post
from webhooks import refusal_counts as counting
from webhooks.admin_overview import REFUSED
from webhooks.refusal_counts import PATIENCE, Refusal, forget_refusals, read_refusals

pytestmark = pytest.mark.django_db

FORGED = "/hooks/robotalker/x"


@pytest.fixture(autouse=True)
def begin_without_counts(settings: Settings, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    here = settings.REDIS_URL
    monkeypatch.setattr(counting, "_paused_until", 0.0)
    forget_refusals()
    forget_database_name()
    yield
    settings.REDIS_URL = here
    forget_refusals()


def test_refused_requests_are_counted_by_reason(call: CallRecord, settings: Settings) -> None:
    urls = [FORGED, FORGED, status_url(CallRecord(public_id="A" * 16))]
    assert [post(url, ANSWERED) for url in urls] == [404, 404, 404]
    good = status_url(call)
    settings.WEBHOOK_TOKEN_DAYS = 0
    assert post(good, ANSWERED) == 404
    assert read_refusals() == {"forged": 2, "unknown call": 1, "expired": 1}


def test_a_valid_request_is_not_counted(call: CallRecord) -> None:
    assert [post(status_url(call), ANSWERED), post(FORGED, ANSWERED)] == [200, 404]
    assert read_refusals() == {"forged": 1}


def test_the_health_page_shows_the_count_as_a_note(settings: Settings) -> None:
    settings.MONITORING_TOKEN = "only-for-tests"
    post(FORGED, ANSWERED)
    assert read_refusals() == {"forged": 1}
    notes = Client(headers={"authorization": "Bearer only-for-tests"}).get("/readyz").json()["notes"]
    assert notes["refused"] == "1 requests today had an invalid address: 1 forged"


def test_the_first_page_of_the_admin_shows_them_in_words_and_opens_without_redis(
    office: Client, settings: Settings
) -> None:
    assert "Refused today" not in office.get("/admin/").text
    post(FORGED, ANSWERED)
    page = office.get("/admin/")
    assert "Refused today" in page.text
    assert [count for words, count in page.context["shown"].refused] == [1]
    assert set(REFUSED) == set(Refusal)
    settings.REDIS_URL = f"redis://127.0.0.1:{find_free_port()}/0"
    assert office.get("/admin/").status_code == 200


def test_the_endpoint_works_without_redis_and_counts_again_when_redis_is_back(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(counting, "PAUSE", 0.0)
    here, settings.REDIS_URL = settings.REDIS_URL, f"redis://127.0.0.1:{find_free_port()}/0"
    assert [post(FORGED, ANSWERED) for _ in range(3)] == [404, 404, 404]
    assert "refused requests are not counted" in caplog.text
    settings.REDIS_URL = here
    assert post(FORGED, ANSWERED) == 404
    assert read_refusals() == {"forged": 1}


def test_a_flood_is_refused_at_once_while_redis_hangs(settings: Settings) -> None:
    """Redis accepts connections and never responds; if each request waited for it, they would take 25 s."""
    with socket.create_server(("127.0.0.1", 0)) as hanging:
        settings.REDIS_URL = f"redis://127.0.0.1:{hanging.getsockname()[1]}/0"
        started = time.monotonic()
        assert [post(FORGED, ANSWERED) for _ in range(50)] == [404] * 50
        assert time.monotonic() - started < 50 * PATIENCE / 4


def test_after_a_redis_failure_nothing_is_counted_for_a_while(settings: Settings) -> None:
    here, settings.REDIS_URL = settings.REDIS_URL, f"redis://127.0.0.1:{find_free_port()}/0"
    post(FORGED, ANSWERED)
    settings.REDIS_URL = here
    post(FORGED, ANSWERED)
    assert read_refusals() == {}


def test_the_first_refusals_of_a_process_are_counted_on_several_threads_at_once() -> None:
    forget_refusals()
    with ThreadPoolExecutor(8) as threads:
        for _ in range(50):
            counting._connect.cache_clear()
            list(threads.map(counting.count_refusal, [Refusal.FORGED] * 8))
    assert read_refusals() == {"forged": 400}
