"""Putting back a reminder that was skipped or missed by a mistaken setting (product rule 30)."""

from datetime import timedelta
from threading import Thread

import pytest
from django.contrib.auth.models import Permission, User
from django.db import connection
from django.test import Client
from django.utils import timezone

from contacts.models import Appointment, AppointmentChange, Location, PhoneNumber
from reminders.desk.orders import OrderRefused, order_call, put_back_reminder, put_back_reminders
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.lifecycle.reminders import mark_missed
from reminders.models import FollowUp, Reminder, Step
from reminders.pages.story import read_story
from reminders.rules.states import CallState
from tests.office import act, make_call
from tests.people import make_contact, make_due_reminder, make_step, make_user

pytestmark = pytest.mark.django_db


def end(reminder: Reminder, state: str = "missed", reason: str = "too_late") -> Reminder:
    Reminder.objects.filter(pk=reminder.pk).update(state=state, reason=reason)
    reminder.refresh_from_db()
    return reminder


def run_worker() -> list[Reminder]:
    claim = claim_due(10)
    return [call.reminder for call in open_calls(claim.reminder_ids, claim.token)]


def offers_it(reminder: Reminder) -> bool:
    story = read_story(reminder.appointment_id, timezone.now())
    return any(line.can_put_back for line in story.reminders if line.pk == reminder.pk)


def test_a_missed_reminder_is_planned_again_and_its_entry_on_the_worklist_is_resolved() -> None:
    rosa, reminder = make_user("rosa"), make_due_reminder()
    mark_missed(reminder, "too_late")
    reminder.save()
    assert FollowUp.objects.get().state == "open"
    assert offers_it(reminder)
    put_back_reminder(reminder.pk, by=rosa)
    change = AppointmentChange.objects.latest("pk")
    assert (change.what, change.by) == ("step_put_back", rosa)
    follow_up = FollowUp.objects.get()
    assert (follow_up.state, follow_up.resolution, follow_up.resolved_by) == ("resolved", "put_back", rosa)
    assert run_worker() == [reminder]


def test_the_entry_stays_for_another_reminder_that_was_missed_too() -> None:
    first = make_due_reminder()
    second = Reminder.objects.create(
        appointment=first.appointment,
        step=make_step(elapsed=timedelta(hours=5)),
        revision=1,
        state="missed",
        due_at=first.due_at,
        not_after=first.not_after,
        next_look_at=first.next_look_at,
    )
    mark_missed(first, "too_late")
    first.save()
    put_back_reminder(first.pk, by=make_user())
    follow_up = FollowUp.objects.get()
    assert (follow_up.state, follow_up.reminder) == ("open", second)


def test_its_times_are_those_of_the_step_as_it_is_now() -> None:
    """A mistaken "stop before" of three hours had made it too late."""
    step = make_step(stop_before=timedelta(hours=3))
    reminder = end(make_due_reminder(starts_at=timezone.now() + timedelta(hours=4)))
    Step.objects.filter(pk=step.pk).update(stop_before=timedelta(minutes=30))
    Reminder.objects.update(not_after=timezone.now() - timedelta(minutes=1))
    put_back_reminder(reminder.pk, by=make_user())
    reminder.refresh_from_db()
    assert reminder.not_after == reminder.appointment.starts_at - timedelta(minutes=30)


def test_one_that_is_not_due_yet_waits_until_it_is() -> None:
    reminder = end(make_due_reminder(starts_at=timezone.now() + timedelta(hours=10)), "skipped", "moved")
    put_back_reminder(reminder.pk, by=make_user())
    reminder.refresh_from_db()
    assert (reminder.state, reminder.next_look_at) == ("planned", reminder.due_at)
    assert run_worker() == []


@pytest.mark.parametrize("state", CallState)
def test_it_is_put_back_only_if_each_call_of_it_surely_reached_nobody(state: CallState) -> None:
    reminder = end(make_due_reminder())
    make_call(reminder, state=state)
    if state in ("not_sent", "rejected", "failed", "no_answer"):
        assert offers_it(reminder)
        put_back_reminder(reminder.pk, by=make_user())
        return
    assert not offers_it(reminder)
    with pytest.raises(OrderRefused, match="may have reached the patient"):
        put_back_reminder(reminder.pk, by=make_user())


@pytest.mark.parametrize("state", ["planned", "done", "withdrawn", "in_progress"])
def test_only_what_was_skipped_or_missed_can_be_put_back(state: str) -> None:
    reminder = end(make_due_reminder(), state)
    assert not offers_it(reminder)
    with pytest.raises(OrderRefused, match="was not skipped or missed"):
        put_back_reminder(reminder.pk, by=make_user())


