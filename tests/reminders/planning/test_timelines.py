"""The timeline of an example visit: when each step goes out, by the same rules as planning and dispatch."""

from datetime import datetime, time, timedelta
from typing import Any

import pytest

from contacts.models import Location
from reminders.deciding.explanations import explain_reminder
from reminders.deciding.situations import with_situation
from reminders.models import Campaign, Reminder, Step
from reminders.planning.planner import plan_all
from reminders.planning.timelines import ExampleVisit, find_timeline
from tests.people import at, make_appointment, make_location, make_step

pytestmark = pytest.mark.django_db

NEW_YORK = "America/New_York"
HOUR = timedelta(hours=1)


def new_york(day: int, hour: int, minute: int = 0) -> datetime:
    """A time in June 2027; the 16th is a Wednesday."""
    return at(NEW_YORK, 2027, 6, day, hour, minute)


@pytest.fixture
def downtown() -> Location:
    return make_location(time_zone=NEW_YORK, calling_opens=time(9), calling_closes=time(19), country="US")


def unsaved(**fields: Any) -> Step:
    return Step(campaign=Campaign(name="New"), **{"position": 1, **fields})


STEPS: list[tuple[dict[str, Any], datetime, datetime | None, str, str]] = [
    ({"days": 2, "at": time(10)}, new_york(14, 10), new_york(14, 10), "", "at its time"),
    ({"days": 2, "at": time(7)}, new_york(14, 7), new_york(14, 9), "outside_calling_hours", "before calls"),
    (
        {"timing_kind": "open_days_before", "days": 3, "at": time(10)},
        new_york(11, 10),
        new_york(11, 10),
        "",
        "Sunday and Saturday are closed",
    ),
    (
        {"timing_kind": "after_booking", "elapsed": HOUR / 2},
        new_york(1, 18, 50),
        new_york(1, 18, 50),
        "",
        "half an hour after the booking",
    ),
    (
        {"timing_kind": "after_booking", "elapsed": HOUR},
        new_york(1, 19, 20),
        new_york(2, 9),
        "outside_calling_hours",
        "in the evening",
    ),
    (
        {"timing_kind": "elapsed_before", "elapsed": 2 * HOUR},
        new_york(16, 6, 30),
        None,
        "never_in_hours",
        "never in time",
    ),
    (
        {"timing_kind": "elapsed_before", "elapsed": 2 * HOUR, "if_never_in_time": "bring_forward"},
        new_york(15, 18, 30),
        new_york(15, 18, 30),
        "brought_forward",
        "the evening before",
    ),
    ({"days": 30, "at": time(10)}, at(NEW_YORK, 2027, 5, 17, 10, 0), None, "past_when_booked", "too late"),
    (
        {"days": 30, "at": time(10), "if_late": "next_allowed"},
        at(NEW_YORK, 2027, 5, 17, 10, 0),
        new_york(1, 18, 20),
        "",
        "too late, and sent all the same",
    ),
]


@pytest.mark.parametrize(("fields", "due_at", "goes_at", "reason", "why"), STEPS)
def test_a_step_that_is_not_saved_yet_has_its_moment_for_an_example_visit(
    downtown: Location,
    fields: dict[str, Any],
    due_at: datetime,
    goes_at: datetime | None,
    reason: str,
    why: str,
) -> None:
    """For a visit on the 16th at 8:30, booked on the 1st at 18:20."""
    visit = ExampleVisit(downtown, starts_at=new_york(16, 8, 30), booked_at=new_york(1, 18, 20))
    [moment] = find_timeline([unsaved(**fields)], visit)
    assert (moment.due_at, moment.goes_at, moment.reason) == (due_at, goes_at, reason), why
    assert bool(moment.why) == bool(reason)


def test_the_steps_stand_in_the_order_in_which_they_go_out(downtown: Location) -> None:
    steps = [
        unsaved(position=1, timing_kind="elapsed_before", elapsed=3 * HOUR),
        unsaved(position=2, days=2, at=time(10)),
        unsaved(position=3, timing_kind="after_booking"),
        unsaved(position=4, days=0, at=None),  # an impossible time is left out
    ]
    visit = ExampleVisit(downtown, starts_at=new_york(16, 15), booked_at=new_york(1, 12))
    assert [moment.step.position for moment in find_timeline(steps, visit)] == [3, 2, 1]


def test_a_zone_that_is_not_known_is_said_and_breaks_nothing(downtown: Location) -> None:
    visit = ExampleVisit(downtown, new_york(16, 15), new_york(1, 12), stated_zone="Not/A_Zone")
    [moment] = find_timeline([unsaved(days=2, at=time(10))], visit)
    assert (moment.goes_at, moment.reason) == (None, "no_common_hours")
    downtown.time_zone = "Not/A_Zone"
    assert find_timeline([unsaved(days=2, at=time(10))], visit) == []


def test_the_timeline_is_what_planning_and_the_page_then_say(downtown: Location) -> None:
    make_step(timing_kind="days_before", days=2, at=time(7), elapsed=timedelta(0))
    make_step(timing_kind="after_booking", elapsed=HOUR)
    make_step(elapsed=2 * HOUR)
    appointment = make_appointment(location=downtown, starts_at=new_york(16, 8, 30))
    plan_all()
    visit = ExampleVisit(downtown, appointment.starts_at, appointment.revised_at)
    timeline = {moment.step.pk: moment for moment in find_timeline(Step.objects.all(), visit)}
    for reminder in with_situation(Reminder.objects.all()):
        moment = timeline[reminder.step_id]
        assert moment.due_at == reminder.due_at
        assert moment.goes_at == explain_reminder(reminder, appointment.revised_at).moment
