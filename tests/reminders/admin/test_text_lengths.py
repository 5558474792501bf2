"""The admin counts text messages wherever a text or a name can change them (product rule 40)."""

import pytest
from django.contrib.auth.models import User
from django.test import Client

from contacts.models import Location, Provider
from reminders.models import Script
from reminders.wording.default_scripts import ensure_default_scripts
from reminders.wording.sms_alphabet import measure_text
from reminders.wording.sms_length_words import describe_length
from tests.office import address_of
from tests.people import make_contact, make_location, make_script, make_step

pytestmark = pytest.mark.django_db
LONG = "{PRACTICE}: {FIRST_NAME}, " + "please come. " * 12


@pytest.fixture
def office(client: Client) -> Client:
    client.force_login(User.objects.create(username="ada", is_staff=True, is_superuser=True))
    return client


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("x" * 152, "1 part: 152 of 160 characters"),
        ("x€", "1 part: 3 of 160 characters; “€” count as two"),
        ("x" * 200, "2 parts: 200 characters, where one part has only 160"),
        ("á" * 71, "2 parts: 71 characters, where one part has only 70 because of “á”"),
        ("áë" * 71, "3 parts: 142 characters, where one part has only 70 because of “á” and “ë”"),
    ],
)
def test_the_count_is_given_in_words_with_the_letters_that_cost_more(text: str, words: str) -> None:
    assert describe_length(measure_text(text)) == words


def test_a_scripts_page_counts_each_language_with_a_long_name_and_with_the_longest_of_a_patient(
    office: Client,
) -> None:
    make_location(spoken_name="Harbor View Clinic")
    make_contact("Мария-Виолетта")
    script = ensure_default_scripts().text
    page = office.get(address_of(Script, f"{script.pk}/change/")).content.decode()
    assert "Maximiliana-Carlotta, appointment" in page
    assert "<strong>Spanish</strong>: 1 part: " in page
    assert "<strong>French, for the longest first name of a patient</strong>: 2 parts: " in page
    assert "because of “М”, “а”" in page


def test_a_longer_name_of_a_provider_or_location_is_warned_of(office: Client) -> None:
    location = make_location(spoken_name="Harbor View Clinic")
    script = make_script("{PRACTICE}: {FIRST_NAME}, {APPT_DATE} with {PROVIDER}", name="Text")
    make_step(channel="sms", script=script)
    name = "王芳医生 of the Department of Family and Community Medicine"
    page = office.post(address_of(Provider, "add/"), {"name": name}, follow=True).content.decode()
    assert "can cost more than one text message" in page
    Provider.objects.all().delete()
    values = {
        "name": "Downtown",
        "spoken_name": "Harbor View Family and Community Clinic " * 3,
        "time_zone": location.time_zone,
        "region": "US",
        "callback_number": location.callback_number,
        "calling_opens": "09:00",
        "calling_closes": "19:00",
        "open_weekdays": [0, 1, 2],
        "closed_days-TOTAL_FORMS": 0,
        "closed_days-INITIAL_FORMS": 0,
        "opening_hours-TOTAL_FORMS": 0,
        "opening_hours-INITIAL_FORMS": 0,
    }
    page = office.post(address_of(Location, f"{location.pk}/change/"), values, follow=True).content.decode()
    assert "can cost more than one text message" in page


def test_the_page_of_a_script_that_is_only_said_in_calls_counts_no_text_message(office: Client) -> None:
    script = make_script(LONG, name="Call")
    make_step(channel="voice", script=script)
    page = office.get(address_of(Script, f"{script.pk}/change/")).content.decode()
    assert "No step sends this script as a text message" in page
    assert "where one part has" not in page
