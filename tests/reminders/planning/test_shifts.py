"""New clock rules move the moments of visits and of their reminders, never what was told (product rule 27).

The appointments are booked in Vancouver, and their moments are set back to what the rules of 2025 made of
them: an hour later in winter than by the rules that Vancouver has had since.
"""

from datetime import UTC, datetime, time, timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import call_command
from django.db import connection
from django.db.models import F
from django.test.utils import CaptureQueriesContext

from contacts.appointments import record_answer
from contacts.models import Appointment, AppointmentChange
from reminders.dispatch.claims import claim_due
from reminders.lifecycle.follow_ups import open_follow_up
from reminders.models import FollowUp, Reminder, Step
from reminders.planning.planner import plan_all
from reminders.planning.shifts import rederive_times
from reminders.rules.reasons import Reason
from reminders.rules.states import ReminderState
from tests.office import make_call
from tests.people import (
    at,
    make_appointment,
    make_campaign,
    make_contact,
    make_location,
    make_number,
    make_step,
    make_user,
)
from tests.two_clocks import TwoClocks

VANCOUVER = "America/Vancouver"
HOUR = timedelta(hours=1)
NINE = at(VANCOUVER, 2026, 12, 15, 9, 0)
What = AppointmentChange.What
pytestmark = pytest.mark.django_db


@pytest.fixture
def clock() -> Any:
    """It is noon in Vancouver, five days before the visits."""
    clocks = TwoClocks(at(VANCOUVER, 2026, 12, 10, 12, 0))
    yield clocks
    clocks.stop()


def book(*, starts_at: datetime = NINE, **fields: Any) -> Appointment:
    """A visit whose moment, and whose reminders', follow the old rules."""
    appointment = make_appointment(
        starts_at=starts_at, location=make_location(f"Location {starts_at}", time_zone=VANCOUVER), **fields
    )
    Appointment.objects.update(starts_at=F("starts_at") + HOUR, ends_at=F("ends_at") + HOUR)
    plan_all()
    Reminder.objects.filter(appointment=appointment, step__timing_kind="days_before").update(
        due_at=F("due_at") + HOUR, next_look_at=F("next_look_at") + HOUR
    )
    return appointment


def make_steps(**fields: Any) -> None:
    campaign = make_campaign(activated_at=datetime(2026, 11, 1, tzinfo=UTC))
    make_step(campaign, elapsed=HOUR, if_late=Step.IfLate.SKIP, **fields)
    day_before = {"timing_kind": "days_before", "days": 1, "at": time(10), "elapsed": timedelta(0)}
    make_step(campaign, if_late=Step.IfLate.SKIP, **day_before)


def read_moments() -> list[tuple[datetime, datetime, datetime]]:
    rows = Reminder.objects.order_by("step__position").values_list("due_at", "not_after", "next_look_at")
    return list(rows)


def test_a_visit_gets_its_right_moment_and_so_do_its_reminders(clock: TwoClocks) -> None:
    make_steps()
    appointment = book()
    half_past_eight = NINE - timedelta(minutes=30)
    day_before = at(VANCOUVER, 2026, 12, 14, 10, 0)
    assert read_moments() == [
        (NINE, NINE + HOUR / 2, NINE),  # "1 hour before", as the visit begins
        (day_before + HOUR, NINE + HOUR / 2, day_before + HOUR),
    ]

    assert rederive_times() == 1
    appointment.refresh_from_db()
    assert appointment.starts_at == NINE == datetime(2026, 12, 15, 16, tzinfo=UTC)
    assert appointment.ends_at == NINE + HOUR / 2
    assert read_moments() == [
        (NINE - HOUR, half_past_eight, NINE - HOUR),
        (day_before, half_past_eight, day_before),
    ]


def test_revision_confirmation_and_wall_time_stay_and_the_story_says_why(
    clock: TwoClocks,
) -> None:
    make_steps()
    appointment = book()
    record_answer(appointment.pk, "confirmed", revision=1, at=datetime.now(UTC), how="key_1")
    rederive_times()
    appointment.refresh_from_db()
    assert (appointment.revision, appointment.is_confirmed) == (1, True)
    assert appointment.wall_start.isoformat() == "2026-12-15T09:00:00-07:00"
    [line] = appointment.changes.filter(what=What.RULES_CHANGED)
    assert (line.starts_before, line.starts_after) == (NINE + HOUR, NINE)
    assert line.local_before == line.local_after == appointment.local_start


