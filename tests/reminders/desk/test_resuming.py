"""After a pause a person chooses what becomes of the reminders that fell due in it (product rule 29)."""

from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.contrib.auth.models import User
from django.utils import timezone

from contacts.appointments import record_answer
from contacts.models import Appointment, AppointmentChange, Location
from reminders.deciding.fallen_due import DueReminder, FallenDue, may_have_gone
from reminders.desk import orders, resuming
from reminders.desk.orders import order_call
from reminders.desk.resuming import (
    find_due_in_campaign_pause,
    find_due_in_pause,
    skip_and_activate_campaign,
    skip_and_resume_sending,
)
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import CallRecord, Campaign, Reminder, SendingSwitch
from reminders.pages.story import read_story
from reminders.planning.activation import activate_campaign, pause_campaign
from reminders.planning.planner import plan_all
from reminders.rules.calling_hours import CallingHours
from reminders.rules.decide import Situation
from reminders.sweeps.missed import miss_what_is_too_late
from reminders.traffic.probing import _resume as resume_after_probe
from reminders.traffic.switch import Cause, pause_sending, read_switch, resume_sending
from tests.people import make_appointment, make_contact, make_due_reminder, make_step, make_user

pytestmark = pytest.mark.django_db

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


@pytest.fixture
def sam() -> User:
    return make_user("sam", first_name="Sam", last_name="Okafor")


def make_reminder(due_in: timedelta, *, last: int, in_time: bool = True, **fields: Any) -> Reminder:
    """A planned reminder that is due then, for a number that ends in `last`."""
    reminder = make_due_reminder(
        make_contact(number=f"+120255501{last:02}"), starts_at=timezone.now() + 5 * DAY
    )
    now = timezone.now()
    not_after = now + DAY if in_time else now - timedelta(minutes=1)
    moments = {"due_at": now + due_in, "next_look_at": now + due_in, "not_after": not_after}
    Reminder.objects.filter(pk=reminder.pk).update(**moments, **fields)
    reminder.refresh_from_db()
    return reminder


def as_due(reminder: Reminder) -> DueReminder:
    return DueReminder(reminder.pk, reminder.step_id, reminder.appointment_id)


def pause_since(ago: timedelta, cause: str = Cause.PERSON) -> SendingSwitch:
    pause_sending(cause=cause)
    SendingSwitch.objects.update(paused_at=timezone.now() - ago)
    return read_switch()


def sends() -> set[int]:
    """The reminders for which a worker would open a call now."""
    claim = claim_due(100)
    return {call.reminder_id for call in open_calls(claim.reminder_ids, claim.token)}


# --- what fell due ---------------------------------------------------------------------------------


def moment(day: int, hour: int, minute: int = 0) -> datetime:
    return datetime(2026, 7, day, hour, minute, tzinfo=UTC)


ROWS = [
    # due, paused from, until now; whether its moment lies in the pause. Hours are 9:00 to 19:00.
    (moment(1, 10), moment(1, 9), moment(1, 11), True, "due in the pause"),
    (moment(1, 10), moment(1, 10), moment(1, 10), True, "due at its one moment"),
    (moment(1, 12), moment(1, 9), moment(1, 11), False, "due later"),
    (moment(1, 8), moment(1, 9), moment(1, 11), True, "due before, it could have gone in the pause"),
    (moment(1, 7), moment(1, 7, 30), moment(1, 8, 30), False, "the pause ended before the hours began"),
    (moment(1, 7), moment(1, 7, 30), moment(1, 9), True, "the hours began as it ended"),
    (moment(1, 20), moment(1, 18), moment(2, 8), False, "due after the hours: it waits for the morning"),
    (moment(1, 20), moment(1, 18), moment(2, 9), True, "the morning came in the pause"),
    (moment(1, 18), moment(1, 17), moment(2, 8), True, "due in the pause, and the hours are over now"),
]


