"""Reminders held until a person acts: checked less and less often, and at once after the person has acted."""

from collections.abc import Callable
from datetime import timedelta

import pytest
from django.db.models import F
from django.utils import timezone

from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.lifecycle.reminders import TOGETHER
from reminders.models import Campaign, Reminder
from reminders.planning.activation import activate_campaign, pause_campaign
from reminders.traffic.switch import pause_sending, resume_sending
from tests.people import make_due_reminder, make_user

pytestmark = pytest.mark.django_db


def run_check(reminder: Reminder) -> Reminder:
    claim = claim_due(10)
    assert open_calls(claim.reminder_ids, claim.token) == []
    reminder.refresh_from_db()
    return reminder


def hold_since(ago: timedelta) -> Reminder:
    """A reminder of a paused campaign, checked just now."""
    reminder = make_due_reminder()
    pause_campaign(Campaign.objects.get())
    Reminder.objects.update(due_at=timezone.now() - ago, next_look_at=timezone.now() - ago)
    return run_check(reminder)


@pytest.mark.parametrize(
    ("held_for", "longest"),
    [
        (timedelta(0), timedelta(seconds=30)),
        (timedelta(minutes=4), timedelta(minutes=1)),
        (timedelta(days=3), timedelta(minutes=2)),
    ],
    ids=str,
)
def test_a_reminder_is_checked_less_often_the_longer_it_is_held(
    held_for: timedelta, longest: timedelta
) -> None:
    before = timezone.now()
    reminder = hold_since(held_for)
    assert reminder.reason == "campaign_paused"
    slack = timedelta(seconds=5)
    assert before + longest * 0.75 - TOGETHER <= reminder.next_look_at <= timezone.now() + longest + slack
    assert reminder.next_look_at.timestamp() % 10 == 0, "so that many are checked together"


def test_a_held_reminder_is_checked_at_its_not_after_at_the_latest() -> None:
    reminder = make_due_reminder()
    pause_campaign(Campaign.objects.get())
    Reminder.objects.update(not_after=timezone.now() + timedelta(seconds=5))
    run_check(reminder)
    assert reminder.next_look_at == reminder.not_after


def activate_again() -> None:
    Campaign.objects.update(state="paused")
    activate_campaign(Campaign.objects.get())


def resume_again() -> None:
    pause_sending()
    Reminder.objects.update(next_look_at=F("due_at"))
    run_check(Reminder.objects.get())
    resume_sending(by=make_user())


@pytest.mark.parametrize("resume", [activate_again, resume_again])
def test_held_reminders_are_due_at_once_when_a_person_resumes_sending_or_the_campaign(
    resume: Callable[[], None],
) -> None:
    reminder = hold_since(timedelta(hours=1))
    Campaign.objects.update(state="active")
    resume()
    claim = claim_due(10)
    assert [call.reminder for call in open_calls(claim.reminder_ids, claim.token)] == [reminder]


def test_resuming_does_not_change_a_reminder_that_is_not_due_yet() -> None:
    waiting = make_due_reminder(starts_at=timezone.now() + timedelta(days=2))
    pause_sending()
    resume_sending(by=make_user())
    activate_campaign(Campaign.objects.get())
    before = waiting.next_look_at
    waiting.refresh_from_db()
    assert waiting.next_look_at == before