def opt_out(reminder: Reminder) -> None:
    PhoneNumber.objects.update(voice_opted_out_at=timezone.now())


def cancel(reminder: Reminder) -> None:
    Appointment.objects.update(status="cancelled")


def move(reminder: Reminder) -> None:
    Appointment.objects.update(revision=2)


def let_it_begin(reminder: Reminder) -> None:
    now = timezone.now()
    Appointment.objects.update(starts_at=now, ends_at=now + timedelta(minutes=30))


def close_for_today_and_tomorrow(reminder: Reminder) -> None:
    location = Location.objects.get()
    for ahead in range(3):
        location.closed_days.create(date=timezone.now().astimezone(location.zone).date() + timedelta(ahead))


@pytest.mark.parametrize(
    ("obstacle", "words"),
    [
        (opt_out, "The number has opted out."),
        (cancel, "The appointment was cancelled."),
        (move, "The appointment was moved; this was for the old time."),
        (close_for_today_and_tomorrow, "There are no calling hours between its time and the appointment."),
    ],
)
def test_what_would_be_skipped_or_missed_again_is_refused_with_the_reason(
    obstacle: object, words: str
) -> None:
    reminder = end(make_due_reminder())
    obstacle(reminder)  # type: ignore[operator]
    assert not offers_it(reminder)
    with pytest.raises(OrderRefused, match=words):
        put_back_reminder(reminder.pk, by=make_user())
    reminder.refresh_from_db()
    assert reminder.state == "missed"
    assert not AppointmentChange.objects.filter(what="step_put_back").exists()


def test_what_planning_would_skip_again_is_refused() -> None:
    """Putting back never reaches back (product rules 5, 6 and 29)."""
    step = make_step(if_late="skip")
    reminder = make_due_reminder()
    assert (reminder.state, reminder.reason) == ("skipped", "past_when_booked")
    rosa = make_user("rosa")
    assert not offers_it(reminder)
    with pytest.raises(OrderRefused, match="already passed when the appointment was booked"):
        put_back_reminder(reminder.pk, by=rosa)
    Step.objects.filter(pk=step.pk).update(if_late="next_allowed")
    put_back_reminder(reminder.pk, by=rosa)


def test_while_sending_is_paused_it_is_planned_and_held(office: Client) -> None:
    reminder = end(make_due_reminder())
    office.post("/sending/pause/")
    put_back_reminder(reminder.pk, by=make_user())
    assert run_worker() == []
    reminder.refresh_from_db()
    assert (reminder.state, reminder.reason) == ("planned", "sending_paused")


def test_the_deed_asks_for_the_permission_to_change_appointments() -> None:
    reminder = end(make_due_reminder(), "skipped", "skipped_by_person")
    rosa = User.objects.create(username="rosa")
    desk = Client()
    desk.force_login(rosa)
    address = f"/reminders/{reminder.pk}/put-back/"
    assert desk.post(address).status_code == 403
    rosa.user_permissions.add(Permission.objects.get(codename="change_appointment"))
    assert desk.get(address).status_code == 405
    answer = desk.post(address)
    assert (answer.status_code, answer["Location"]) == (303, f"/appointments/{reminder.appointment_id}/")
    reminder.refresh_from_db()
    assert reminder.state == "planned"


def test_many_are_put_back_in_the_admin_and_the_others_are_counted(office: Client, sam: User) -> None:
    back = end(make_due_reminder())
    reached = end(make_due_reminder(make_contact("Noah", number="+12025550142")))
    make_call(reached, state="answered")
    page = act(office, Reminder, "put_back", back, reached)
    assert "1 of 2 put back. The others can&#x27;t be put back" in page
    assert {one.pk: one.state for one in Reminder.objects.all()} == {back.pk: "planned", reached.pk: "missed"}
    assert put_back_reminders([back.pk, reached.pk], by=sam) == 0, "once is enough"


@pytest.mark.django_db(transaction=True)
def test_putting_back_and_calling_now_at_the_same_time_makes_one_call() -> None:
    rosa, reminder = make_user("rosa"), end(make_due_reminder())

    def put_back() -> None:
        put_back_reminders([reminder.pk], by=rosa)
        connection.close()

    threads = [Thread(target=put_back) for _ in range(3)]
    for thread in threads:
        thread.start()
    order_call(reminder.pk, by=rosa)
    for thread in threads:
        thread.join()
    assert AppointmentChange.objects.filter(what="step_put_back").count() <= 1
    assert run_worker() == [reminder]
    assert run_worker() == []
