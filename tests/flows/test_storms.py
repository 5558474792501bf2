"""Robotalker under water: a storm of 429, and an outage. What is due waits, and then goes at the rate."""

import time
from datetime import timedelta

import pytest
from pytest_django import Settings

from reminders import gate
from reminders.dispatch import dispatch_due
from reminders.models import CallRecord, Reminder, SendingSwitch
from tests.people import make_contact, make_due_reminder
from tests.sandbox_server import SandboxServer
from tests.waiting import wait_until

RATE = 20  # a second
MANY = 200


@pytest.fixture
def many_due(settings: Settings) -> None:
    settings.ROBOTALKER_CAMPAIGNS = False
    settings.ROBOTALKER_RATE = f"{RATE}/second"
    for number in range(MANY):
        make_due_reminder(make_contact("Sarah", number=f"+1202555{1000 + number}"))


def busiest(window: timedelta) -> int:
    """The most requests that were begun within any such time, by the database's clock."""
    moments = list(CallRecord.objects.order_by("submitting_at").values_list("submitting_at", flat=True))
    return max(sum(first <= moment < first + window for moment in moments) for first in moments)


def test_a_storm_of_429_is_outlived_within_the_rate_and_drained_within_twice_the_ideal(
    sandbox: SandboxServer, many_due: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        gate, "CLOSED_MOST", timedelta(seconds=2)
    )  # a storm of seconds stands for one of minutes
    sandbox.faults({"kind": "rate_limit", "probability": 0.9}, {"kind": "lost"})

    def rage() -> bool:
        dispatch_due()
        return CallRecord.objects.filter(state="not_sent").count() >= 12

    wait_until(rage, "the storm to have raged", within_seconds=60)
    sandbox.faults({"kind": "lost"})
    left = Reminder.objects.filter(state="planned").count()
    calm_at = time.monotonic()

    def drain() -> bool:
        dispatch_due()
        return len(sandbox.ledger()) == MANY

    wait_until(drain, "all of them to be taken", within_seconds=60)
    assert time.monotonic() - calm_at <= 2 * left / RATE
    assert busiest(timedelta(seconds=2)) <= 3 * RATE, "a moving window of one second, cut anywhere"
    assert CallRecord.objects.filter(state="submitted").count() == MANY, "each of them once"


def test_an_outage_trips_the_breaker_after_a_few_requests_and_costs_no_reminder(
    sandbox: SandboxServer, many_due: None, settings: Settings
) -> None:
    sandbox.faults({"kind": "error_503"})
    wait_until(lambda: dispatch_due() and _paused_by_itself(), "the breaker to trip")
    asked = CallRecord.objects.count()
    assert asked <= settings.ROBOTALKER_BREAKER + settings.ROBOTALKER_THREADS
    dispatch_due()
    assert CallRecord.objects.count() == asked, "nothing is tried while it is open"
    assert set(Reminder.objects.values_list("state", flat=True)) == {"planned"}


def _paused_by_itself() -> bool:
    return SendingSwitch.objects.filter(cause="provider_failing", paused_at__isnull=False).exists()
