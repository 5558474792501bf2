"""The places that every page leads to."""

import re

import pytest
from django.urls import reverse
from pytest_django import DjangoAssertNumQueries

from contacts.roles import ADMIN, AUDITOR, FRONT_DESK, MANAGER
from reminders.pages.rail import BOTTOM_BAR, RAIL, SETTINGS, list_places
from tests.people import make_location, make_user
from tests.reminders.pages.clinic import sit_at_desk

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("role", [FRONT_DESK, MANAGER, AUDITOR, ADMIN])
def test_every_place_opens_for_whoever_is_shown_it(role: str) -> None:
    user = make_user(role=role)
    desk = sit_at_desk(user)
    page = desk.get("/worklist/").content.decode()
    places, settings = list_places(RAIL, user), list_places(SETTINGS, user)
    for place in (*places, *settings):
        assert desk.get(reverse(place.page)).status_code == 200, place.page
    shown = set(re.findall(r'class="rail-link"\s+href="([^"]+)"', page))
    assert shown == {reverse(place.page) for place in places}


def test_the_bottom_bar_of_a_phone_has_room_for_its_places() -> None:
    assert sum(place.on_phone for place in RAIL) <= BOTTOM_BAR


def test_the_present_place_is_marked_in_the_bar_and_under_more() -> None:
    page = sit_at_desk(make_user(role=MANAGER)).get("/test-calls/").content.decode()
    assert re.findall(r'href="([^"]+)"\s+aria-current="page"', page) == ["/settings/", "/settings/"]


def test_sending_is_paused_from_the_rail_and_not_beside_logging_out() -> None:
    page = sit_at_desk(make_user(role=MANAGER)).get("/").content.decode()
    top = page[page.index("<header") : page.index("</header>")]
    assert "Log out" in top
    assert "/sending/" not in top
    assert 'href="/sending/stop/"' in page


def test_settings_name_what_this_person_may_set(
    django_assert_max_num_queries: DjangoAssertNumQueries,
) -> None:
    make_location()
    desk = sit_at_desk(make_user(role=FRONT_DESK))
    with django_assert_max_num_queries(12):
        page = desk.get("/settings/").content.decode()
    assert "/test-calls/" in page
    assert "/sending/mode/" not in page, "that is for administrators"
    assert "/admin/" not in page