def test_running_it_again_changes_nothing(clock: TwoClocks) -> None:
    make_steps()
    book()
    book(starts_at=NINE + timedelta(days=1))
    assert rederive_times() == 2
    before = list(Reminder.objects.order_by("pk").values()), list(Appointment.objects.order_by("pk").values())
    assert rederive_times() == 0
    assert before == (
        list(Reminder.objects.order_by("pk").values()),
        list(Appointment.objects.order_by("pk").values()),
    )
    assert plan_all().added == 0


def test_the_command_says_how_many_it_changed(clock: TwoClocks) -> None:
    book()
    out = StringIO()
    call_command("rederive_times", stdout=out)
    assert out.getvalue().splitlines() == [
        "Upcoming appointments that have a new moment: 1.",
        "Reminders that have a new time by the public holidays: 0.",
    ]


def test_a_visit_that_is_over_is_history(clock: TwoClocks) -> None:
    make_steps()
    over = book(starts_at=at(VANCOUVER, 2026, 12, 10, 10, 30))
    assert rederive_times() == 0
    over.refresh_from_db()
    assert over.starts_at == at(VANCOUVER, 2026, 12, 10, 11, 30)


def test_a_visit_that_had_seemed_ahead_and_has_begun_gets_no_call(clock: TwoClocks) -> None:
    make_steps()
    begun = book(starts_at=at(VANCOUVER, 2026, 12, 10, 11, 45))
    Reminder.objects.filter(step__position=1).update(
        state=ReminderState.PLANNED, due_at=datetime.now(UTC), next_look_at=datetime.now(UTC)
    )
    assert rederive_times() == 1
    begun.refresh_from_db()
    assert begun.starts_at == at(VANCOUVER, 2026, 12, 10, 11, 45)
    assert Reminder.objects.get(step__position=1).not_after < datetime.now(UTC)


def test_a_cancelled_visit_is_at_the_right_moment_if_it_is_booked_again(clock: TwoClocks) -> None:
    appointment = book()
    Appointment.objects.update(status="cancelled")
    assert rederive_times() == 1
    appointment.refresh_from_db()
    assert (appointment.starts_at, appointment.status) == (NINE, "cancelled")


def test_a_zone_without_new_rules_is_left_alone(clock: TwoClocks) -> None:
    make_steps()
    make_appointment(location=make_location(time_zone="America/New_York"), starts_at=NINE)
    plan_all()
    assert rederive_times() == 0
    assert not AppointmentChange.objects.filter(what=What.RULES_CHANGED).exists()


def test_an_appointment_with_a_zone_that_does_not_exist_stops_none_of_the_others(clock: TwoClocks) -> None:
    broken = book()
    Appointment.objects.filter(pk=broken.pk).update(time_zone="Mars/Olympus_Mons")
    book(starts_at=NINE + timedelta(days=1))
    assert rederive_times() == 1


def test_what_is_due_by_the_new_rules_goes_out_late_if_it_is_still_in_time(clock: TwoClocks) -> None:
    """As after any delay: it was owed all along."""
    make_steps()
    book(starts_at=at(VANCOUVER, 2026, 12, 10, 12, 50))  # an hour before was ten minutes ago
    assert read_moments()[0][0] == at(VANCOUVER, 2026, 12, 10, 12, 50)
    Reminder.objects.filter(step__position=1).update(reason="", state=ReminderState.PLANNED)
    Appointment.objects.update(revised_at=datetime.now(UTC) - timedelta(days=3))
    rederive_times()
    reminder = Reminder.objects.get(step__position=1)
    assert (reminder.state, reminder.due_at) == (
        ReminderState.PLANNED,
        at(VANCOUVER, 2026, 12, 10, 11, 50),
    )
    assert reminder.pk in claim_due(10).reminder_ids


