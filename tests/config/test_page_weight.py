"""What a browser has to load: little at first, very little later."""

import gzip
import re
from datetime import timedelta
from functools import cache
from html.parser import HTMLParser
from pathlib import Path

import pytest
from django.contrib.staticfiles import finders
from django.test import Client
from django.utils import timezone

from config.local.front_end import build_front_end
from contacts.roles import MANAGER
from reminders.pages.find import DEEDS_TO_DO, PAGES_TO_OPEN
from reminders.pages.rail import RAIL, SETTINGS
from reminders.templatetags.reminder_display import LOOKS, RESULT_LOOKS
from tests.people import (
    make_appointment,
    make_contact,
    make_due_reminder,
    make_location,
    make_user,
    zone_at_noon,
)

pytestmark = pytest.mark.django_db

FIRST_LOAD, LATER_PAGE = 100_000, 40_000  # bytes, compressed
ICON = re.compile(r'<use href="[^"#]+#([^"]+)"')


@pytest.fixture(autouse=True, scope="module")
def _built() -> None:
    build_front_end()


@pytest.fixture
def desk() -> Client:
    client = Client()
    client.force_login(make_user("maria", role=MANAGER, is_staff=True))
    return client


class Files(HTMLParser):
    """The static files that a page names: styles, scripts, its icon and those of its text."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.found: set[str] = set()
        self.feed(page)

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        where = {"link": "href", "script": "src", "img": "src", "use": "href"}.get(tag, "")
        address = dict(attributes).get(where) or ""
        if address.startswith("/static/"):
            self.found.add(address.removeprefix("/static/").partition("#")[0])


@cache
def weigh(name: str) -> int:
    """The file's length in bytes, compressed."""
    found = finders.find(name)
    assert found, name
    return len(gzip.compress(Path(found).read_bytes()))


def fill_a_day(visits: int) -> None:
    make_due_reminder()
    now = timezone.now()
    place = make_location("Eastside", time_zone=zone_at_noon(now))
    for number in range(visits):
        person = make_contact(f"Patient{number}", last_name="Winterbottom", number=f"+1202555{number:04}")
        make_appointment(person, location=place, starts_at=now + timedelta(minutes=number), kind="Check-up")


def test_first_and_later_pages_are_light(desk: Client) -> None:
    fill_a_day(120)
    known: set[str] = set()
    for address in (
        "/",
        "/worklist/",
        "/contacts/",
        "/campaigns/",
        "/imports/",
        "/texts/",
        "/settings/",
        "/scripts/",
    ):
        page = desk.get(address).content
        files = Files(page.decode()).found
        weight = len(gzip.compress(page)) + sum(weigh(name) for name in files - known)
        assert weight < (LATER_PAGE if known else FIRST_LOAD), address
        known |= files
    assert "built/tabler.css" in known


def test_every_icon_of_a_page_is_in_the_file_of_icons(desk: Client) -> None:
    make_due_reminder()
    sprite = read_sprite()
    for address in ("/", "/worklist/", "/contacts/", "/imports/new/", "/appointments/book/", "/find/"):
        shown = set(ICON.findall(desk.get(address).content.decode()))
        assert shown, address
        assert shown <= sprite, address


def test_every_icon_that_is_chosen_in_python_is_in_the_file_of_icons() -> None:
    places = {place.icon for place in (*RAIL, *SETTINGS, *PAGES_TO_OPEN, *DEEDS_TO_DO)}
    states = {look.icon for look in LOOKS.values()} | {name for _, name in RESULT_LOOKS.values()}
    assert places | states <= read_sprite()


def read_sprite() -> set[str]:
    found = finders.find("built/icons.svg")
    assert found
    return set(re.findall(r'<symbol id="([^"]+)"', Path(found).read_text()))
