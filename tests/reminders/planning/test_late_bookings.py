"""Booked after the step's time: skip it, at once or never, or in the next calling hours (product rule 5)."""

from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from contacts.models import Appointment
from reminders.deciding.situations import read_reminder_facts, with_situation
from reminders.models import Reminder, Step
from reminders.planning.bulk_rows import PlannedAppointment
from reminders.planning.owed_reminders import LocationClock, StepTiming, find_owed
from reminders.planning.planner import plan_all
from reminders.rules.calling_hours import CallingHours, next_allowed
from reminders.rules.decide import Verdict, decide
from reminders.rules.reaching_back import MeantSince
from reminders.rules.reasons import Reason
from reminders.rules.schedule import OpenDays, Timing, TimingKind
from tests.people import make_appointment, make_location, make_step

NEW_YORK, LOS_ANGELES = "America/New_York", "America/Los_Angeles"
HOURS = CallingHours(time(9), time(19))
EVERY_DAY = OpenDays(frozenset(range(7)), frozenset())
LONG_AGO = MeantSince(datetime(2027, 1, 1, tzinfo=UTC), datetime(2027, 1, 1, tzinfo=UTC))
TWO_DAYS = Timing(TimingKind.DAYS_BEFORE, days=2, at=time(10))


def new_york(text: str) -> datetime:
    """A wall time of July 2027, such as "14 10:30"."""
    return datetime.strptime(f"2027-07-{text}", "%Y-%m-%d %H:%M").replace(tzinfo=ZoneInfo(NEW_YORK))


def find(if_late: str, booked: datetime, starts: datetime, *zones: str, stated: str = "") -> tuple[str, str]:
    appointment = PlannedAppointment(1, 1, 1, starts, booked, None, stated, zones)
    step = StepTiming(TWO_DAYS, timedelta(minutes=30), if_late, bring_forward=False, since=LONG_AGO)
    owed = find_owed(step, appointment, LocationClock(ZoneInfo(NEW_YORK), EVERY_DAY, HOURS))
    assert owed
    return owed.state, owed.reason


PLANNED = ("planned", "")
SKIPPED = ("skipped", "past_when_booked")
NOT_AT_ONCE = ("skipped", "not_at_once")
NO_HOURS = ("skipped", "never_in_hours")
# Two days before at 10:00, for a visit on the 16th: due on the 14th at 10:00.
LATE = [
    # booked, start, skip, now, next allowed, why
    ("14 10:00", "16 15:00", PLANNED, PLANNED, PLANNED, "in time to the minute"),
    ("14 10:01", "16 15:00", SKIPPED, PLANNED, PLANNED, "a minute late, in calling hours"),
    ("14 18:59", "16 15:00", SKIPPED, PLANNED, PLANNED, "in the last minute of calling hours"),
    ("14 19:00", "16 15:00", SKIPPED, NOT_AT_ONCE, PLANNED, "calling hours are over"),
    ("15 08:59", "16 15:00", SKIPPED, NOT_AT_ONCE, PLANNED, "they have not begun"),
    ("15 09:00", "16 15:00", SKIPPED, PLANNED, PLANNED, "they begin"),
    ("15 20:00", "16 09:15", SKIPPED, NO_HOURS, NO_HOURS, "none are left before the visit"),
    ("15 18:00", "16 09:15", SKIPPED, PLANNED, PLANNED, "an hour of them is left that evening"),
    ("16 14:29", "16 15:00", SKIPPED, PLANNED, PLANNED, "a minute before the last moment"),
    ("16 14:30", "16 15:00", SKIPPED, SKIPPED, SKIPPED, "the last moment is over"),
]


@pytest.mark.parametrize(("booked", "starts", "skip", "now", "next_allowed", "why"), LATE)
def test_each_choice_means_what_it_says(
    booked: str,
    starts: str,
    skip: tuple[str, str],
    now: tuple[str, str],
    next_allowed: tuple[str, str],
    why: str,
) -> None:
    found = [find(choice, new_york(booked), new_york(starts)) for choice in ("skip", "now", "next_allowed")]
    assert found == [skip, now, next_allowed], why


