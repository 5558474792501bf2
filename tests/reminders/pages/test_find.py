"""Finding anything: what the words lead to, for whom, and without a name in an address."""

from datetime import timedelta

import pytest
from django.contrib.auth.models import User
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse
from django.utils import timezone

from contacts.models import Appointment
from contacts.templatetags.display import clock
from reminders.pages.find import DEEDS_TO_DO, PAGES_TO_OPEN, find_everything
from tests.config.test_permissions import PAGES
from tests.people import make_appointment, make_contact, make_location, make_user, zone_at_noon

pytestmark = pytest.mark.django_db


@pytest.fixture
def rosa() -> User:
    return make_user("rosa", role="Front desk")


@pytest.fixture
def desk(rosa: User) -> Client:
    client = Client()
    client.force_login(rosa)
    return client


def find(text: str, user: User) -> dict[str, list[str]]:
    return {
        group.code: [line.name for line in group.lines]
        for group in find_everything(text, user, timezone.now())
    }


def test_a_patient_is_found_with_the_next_visit_and_with_todays_visits(rosa: User) -> None:
    now = timezone.now()
    place = make_location(time_zone=zone_at_noon(now))
    garcia = make_contact("Inés", last_name="García")
    today = make_appointment(garcia, location=place, starts_at=now + timedelta(hours=1), kind="Cleaning")
    make_appointment(
        make_contact("Ina", number="+12025550111"), location=place, starts_at=now + timedelta(hours=2)
    )
    make_appointment(garcia, location=place, starts_at=now + timedelta(days=3))
    groups = {group.code: group.lines for group in find_everything("garcia", rosa, now)}
    assert [line.address for line in groups["patients"]] == [reverse("contact", args=[garcia.pk])]
    assert [line.address for line in groups["visits"]] == [reverse("appointment", args=[today.pk])]
    assert groups["visits"][0].note == "Cleaning · Dr. S. Chen"
    assert "+12025550100" not in groups["patients"][0].note


@pytest.mark.parametrize(("status", "word"), [("arrived", "arrived"), ("no_show", "no-show"), ("booked", "")])
def test_todays_visit_of_a_patient_is_said_also_once_it_is_over(rosa: User, status: str, word: str) -> None:
    now = timezone.now()
    place = make_location(time_zone=zone_at_noon(now))
    ines = make_contact("Inés")
    visit = make_appointment(ines, location=place, starts_at=now - timedelta(hours=1), kind="Cleaning")
    make_appointment(ines, location=place, starts_at=now + timedelta(days=3))
    Appointment.objects.filter(pk=visit.pk).update(status=status)
    groups = find_everything("ines", rosa, now)
    assert [group.code for group in groups] == ["visits", "patients"]
    said = ", ".join(filter(None, [f"today {clock(visit.wall_start)}", word]))
    assert groups[1].lines[0].note.endswith(f" · {said}")
    assert groups[0].lines[0].note == " · ".join(filter(None, [word, "Cleaning", "Dr. S. Chen"]))


def test_a_cancelled_visit_and_one_recorded_on_another_day_are_no_next_visit(rosa: User) -> None:
    now = timezone.now()
    place = make_location(time_zone=zone_at_noon(now))
    ines = make_contact("Inés")
    for hours, status in ((1, "cancelled"), (48, "arrived")):
        visit = make_appointment(ines, location=place, starts_at=now + timedelta(hours=hours))
        Appointment.objects.filter(pk=visit.pk).update(status=status)
    [group] = find_everything("ines", rosa, now)
    assert group.lines[0].note.endswith(" · no visit booked")


def test_pages_and_deeds_are_found_by_the_beginnings_of_their_words(rosa: User) -> None:
    assert find("book app", rosa) == {"deeds": ["Book an appointment"]}
    assert find("sms", rosa) == {"pages": ["Texts"]}
    assert find("zzz", rosa) == {}


def test_without_words_everything_that_one_may_open_is_offered(rosa: User) -> None:
    offered = find("", rosa)
    assert "Worklist" in offered["pages"]
    assert "Campaigns" not in offered["pages"], "front desk may not look at campaigns"
    assert find("", make_user("omar", role="")) == {}
    assert set(offered) == {"deeds", "pages"}


@pytest.mark.parametrize("place", [*PAGES_TO_OPEN, *DEEDS_TO_DO], ids=lambda place: place.page)
def test_each_place_asks_for_the_permission_of_its_page(place: object) -> None:
    assert PAGES[place.page] == place.permission or place.page == "scripts"  # type: ignore[attr-defined]


def test_the_page_works_without_javascript_and_names_stay_out_of_its_address(desk: Client) -> None:
    make_contact("Sarah", last_name="Stone")
    page = desk.get(reverse("find")).content.decode()
    assert 'method="post"' in page
    answer = desk.post(reverse("find"), {"q": "stone"})
    assert "Sarah Stone" in answer.content.decode()
    fragment = desk.post(reverse("find"), {"q": "<b>none"}, headers={"HX-Request": "true"}).content.decode()
    assert "<html" not in fragment
    assert "&lt;b&gt;none" in fragment


def test_the_number_of_queries_does_not_grow(desk: Client) -> None:
    def count() -> int:
        with CaptureQueriesContext(connection) as queries:
            desk.post(reverse("find"), {"q": "stone"}, headers={"HX-Request": "true"})
        return len(queries)

    make_contact("Sarah", last_name="Stone")
    before = count()
    for number in range(5):
        make_appointment(make_contact(f"P{number}", last_name="Stone", number=f"+1202555{300 + number:04}"))
    assert count() == before <= 12