@pytest.mark.parametrize(("due", "paused_at", "now", "expected", "why"), ROWS)
def test_a_reminder_fell_due_if_a_moment_for_it_lies_in_the_pause(
    due: datetime, paused_at: datetime, now: datetime, expected: bool, why: str
) -> None:
    assert may_have_gone(make_situation(due), paused_at, now) is expected, why


def make_situation(due: datetime, **fields: Any) -> Situation:
    defaults = {
        "not_before": due,
        "not_after": moment(9, 9),
        "revision": 1,
        "appointment_revision": 1,
        "appointment_status": "booked",
        "answer": "",
        "audience": "unconfirmed",
        "campaign_active": True,
        "covered": True,
        "sending_paused": True,
        "has_number": True,
        "number_unusable": False,
        "opted_out": False,
        "has_consent": True,
        "has_script": True,
        "hours": CallingHours(time(9), time(19)),
        "zones": (ZoneInfo("UTC"),),
    }
    return Situation(**{**defaults, **fields})


def test_an_ordered_call_may_have_gone_before_its_step_was_due() -> None:
    situation = make_situation(moment(5, 10), ordered=True)
    assert may_have_gone(situation, moment(1, 9), moment(1, 10))


def test_without_a_zone_it_could_not_have_gone_at_all() -> None:
    assert not may_have_gone(make_situation(moment(1, 10), zones=()), moment(1, 9), moment(1, 11))


def test_those_in_time_and_those_too_late_are_told_apart() -> None:
    in_time = make_reminder(-HOUR, last=0)
    make_reminder(-HOUR, last=1, in_time=False)
    make_reminder(-HOUR, last=2, in_time=False)
    make_reminder(HOUR, last=3)
    switch = pause_since(2 * HOUR)
    assert find_due_in_pause(switch) == FallenDue([as_due(in_time)], 2)
    assert miss_what_is_too_late(10) == 2
    assert find_due_in_pause(switch) == FallenDue([as_due(in_time)], 2), (
        "also when they were missed meanwhile"
    )


def test_what_was_too_late_before_the_pause_is_not_counted() -> None:
    late = make_reminder(-5 * HOUR, last=1)
    Reminder.objects.filter(pk=late.pk).update(not_after=timezone.now() - 3 * HOUR)
    assert miss_what_is_too_late(10) == 1
    assert find_due_in_pause(pause_since(2 * HOUR)).total == 0


def test_what_would_not_be_sent_is_not_counted() -> None:
    confirmed, capped, unusable = (make_reminder(-HOUR, last=last) for last in range(3))
    record_answer(confirmed.appointment_id, "confirmed", revision=1, at=timezone.now(), how="staff")
    number, called = (one.appointment.contact.phone for one in (unusable, capped))
    assert number is not None
    assert called is not None
    number.unusable_since = timezone.now()
    number.save()
    other = make_due_reminder(capped.appointment.contact, starts_at=timezone.now() + 3 * HOUR)
    script = other.step.script.texts.get()
    CallRecord.objects.create(
        reminder=other,
        number=called,
        channel="voice",
        try_number=1,
        from_number="+18005550199",
        script_text=script,
        text="Hello",
        state="answered",
        submitting_at=timezone.now() - 3 * HOUR,
    )
    Reminder.objects.filter(pk=other.pk).update(state="done")
    assert find_due_in_pause(pause_since(2 * HOUR)) == FallenDue([], 0)


def test_reminders_of_a_paused_campaign_are_asked_about_when_it_is_activated() -> None:
    reminder = make_reminder(-HOUR, last=0)
    campaign = Campaign.objects.get()
    pause_campaign(campaign)
    Campaign.objects.update(paused_at=timezone.now() - 2 * HOUR)
    campaign.refresh_from_db()
    assert find_due_in_pause(pause_since(2 * HOUR)).total == 0
    assert find_due_in_campaign_pause(campaign) == FallenDue([as_due(reminder)], 0), (
        "sending is paused as well"
    )