WHERE = [
    ((), "", PLANNED, "the location's clock"),
    ((NEW_YORK, LOS_ANGELES), "", PLANNED, "the number could be at the location"),
    ((LOS_ANGELES,), "", NOT_AT_ONCE, "it is 8:30 where the number is"),
    ((LOS_ANGELES,), NEW_YORK, PLANNED, "but the patient says they are here"),
    ((), "Not/A_Zone", PLANNED, "no zone at all: held, until a person corrects it"),
]


@pytest.mark.parametrize(("zones", "stated", "expected", "why"), WHERE)
def test_at_once_goes_by_the_clock_of_the_person_called(
    zones: tuple[str, ...], stated: str, expected: tuple[str, str], why: str
) -> None:
    """Product rules 8 and 9."""
    assert find("now", new_york("15 11:30"), new_york("16 15:00"), *zones, stated=stated) == expected, why


@settings(deadline=None)  # a slow machine must not fail the test
@given(booked=st.integers(0, 3 * 1440), choice=st.sampled_from(["skip", "now", "next_allowed"]))
def test_what_is_planned_late_can_go_in_calling_hours_and_now_means_now(booked: int, choice: str) -> None:
    booked_at = new_york("13 12:00") + timedelta(minutes=booked)
    starts_at = new_york("16 12:30")
    is_late = booked_at > new_york("14 10:00")
    state, reason = find(choice, booked_at, starts_at)
    allowed = next_allowed(booked_at, HOURS, [ZoneInfo(NEW_YORK)])
    assert allowed
    if state == "skipped":
        assert is_late, reason
        assert choice != "next_allowed" or allowed >= starts_at - timedelta(minutes=30)
    elif is_late:
        assert choice != "skip"
        assert allowed == booked_at or choice == "next_allowed"


@pytest.mark.django_db
@pytest.mark.parametrize(
    ("if_late", "at", "verdict", "reason"),
    [
        ("now", "14 18:59", Verdict.CALL, Reason.DUE),
        ("now", "14 19:00", Verdict.MISS, Reason.TOO_LATE),  # it was held until then, by a pause
        ("now", "15 10:00", Verdict.MISS, Reason.TOO_LATE),
        ("next_allowed", "14 19:00", Verdict.WAIT, Reason.OUTSIDE_CALLING_HOURS),
    ],
)
def test_what_was_to_go_at_once_does_not_wait_for_the_next_morning(
    if_late: str, at: str, verdict: str, reason: str
) -> None:
    reminder = plan_late(if_late)
    situation = read_reminder_facts(reminder, sending_paused=False).situation
    decision = decide(situation, new_york(at))
    assert (decision.verdict, decision.reason) == (verdict, reason)


@pytest.mark.django_db
def test_another_try_of_what_went_at_once_may_wait_for_the_next_morning() -> None:
    reminder = plan_late("now")
    Reminder.objects.update(try_after=new_york("14 19:30"))
    reminder = with_situation(Reminder.objects.all()).get()
    decision = decide(read_reminder_facts(reminder, sending_paused=False).situation, new_york("14 19:31"))
    assert (decision.verdict, decision.until) == (Verdict.WAIT, new_york("15 09:00"))


@pytest.mark.django_db
def test_a_reminder_in_time_waits_for_hours_though_its_step_says_at_once() -> None:
    reminder = plan_late("now", booked="14 09:59")
    decision = decide(read_reminder_facts(reminder, sending_paused=False).situation, new_york("14 19:31"))
    assert (decision.verdict, decision.until) == (Verdict.WAIT, new_york("15 09:00"))


def plan_late(if_late: str, *, booked: str = "14 18:50") -> Reminder:
    """The reminder of two days before at 10:00, booked at that time for the 16th."""
    location = make_location(time_zone=NEW_YORK, calling_opens=time(9), calling_closes=time(19))
    make_step(timing_kind="days_before", days=2, at=time(10), elapsed=timedelta(0), if_late=if_late)
    Step.objects.update(since=new_york("01 08:00"))
    campaign = Step.objects.get().campaign
    campaign.activated_at = new_york("01 08:00")
    campaign.save()
    make_appointment(location=location, starts_at=new_york("16 15:00"))
    Appointment.objects.update(revised_at=new_york(booked))
    plan_all()
    reminder = with_situation(Reminder.objects.all()).get()
    assert reminder.state == "planned"
    return reminder
