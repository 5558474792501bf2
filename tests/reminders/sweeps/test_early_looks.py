"""The sweep that finds what may go earlier, however that came about (product rule 30)."""

from datetime import datetime, timedelta

import pytest
from django.db import connection
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts.models import Location
from reminders.models import Reminder
from reminders.planning.early_looks import are_turns_late
from reminders.sweeps.early_looks import find_early_looks
from tests.office import make_call
from tests.people import make_contact, make_due_reminder

pytestmark = pytest.mark.django_db

HOURS = timedelta(hours=2)


def make_waiting(count: int, **fields: object) -> None:
    for last in range(count):
        make_due_reminder(make_contact(number=f"+12025550{last:03}"))
    later = {"next_look_at": timezone.now() + HOURS, **fields}
    Reminder.objects.update(**later)


def count_due() -> int:
    return Reminder.objects.filter(next_look_at__lte=timezone.now()).count()


@pytest.mark.parametrize(
    "reason", ["outside_calling_hours", "held_by_cap", "no_script", "no_common_hours", ""]
)
def test_what_may_be_sent_now_is_looked_at_now(reason: str) -> None:
    make_waiting(1, reason=reason)
    assert find_early_looks() == 1
    assert count_due() == 1
    assert find_early_looks() == 0


def test_a_line_that_seemed_busy_for_hours_is_looked_at_once_it_is_free() -> None:
    """As after the clock was set back: no call lasts so long (product rule 28)."""
    make_waiting(1, reason="line_busy")
    assert find_early_looks() == 1
    assert count_due() == 1


def test_a_line_with_a_call_in_progress_is_not_looked_at_before_it_ends() -> None:
    reminder = make_due_reminder()
    make_call(reminder, state="submitted")
    Reminder.objects.update(next_look_at=timezone.now() + timedelta(minutes=1), reason="line_busy")
    assert find_early_looks() == 0


def test_what_would_only_be_skipped_or_missed_keeps_its_next_look() -> None:
    """So a mistake that is put right before then has ended nothing."""
    make_waiting(2)
    Reminder.objects.filter(pk=Reminder.objects.earliest("pk").pk).update(
        not_after=timezone.now() - timedelta(minutes=1)
    )
    Location.objects.update(calling_opens="09:00", calling_closes="09:01")  # tomorrow is too late
    assert find_early_looks() == 0


def test_another_try_is_not_made_before_its_time() -> None:
    again = timezone.now() + timedelta(hours=1)
    make_waiting(1, reason="try_again", try_after=again)
    assert find_early_looks() == 1
    assert Reminder.objects.get().next_look_at == again
    assert find_early_looks() == 0


def test_when_too_many_wait_for_one_round_the_rounds_share_them(monkeypatch: pytest.MonkeyPatch) -> None:
    make_waiting(9)
    found, now = 0, timezone.now()
    for round_ in range(5):
        moment = now + timedelta(seconds=15 * round_)
        monkeypatch.setattr("reminders.sweeps.early_looks.read_database_clock", lambda at=moment: at)
        found += find_early_looks(most=2)
    assert (found, count_due()) == (9, 9)


def test_a_round_needs_as_many_queries_for_twelve_as_for_two() -> None:
    queries = []
    for count in (2, 12):
        Reminder.objects.all().delete()
        make_waiting(count)
        with CaptureQueriesContext(connection) as captured:
            find_early_looks()
        queries.append(len(captured))
    assert queries[0] == queries[1]


NOW = datetime.fromisoformat("2026-07-14T10:00:00Z")


@pytest.mark.parametrize(
    ("minutes", "rate", "late"),
    [
        ([1, 2, 3, 4], 1, False),
        ([1, 1, 2, 2], 2, False),
        ([2, 3, 4, 5], 1, False),
        ([4, 5, 6, 7], 1, True),
        ([1, 2, 3, 4, 5, 6], 2, True),
        ([1], None, True),
        ([], 1, False),
    ],
)
def test_turns_are_late_if_the_pace_allows_them_earlier(
    minutes: list[int], rate: int | None, late: bool
) -> None:
    assert are_turns_late([NOW + timedelta(minutes=minute) for minute in minutes], rate, NOW) is late


@pytest.mark.parametrize(("rate", "due"), [(None, 30), (100, 30), (1, 0)])
def test_a_pace_that_was_changed_in_the_database_is_found(rate: int | None, due: int) -> None:
    make_waiting(30, reason="desk_pace")
    for place, reminder in enumerate(Reminder.objects.order_by("pk")):
        Reminder.objects.filter(pk=reminder.pk).update(
            next_look_at=timezone.now() + timedelta(minutes=1 + place)
        )
    Location.objects.update(calls_per_minute=rate)
    find_early_looks()
    assert count_due() == due
