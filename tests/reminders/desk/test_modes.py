"""Sandbox, trial and live: what each sends; going live sends nothing due before (product rule 29)."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.utils import timezone
from pytest_django import Settings

from contacts.models import Contact, PhoneNumber
from reminders.deciding.sending_mode import read_mode
from reminders.deciding.visits import find_upcoming, read_visits
from reminders.desk.modes import choose_mode
from reminders.desk.orders import OrderRefused, order_call
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.models import CallRecord, FollowUp, Reminder, SendingSwitch
from reminders.pages.day import read_day
from reminders.pages.story import read_story
from reminders.planning.planner import plan_all
from reminders.results.unanswered import account_for_all
from reminders.rules.modes import TRIAL_CALLS_A_DAY, SendingMode
from tests.office import make_call
from tests.people import make_contact, make_due_reminder

pytestmark = pytest.mark.django_db

REAL = "https://api.robotalker.example"
HOUR = timedelta(hours=1)


def look() -> list[CallRecord]:
    """One dispatch's last look at all that is due."""
    claim = claim_due(500)
    return open_calls(claim.reminder_ids, claim.token)


def verify(reminder: Reminder, by: User) -> None:
    numbers = PhoneNumber.objects.filter(contacts__appointments__reminders=reminder)
    numbers.update(verified_at=timezone.now(), verified_by=by)


def make_planned_now(contact: Contact) -> Reminder:
    """Planned at this moment; planning dates it by its transaction, which is the whole test's here."""
    reminder = make_due_reminder(contact)
    Reminder.objects.filter(pk=reminder.pk).update(created_at=timezone.now())
    return reminder


def read_state(reminder: Reminder) -> tuple[str, str]:
    reminder.refresh_from_db()
    return reminder.state, reminder.reason


def test_a_fresh_database_is_a_sandbox_or_on_trial_by_its_address_and_never_live(settings: Settings) -> None:
    assert read_mode() == SendingMode.SANDBOX
    settings.ROBOTALKER_BASE_URL = REAL
    assert read_mode() == SendingMode.TRIAL


def test_each_call_says_in_which_mode_it_was_made(sam: User) -> None:
    made = []
    for last, mode in enumerate(SendingMode):
        reminder = make_due_reminder(make_contact(number=f"+120255501{last:02}"))
        verify(reminder, sam)
        choose_mode(mode, by=sam)
        SendingSwitch.objects.update(live_since=None)
        made += [call.mode for call in look()]
    assert made == ["sandbox", "trial", "live"]


def test_on_trial_only_verified_numbers_are_called_and_nobody_lands_on_the_worklist(sam: User) -> None:
    patient, staff = (make_due_reminder(make_contact(number=f"+1202555010{last}")) for last in (1, 2))
    verify(staff, sam)
    plan_all()
    choose_mode(SendingMode.TRIAL, by=sam)
    assert [call.reminder_id for call in look()] == [staff.pk]
    assert read_state(patient) == ("skipped", "trial_unverified")
    assert account_for_all() == 0
    assert not FollowUp.objects.exists()
    [visit] = read_visits(find_upcoming(timezone.now()).filter(pk=patient.appointment_id), timezone.now())
    assert visit.standing == "chosen"


def test_the_story_shows_what_a_trial_would_have_said(sam: User) -> None:
    reminder = make_due_reminder()
    choose_mode(SendingMode.TRIAL, by=sam)
    look()
    [entry] = [
        one for one in read_story(reminder.appointment_id, timezone.now()).past if "Skipped" in one.sentence
    ]
    assert "It would have been sent, but Callboard is on trial" in entry.sentence
    assert entry.said.startswith("Hello Sarah, this is Harbor Clinic, Downtown. You have an appointment on ")


def test_before_its_time_pages_say_when_it_would_be_sent(sam: User) -> None:
    reminder = make_due_reminder(starts_at=timezone.now() + 6 * HOUR)
    choose_mode(SendingMode.TRIAL, by=sam)
    location = reminder.appointment.location
    day = reminder.appointment.starts_at.astimezone(location.zone).date()
    [group] = read_day([location], day, timezone.now()).groups
    assert group.rows[0].standing.words.startswith("would call ")
    story = read_story(reminder.appointment_id, timezone.now())
    [entry] = story.ahead
    assert "It would be sent on" in entry.sentence
    assert story.reminders[0].state == "would_call"


