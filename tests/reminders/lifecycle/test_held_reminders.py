"""What is held until a person does something: looked at ever less often, and at once when they have."""

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


def look(reminder: Reminder) -> Reminder:
    claim = claim_due(10)
    assert open_calls(claim.reminder_ids, claim.token) == []
    reminder.refresh_from_db()
    return reminder


def hold_since(ago: timedelta) -> Reminder:
    """A reminder of a paused campaign, looked at just now."""
    reminder = make_due_reminder()
    pause_campaign(Campaign.objects.get())
    Reminder.objects.update(due_at=timezone.now() - ago, next_look_at=timezone.now() - ago)
    return look(reminder)


@pytest.mark.parametrize(
    ("held_for", "longest"),
    [
        (timedelta(0), timedelta(seconds=30)),
        (timedelta(minutes=4), timedelta(minutes=1)),
        (timedelta(days=3), timedelta(minutes=2)),
    ],
    ids=str,
)
def test_the_longer_it_is_held_the_less_often_it_is_looked_at(
    held_for: timedelta, longest: timedelta
) -> None:
    before = timezone.now()
    reminder = hold_since(held_for)
    assert reminder.reason == "campaign_paused"
    slack = timedelta(seconds=5)
    assert before + longest * 0.75 - TOGETHER <= reminder.next_look_at <= timezone.now() + longest + slack
    assert reminder.next_look_at.timestamp() % 10 == 0, "so that many are looked at in one go"


def test_it_is_still_missed_at_its_last_moment() -> None:
    reminder = make_due_reminder()
    pause_campaign(Campaign.objects.get())
    Reminder.objects.update(not_after=timezone.now() + timedelta(seconds=5))
    look(reminder)
    assert reminder.next_look_at == reminder.not_after


def activate_again() -> None:
    Campaign.objects.update(state="paused")
    activate_campaign(Campaign.objects.get())


def resume_again() -> None:
    pause_sending()
    Reminder.objects.update(next_look_at=F("due_at"))
    look(Reminder.objects.get())
    resume_sending(by=make_user())


@pytest.mark.parametrize("mend", [activate_again, resume_again])
def test_what_a_person_has_switched_on_again_goes_at_once(mend: Callable[[], None]) -> None:
    reminder = hold_since(timedelta(hours=1))
    Campaign.objects.update(state="active")
    mend()
    claim = claim_due(10)
    assert [call.reminder for call in open_calls(claim.reminder_ids, claim.token)] == [reminder]


def test_switching_on_again_hurries_nothing_that_waits_for_its_moment() -> None:
    waiting = make_due_reminder(starts_at=timezone.now() + timedelta(days=2))
    pause_sending()
    resume_sending(by=make_user())
    activate_campaign(Campaign.objects.get())
    before = waiting.next_look_at
    waiting.refresh_from_db()
    assert waiting.next_look_at == before
