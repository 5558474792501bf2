"""An address that answers a form with a page isn't a dead end: loaded again, it leads to the form's page."""

import pytest
from django.test import Client

from contacts.roles import ADMIN
from reminders.models import Script
from tests.people import make_contact, make_script, make_user

pytestmark = pytest.mark.django_db


def list_pairs() -> list[tuple[str, str]]:
    """Addresses that only take a form and answer with a page, and the pages with that form."""
    number = make_contact().phone_id
    script = make_script() if not Script.objects.exists() else Script.objects.latest("pk")
    user = make_user("robin")
    return [
        (f"/texts/{number}/send/", f"/texts/{number}/"),
        (f"/scripts/{script.pk}/en/draft/", f"/scripts/{script.pk}/en/"),
        ("/scripts/say-as/change/", "/scripts/say-as/"),
        (f"/people/{user.pk}/link/", "/people/"),
    ]


@pytest.fixture
def client() -> Client:
    client = Client()
    client.force_login(make_user(role=ADMIN))
    return client


def test_opened_again_it_leads_to_the_page_with_the_form(client: Client) -> None:
    for address, page in list_pairs():
        answer = client.get(address)
        assert (answer.status_code, answer["Location"]) == (302, page), address
        assert client.put(address).status_code == 405


def test_a_refused_form_says_where_it_is_shown_again(client: Client) -> None:
    """So the lock keeps all of it for the page that follows (static/desk.js)."""
    pairs = list_pairs()
    forms: dict[str, dict[str, str]] = {
        pairs[0][0]: {"words": "x" * 400},
        pairs[1][0]: {"text": ""},
        pairs[2][0]: {"written": ""},
    }
    for address, page in pairs[:3]:
        answer = client.post(address, forms[address])
        assert answer.status_code == 422, address
        assert f'data-kept-at="{page}"' in answer.content.decode(), address
        assert "data-kept-at" not in client.get(page).content.decode(), address
