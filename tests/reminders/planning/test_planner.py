"""Which reminders are owed; planning twice is the same as planning once."""

from collections.abc import Callable
from datetime import UTC, date, datetime, time, timedelta
from threading import Thread
from typing import Any

import pytest
from django.db import connection, transaction
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts.appointments import record_attendance
from contacts.models import Appointment, ClosedDay, Location
from reminders.desk.bookings import (
    cancel_and_withdraw,
    move_and_replan,
    preview_move,
    reinstate_and_plan,
)
from reminders.desk.orders import order_call
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import Campaign, Reminder, Step
from reminders.planning import bulk_rows, replanning
from reminders.planning.owed_reminders import find_owed_reminder
from reminders.planning.planner import plan_all
from reminders.planning.replanning import replan_location, replan_steps
from reminders.sweeps.reconciliation import reconcile
from tests.people import (
    at,
    make_appointment,
    make_campaign,
    make_contact,
    make_due_reminder,
    make_location,
    make_step,
    make_user,
)
from tests.waiting import wait_until

pytestmark = pytest.mark.django_db

NEW_YORK = "America/New_York"
KATHMANDU = "Asia/Kathmandu"
LOCKS_AWAITED = (
    "SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND datname = current_database()"
)


def plan_states(appointment: Appointment) -> list[tuple[int, str, str]]:
    reminders = Reminder.objects.filter(appointment=appointment).order_by("revision", "step__position")
    return [(reminder.revision, reminder.state, reminder.reason) for reminder in reminders]


def test_it_plans_two_days_before_by_the_locations_clock_over_a_clock_switch() -> None:
    """(product rule 7)"""
    location = make_location(time_zone=NEW_YORK)
    make_step(timing_kind="days_before", days=2, at=time(10), elapsed=timedelta(0))
    appointment = make_appointment(location=location, starts_at=at(NEW_YORK, 2027, 3, 15, 15, 15))
    plan_all()
    assert Reminder.objects.get(appointment=appointment).due_at == datetime(2027, 3, 13, 15, 0, tzinfo=UTC)


def test_planning_twice_changes_nothing() -> None:
    """(product rule 3)"""
    make_step()
    make_appointment()
    assert plan_all().added == 1
    assert plan_all().added == 0
    assert Reminder.objects.count() == 1


def test_it_skips_a_step_whose_moment_had_passed_when_it_was_booked() -> None:
    """(product rule 5)"""
    make_step(if_late=Step.IfLate.SKIP)
    appointment = make_appointment(starts_at=timezone.now() + timedelta(hours=3))
    plan_all()
    assert plan_states(appointment) == [(1, "skipped", "past_when_booked")]


@pytest.mark.parametrize(
    "timing",
    [
        {"elapsed": timedelta(minutes=20), "stop_before": timedelta(minutes=30)},
        {"timing_kind": "days_before", "days": 0, "at": time(10), "elapsed": timedelta(0)},
    ],
    ids=["elapsed", "on the day"],
)
@pytest.mark.parametrize("if_late", Step.IfLate)
def test_a_step_that_is_always_too_late_for_the_appointment_is_skipped_with_its_reason(
    timing: dict[str, Any], if_late: str
) -> None:
    make_step(if_late=if_late, **timing)
    appointment = make_appointment(
        location=make_location(time_zone=NEW_YORK), starts_at=at(NEW_YORK, 2027, 6, 15, 9, 0)
    )
    plan_all()
    assert plan_states(appointment) == [(1, "skipped", "never_in_time")]


def test_a_late_step_that_is_planned_after_its_last_moment_is_missed_and_on_the_worklist() -> None:
    """(product rule 4)"""
    make_step(if_late=Step.IfLate.NEXT_ALLOWED)
    appointment = make_appointment(starts_at=timezone.now() + timedelta(minutes=20))
    Appointment.objects.update(revised_at=timezone.now() - timedelta(hours=1))
    plan_all()
    assert reconcile(ask=False).missed == 1
    assert plan_states(appointment) == [(1, "missed", "too_late")]
    assert appointment.follow_ups.get().kind == "missed"


def test_an_appointment_booked_after_a_steps_last_moment_gets_no_call() -> None:
    make_step(if_late=Step.IfLate.NEXT_ALLOWED)
    appointment = make_appointment(starts_at=timezone.now() + timedelta(minutes=20))
    plan_all()
    assert plan_states(appointment) == [(1, "skipped", "past_when_booked")]


def test_it_sends_a_late_step_now_when_the_step_says_so() -> None:
    """(product rule 5)"""
    make_step(if_late=Step.IfLate.NEXT_ALLOWED)
    appointment = make_appointment(starts_at=timezone.now() + timedelta(hours=3))
    plan_all()
    assert plan_states(appointment) == [(1, "planned", "")]


