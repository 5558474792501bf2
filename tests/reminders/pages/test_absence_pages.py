"""The pages of a provider who is away, as somebody at the desk uses them."""

import re
from datetime import timedelta
from html import unescape

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from contacts.models import Appointment
from reminders.desk.absence_previews import MOST_VISITS
from reminders.models import Absence
from tests.people import AREA_CODES, make_appointment, make_contact, make_location, make_user
from tests.reminders.pages.clinic import sit_at_desk

pytestmark = pytest.mark.django_db


def book_day(count: int) -> list[Appointment]:
    location = make_location()
    nine = timezone.now().astimezone(location.zone).replace(hour=9, minute=0) + timedelta(days=1)
    return [
        make_appointment(
            make_contact(f"Person {place}", number=f"+1{AREA_CODES[place]}5550100"),
            location=location,
            starts_at=nine + timedelta(minutes=5 * place),
        )
        for place in range(count)
    ]


def fill(visit: Appointment, **changed: str) -> dict[str, object]:
    return {
        "provider": visit.provider_id or "",
        "day": visit.local_start.date().isoformat(),
        "deed": "cancel",
        "tell": "text",
        **changed,
    }


def read_hidden(page: str) -> dict[str, object]:
    return dict(
        re.findall(r'<input type="hidden" name="((?:revision|asked)-\d+|public_id)" value="([^"]*)"', page)
    )


def test_a_day_is_shown_then_cancelled_then_undone(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    visits = book_day(14)
    desk = sit_at_desk(make_user())
    with django_assert_max_num_queries(12):
        page = desk.get("/absences/").content.decode()
    assert "Choose a provider and a day" in page
    with django_assert_max_num_queries(12):
        page = desk.post("/absences/", fill(visits[0])).content.decode()
    assert "Cancel 14 visits" in page
    assert page.count("is away, so your visit on") == 14 + 1, "each text, and the words"
    ticked = [visit.pk for visit in visits[1:]]
    sent = {**fill(visits[0]), **read_hidden(page), "visit": ticked, "save": "yes"}
    answer = desk.post("/absences/", sent, follow=True)
    assert "13 visits cancelled." in answer.content.decode()
    assert Appointment.objects.filter(status="cancelled").count() == 13
    again = desk.post("/absences/", sent, follow=True)
    assert again.redirect_chain == answer.redirect_chain, "sent twice is one"
    absence = Absence.objects.get()
    with django_assert_max_num_queries(12):
        page = desk.get(f"/absences/{absence.pk}/").content.decode()
    assert "The texts go out from" in page
    page = desk.post(f"/absences/{absence.pk}/undo/", follow=True).content.decode()
    assert "13 visits are as they were." in page
    assert "Undo all of it" not in page
    assert Appointment.objects.filter(status="booked").count() == 14


def test_from_a_providers_own_list_the_visits_follow_by_themselves() -> None:
    [visit] = book_day(1)
    desk = sit_at_desk(make_user())
    day = visit.local_start.date().isoformat()
    assert 'hx-trigger="load, change' in desk.get(f"/absences/?provider=1&day={day}").content.decode()
    assert 'hx-trigger="change' in desk.get("/absences/").content.decode()


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"deed": "other_provider"}, "Choose a provider."),
        ({"deed": "other_day"}, "Choose a day."),
        ({"deed": "other_day", "to_day": "0001-01-01"}, "Check the year."),
        ({"day": "2020-01-01"}, "That day has passed."),
        ({"words_en": "Hello {NICKNAME}"}, "{NICKNAME} can&#x27;t be filled in."),
        ({"words_es": " "}, "Write something, or choose to tell them yourself."),
        ({"provider": "²"}, "Select a valid choice"),
        ({"save": "yes"}, "Tick the visits that you mean."),
    ],
)
def test_what_is_wrong_is_said_beside_the_field_and_nothing_is_done(
    changed: dict[str, str], said: str
) -> None:
    visits = book_day(1)
    page = sit_at_desk(make_user()).post("/absences/", fill(visits[0], **changed))
    assert said in page.content.decode()
    assert not Absence.objects.exists()
    assert Appointment.objects.get().status == "booked"


def test_the_words_follow_what_happens_unless_somebody_has_written_their_own() -> None:
    visits = book_day(1)
    desk = sit_at_desk(make_user())
    page = desk.post("/absences/", fill(visits[0], deed="other_day", to_day="2030-01-01")).content.decode()
    assert "is now on {NEW_DATE} at {NEW_TIME}" in page
    own = "Please call us at {CALLBACK_NUMBER}."
    page = desk.post("/absences/", fill(visits[0], words_en=own)).content.decode()
    assert own in page


def test_of_a_day_with_more_visits_than_a_page_has_the_rest_is_said_and_can_be_reached() -> None:
    visits = book_day(MOST_VISITS + 3)
    desk = sit_at_desk(make_user())
    page = desk.post("/absences/", fill(visits[0])).content.decode()
    assert f"Visits 1 to {MOST_VISITS} of {MOST_VISITS + 3}" in page
    page = desk.post("/absences/", fill(visits[0], skip=str(MOST_VISITS))).content.decode()
    assert "Cancel 3 visits" in page
    assert f"Visits {MOST_VISITS + 1} to {MOST_VISITS + 3} of {MOST_VISITS + 3}" in page
    ticked = [visit.pk for visit in visits[-2:]]
    sent = {
        **fill(visits[0], skip=str(MOST_VISITS)),
        **read_hidden(page),
        "visit": ticked,
        "save": "yes",
    }
    page = desk.post("/absences/", sent, follow=True).content.decode()
    assert "2 visits cancelled." in page
    assert f"{MOST_VISITS + 1} visits of that day are still booked." in page
    again = re.search(r'href="(/absences/\?[^"]+)"', page)
    assert again
    assert f'value="{visits[0].provider_id}" selected' in desk.get(unescape(again[1])).content.decode()


@pytest.mark.parametrize("skip", ["-1", "²", "99999999999999999999", "999999999999999999", ""])
def test_a_page_of_visits_that_there_is_not_is_the_first(skip: str) -> None:
    visits = book_day(2)
    page = sit_at_desk(make_user()).post("/absences/", fill(visits[0], skip=skip)).content.decode()
    assert "Cancel 2 visits" in page
