"""A family is one: "call now" for one child offers and orders the household's one call (product rule 12)."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.utils import timezone

from contacts.models import Appointment
from reminders.deciding.households import MOST_IN_ONE_CALL
from reminders.desk.bookings import confirm_by_staff
from reminders.desk.orders import OrderRefused, order_household_call
from reminders.dispatch.claims import claim_due
from reminders.dispatch.opening import open_calls
from reminders.lifecycle.calls import reminders_of
from reminders.models import Reminder
from reminders.planning.planner import plan_all
from reminders.traffic.switch import pause_sending
from tests.people import make_appointment, make_contact, make_location, make_step, make_user

pytestmark = pytest.mark.django_db

NOAH = "+12025550142"
ONE_CALL = "Call now for Mia, Leo and Tom: one call"


@pytest.fixture
def rosa() -> User:
    return make_user("rosa")


@pytest.fixture
def desk(rosa: User) -> Client:
    client = Client()
    client.force_login(rosa)
    return client


def book(*names: str, number: str = "+12025550100", hours: float = 3) -> list[Reminder]:
    """Appointments a minute apart, each with its reminder, which is due only in an hour and a half."""
    step = make_step(elapsed=timedelta(hours=1.5)) if not Reminder.objects.exists() else None
    starts_at = timezone.now() + timedelta(hours=hours)
    booked = [
        make_appointment(make_contact(name, number=number), starts_at=starts_at + timedelta(minutes=index))
        for index, name in enumerate(names)
    ]
    plan_all()
    assert step is None or step.campaign.state == "active"
    return list(Reminder.objects.filter(appointment__in=booked).order_by("appointment__starts_at"))


def open_ordered() -> list[list[str]]:
    claim = claim_due(20)
    calls = open_calls(claim.reminder_ids, claim.token)
    return [[one.appointment.contact.first_name for one in reminders_of(call)] for call in calls]


def read_today(desk: Client) -> str:
    appointment = Appointment.objects.select_related("location")[0]
    day = appointment.starts_at.astimezone(appointment.location.zone).date()
    return desk.get(f"/?day={day}").content.decode()


def test_the_appointments_page_and_today_offer_one_call_for_all(desk: Client) -> None:
    mia, *_ = book("Mia", "Leo", "Tom")
    assert ONE_CALL in desk.get(f"/appointments/{mia.appointment_id}/").content.decode()
    assert read_today(desk).count(ONE_CALL) == 3


def test_an_order_for_one_child_calls_the_household_once(desk: Client) -> None:
    mia, *_ = book("Mia", "Leo", "Tom")
    desk.post(f"/reminders/{mia.pk}/call/")
    [names] = open_ordered()
    assert sorted(names) == ["Leo", "Mia", "Tom"]


def test_who_has_answered_is_left_out(desk: Client, rosa: User) -> None:
    mia, leo, _tom = book("Mia", "Leo", "Tom")
    confirm_by_staff(leo.appointment_id, by=rosa)
    assert "Call now for Mia and Tom: one call" in read_today(desk)
    order_household_call(mia.pk, by=rosa)
    assert sorted(open_ordered()[0]) == ["Mia", "Tom"]


@pytest.mark.parametrize("apart", ["number", "day", "location"])
def test_others_are_not_joined(desk: Client, rosa: User, apart: str) -> None:
    [mia] = book("Mia")
    if apart == "number":
        book("Noah", number=NOAH)
    elif apart == "day":
        book("Leo", hours=27.5)
    else:
        make_appointment(make_contact("Leo"), location=make_location("Uptown"))
        plan_all()
    assert "one call" not in desk.get(f"/appointments/{mia.appointment_id}/").content.decode()
    assert [one.pk for one in order_household_call(mia.pk, by=rosa)] == [mia.pk]


def test_a_large_household_is_called_about_as_many_as_one_call_can_name(rosa: User) -> None:
    first, *_ = book(*(f"Child{index}" for index in range(MOST_IN_ONE_CALL + 2)))
    assert len(order_household_call(first.pk, by=rosa)) == MOST_IN_ONE_CALL
    assert [len(names) for names in open_ordered()] == [MOST_IN_ONE_CALL]


def test_two_appointments_of_one_person_are_one_call_too(desk: Client) -> None:
    mia, *_ = book("Mia", "Mia")
    assert (
        "Call now for 2 appointments: one call"
        in desk.get(f"/appointments/{mia.appointment_id}/").content.decode()
    )


def test_a_refused_order_orders_nothing(rosa: User) -> None:
    mia, *_ = book("Mia", "Leo")
    pause_sending()
    with pytest.raises(OrderRefused):
        order_household_call(mia.pk, by=rosa)
    assert not Reminder.objects.filter(ordered_by__isnull=False).exists()


def test_a_relative_who_was_called_before_is_called_again_with_the_others(rosa: User) -> None:
    mia, leo = book("Mia", "Leo")
    Reminder.objects.filter(pk=leo.pk).update(state="done", reason="not_reached")
    order_household_call(mia.pk, by=rosa)
    assert sorted(open_ordered()[0]) == ["Leo", "Mia"]


def test_today_needs_as_many_queries_for_thirty_families_as_for_two(desk: Client) -> None:
    book("Mia", "Leo")
    read_today(desk)  # reads the settings, which are kept until one of them changes
    book("Ann", "Ben", number="+12025550177")  # a day is kept while none of its rows changes
    with CaptureQueriesContext(connection) as few:
        read_today(desk)
    for index in range(15):
        book("Mia", "Leo", number=f"+1202555{index:04d}")
    with CaptureQueriesContext(connection) as many:
        read_today(desk)
    assert len(many) == len(few)