def test_reminders_due_before_the_activation_are_skipped() -> None:
    """(product rule 6)"""
    appointment = make_appointment(starts_at=timezone.now() + timedelta(hours=3))
    make_step(make_campaign(activated_at=timezone.now()), if_late=Step.IfLate.NEXT_ALLOWED)
    plan_all()
    assert plan_states(appointment) == [(1, "skipped", "before_activation")]


def test_an_appointment_booked_after_the_activation_is_sent_late_if_the_step_says_so() -> None:
    make_step(make_campaign(activated_at=timezone.now()), if_late=Step.IfLate.NEXT_ALLOWED)
    appointment = make_appointment(starts_at=timezone.now() + timedelta(hours=3))
    plan_all()
    assert plan_states(appointment) == [(1, "planned", "")]


@pytest.mark.parametrize("state", [Campaign.State.DRAFT, Campaign.State.PAUSED])
def test_a_campaign_that_is_not_active_plans_nothing(state: str) -> None:
    make_step(make_campaign(state=state))
    make_appointment()
    assert plan_all().added == 0


def test_a_campaign_plans_only_for_the_appointments_that_match_its_filters() -> None:
    downtown, eastside = make_location("Downtown"), make_location("Eastside")
    campaign = make_campaign(kinds=["Cleaning"])
    campaign.locations.add(eastside)
    make_step(campaign)
    sarah = make_contact()
    wanted = make_appointment(sarah, location=eastside, kind="Cleaning")
    make_appointment(sarah, location=eastside, kind="Physical")
    make_appointment(sarah, location=downtown, kind="Cleaning")
    plan_all()
    assert list(Reminder.objects.values_list("appointment", flat=True)) == [wanted.pk]


def test_moving_an_appointment_withdraws_its_old_reminder_and_plans_a_new_one() -> None:
    """(product rule 2)"""
    make_step()
    appointment = make_appointment(starts_at=timezone.now() + timedelta(hours=6))
    plan_all()
    later = appointment.starts_at + timedelta(days=1)
    moved = move_and_replan(appointment.pk, starts_at=later, ends_at=later + timedelta(minutes=30))
    assert plan_states(moved) == [(1, "withdrawn", "moved"), (2, "planned", "")]
    assert Reminder.objects.get(revision=2).due_at == later - timedelta(hours=4)


def test_cancelling_withdraws_reminders_and_reinstating_plans_new_ones() -> None:
    """(product rule 1)"""
    make_step()
    appointment = make_appointment(starts_at=timezone.now() + timedelta(hours=6))
    plan_all()
    cancel_and_withdraw(appointment.pk)
    assert plan_states(appointment) == [(1, "withdrawn", "cancelled")]
    reinstate_and_plan(appointment.pk)
    assert plan_states(appointment) == [(1, "withdrawn", "cancelled"), (2, "planned", "")]


def test_an_arrival_recorded_by_mistake_and_undone_leaves_the_reminder_planned() -> None:
    make_step()
    appointment = make_appointment(starts_at=timezone.now() + timedelta(hours=6))
    plan_all()
    record_attendance(appointment.pk, Appointment.Status.ARRIVED)
    plan_all()
    record_attendance(appointment.pk, Appointment.Status.BOOKED)
    assert plan_states(appointment) == [(1, "planned", "")]


def test_editing_a_step_moves_its_planned_reminders() -> None:
    step = make_step()
    appointment = make_appointment(starts_at=timezone.now() + timedelta(hours=6))
    plan_all()
    step.elapsed = timedelta(hours=2)
    step.save()
    assert sum(replan_steps([step.pk])) == 1
    assert Reminder.objects.get().due_at == appointment.starts_at - timedelta(hours=2)
    assert sum(replan_steps([step.pk])) == 0


def test_editing_a_step_does_not_move_ordered_or_tried_reminders() -> None:
    ordered, tried = make_due_reminder(), make_due_reminder(make_contact("Noah", number="+12025550142"))
    order_call(ordered.pk, by=make_user())
    claim = claim_due(10)
    open_calls([tried.pk], claim.token)
    Reminder.objects.update(state="planned", claim=None, lease_until=None)
    ordered.step.elapsed = timedelta(hours=1)
    ordered.step.save()
    assert sum(replan_steps([ordered.step.pk])) == 0