def test_what_came_to_be_owed_while_the_campaign_was_paused_is_counted() -> None:
    make_step(elapsed=timedelta(days=4))
    campaign = Campaign.objects.get()
    pause_campaign(campaign)
    Campaign.objects.update(paused_at=timezone.now() - 3 * DAY)
    appointment = make_appointment(starts_at=timezone.now() + 3 * DAY)
    Appointment.objects.update(revised_at=timezone.now() - 2 * DAY)
    campaign.refresh_from_db()
    due = find_due_in_campaign_pause(campaign)
    assert due.ids == [Reminder.objects.get(appointment=appointment).pk]


def test_a_campaign_that_is_a_draft_or_active_has_nothing_fallen_due() -> None:
    make_reminder(-HOUR, last=0)
    for state in (Campaign.State.DRAFT, Campaign.State.ACTIVE):
        Campaign.objects.update(state=state)
        assert find_due_in_campaign_pause(Campaign.objects.get()).total == 0


# --- all sending -----------------------------------------------------------------------------------


@pytest.mark.parametrize("cause", [Cause.PERSON, Cause.RESTORED, Cause.KEY_REFUSED, Cause.ROBOTALKER_FAILING])
def test_what_fell_due_can_be_skipped_and_only_what_is_due_later_is_sent(sam: User, cause: str) -> None:
    fell_due, ahead = make_reminder(-HOUR, last=0), make_reminder(HOUR, last=1)
    switch = pause_since(2 * HOUR, cause)
    assert skip_and_resume_sending(switch, by=sam) == 1
    assert read_switch().paused_at is None
    fell_due.refresh_from_db()
    assert (fell_due.state, fell_due.reason) == ("skipped", "skipped_after_pause")
    assert sends() == set()
    Reminder.objects.filter(pk=ahead.pk).update(due_at=timezone.now(), next_look_at=timezone.now())
    assert sends() == {ahead.pk}


def test_what_fell_due_and_is_in_time_can_be_sent(sam: User) -> None:
    fell_due, too_late = make_reminder(-HOUR, last=0), make_reminder(-HOUR, last=1, in_time=False)
    pause_since(2 * HOUR)
    resume_sending(by=sam)
    assert sends() == {fell_due.pk}
    too_late.refresh_from_db()
    assert too_late.state == "missed"


def test_the_story_says_who_skipped_it_and_why(sam: User) -> None:
    reminder = make_reminder(-HOUR, last=0)
    skip_and_resume_sending(pause_since(2 * HOUR), by=sam)
    change = AppointmentChange.objects.get(what="step_skipped")
    assert (change.appointment_id, change.by) == (reminder.appointment_id, sam)
    past = read_story(reminder.appointment_id, timezone.now()).past
    said = " ".join(f"{entry.sentence} {entry.by}" for entry in past)
    assert "It fell due during a pause, and a staff member decided not to send it afterwards." in said
    assert "Sam Okafor" in said


