"""The health endpoints."""

import re
from datetime import timedelta
from importlib import import_module
from pathlib import Path
from typing import Any

import pytest
import time_machine
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone
from pytest_django import Settings

from contacts.models import WatchedCalendar
from contacts.roles import ADMIN
from reminders.health import heartbeats
from reminders.models import Heartbeat
from reminders.traffic.gate import close_gate
from reminders.traffic.switch import pause_sending
from tests.people import make_user
from tests.waiting import find_free_port
from webhooks.models import OutgoingEndpoint, WebhookEvent
from webhooks.refusal_counts import forget_refusals

DISPATCHER = "worker front:1"
TOKEN = "only-for-tests-monitoring"

pytestmark = pytest.mark.django_db


@pytest.fixture
def heartbeats_written() -> None:
    forget_refusals()
    for name in (heartbeats.DISPATCH, heartbeats.BEAT, *heartbeats.STALE_AFTER):
        heartbeats.record_heartbeat(name)
    since = timezone.now()
    heartbeats.record_worker_heartbeat(DISPATCHER, ["asking", "dispatch"], since=since, begun=1)
    heartbeats.record_worker_heartbeat(
        "worker front:2", ["events", "folders", "sweeps"], since=since, begun=1
    )


@pytest.fixture(autouse=True)
def monitoring_token(settings: Settings) -> None:
    settings.MONITORING_TOKEN = TOKEN


def ask() -> Any:
    """What a monitor reads at /readyz."""
    return Client(headers={"authorization": f"Bearer {TOKEN}"}).get("/readyz")


def test_healthz_is_ok_while_the_process_responds() -> None:
    assert Client().get("/healthz").json() == {"status": "ok"}


def test_readyz_is_200_when_all_checks_are_ok(heartbeats_written: None) -> None:
    answer = ask()
    assert (answer.status_code, answer.json()["ready"], answer.json()["notes"]) == (200, True, {})


def test_readyz_names_the_version_of_the_time_zone_data() -> None:
    """It is the package's (product rule 26)."""
    assert ask().json()["zone_data"] == import_module("tzdata").IANA_VERSION


def test_readyz_is_503_before_the_first_sweep() -> None:
    answer = ask()
    assert answer.status_code == 503
    assert "dispatch: never ran" in answer.json()["checks"]["sweeps"]


@pytest.mark.parametrize("name", [heartbeats.DISPATCH, *heartbeats.STALE_AFTER])
def test_each_stale_sweep_is_named(heartbeats_written: None, name: str) -> None:
    Heartbeat.objects.filter(name=name).update(at=timezone.now() - timedelta(hours=1))
    answer = ask()
    assert answer.status_code == 503
    assert answer.json()["checks"]["sweeps"].startswith(f"{name}: 36")


def test_a_broker_that_does_not_respond_is_named(heartbeats_written: None, settings: Settings) -> None:
    settings.REDIS_URL = f"redis://127.0.0.1:{find_free_port()}/0"
    answer = ask()
    assert (answer.status_code, answer.json()["checks"]["broker"]) == (503, "ConnectionError")


def test_paused_sending_is_a_note_and_does_not_change_the_status(heartbeats_written: None) -> None:
    pause_sending(by=make_user())
    answer = ask()
    assert answer.status_code == 200
    assert answer.json()["notes"]["sending"].startswith("paused: person, since 20")
    assert answer.json()["notes"]["sending"].endswith("; staff can resume sending")


def test_a_pause_that_can_end_automatically_says_when_robotalker_is_checked_again(
    heartbeats_written: None,
) -> None:
    pause_sending(cause="robotalker_failing")
    note = ask().json()["notes"]["sending"]
    assert re.fullmatch(
        r"paused: robotalker_failing, since \S+ \S+; Robotalker is checked again at \S+, or .*", note
    )


def test_a_closed_gate_is_a_note(heartbeats_written: None) -> None:
    close_gate(30.0)
    answer = ask()
    assert answer.status_code == 200
    assert re.fullmatch(
        r"Robotalker asked us to slow down: .* for [23]\d s", answer.json()["notes"]["sending"]
    )


def test_a_stopped_beat_is_named(heartbeats_written: None) -> None:
    Heartbeat.objects.filter(name=heartbeats.BEAT).update(at=timezone.now() - timedelta(minutes=2))
    answer = ask()
    assert (answer.status_code, answer.json()["checks"]["beat"]) == (503, "120 s ago")


def test_queues_without_a_worker_are_named(heartbeats_written: None) -> None:
    Heartbeat.objects.filter(name=DISPATCHER).update(at=timezone.now() - timedelta(minutes=2))
    answer = ask()
    assert (answer.status_code, answer.json()["checks"]["workers"]) == (
        503,
        "no worker takes asking, dispatch",
    )


def test_the_age_of_each_heartbeat_and_the_last_event_is_reported(heartbeats_written: None) -> None:
    Heartbeat.objects.filter(name=heartbeats.PLANNING).update(at=timezone.now() - timedelta(seconds=45))
    WebhookEvent.objects.create(
        purpose="optouts", body=b"{}", digest="0" * 64, received_at=timezone.now() - timedelta(hours=1)
    )
    ages = ask().json()["ages"]
    assert ages["planning"] == pytest.approx(45, abs=5)
    assert ages["webhook"] == pytest.approx(3600, abs=5)
    assert {"dispatch", "reconciliation", "events", "beat", DISPATCHER} < set(ages)


