"""What is asked before a visit is booked or moved; the API's tests hold that each can be confirmed."""

from concurrent.futures import ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from django.db import OperationalError, connection, transaction
from pytest_django import DjangoAssertNumQueries

from contacts.appointments import cancel_appointment
from contacts.models import Appointment, Location
from reminders.desk.booking_questions import BookingQuestion, find_booking_questions, lock_bookings
from tests.people import at, make_appointment, make_contact, make_location

pytestmark = pytest.mark.django_db
ZONE = "America/New_York"
NOW = at(ZONE, 2027, 6, 1, 12)
FRIDAY = at(ZONE, 2027, 6, 4, 9)


@pytest.fixture
def booked() -> Appointment:
    """Sarah's visit with Dr. S. Chen, on a Friday at 9:00."""
    return make_appointment(location=make_location(time_zone=ZONE), starts_at=FRIDAY)


def ask(visit: Appointment, starts_at: datetime, *, minutes: int = 30, **changes: Any) -> list[str]:
    """What is asked about another visit of the same patient with the same provider at the same place."""
    asked = {
        "contact_id": visit.contact_id,
        "location": visit.location,
        "provider": visit.provider,
        "starts_at": starts_at,
        "ends_at": starts_at + timedelta(minutes=minutes),
        "now": NOW,
        **changes,
    }
    return [str(question.value) for question in find_booking_questions(**asked)]


@pytest.mark.parametrize(
    ("moment", "minutes", "questions"),
    [
        (FRIDAY, 30, ["patient_busy", "provider_busy"]),
        (FRIDAY - timedelta(minutes=30), 30, []),
        (FRIDAY - timedelta(minutes=30), 31, ["patient_busy", "provider_busy"]),
        (FRIDAY + timedelta(minutes=29), 30, ["patient_busy", "provider_busy"]),
        (FRIDAY + timedelta(minutes=30), 30, []),
        (FRIDAY - timedelta(hours=5), 600, ["outside_hours", "patient_busy", "provider_busy"]),
        (at(ZONE, 2027, 6, 4, 6, 59), 30, ["outside_hours"]),
        (at(ZONE, 2027, 6, 4, 7), 30, []),
        (at(ZONE, 2027, 6, 4, 18, 59), 30, []),
        (at(ZONE, 2027, 6, 4, 19), 30, ["outside_hours"]),
        (NOW - timedelta(minutes=1), 30, ["time_has_passed"]),
        (NOW, 30, []),
        (at(ZONE, 2027, 6, 5, 9), 30, ["location_closed"]),  # a Saturday
        (at(ZONE, 2027, 7, 5, 9), 30, ["location_closed"]),  # a Monday, on which Independence Day is observed
        (at("Asia/Tokyo", 2027, 6, 5, 3), 30, []),  # Friday afternoon by the location's clock
        (at(ZONE, 2027, 5, 30, 9), 30, ["time_has_passed", "location_closed"]),
    ],
)
def test_what_is_asked_at_each_time(
    booked: Appointment, moment: datetime, minutes: int, questions: list[str]
) -> None:
    booked.location.country = "US"
    assert ask(booked, moment, minutes=minutes) == questions


def test_another_patient_and_another_provider_are_not_in_the_way(booked: Appointment) -> None:
    omar = make_contact("Omar", number="+12025550101")
    assert ask(booked, FRIDAY, contact_id=omar.pk) == ["provider_busy"]
    assert ask(booked, FRIDAY, provider=None) == ["patient_busy"]
    assert ask(booked, FRIDAY, contact_id=omar.pk, provider=None) == []


def test_a_visit_is_not_in_its_own_way_and_a_cancelled_one_in_nobodys(booked: Appointment) -> None:
    assert ask(booked, FRIDAY, besides=booked.pk) == []
    cancel_appointment(booked.pk)
    assert ask(booked, FRIDAY) == []


def test_asking_takes_three_queries(
    booked: Appointment, django_assert_num_queries: DjangoAssertNumQueries
) -> None:
    location = Location.objects.get()
    with django_assert_num_queries(3):
        ask(booked, FRIDAY, location=location)


@pytest.mark.django_db(transaction=True)
@pytest.mark.parametrize(
    ("contact_id", "provider_id", "is_free"),
    [
        (1, 2, False),
        (1, 9, False),
        (9, 2, False),
        (1, None, False),
        (2, 1, True),
        (9, 9, True),
        (9, None, True),
        (2**40, 2**40, True),
    ],
)
def test_a_booking_that_waits_holds_up_nobody_but_its_patient_and_its_provider(
    contact_id: int, provider_id: int | None, is_free: bool
) -> None:
    """One may wait for a location whose zone is being corrected (product rule 56)."""

    def can_book() -> bool:
        try:
            with transaction.atomic():
                connection.cursor().execute("SET LOCAL lock_timeout = '100ms'")
                lock_bookings(contact_id=contact_id, provider_id=provider_id)
        except OperationalError:
            return False
        finally:
            connection.close()
        return True

    with transaction.atomic(), ThreadPoolExecutor(1) as pool:
        lock_bookings(contact_id=1, provider_id=2)
        assert pool.submit(can_book).result() is is_free


def test_every_question_has_its_sentence() -> None:
    assert all(str(question.label).endswith(".") for question in BookingQuestion)