def test_a_new_time_zone_of_a_location_moves_its_planned_reminders() -> None:
    location = make_location(time_zone=NEW_YORK)
    make_step(timing_kind="days_before", days=1, at=time(10), elapsed=timedelta(0))
    appointment = make_appointment(location=location, starts_at=at(NEW_YORK, 2027, 6, 15, 12, 0))
    make_appointment(location=make_location("Eastside", time_zone=NEW_YORK), starts_at=appointment.starts_at)
    plan_all()
    Location.objects.filter(pk=location.pk).update(time_zone="America/Chicago")
    assert sum(replan_location(location)) == 1
    assert Reminder.objects.get(appointment=appointment).due_at == at("America/Chicago", 2027, 6, 14, 10, 0)


def test_an_edit_moves_more_reminders_than_are_read_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(replanning, "REPLANNED_AT_ONCE", 2)
    step, sarah = make_step(), make_contact()
    for _ in range(5):
        make_appointment(sarah)
    plan_all()
    step.elapsed = timedelta(hours=2)
    step.save()
    assert sum(replan_steps([step.pk])) == 5


def plan_for_a_wednesday() -> Reminder:
    """A reminder at ten on the open day before a Wednesday's appointment: on Tuesday."""
    location = make_location(time_zone=NEW_YORK)
    make_step(timing_kind="open_days_before", days=1, at=time(10), elapsed=timedelta(0))
    make_appointment(location=location, starts_at=at(NEW_YORK, 2027, 6, 16, 12, 0))
    plan_all()
    return Reminder.objects.get()


def test_adding_or_deleting_a_closed_day_moves_reminders_that_count_open_days(admin_client: Client) -> None:
    reminder = plan_for_a_wednesday()
    entry = {"location": reminder.appointment.location_id, "date": "2027-06-15", "reason": ""}
    admin_client.post("/admin/contacts/closedday/add/", entry)
    reminder.refresh_from_db()
    assert reminder.due_at == at(NEW_YORK, 2027, 6, 14, 10, 0), "Monday"
    delete = {"post": "yes", "action": "delete_selected", "_selected_action": ClosedDay.objects.get().pk}
    admin_client.post("/admin/contacts/closedday/", delete)
    reminder.refresh_from_db()
    assert reminder.due_at == at(NEW_YORK, 2027, 6, 15, 10, 0)


def test_editing_a_location_in_the_admin_moves_its_planned_reminders(admin_client: Client) -> None:
    reminder = plan_for_a_wednesday()
    location = reminder.appointment.location
    form = {name: value for name, value in vars(location).items() if value and not name.startswith("_")}
    inline = {"closed_days-TOTAL_FORMS": 0, "closed_days-INITIAL_FORMS": 0}
    inline |= {"opening_hours-TOTAL_FORMS": 0, "opening_hours-INITIAL_FORMS": 0}
    edit = form | inline | {"open_weekdays": [0, 2]}
    admin_client.post(f"/admin/contacts/location/{location.pk}/change/", edit)
    reminder.refresh_from_db()
    assert reminder.due_at == at(NEW_YORK, 2027, 6, 14, 10, 0), "Monday"


def test_the_preview_of_a_move_shows_what_the_move_then_does() -> None:
    """(product rule 18)"""
    make_step()
    appointment = make_appointment(starts_at=timezone.now() + timedelta(hours=6))
    plan_all()
    later = appointment.starts_at + timedelta(days=1)
    [preview] = preview_move(appointment, later)
    assert Reminder.objects.filter(revision=2).count() == 0, "a preview changes nothing"
    move_and_replan(appointment.pk, starts_at=later, ends_at=later + timedelta(minutes=30))
    assert preview.new_due_at == Reminder.objects.get(revision=2).due_at
    assert preview.old_due_at == Reminder.objects.get(revision=1).due_at


def test_the_preview_of_a_move_respects_the_calling_hours() -> None:
    make_step()
    appointment = make_appointment(location=make_location(time_zone=NEW_YORK, calling_opens=time(9)))
    [preview] = preview_move(appointment, at(NEW_YORK, 2027, 6, 15, 12, 0))
    assert preview.new_due_at == at(NEW_YORK, 2027, 6, 15, 9, 0), "not at 8:00, four hours before"


def test_planning_sixty_appointments_takes_as_many_queries_as_planning_one() -> None:
    make_step()
    sarah = make_contact()
    make_appointment(sarah)
    with CaptureQueriesContext(connection) as for_one:
        assert plan_all().added == 1
    for _ in range(60):
        make_appointment(sarah)
    with CaptureQueriesContext(connection) as for_sixty:
        assert plan_all().added == 60
    assert len(for_sixty) <= len(for_one)


