"""The two days a year on which the clock is changed; a zone without any, one that changes by half an hour.

(product rule 7)
"""

from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.utils import timezone

from reminders.deciding.explanations import explain_reminder
from reminders.deciding.situations import with_situation
from reminders.models import Reminder
from reminders.planning.planner import plan_all
from reminders.wording.scripts import fill_variables
from tests.people import at, make_appointment, make_contact, make_location, make_step

pytestmark = pytest.mark.django_db

# zone, the day of the change (for Phoenix, that of its neighbours), the hours from UTC before and after
SWITCHES = [
    ("America/New_York", (2027, 3, 14), -5, -4),
    ("America/New_York", (2027, 11, 7), -4, -5),
    ("America/Phoenix", (2027, 3, 14), -7, -7),
    ("Australia/Lord_Howe", (2027, 4, 4), 11, 10.5),
    ("Australia/Lord_Howe", (2027, 10, 3), 10.5, 11),
    ("Europe/Paris", (2027, 10, 31), 2, 1),
]


def plan_for(zone: str, starts_at: datetime, **step: Any) -> Reminder:
    make_step(**step)
    location = make_location(time_zone=zone)
    make_appointment(make_contact(time_zone=zone), location=location, starts_at=starts_at)
    plan_all(now=timezone.now())
    return with_situation(Reminder.objects.all()).get()


def hours(offset: float) -> timedelta:
    return timedelta(hours=offset)


@pytest.mark.parametrize(("zone", "day", "before", "after"), SWITCHES)
def test_ten_oclock_the_day_before_and_the_spoken_time_are_by_the_locations_clock(
    zone: str, day: tuple[int, int, int], before: float, after: float
) -> None:
    starts_at = at(zone, *day, 15, 15)
    reminder = plan_for(zone, starts_at, timing_kind="days_before", days=1, at="10:00", elapsed=hours(0))
    local = reminder.due_at.astimezone(ZoneInfo(zone))
    assert (local.hour, local.minute, local.utcoffset()) == (10, 0, hours(before))
    assert starts_at.utcoffset() == hours(after)
    assert starts_at - reminder.due_at == timedelta(days=1, hours=5, minutes=15) - hours(after - before)
    assert fill_variables(reminder.appointment, "en")["APPT_TIME"] == "3:15 PM"


@pytest.mark.parametrize(("zone", "day", "before", "after"), SWITCHES)
def test_twenty_four_hours_before_are_twenty_four_elapsed_hours(
    zone: str, day: tuple[int, int, int], before: float, after: float
) -> None:
    starts_at = at(zone, *day, 15, 15)
    reminder = plan_for(zone, starts_at, timing_kind="elapsed_before", elapsed=hours(24))
    local = reminder.due_at.astimezone(ZoneInfo(zone))
    assert starts_at - reminder.due_at == hours(24)
    by_the_clock = starts_at.replace(tzinfo=None) - local.replace(tzinfo=None)
    assert by_the_clock == hours(24) + hours(after - before)


@pytest.mark.parametrize(("zone", "day", "before", "after"), SWITCHES)
def test_on_a_day_of_a_clock_change_calls_wait_for_eight_by_the_persons_clock(
    zone: str, day: tuple[int, int, int], before: float, after: float
) -> None:
    """(product rule 8)"""
    reminder = plan_for(zone, at(zone, *day, 15, 15), timing_kind="elapsed_before", elapsed=hours(13))
    opens = at(zone, *day, 8, 0)
    early = explain_reminder(reminder, at(zone, *day, 7, 59))
    assert (early.verdict, early.reason) == ("wait", "outside_calling_hours")
    assert early.moment == opens
    assert explain_reminder(reminder, opens).verdict == "call"
