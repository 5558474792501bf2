"""Each person reads the pages in the language that they chose; programs are answered in English."""

import re

import pytest
from django.contrib.auth.models import User
from django.test import Client
from django.utils import translation

from contacts.models import StaffLanguage
from tests.people import make_user

pytestmark = pytest.mark.django_db

SPANISH = {"Accept-Language": "es-US,es;q=0.9"}


def choose(client: Client, language: str, back: str = "/") -> int:
    return client.post("/language/", {"language": language, "next": back}).status_code


def read_language_of(client: Client, address: str = "/", **headers: str) -> str:
    page = client.get(address, headers=headers).content.decode()
    found = re.search(r'<html lang="([^"]+)"', page)
    assert found, page[:200]
    return found[1]


def sign_in(user: User) -> Client:
    client = Client()
    assert client.login(username=user.get_username(), password="callboard")
    return client


def test_whoever_has_chosen_none_reads_what_their_browser_asks_for() -> None:
    client = sign_in(make_user())
    assert read_language_of(client) == "en"
    assert read_language_of(client, **SPANISH) == "es"
    assert read_language_of(client, **{"Accept-Language": "ko"}) == "en"


def test_a_choice_is_the_persons_own_wherever_they_sign_in() -> None:
    ana, ben = make_user("ana"), make_user("ben")
    at_the_desk = sign_in(ana)
    assert choose(at_the_desk, "es", "/worklist/") == 302
    assert read_language_of(at_the_desk) == "es"
    assert read_language_of(sign_in(ana)) == "es"
    assert read_language_of(sign_in(ben)) == "en"
    at_the_desk.post("/logout/")
    assert read_language_of(at_the_desk, "/login/") == "en", "nothing of hers stays in this browser"
    at_the_desk.force_login(ben)
    assert read_language_of(at_the_desk) == "en"
    assert choose(at_the_desk, "en") == 302
    assert read_language_of(at_the_desk, **SPANISH) == "en", "what he chose counts more"
    assert dict(StaffLanguage.objects.values_list("user__username", "language")) == {"ana": "es", "ben": "en"}


def test_before_signing_in_the_choice_is_the_browsers() -> None:
    client = Client()
    assert read_language_of(client, "/login/", **SPANISH) == "es"
    assert choose(client, "en", "/login/?next=/worklist/") == 302
    assert read_language_of(client, "/login/", **SPANISH) == "en"
    assert not StaffLanguage.objects.exists()


@pytest.mark.parametrize(
    ("back", "leads_to"),
    [
        ("/worklist/?mine=1", "/worklist/?mine=1"),
        ("https://elsewhere.example/", "/"),
        ("//elsewhere.example", "/"),
    ],
)
def test_the_choice_leads_back_and_never_elsewhere(back: str, leads_to: str) -> None:
    client = sign_in(make_user())
    assert client.post("/language/", {"language": "es", "next": back})["Location"] == leads_to


@pytest.mark.parametrize("language", ["fr", "", "es\x00", "es-mx"])
def test_a_language_that_no_page_has_is_refused(language: str) -> None:
    client = sign_in(make_user())
    assert choose(client, language) == 400
    assert not StaffLanguage.objects.exists()


def test_both_languages_are_offered_in_their_own_words() -> None:
    client = sign_in(make_user())
    for address, reader in [("/login/", Client()), ("/", client)]:
        page = reader.get(address).content.decode()
        assert re.findall(r'name="language"\s+value="(\w+)"\s+lang="\w+"[^>]*>(\w+)<', page) == [
            ("en", "English"),
            ("es", "Español"),
        ]


def test_programs_are_answered_in_english_whatever_they_accept() -> None:
    client = sign_in(make_user())
    choose(client, "es")
    answer = client.get("/api/v1/appointments", headers=SPANISH)
    assert answer.json()["title"] == "A valid token is needed."
    assert answer["Content-Language"] == "en"


def test_an_event_is_applied_in_english_on_a_thread_that_answered_in_spanish() -> None:
    client = sign_in(make_user())
    choose(client, "es")
    client.get("/")
    assert translation.get_language() == "es"
    client.post("/hooks/robotalker/not-a-token/", {}, content_type="application/json")
    assert translation.get_language() == "en"
