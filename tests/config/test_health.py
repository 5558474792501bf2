"""What the health addresses say."""

from datetime import timedelta

import pytest
from django.test import Client
from django.utils import timezone
from pytest_django import Settings

from reminders import heartbeats
from reminders.models import Heartbeat
from reminders.sending import pause_sending
from tests.people import make_user
from tests.waiting import find_free_port

pytestmark = pytest.mark.django_db


@pytest.fixture
def beating() -> None:
    for name in (heartbeats.DISPATCH, *heartbeats.STALE_AFTER):
        heartbeats.beat(name)


def test_a_process_that_answers_is_alive() -> None:
    assert Client().get("/healthz").json() == {"status": "ok"}


def test_it_is_ready_when_database_broker_and_all_sweeps_are_well(beating: None) -> None:
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["ready"], answer.json()["notes"]) == (200, True, {})


def test_it_is_not_ready_before_the_first_sweep() -> None:
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert "dispatch: never ran" in answer.json()["checks"]["sweeps"]


@pytest.mark.parametrize("name", [heartbeats.DISPATCH, *heartbeats.STALE_AFTER])
def test_each_sweep_that_has_died_is_named(beating: None, name: str) -> None:
    Heartbeat.objects.filter(name=name).update(at=timezone.now() - timedelta(hours=1))
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert answer.json()["checks"]["sweeps"].startswith(f"{name}: 36")


def test_a_lost_broker_is_named(beating: None, settings: Settings) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{find_free_port()}/0"
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["checks"]["broker"]) == (503, "ConnectionError")


def test_paused_sending_is_a_note_and_keeps_the_door_open(beating: None) -> None:
    pause_sending(by=make_user())
    answer = Client().get("/readyz")
    assert (answer.status_code, answer.json()["notes"]) == (200, {"sending": "paused: person"})
