"""Pages that read much need at most 12 queries, whatever they show; others say so beside their own tests."""

from datetime import timedelta
from urllib.parse import urlencode

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from contacts.models import Appointment
from contacts.roles import MANAGER
from reminders.planning.planner import plan_all
from tests.people import make_appointment, make_contact, make_step, make_user
from tests.reminders.pages.clinic import sit_at_desk

pytestmark = pytest.mark.django_db
MOST = 12


def book_family() -> Appointment:
    """Two of one number, each with three reminders ahead; the first visit."""
    for hours in (2, 4, 6):
        make_step(elapsed=timedelta(hours=hours))
    for name in ("Anna", "Ben"):
        make_appointment(make_contact(name), starts_at=timezone.now() + timedelta(hours=30))
    plan_all()
    return Appointment.objects.earliest("pk")


def list_addresses(visit: Appointment) -> dict[str, str]:
    day = visit.local_start.date()
    slot = {
        "contact": visit.contact_id,
        "location": visit.location_id,
        "provider": visit.provider_id,
        "day": day,
        "at": "10:00",
    }
    return {
        "Today": f"/?day={day}",
        "print": f"/day/print/?day={day}",
        "unconfirmed": "/day/unconfirmed/",
        "calendar": f"/calendar/?day={day}",
        "visit": f"/appointments/{visit.pk}/",
        "move": f"/appointments/{visit.pk}/move/",
        "book": f"/appointments/book/?{urlencode(slot)}",
        "contact": f"/contacts/{visit.contact_id}/",
        "household": f"/numbers/{visit.contact.phone_id}/household/",
        "worklist": "/worklist/",
        "texts": "/texts/",
    }


def test_it_needs_at_most_twelve_queries(django_assert_max_num_queries: DjangoAssertNumQueries) -> None:
    addresses = list_addresses(book_family())
    manager = sit_at_desk(make_user("mara", role=MANAGER))
    manager.get("/")  # reads the settings, which are kept until one of them changes
    for name, address in addresses.items():
        with django_assert_max_num_queries(MOST, info=name):
            assert manager.get(address).status_code == 200