def test_heartbeats_that_lie_ahead_are_named_and_not_ready(heartbeats_written: None) -> None:
    """Product rule 28: two hours ahead and then corrected, this said "ready"."""
    Heartbeat.objects.update(at=timezone.now() + timedelta(hours=2))
    answer = ask()
    checks = answer.json()["checks"]
    assert (answer.status_code, answer.json()["ready"]) == (503, False)
    assert re.fullmatch(r"7[12]\d\d s ahead of the database's clock, which was set back", checks["beat"])
    assert checks["workers"] == "no worker takes asking, dispatch, events, folders, sweeps"
    assert checks["sweeps"].startswith("dispatch: 7")
    assert answer.json()["ages"]["dispatch"] == pytest.approx(-7200, abs=5)


@pytest.mark.parametrize("skew", [timedelta(hours=-2), timedelta(minutes=3)], ids=str)
def test_a_wrong_clock_of_the_web_server_changes_nothing(heartbeats_written: None, skew: timedelta) -> None:
    with time_machine.travel(timezone.now() + skew):
        assert ask().status_code == 200


def test_readyz_notes_a_calendar_that_keeps_failing_without_its_address(heartbeats_written: None) -> None:
    address = "https://calendar.example/hush.ics"
    WatchedCalendar.objects.create(name="Room", address=address, source="room", failures=9)
    answer = ask()
    assert answer.status_code == 200
    assert answer.json()["notes"]["lists"] == "1 lists, folders or calendars need a person"
    assert "hush" not in answer.content.decode()


def test_readyz_notes_an_outgoing_endpoint_that_was_switched_off(heartbeats_written: None) -> None:
    OutgoingEndpoint.objects.create(name="old", url="https://hooks.example", types=[], state="failed")
    answer = ask()
    assert answer.status_code == 200
    assert answer.json()["notes"]["outgoing"].startswith("1 outgoing endpoints are switched off")


def test_strangers_read_which_checks_failed_and_no_name_of_a_machine(heartbeats_written: None) -> None:
    Heartbeat.objects.filter(name=DISPATCHER).update(at=timezone.now() - timedelta(minutes=2))
    answer = Client().get("/readyz")
    assert answer.status_code == 503
    assert set(answer.json()) == {"ready", "checks"}
    assert answer.json()["checks"]["workers"] == "failed"
    assert "front" not in answer.content.decode()


@pytest.mark.parametrize("sent", ["", "Bearer ", "Bearer wrong"])
def test_a_token_that_is_not_set_or_wrong_opens_nothing(sent: str, settings: Settings) -> None:
    settings.MONITORING_TOKEN = "" if sent != "Bearer wrong" else TOKEN
    client = Client(headers={"authorization": sent})
    assert "ages" not in client.get("/readyz").json()
    assert client.get("/metrics").status_code == 404


def test_staff_who_may_see_heartbeats_read_why(heartbeats_written: None, client: Client) -> None:
    client.force_login(make_user(role=ADMIN))
    assert "ages" in client.get("/readyz").json()
    client.post("/locked/now/")
    assert "ages" not in client.get("/readyz").json(), "the desk is locked"


def test_a_sweep_that_runs_and_gets_nothing_done_is_not_ready(heartbeats_written: None) -> None:
    """It said "ready" while the disk was full: the heartbeat itself fits into a page (product rule 65)."""
    heartbeats.record_failure(heartbeats.DISPATCH, "DiskFull")
    heartbeats.record_heartbeat(heartbeats.DISPATCH, "0 claimed, 0 submitted", was_idle=True)
    answer = ask()
    assert answer.status_code == 503
    assert answer.json()["checks"]["rounds"] == "dispatch: DiskFull, 1 times in a row"
    assert answer.json()["rounds"]["dispatch"]["failed_seconds_ago"] == pytest.approx(0, abs=5)
    heartbeats.record_heartbeat(heartbeats.DISPATCH, "1 claimed, 1 submitted")
    assert ask().status_code == 200


def test_one_failure_that_may_pass_says_nothing_yet(heartbeats_written: None) -> None:
    heartbeats.record_failure(heartbeats.PLANNING, "DeadlockDetected")
    assert ask().status_code == 200
    heartbeats.record_failure(heartbeats.PLANNING, "DeadlockDetected")
    assert ask().json()["checks"]["rounds"] == "planning: DeadlockDetected, 2 times in a row"
    Heartbeat.objects.update(failed_at=timezone.now() - heartbeats.FAILING_FOR - timedelta(minutes=1))
    assert ask().status_code == 200, "nobody has tried since"


def test_the_door_that_could_not_store_events_is_not_ready(heartbeats_written: None) -> None:
    heartbeats.record_failure(heartbeats.DOOR, "DiskFull")
    assert ask().json()["checks"]["door"] == "door: DiskFull, 1 times in a row"


@pytest.mark.parametrize(
    ("setting", "value", "check"),
    [("DISK_FREE_MEGABYTES", 10**9, "disk"), ("CONNECTIONS_FREE", 10**6, "connections")],
)
def test_little_room_is_not_ready(
    heartbeats_written: None, settings: Settings, setting: str, value: int, check: str, tmp_path: Path
) -> None:
    settings.DISK_PATHS = [str(tmp_path)]
    assert ask().json()["checks"][check] == "ok"
    setattr(settings, setting, value)
    answer = ask()
    assert (answer.status_code, answer.json()["checks"][check] == "ok") == (503, False)


def test_the_heartbeats_are_read_once_for_all_checks(heartbeats_written: None) -> None:
    with CaptureQueriesContext(connection) as asked:
        assert ask().json()["ages"]
    assert sum('FROM "reminders_heartbeat"' in query["sql"] for query in asked.captured_queries) == 1