def test_an_order_does_not_get_around_the_trial(sam: User) -> None:
    reminder = make_due_reminder()
    choose_mode(SendingMode.TRIAL, by=sam)
    with pytest.raises(OrderRefused, match="Callboard is on trial"):
        order_call(reminder.pk, by=sam)


def test_a_trial_makes_twenty_calls_in_any_24_hours(sam: User) -> None:
    choose_mode(SendingMode.TRIAL, by=sam)
    reminders = [
        make_due_reminder(make_contact(number=f"+120255501{last:02}"))
        for last in range(TRIAL_CALLS_A_DAY + 3)
    ]
    PhoneNumber.objects.update(verified_at=timezone.now(), verified_by=sam)
    assert len(look()) == TRIAL_CALLS_A_DAY
    assert [read_state(one) for one in reminders[-3:]] == [("skipped", "trial_full")] * 3
    another = make_due_reminder(make_contact(number="+12025550150"))
    verify(another, sam)
    CallRecord.objects.filter(pk=CallRecord.objects.earliest("pk").pk).update(
        submitting_at=timezone.now() - timedelta(hours=24, minutes=1)
    )
    assert [call.reminder_id for call in look()] == [another.pk]


def test_a_call_that_never_left_does_not_use_the_trial_up(sam: User) -> None:
    choose_mode(SendingMode.TRIAL, by=sam)
    reminder = make_due_reminder(make_contact(number="+12025550190"))
    verify(reminder, sam)
    for last in range(TRIAL_CALLS_A_DAY):
        other = make_due_reminder(make_contact(number=f"+120255501{last:02}"))
        make_call(other, mode="trial", state="not_sent" if last % 2 else "rejected")
        Reminder.objects.filter(pk=other.pk).update(state="done")
    assert [call.reminder_id for call in look()] == [reminder.pk]


def test_going_live_sends_nothing_that_was_due_before(sam: User) -> None:
    """(product rule 29)"""
    choose_mode(SendingMode.TRIAL, by=sam)
    waiting, ordered = (make_due_reminder(make_contact(number=f"+1202555010{last}")) for last in (1, 2))
    choose_mode(SendingMode.LIVE, by=sam)
    order_call(ordered.pk, by=sam)
    new = make_planned_now(make_contact(number="+12025550103"))
    assert {call.reminder_id for call in look()} == {ordered.pk, new.pk}
    assert read_state(waiting) == ("skipped", "before_live")
    assert account_for_all() == 0


def test_choosing_live_again_does_not_begin_anew(sam: User) -> None:
    choose_mode(SendingMode.LIVE, by=sam)
    began = SendingSwitch.objects.get().live_since
    reminder = make_planned_now(make_contact())
    choose_mode(SendingMode.LIVE, by=sam)
    assert SendingSwitch.objects.get().live_since == began
    assert [call.reminder_id for call in look()] == [reminder.pk]


def test_an_installation_that_was_live_before_there_were_modes_goes_on(sam: User) -> None:
    SendingSwitch.objects.create(mode=SendingMode.LIVE)
    reminder = make_due_reminder()
    assert [call.reminder_id for call in look()] == [reminder.pk]


def test_sandbox_mode_holds_everything_at_a_real_address(sam: User, settings: Settings) -> None:
    reminder = make_due_reminder()
    settings.ROBOTALKER_BASE_URL = REAL
    choose_mode(SendingMode.SANDBOX, by=sam)
    assert look() == []
    assert read_state(reminder) == ("planned", "sandbox_mode")
    assert account_for_all() == 0


@pytest.mark.parametrize("mode", SendingMode)
def test_the_demo_clinics_patients_are_never_called_for_real(
    sam: User, settings: Settings, mode: SendingMode
) -> None:
    reminder = make_due_reminder()
    verify(reminder, sam)
    Contact.objects.update(is_demo=True)
    choose_mode(mode, by=sam)
    SendingSwitch.objects.update(live_since=None)
    settings.ROBOTALKER_BASE_URL = REAL
    with pytest.raises(OrderRefused, match="made-up patient"):
        order_call(reminder.pk, by=sam)
    assert look() == []
    settings.ROBOTALKER_BASE_URL = "http://127.0.0.1:8765"
    Reminder.objects.update(state="planned", next_look_at=timezone.now())
    assert [call.reminder_id for call in look()] == [reminder.pk]