def test_nothing_is_sent_between_the_skipping_and_the_end_of_the_pause(
    sam: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A worker that runs after each group finds the pause still there."""
    monkeypatch.setattr(resuming, "SKIPPED_PER_TRANSACTION", 1)
    for last in range(3):
        make_reminder(-HOUR, last=last)
    real, sent = orders.skip_reminders, []

    def skip_and_let_a_worker_run(*args: Any, **fields: Any) -> int:
        skipped = real(*args, **fields)
        sent.append(sends())
        return skipped

    monkeypatch.setattr(resuming, "skip_reminders", skip_and_let_a_worker_run)
    assert skip_and_resume_sending(pause_since(2 * HOUR), by=sam) == 3
    assert sent == [set()] * 3


def test_a_reminder_that_a_worker_has_claimed_in_the_pause_is_skipped(sam: User) -> None:
    reminder = make_reminder(-HOUR, last=0)
    switch = pause_since(2 * HOUR)
    claim = claim_due(10)
    assert skip_and_resume_sending(switch, by=sam) == 1
    assert open_calls(claim.reminder_ids, claim.token) == []
    reminder.refresh_from_db()
    assert (reminder.state, reminder.claim) == ("skipped", None)


def test_if_somebody_else_resumes_meanwhile_the_rest_is_left_to_them(
    sam: User, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(resuming, "SKIPPED_PER_TRANSACTION", 1)
    for last in range(3):
        make_reminder(-HOUR, last=last)
    real = orders.skip_reminders

    def skip_and_let_somebody_resume(*args: Any, **fields: Any) -> int:
        skipped = real(*args, **fields)
        resume_sending(by=sam)
        return skipped

    monkeypatch.setattr(resuming, "skip_reminders", skip_and_let_somebody_resume)
    assert skip_and_resume_sending(pause_since(2 * HOUR), by=sam) == 1
    assert len(sends()) == 2


def test_a_pause_that_callboard_made_ends_by_itself_and_sends_what_is_in_time() -> None:
    reminder = make_reminder(-HOUR, last=0)
    resume_after_probe(pause_since(2 * HOUR, Cause.ROBOTALKER_FAILING), "it works again")
    assert read_switch().paused_at is None
    assert sends() == {reminder.pk}


def test_an_ordered_call_that_waited_for_the_pause_is_asked_about(sam: User) -> None:
    reminder = make_reminder(DAY, last=0)
    order_call(reminder.pk, by=sam)
    assert find_due_in_pause(pause_since(timedelta(minutes=1))).ids == [reminder.pk]


@pytest.mark.parametrize(("cause", "asked"), [(Cause.RESTORED, True), (Cause.PERSON, False)])
def test_after_a_restore_what_fell_due_before_the_pause_is_asked_about_as_well(
    cause: str, asked: bool
) -> None:
    """The hours ended before the pause began, and tomorrow it would go out."""
    reminder = make_reminder(-2 * HOUR, last=0)
    now_there = timezone.now().astimezone(reminder.appointment.location.zone)
    assert now_there.hour == 12
    Location.objects.update(calling_opens=time(8), calling_closes=time(11, 30))
    Reminder.objects.update(not_after=timezone.now() + 2 * DAY)
    assert (find_due_in_pause(pause_since(timedelta(minutes=5), cause)).ids == [reminder.pk]) is asked


# --- one campaign ----------------------------------------------------------------------------------


def pause_campaign_since(ago: timedelta) -> Campaign:
    campaign = Campaign.objects.get()
    pause_campaign(campaign)
    Campaign.objects.update(paused_at=timezone.now() - ago)
    campaign.refresh_from_db()
    return campaign


def test_a_campaign_paused_for_days_and_activated_again_can_skip_what_fell_due_meanwhile(sam: User) -> None:
    fell_due = make_reminder(-4 * DAY, last=0)
    ahead = make_reminder(HOUR, last=1)
    campaign = pause_campaign_since(5 * DAY)
    assert skip_and_activate_campaign(campaign, by=sam) == 1
    campaign.refresh_from_db()
    assert (campaign.state, campaign.paused_at) == ("active", None)
    assert sends() == set()
    plan_all()
    states = dict(Reminder.objects.values_list("pk", "reason"))
    assert states == {fell_due.pk: "skipped_after_pause", ahead.pk: ""}


def test_a_campaign_activated_again_without_skipping_sends_what_is_in_time() -> None:
    fell_due = make_reminder(-HOUR, last=0)
    activate_campaign(pause_campaign_since(2 * HOUR))
    assert sends() == {fell_due.pk}


def test_skipping_for_one_campaign_leaves_others_alone(sam: User) -> None:
    other = make_reminder(-HOUR, last=0)
    campaign = Campaign.objects.create(name="Another", state="active", activated_at=timezone.now() - 30 * DAY)
    make_step(campaign)
    pause_campaign(campaign)
    assert skip_and_activate_campaign(campaign, by=sam) == 0
    other.refresh_from_db()
    assert other.state == "planned"


def test_hours_of_the_location_count_for_what_fell_due() -> None:
    """It was due an hour ago, but calls begin later today: it only waits for them."""
    reminder = make_reminder(-HOUR, last=0)
    Location.objects.update(calling_opens=time(13), calling_closes=time(21))
    assert reminder.appointment.location == Location.objects.get()
    assert find_due_in_pause(pause_since(2 * HOUR)).total == 0
