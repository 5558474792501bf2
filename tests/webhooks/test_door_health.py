"""What the heartbeat of the endpoint says when it stores some events and refuses others (product rule 65)."""

from datetime import timedelta

import pytest
from django.db import OperationalError, connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from reminders.health import heartbeats
from reminders.models import Heartbeat
from webhooks import inbox

pytestmark = pytest.mark.django_db
REFUSED = OperationalError("too many connections")


@pytest.fixture(autouse=True)
def another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    be_another_process(monkeypatch)


def be_another_process(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inbox, "_written", {True: float("-inf"), False: float("-inf")})


def is_failing() -> bool:
    beats = heartbeats.read_heartbeats()
    return heartbeats.DOOR in heartbeats.pick_failing(beats, timezone.now())


def test_events_that_are_stored_and_refused_in_turn_are_a_failing_endpoint(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for turn in range(3):
        be_another_process(monkeypatch)
        inbox.note_refused_event(REFUSED)
        inbox.note_stored_event()
        assert is_failing() == (turn > 0), "one may pass"
    Heartbeat.objects.update(failed_at=F("failed_at") - heartbeats.CALM_AFTER - timedelta(seconds=1))
    be_another_process(monkeypatch)
    inbox.note_stored_event()
    assert not is_failing(), "none was refused for a while"


def test_refused_and_stored_events_in_turn_cost_few_statements() -> None:
    with CaptureQueriesContext(connection) as queries:
        for _ in range(100):
            inbox.note_refused_event(REFUSED)
            inbox.note_stored_event()
    written = [query["sql"] for query in queries if "UPDATE" in query["sql"]]
    assert len(written) <= 4, written
