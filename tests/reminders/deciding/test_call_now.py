"""The pages offer "call now" where an order is accepted."""

from datetime import timedelta
from uuid import uuid4

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from contacts.models import Appointment, Contact, PhoneNumber
from reminders.deciding.call_now import may_order_call
from reminders.deciding.situations import with_situation
from reminders.desk.bookings import confirm_by_staff
from reminders.desk.orders import NOT_CALLABLE, OrderRefused, order_call
from reminders.models import Reminder
from reminders.pages.day import read_day
from reminders.pages.story import read_story
from reminders.rules.states import REMINDER_ORDERABLE, ReminderState
from tests.people import make_due_reminder, make_user

pytestmark = pytest.mark.django_db

BOOKED = Appointment.Status.BOOKED


def is_offered() -> tuple[bool, bool]:
    """Whether the appointment's page and Today offer it."""
    appointment, now = Appointment.objects.select_related("location").get(), timezone.now()
    [reminder] = read_story(appointment.pk, now).reminders
    day = appointment.starts_at.astimezone(appointment.location.zone).date()
    rows = [row for group in read_day([appointment.location], day, now).groups for row in group.rows]
    return reminder.can_call, rows[0].call_reminder_id is not None


def is_accepted() -> bool:
    try:
        order_call(Reminder.objects.get().pk, by=make_user())
    except OrderRefused:
        return False
    return True


@pytest.mark.parametrize("state", ReminderState)
def test_a_call_is_offered_in_the_states_in_which_an_order_is_accepted(state: ReminderState) -> None:
    make_due_reminder()
    held = {"claim": uuid4(), "lease_until": timezone.now() + timedelta(minutes=1)}
    Reminder.objects.update(state=state, **(held if state == ReminderState.CLAIMED else {}))
    assert is_offered() == (state in REMINDER_ORDERABLE,) * 2
    assert is_accepted() is (state in REMINDER_ORDERABLE)


@pytest.mark.parametrize("status", sorted(set(Appointment.Status) - {BOOKED}))
def test_no_call_is_offered_or_accepted_for_an_appointment_that_is_not_booked(
    status: Appointment.Status,
) -> None:
    make_due_reminder()
    Appointment.objects.update(status=status)
    assert is_offered() == (False, False)
    assert not is_accepted()


def test_no_call_is_offered_or_accepted_for_an_appointment_that_has_begun() -> None:
    reminder = make_due_reminder()
    begun = timezone.now() - timedelta(minutes=1)
    Appointment.objects.update(starts_at=begun)
    Reminder.objects.update(not_after=begun)
    assert not may_order_call(Reminder.objects.get(pk=reminder.pk), timezone.now())
    assert is_offered() == (False, False)
    assert not is_accepted()


def test_no_call_is_offered_or_accepted_for_a_number_that_opted_out() -> None:
    make_due_reminder()
    PhoneNumber.objects.update(voice_opted_out_at=timezone.now())
    assert is_offered() == (False, False)
    assert not is_accepted()


def test_no_call_is_offered_or_accepted_for_a_contact_without_a_number() -> None:
    make_due_reminder()
    Contact.objects.update(phone=None)
    assert is_offered() == (False, False)
    assert not is_accepted()


def test_each_state_in_which_no_call_can_be_ordered_has_a_sentence() -> None:
    assert NOT_CALLABLE.keys() == set(ReminderState) - set(REMINDER_ORDERABLE)


def test_a_confirmed_appointment_has_no_call_button_on_today_but_can_still_be_called() -> None:
    reminder = make_due_reminder()
    confirm_by_staff(reminder.appointment_id, by=make_user("sam"))
    assert is_offered() == (True, False)
    assert is_accepted()


def test_the_rule_needs_no_query(django_assert_num_queries: DjangoAssertNumQueries) -> None:
    make_due_reminder()
    reminder = with_situation(Reminder.objects.all()).get()
    with django_assert_num_queries(0):
        assert may_order_call(reminder, timezone.now())
