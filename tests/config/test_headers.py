"""The headers of every page: what a page may load, that it isn't stored, that it comes compressed."""

import gzip

import pytest
from django.contrib.staticfiles import finders
from django.test import Client

from config.local.front_end import build_front_end
from tests.people import make_appointment, make_contact, make_user

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Client:
    client = Client()
    client.force_login(make_user())
    return client


def read_policy(client: Client, address: str) -> dict[str, str]:
    header = client.get(address).headers["Content-Security-Policy"]
    return {words[0]: " ".join(words[1:]) for words in map(str.split, header.split(";")) if words}


@pytest.mark.parametrize(
    "address", ["/", "/login/", "/admin/", "/no-such-page/", "/admin/no/such/", "/healthz"]
)
def test_no_page_may_run_or_show_anything_that_is_inline_or_foreign(office: Client, address: str) -> None:
    policy = read_policy(office, address)
    assert policy["default-src"] == "'none'"
    assert policy["script-src"] == policy["style-src"] == policy["form-action"] == "'self'"
    assert policy["frame-ancestors"] == policy["base-uri"] == "'none'"
    assert "unsafe" not in str(policy)


@pytest.mark.parametrize("address", ["/", "/login/", "/admin/", "/no-such-page/"])
def test_every_page_says_what_it_needs_of_the_browser_and_leaks_no_address(
    office: Client, address: str
) -> None:
    headers = office.get(address).headers
    assert "camera=()" in headers["Permissions-Policy"]
    assert "microphone=()" in headers["Permissions-Policy"]
    assert headers["Referrer-Policy"] == "same-origin"
    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["X-Frame-Options"] == "DENY"


def test_no_page_with_patient_data_may_be_stored(office: Client) -> None:
    appointment = make_appointment()
    addresses = [
        "/",
        f"/appointments/{appointment.pk}/",
        f"/appointments/{appointment.pk}/move/",
        "/worklist/",
        "/contacts/",
        f"/contacts/{appointment.contact_id}/",
        "/imports/",
        "/admin/contacts/contact/",
        f"/admin/contacts/contact/{appointment.contact_id}/change/",
        "/no-such-page/",
    ]
    for address in addresses:
        assert "no-store" in office.get(address).headers["Cache-Control"], address


def test_a_fragment_that_has_not_changed_is_still_answered_with_304(desk: Client) -> None:
    visit = f"/appointments/{make_appointment().pk}/"
    fragment = {"HX-Request": "true"}
    first = desk.get(visit, headers=fragment | {"Accept-Encoding": "gzip"})
    page = gzip.decompress(first.content).decode()
    etag = page.split('"If-None-Match": "')[1].split('"}')[0].encode().decode("unicode_escape")
    assert etag.startswith('W/"')
    again = desk.get(visit, headers=fragment | {"Accept-Encoding": "gzip", "If-None-Match": etag})
    assert (again.status_code, again.content) == (304, b"")


def test_pages_come_compressed_and_of_random_length(desk: Client) -> None:
    for number in range(20):
        make_contact(f"Person{number}", number=f"+1202555{number:04}")
    answers = [desk.get("/contacts/", headers={"Accept-Encoding": "gzip"}) for _ in range(6)]
    assert {answer.headers["Content-Encoding"] for answer in answers} == {"gzip"}
    assert len({len(answer.content) for answer in answers}) > 1, "against guessing a page's secrets by length"
    plain = desk.get("/contacts/")
    assert "Content-Encoding" not in plain.headers
    assert len(answers[0].content) < len(plain.content) / 2


def test_an_event_of_robotalker_is_not_slowed_by_the_headers_of_pages(client: Client) -> None:
    answer = client.post("/hooks/robotalker/-", headers={"Accept-Encoding": "gzip"})
    assert "Content-Security-Policy" not in answer.headers
    assert "Content-Encoding" not in answer.headers


def test_only_the_files_that_pages_use_are_served() -> None:
    build_front_end()
    assert finders.find("built/tabler.css")
    assert finders.find("callboard.css")
    assert finders.find("vendor/htmx/htmx.min.js")
    assert not finders.find("vendor/htmx/htmx.js")
