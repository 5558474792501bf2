"""Pausing one location: it holds what is due there, keeps its place, and resuming asks (product rule 29)."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from contacts.models import Location
from reminders.deciding.fallen_due import FallenDue
from reminders.desk.location_pauses import pause_location, resume_location
from reminders.desk.orders import OrderRefused, order_call
from reminders.desk.resuming import (
    find_due_in_location_pause,
    find_due_in_pause,
    skip_and_resume_location,
)
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import Reminder
from reminders.planning.activation import pause_campaign
from reminders.results.unanswered import account_for_all
from reminders.traffic.switch import pause_sending, read_switch
from tests.people import make_contact, make_due_reminder, make_location

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)


@pytest.fixture
def east() -> Location:
    return make_location("Eastside")


def make_one(location: Location, last: int) -> Reminder:
    return make_due_reminder(make_contact(number=f"+120255501{last:02}"), location=location)


def look() -> set[int]:
    claim = claim_due(100)
    return {call.reminder_id for call in open_calls(claim.reminder_ids, claim.token)}


def pause(location: Location, by: User, *, ago: timedelta = 2 * HOUR) -> None:
    assert pause_location(location, by=by, reason="a burst pipe")
    Location.objects.filter(pk=location.pk).update(paused_at=timezone.now() - ago)
    location.refresh_from_db()


def test_what_is_due_there_is_held_and_the_other_location_goes_on(east: Location, sam: User) -> None:
    west = make_location("Westside")
    held, sent = make_one(east, 1), make_one(west, 2)
    pause(east, sam)
    assert look() == {sent.pk}
    held.refresh_from_db()
    assert (held.state, held.reason) == ("planned", "location_paused")
    assert account_for_all() == 0, "it is on every page, so it is not on the worklist"


def test_an_order_waits_for_the_end_of_the_pause_too(east: Location, sam: User) -> None:
    reminder = make_one(east, 1)
    pause(east, sam)
    with pytest.raises(OrderRefused, match="location are paused"):
        order_call(reminder.pk, by=sam)


def test_a_second_pause_changes_neither_the_moment_nor_the_reason(east: Location, sam: User) -> None:
    pause(east, sam)
    began = east.paused_at
    assert not pause_location(east, by=sam, reason="another")
    assert (east.paused_at, east.pause_reason) == (began, "a burst pipe")


def test_resuming_sends_what_waited(east: Location, sam: User) -> None:
    reminder = make_one(east, 1)
    pause(east, sam)
    assert look() == set()
    resume_location(east)
    assert (east.paused_at, east.paused_by, east.pause_reason) == (None, None, "")
    assert look() == {reminder.pk}


def test_resuming_finds_what_fell_due_and_can_skip_it(east: Location, sam: User) -> None:
    in_time, late = make_one(east, 1), make_one(east, 2)
    other = make_one(make_location("Westside"), 3)
    Reminder.objects.filter(pk=late.pk).update(not_after=timezone.now() - timedelta(minutes=1))
    pause(east, sam)
    due = find_due_in_location_pause(east)
    assert (due.ids, due.too_late) == ([in_time.pk], 1)
    assert skip_and_resume_location(east, by=sam) == 1
    in_time.refresh_from_db()
    assert (in_time.state, in_time.reason) == ("skipped", "skipped_after_pause")
    assert look() == {other.pk}


def test_nothing_floods_out_after_a_pause(east: Location, sam: User) -> None:
    """The desk's pace holds as ever: two calls in a minute, and the others get their turns."""
    Location.objects.filter(pk=east.pk).update(calls_per_minute=2)
    for last in range(1, 8):
        make_one(east, last)
    pause(east, sam)
    look()
    resume_location(east)
    assert len(look()) == 2
    assert Reminder.objects.filter(reason="desk_pace").count() == 5


def test_two_pauses_are_two(east: Location, sam: User) -> None:
    """What another pause still holds did not fall due in this one."""
    reminder = make_one(east, 1)
    pause(east, sam)
    pause_sending(by=sam)
    assert find_due_in_pause(read_switch()).total == 0
    assert find_due_in_location_pause(east).ids == [reminder.pk]
    pause_campaign(reminder.step.campaign, by=sam, reason="too many")
    assert find_due_in_location_pause(east).total == 0


def test_a_location_that_is_not_paused_has_nothing_fallen_due(east: Location) -> None:
    make_one(east, 1)
    assert find_due_in_location_pause(east) == FallenDue([], 0)
