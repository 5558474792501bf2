"""A worker whose clock is wrong: only the database's clock decides what is due and may be sent."""

from datetime import datetime, time, timedelta

import pytest
import time_machine
from django.utils import timezone
from pytest_django import Settings

from reminders.dispatch.claims import claim_due
from reminders.dispatch.rounds import dispatch_due
from reminders.lifecycle.follow_ups import open_follow_up
from reminders.models import CallRecord, Campaign, Reminder, Step
from reminders.planning.activation import activate_campaign
from reminders.planning.planner import plan_all
from reminders.sweeps.reconciliation import reconcile
from tests.people import (
    make_appointment,
    make_campaign,
    make_contact,
    make_due_reminder,
    make_location,
    make_step,
    zone_at_noon,
)
from tests.sandbox_server import SandboxServer

NOAH = "+12025550142"
SKEWS = [timedelta(days=-1), timedelta(hours=-2), timedelta(minutes=10), timedelta(days=1)]


def skewed(skew: timedelta) -> time_machine.travel:
    return time_machine.travel(timezone.now() + skew)


def zone_where_it_is_night(now: datetime) -> str:
    return zone_at_noon(now + timedelta(hours=12))


@pytest.mark.parametrize("skew", SKEWS, ids=str)
def test_a_reminder_due_by_the_databases_clock_is_called(sandbox: SandboxServer, skew: timedelta) -> None:
    make_due_reminder()
    with skewed(skew):
        assert dispatch_due().calls == 1
    assert len(sandbox.ledger()) == 1


@pytest.mark.parametrize("skew", SKEWS, ids=str)
def test_no_call_is_made_before_it_is_due_or_at_night(sandbox: SandboxServer, skew: timedelta) -> None:
    """(product rule 8)"""
    now = timezone.now()
    make_step(elapsed=timedelta(hours=24))
    early = make_due_reminder(starts_at=now + timedelta(hours=24, minutes=5))
    night = make_location("Night", time_zone=zone_where_it_is_night(now), calling_opens=time(9))
    late = make_due_reminder(
        make_contact("Noah", number=NOAH), location=night, starts_at=now + timedelta(hours=23)
    )
    with skewed(skew):
        assert dispatch_due().calls == 0
    assert sandbox.ledger() == []
    late.refresh_from_db()
    early.refresh_from_db()
    assert (late.reason, early.reason) == ("outside_calling_hours", "")


@pytest.mark.parametrize("skew", SKEWS, ids=str)
def test_a_running_claim_is_not_released_and_a_new_call_is_not_overdue(
    sandbox: SandboxServer, settings: Settings, skew: timedelta
) -> None:
    make_due_reminder()
    claim_due(1)
    sandbox.faults({"kind": "lost"})
    with skewed(skew):
        report = reconcile()
    assert (report.released, report.lost, report.overdue) == (0, 0, 0)
    Reminder.objects.update(lease_until=timezone.now() - timedelta(seconds=1))
    with skewed(skew):
        assert reconcile().released == 1
        assert dispatch_due().calls == 1
        assert reconcile().overdue == 0
    assert CallRecord.objects.get().state == "submitted"


@pytest.mark.django_db
@pytest.mark.parametrize("skew", SKEWS, ids=str)
def test_only_appointments_ahead_by_the_databases_clock_are_planned(skew: timedelta) -> None:
    now = timezone.now()
    make_step(make_campaign(state=Campaign.State.DRAFT), if_late=Step.IfLate.SKIP)
    with skewed(skew):
        activate_campaign(Campaign.objects.get())
        ahead = make_appointment(starts_at=now + timedelta(hours=23))
        over = make_appointment(ahead.contact, starts_at=now - timedelta(minutes=1))
        assert plan_all().added == 1
    assert not over.reminders.exists()
    assert [(one.state, one.reason) for one in ahead.reminders.all()] == [("planned", "")]


@pytest.mark.django_db
@pytest.mark.parametrize("skew", SKEWS, ids=str)
def test_a_follow_up_is_due_in_time_before_the_appointment(skew: timedelta) -> None:
    appointment = make_due_reminder().appointment
    with skewed(skew):
        open_follow_up("missed", reminder=appointment.reminders.get())
    assert appointment.follow_ups.get().due_at == appointment.starts_at - timedelta(hours=1)
