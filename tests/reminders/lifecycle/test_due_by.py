"""When a follow-up is due: Python and SQL agree."""

import random
from datetime import datetime, timedelta

import pytest
from django.db.models import DateTimeField, ExpressionWrapper
from django.db.models.functions import Now
from django.utils import timezone

from contacts.models import Location
from reminders.lifecycle.follow_ups import (
    BEFORE_VISIT,
    PATIENCE,
    due_by_database_clock,
    find_due_time,
    open_follow_up,
)
from reminders.models import FollowUp
from tests.people import make_due_reminder, make_location

SECOND = timedelta(seconds=1)
EDGES = [timedelta(0), BEFORE_VISIT, PATIENCE, PATIENCE + BEFORE_VISIT]


def list_starts(now: datetime) -> list[datetime]:
    """Appointment times from three days ago to three days ahead, and close to where the rule changes."""
    rng = random.Random(20250415)
    days = [timedelta(seconds=rng.uniform(-3, 3) * 86_400) for _ in range(200)]
    return [now + ahead for ahead in [*days, *EDGES, *(edge + SECOND for edge in EDGES)]]


@pytest.mark.django_db
def test_python_and_sql_agree_on_when_a_follow_up_is_due() -> None:
    make_location()
    for starts_at in list_starts(timezone.now()):
        in_sql = ExpressionWrapper(due_by_database_clock(starts_at), output_field=DateTimeField())
        due_at, now = Location.objects.annotate(due=in_sql, now=Now()).values_list("due", "now").get()
        assert due_at == find_due_time(starts_at, now), starts_at - now


@pytest.mark.django_db
@pytest.mark.parametrize("hours", [1.5, 3, 48])
def test_a_new_follow_up_is_due_by_that_rule(hours: float) -> None:
    reminder = make_due_reminder(starts_at=timezone.now() + timedelta(hours=3))
    reminder.appointment.starts_at = starts_at = timezone.now() + timedelta(hours=hours)
    before = timezone.now()
    open_follow_up(FollowUp.Kind.UNCLEAR_ANSWER, reminder=reminder)
    follow_up = FollowUp.objects.get()
    assert (
        find_due_time(starts_at, before) - SECOND
        <= follow_up.due_at
        <= find_due_time(starts_at, timezone.now()) + SECOND
    )
