"""With a full disk: not ready, 503 at once, a word to staff, nothing lost, and back by itself."""

import secrets
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.test import Client
from pytest_django import Settings

from config import rounds
from reminders.health import heartbeats
from reminders.models import CallRecord, Reminder
from reminders.rules.states import ReminderState
from reminders.tasks import dispatch_due
from reminders.traffic.callback_urls import account_url
from tests.people import make_due_reminder, make_user
from tests.sandbox_server import SandboxServer
from tests.small_disk import SmallDisk, can_mount, on_small_disk
from tests.webhooks.test_door_health import be_another_process
from webhooks.models import WebhookEvent

pytestmark = [
    pytest.mark.django_db(transaction=True),
    pytest.mark.skipif(not can_mount(), reason="needs the right to mount a small disk"),
]
TABLES = ("reminders_callrecord", "webhooks_webhookevent", "contacts_contact")
TOKEN = "only-for-tests"


@pytest.fixture
def disk(monkeypatch: pytest.MonkeyPatch) -> Iterator[SmallDisk]:
    be_another_process(monkeypatch)  # this one may have written its state just before
    with on_small_disk(*TABLES) as one:
        yield one


def post_event(text: str) -> int:
    body = {"event": "sms.received", "from": "+12125550177", "text": text}
    return Client().post(urlsplit(account_url()).path, body, content_type="application/json").status_code


def dispatch_as_a_worker_does() -> None:
    """A round with what config/celery.py connects around it."""
    rounds.begin_round_of_task()
    dispatch_due()
    rounds.record_end(sender=dispatch_due)


def read_health() -> dict[str, str]:
    answer = Client(headers={"authorization": f"Bearer {TOKEN}"}).get("/readyz")
    checks: dict[str, str] = answer.json()["checks"]
    return checks


def add_contact(staff: Client, name: str) -> Any:
    person = {"first_name": name, "last_name": f"{name}byron", "language": "en", "preferred_channel": "voice"}
    return staff.post("/contacts/new/", person | {"notes": secrets.token_hex(600)})


def test_a_full_disk_is_seen_and_loses_nothing(
    disk: SmallDisk, settings: Settings, sandbox: SandboxServer
) -> None:
    settings.MONITORING_TOKEN = TOKEN
    reminder = make_due_reminder()
    staff = Client(raise_request_exception=False)
    staff.force_login(make_user())
    disk.fill()

    began_at = time.monotonic()
    assert post_event("STOP") == 503
    assert time.monotonic() - began_at < 2
    dispatch_as_a_worker_does()
    checks = read_health()
    assert "DiskFull" in checks["rounds"]
    assert "DiskFull" in checks["door"]
    assert "The server&#x27;s disk is full" in staff.get("/").content.decode()
    assert not CallRecord.objects.exists()
    assert not sandbox.ledger(), "no call without its record"
    answers = [add_contact(staff, name) for name in ("Ada", "Bo", "Cy", "Di", "Eve", "Flo", "Gus", "Hal")]
    assert answers[-1].status_code == 503, "once the page that is there is full"
    assert "so this was not saved" in answers[-1].content.decode()

    disk.make_room()
    assert post_event("STOP") == 200
    assert WebhookEvent.objects.count() == 1
    Reminder.objects.filter(state=ReminderState.CLAIMED).update(
        state=ReminderState.PLANNED, claim=None, lease_until=None
    )
    dispatch_as_a_worker_does()
    assert [call.reminder_id for call in CallRecord.objects.all()] == [reminder.pk]
    assert len(sandbox.ledger()) == 1
    checks = read_health()
    assert (checks["rounds"], checks["door"]) == ("ok", "ok")
    assert heartbeats.read_heartbeats()[heartbeats.DISPATCH].failure == "DiskFull", "what was, is still told"
