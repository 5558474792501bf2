"""A worker that crashes before or after any commit or request of its round loses and doubles no call.

Planning is the same whatever goes out, and so is what a crash before a commit leaves behind as one after the
last: one kind of round crashes at every point, the others only at each new one from the claim on.
`CRASH_POINTS=all` crashes all of them everywhere.
"""

import os
from collections.abc import Iterator
from datetime import timedelta
from itertools import count
from typing import Any
from urllib.parse import urlsplit

import pytest
from django.db import connection
from django.utils import timezone
from pytest_django import Settings

from contacts.models import Appointment
from reminders.dispatch.rounds import dispatch_due
from reminders.lifecycle.calls import find_calls_about
from reminders.models import CallRecord, FollowUp, Reminder
from reminders.planning.planner import plan_all
from reminders.sweeps.reconciliation import reconcile
from tests.people import AREA_CODES, make_appointment, make_contact, make_step
from tests.sandbox_server import SandboxServer, run_sandbox
from tests.torture.crash_points import deliver_events, run_round
from tests.torture.facts import read_follow_ups, read_ledger, read_reminders, read_tries
from tests.torture.oracle import RULES, Facts, count_outside_hours
from webhooks.applying import apply_stored

LONG_AGO = timedelta(minutes=20)
ROUND: dict[str, Any] = {
    "ROBOTALKER_API_KEY": SandboxServer.api_key,
    "ROBOTALKER_RATE": "1000/second",
    # one after the other, so that the points are the same in each round; all calls are opened in one look
    "ROBOTALKER_THREADS": 1,
    "CAMPAIGN_MINIMUM": 2,
}


@pytest.fixture(scope="module")
def sandbox() -> Iterator[SandboxServer]:
    with run_sandbox(speed=2000) as server:
        yield server


@pytest.fixture
def round_settings(
    sandbox: SandboxServer, transactional_db: None, settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> dict[str, Any]:
    """The settings of a round, in this process and in those that crash."""
    database = urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{connection.settings_dict['NAME']}")
    monkeypatch.setenv("DATABASE_URL", database.geturl())
    sandbox.reset()
    sandbox.faults({"kind": "lost"})  # the round itself delivers the events
    chosen = {**ROUND, "ROBOTALKER_BASE_URL": sandbox.url}
    for name, value in chosen.items():
        setattr(settings, name, value)
    return chosen


EVERYWHERE = "single call confirmed"
ALL = os.environ.get("CRASH_POINTS") == "all"
AHEAD = "calls opened ahead"
# What goes out, the key that each phone presses, and how many people share a phone.
ROUNDS = {
    EVERYWHERE: ("voice", "1", 1),
    "single call refused": ("voice", "9", 1),
    "campaign": ("voice", "19", 1),
    "household": ("voice", "1", 2),
    "text": ("sms", "9", 1),
    "batch of texts": ("sms", "19", 1),
    AHEAD: ("voice", "119", 1),
}


@pytest.mark.parametrize("kind", ROUNDS)
def test_a_worker_can_crash_at_any_point_of_its_round(
    kind: str, sandbox: SandboxServer, round_settings: dict[str, Any]
) -> None:
    channel, keys, people = ROUNDS[kind]
    is_planned = kind != EVERYWHERE and not ALL
    round_settings["ROBOTALKER_CAMPAIGNS"] = kind != AHEAD
    make_step(channel=channel, max_tries=2)
    for crash_at in count(1):
        key_by_number = dict(zip(_choose_numbers(len(keys), crash_at), keys, strict=True))
        numbers = list(key_by_number)
        sandbox.set_scenarios({number: f"press_{key}" for number, key in key_by_number.items()})
        booked = [(make_appointment(make_contact(number=number)), number) for number in numbers * people]
        if is_planned:
            plan_all()
        alive = run_round(crash_at, round_settings, numbers, is_planned=is_planned)
        _recover(sandbox, numbers)
        _check_rules(sandbox)
        for appointment, number in booked:
            _check_one(appointment, key_by_number[number], sandbox)
        if alive:
            break
    assert crash_at > (10 if is_planned else 24), (
        "a round has at least planning, a claim, opening, a request, its answer and an event"
    )


def _choose_numbers(many: int, which: int) -> list[str]:
    return [f"+1{AREA_CODES[which]}55501{place:02}" for place in range(many)]


def _recover(sandbox: SandboxServer, numbers: list[str]) -> None:
    """Run the next rounds after leases and waiting times have expired, and deliver all events again."""
    past = timezone.now() - LONG_AGO
    Reminder.objects.filter(state="claimed").update(lease_until=past)
    CallRecord.objects.filter(state="submitting").update(submitting_at=past)
    reconcile()
    plan_all()
    dispatch_due()
    deliver_events(sandbox.url, numbers)
    apply_stored(timezone.now() + LONG_AGO)
    reconcile()


def _check_rules(sandbox: SandboxServer) -> None:
    facts = Facts(read_ledger(sandbox), read_tries(), read_reminders(), read_follow_ups())
    broken = {
        name: rule(facts)
        for name, (rule, limit) in RULES.items()
        if rule is not count_outside_hours and rule(facts) > limit
    }
    assert not broken


def _check_one(appointment: Appointment, key: str, sandbox: SandboxServer) -> None:
    """Check that the patient was called once and the answer is recorded, or that there is a follow-up."""
    appointment.refresh_from_db()
    number = appointment.contact.phone
    assert number is not None
    assert Reminder.objects.filter(appointment=appointment).count() == 1
    called = sandbox.ledger(number.e164)
    if not called:
        assert FollowUp.objects.get(appointment=appointment).kind == FollowUp.Kind.UNKNOWN_OUTCOME
        return
    assert len(called) == 1
    reminder = Reminder.objects.get(appointment=appointment)
    assert reminder.state == "done"
    assert find_calls_about(reminder, state="answered").get().key_pressed == key
    assert appointment.is_confirmed == (key == "1")
    opted_out = number.sms_opted_out_at or number.voice_opted_out_at
    assert bool(opted_out) == (key == "9")