@pytest.mark.parametrize("zone", [NEW_YORK, KATHMANDU])
@pytest.mark.parametrize(
    "timing",
    [
        {"timing_kind": "days_before", "days": 2, "at": time(10)},
        {"timing_kind": "open_days_before", "days": 3, "at": time(16, 30)},
        {"timing_kind": "elapsed_before", "elapsed": timedelta(hours=20), "if_late": "skip"},
    ],
)
def test_planned_rows_equal_find_owed_reminder(zone: str, timing: dict[str, Any]) -> None:
    location = make_location(time_zone=zone)
    ClosedDay.objects.create(location=location, date=date(2027, 3, 11))
    step, sarah = make_step(**{"elapsed": timedelta(0), **timing}), make_contact()
    soon, later = timezone.now() + timedelta(hours=5, microseconds=7), at(zone, 2027, 3, 15, 15, 15)
    appointments = [make_appointment(sarah, location=location, starts_at=moment) for moment in (soon, later)]
    now = timezone.now()
    assert plan_all(now).added == 2
    for appointment in appointments:
        planned = Reminder.objects.get(appointment=appointment)
        owed = find_owed_reminder(step, appointment)
        assert owed == (planned.due_at, planned.not_after, planned.state, planned.reason)
        assert planned.next_look_at == planned.due_at


def test_it_plans_more_appointments_than_it_reads_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(bulk_rows, "CHUNK", 2)
    make_step()
    sarah = make_contact()
    for _ in range(5):
        make_appointment(sarah)
    assert plan_all().added == 5


def a_lock_is_awaited() -> bool:
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_stat_clear_snapshot()")  # else a transaction sees what it saw before
        cursor.execute(LOCKS_AWAITED)
        return bool(cursor.fetchone()[0])


@pytest.mark.django_db(transaction=True)
def test_two_planners_at_once_plan_each_reminder_once_and_count_it_once() -> None:
    """(product rule 3)"""
    make_step()
    make_appointment()
    second: list[int] = []

    def plan_too() -> None:
        second.append(plan_all().added)
        connection.close()

    other = Thread(target=plan_too)
    with transaction.atomic():
        first = plan_all().added
        other.start()
        wait_until(a_lock_is_awaited, "the second planner to wait for the first one's row")
    other.join()
    assert (first, second, Reminder.objects.count()) == (1, [0], 1)


def in_a_thread(work: Callable[[], object]) -> Thread:
    def run() -> None:
        work()
        connection.close()

    thread = Thread(target=run)
    thread.start()
    return thread


def make_location_with_appointment() -> tuple[Location, Appointment]:
    location = make_location(time_zone=NEW_YORK)
    make_step(timing_kind="open_days_before", days=1, at=time(10), elapsed=timedelta(0))
    return location, make_appointment(location=location, starts_at=at(NEW_YORK, 2027, 6, 16, 12, 0))


def edit_clock(location: Location) -> datetime:
    Location.objects.filter(pk=location.pk).update(time_zone="America/Chicago")
    return at("America/Chicago", 2027, 6, 15, 10, 0)


def edit_closed_days(location: Location) -> datetime:
    ClosedDay.objects.create(location=location, date=date(2027, 6, 15))
    return at(NEW_YORK, 2027, 6, 14, 10, 0)


EDITS = pytest.mark.parametrize("edit", [edit_clock, edit_closed_days])


@EDITS
@pytest.mark.django_db(transaction=True)
def test_editing_a_location_while_it_is_planned_leaves_no_reminder_at_an_old_moment(
    edit: Callable[[Location], datetime],
) -> None:
    location, appointment = make_location_with_appointment()
    with transaction.atomic():
        plan_all()
        moment: list[datetime] = []

        def edit_and_replan() -> None:
            with transaction.atomic():
                moment.append(edit(location))
                replan_location(location)

        other = in_a_thread(edit_and_replan)
        wait_until(a_lock_is_awaited, "the edit to wait for the planner")
    other.join()
    assert [appointment.reminders.get().due_at] == moment


@EDITS
@pytest.mark.django_db(transaction=True)
def test_a_planner_waits_for_the_edit_of_a_location(edit: Callable[[Location], datetime]) -> None:
    location, appointment = make_location_with_appointment()
    with transaction.atomic():
        moment = edit(location)
        replan_location(location)
        other = in_a_thread(plan_all)
        wait_until(a_lock_is_awaited, "the planner to wait for the edit")
    other.join()
    assert appointment.reminders.get().due_at == moment


@pytest.mark.django_db(transaction=True)
def test_a_planner_waits_for_the_edit_of_a_step() -> None:
    step = make_step()
    appointment = make_appointment(starts_at=timezone.now() + timedelta(hours=6))
    with transaction.atomic():
        Step.objects.update(elapsed=timedelta(hours=2))
        replan_steps([step.pk])
        other = in_a_thread(plan_all)
        wait_until(a_lock_is_awaited, "the planner to wait for the edit")
    other.join()
    assert appointment.reminders.get().due_at == appointment.starts_at - timedelta(hours=2)