@pytest.mark.parametrize(
    ("audience", "state", "kinds"),
    [("everyone", ReminderState.MISSED, ["missed"]), ("unconfirmed", ReminderState.SKIPPED, [])],
)
def test_what_would_not_have_been_planned_by_the_new_rules_is_not_sent_and_a_person_is_told(
    clock: TwoClocks, audience: str, state: str, kinds: list[str]
) -> None:
    make_steps(audience=audience)
    appointment = book(starts_at=at(VANCOUVER, 2026, 12, 10, 12, 50))
    Appointment.objects.update(answer="confirmed", answer_revision=1)
    Reminder.objects.filter(step__position=1).update(reason="", state=ReminderState.PLANNED)
    rederive_times()  # it is booked now, after the hour before it
    reminder = Reminder.objects.get(step__position=1)
    assert reminder.state == state
    follow_ups = FollowUp.objects.filter(appointment=appointment).values_list("kind", "reason")
    assert list(follow_ups) == [(kind, Reason.PAST_WHEN_BOOKED) for kind in kinds]


def test_after_a_try_only_the_end_moves(clock: TwoClocks) -> None:
    make_steps()
    book()
    reminder = Reminder.objects.get(step__position=1)
    make_call(reminder, state="no_answer")
    again = datetime.now(UTC) + HOUR
    Reminder.objects.filter(pk=reminder.pk).update(next_look_at=again, try_after=again)
    rederive_times()
    after = Reminder.objects.get(pk=reminder.pk)
    assert (after.due_at, after.not_after) == (reminder.due_at, NINE - HOUR / 2)
    assert (after.next_look_at, after.try_after) == (again, again)


@pytest.mark.parametrize("state", [ReminderState.IN_PROGRESS, ReminderState.CLAIMED])
def test_what_is_under_way_stays_under_way_and_ends_in_time(clock: TwoClocks, state: str) -> None:
    make_steps()
    book()
    reminder = Reminder.objects.get(step__position=1)
    if state == ReminderState.CLAIMED:
        Reminder.objects.filter(pk=reminder.pk).update(next_look_at=datetime.now(UTC))
        assert claim_due(10).reminder_ids == [reminder.pk]
    else:
        make_call(reminder, state="submitted")
        Reminder.objects.filter(pk=reminder.pk).update(state=state)
    rederive_times()
    after = Reminder.objects.get(pk=reminder.pk)
    assert (after.state, after.not_after) == (state, NINE - HOUR / 2)


def test_a_call_that_a_person_ordered_is_not_put_off(clock: TwoClocks) -> None:
    make_steps()
    book()
    now = datetime.now(UTC)
    Reminder.objects.filter(step__position=1).update(ordered_by=make_user(), next_look_at=now)
    rederive_times()
    ordered = Reminder.objects.get(step__position=1)
    assert (ordered.next_look_at, ordered.due_at) == (now, NINE - HOUR)


def test_what_staff_have_to_do_is_due_earlier_if_the_visit_is(clock: TwoClocks) -> None:
    make_steps()
    soon = at(VANCOUVER, 2026, 12, 10, 14, 0)
    book(starts_at=soon)
    open_follow_up(FollowUp.Kind.WRONG_NUMBER, reminder=Reminder.objects.earliest("pk"))
    assert FollowUp.objects.get().due_at == soon
    rederive_times()
    assert FollowUp.objects.get().due_at == soon - HOUR


def test_reminders_of_an_earlier_revision_and_finished_ones_are_left_alone(clock: TwoClocks) -> None:
    make_steps()
    book()
    Reminder.objects.filter(step__position=1).update(state=ReminderState.DONE)
    Reminder.objects.filter(step__position=2).update(revision=7)
    before = read_moments()
    rederive_times()
    assert read_moments() == before


def test_many_visits_need_as_many_queries_as_a_few(clock: TwoClocks) -> None:
    make_steps()
    location = make_location(time_zone=VANCOUVER)

    def count_statements(many: int) -> int:
        for index in range(many):
            number = make_number(f"+1202555{Appointment.objects.count() + 1000:04}")
            make_appointment(make_contact(f"P{index}", number=number.e164), location=location, starts_at=NINE)
        plan_all()
        Appointment.objects.update(starts_at=F("starts_at") + HOUR, ends_at=F("ends_at") + HOUR)
        with CaptureQueriesContext(connection) as statements:
            rederive_times()
        assert set(Appointment.objects.values_list("starts_at", flat=True)) == {NINE}
        return len(statements)

    assert count_statements(2) == count_statements(9)
