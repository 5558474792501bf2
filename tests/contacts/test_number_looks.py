"""Numbers stand in full where somebody has to dial, and who looked is recorded (product rule 59)."""

from datetime import UTC, datetime, timedelta

import pytest
import time_machine
from django.db import DatabaseError, transaction
from django.test import Client
from django.utils import timezone

from contacts.models import NumberLook
from contacts.roles import AUDITOR, FRONT_DESK
from tests.people import make_appointment, make_contact, make_number, make_user

pytestmark = pytest.mark.django_db
NOON = datetime(2026, 7, 14, 16, tzinfo=UTC)
LINK = '<a class="number" href="tel:+12025550100">(202) 555-0100</a>'


def list_pages() -> dict[str, str]:
    sarah = make_contact()
    make_contact("Tom")
    visit = make_appointment(sarah)
    return {
        "contact": f"/contacts/{sarah.pk}/",
        "household": f"/numbers/{sarah.phone_id}/household/",
        "appointment": f"/appointments/{visit.pk}/",
    }


def log_in(role: str) -> Client:
    client = Client()
    client.force_login(make_user(role=role))
    return client


@pytest.mark.parametrize("page", ["contact", "household", "appointment"])
def test_the_front_desk_dials_by_a_link_and_the_look_is_recorded_once_a_day(page: str) -> None:
    address, desk = list_pages()[page], log_in(FRONT_DESK)
    with time_machine.travel(NOON, tick=False) as clock:
        assert LINK in desk.get(address).content.decode()
        clock.shift(timedelta(hours=1))
        assert LINK in desk.get(address).content.decode()
        look = NumberLook.objects.get()
        assert (look.number, look.by.username, look.at) == (make_number(), "frontdesk", NOON)
        clock.shift(timedelta(hours=12))
        desk.get(address)
    assert NumberLook.objects.count() == 2


@pytest.mark.parametrize("page", ["contact", "household", "appointment"])
def test_an_auditor_sees_the_end_of_a_number_and_no_look_is_recorded(page: str) -> None:
    answer = log_in(AUDITOR).get(list_pages()[page]).content.decode()
    assert "+1 ••• ••• ••00" in answer
    assert "5550100" not in answer
    assert not NumberLook.objects.exists()


def test_a_look_is_neither_changed_nor_deleted() -> None:
    now = timezone.now()
    NumberLook.objects.create(number=make_number(), by=make_user(), day=now.date(), at=now)
    for change in (NumberLook.objects.all().delete, lambda: NumberLook.objects.update(day="2020-01-01")):
        with pytest.raises(DatabaseError, match="append-only"), transaction.atomic():
            change()
