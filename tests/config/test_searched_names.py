"""What somebody searched for is in no address, so in no history of a browser and in no log."""

import re

import pytest
from django.contrib import admin
from django.contrib.auth.models import User
from django.http import HttpRequest
from django.test import Client

from contacts.admin.history import SearchedList
from reminders.models import CallCompanion
from tests.office import make_call
from tests.people import make_appointment, make_contact, make_due_reminder, make_user
from tests.sandbox_server import ROOT

pytestmark = pytest.mark.django_db


@pytest.fixture
def desk() -> Client:
    client = Client()
    client.force_login(make_user())
    return client


def test_no_address_of_a_search_has_what_was_searched_for(desk: Client) -> None:
    make_contact()
    answer = desk.post("/contacts/", {"q": "Lindqvist 0100"})
    assert answer["Location"].startswith("/contacts/?q=~")
    assert "lindqvist" not in answer["Location"].lower()
    typed = desk.get("/contacts/?q=Lindqvist")
    assert typed["Location"].startswith("/contacts/?q=~"), "an address typed by hand"
    assert "Sarah Lindqvist" in desk.get(typed["Location"]).content.decode()


def test_no_address_of_a_search_in_the_admin_has_what_was_searched_for(office: Client) -> None:
    make_contact()
    make_contact("Tom", number="+12025550142", last_name="Reyes")
    answer = office.post("/admin/contacts/contact/?o=1", {"q": "lindqvist", "o": "1"})
    assert "lindqvist" not in answer["Location"].lower()
    page = office.get(answer["Location"]).content.decode()
    assert "Lindqvist" in page
    assert "Reyes" not in page
    assert 'value="lindqvist"' in page
    assert "q=lindqvist" not in page, "neither in the links to sort and to filter"
    assert office.get("/admin/contacts/contact/?q=lindqvist")["Location"].startswith(
        "/admin/contacts/contact/?q=~"
    )
    assert "Reyes" in office.post("/admin/contacts/contact/", {"q": ""}, follow=True).content.decode()


def test_a_search_of_people_who_log_in_finds_none_by_the_name_of_a_patient(office: Client) -> None:
    """A patient has the same id as some of them."""
    staff = [make_user(name) for name in ("ivy", "mia", "noa")]
    for person in staff:
        make_contact(number=None, pk=person.pk)
    page = office.post("/admin/auth/user/", {"q": "lindqvist"}, follow=True).content.decode()
    assert not [person for person in staff if f"/admin/auth/user/{person.pk}/" in page]


def test_a_call_about_two_patients_of_a_name_is_found_once(office: Client) -> None:
    call = make_call(make_due_reminder())
    CallCompanion.objects.create(call=call, reminder=make_due_reminder(make_contact("Tom")))
    for text in ("lindqvist", "tom", "sa", "2025550100"):
        page = office.post("/admin/reminders/callrecord/", {"q": text}, follow=True).content.decode()
        assert page.count("Sarah Lindqvist</a>, <a") == page.count("Tom Lindqvist</a>") == 1, text


def test_choosing_a_contact_for_a_booking_takes_no_text_from_the_address(desk: Client) -> None:
    make_contact()
    assert "Sarah" not in desk.get("/appointments/book/contacts/?q=Lindqvist").content.decode()


def test_no_list_of_the_admin_searches_patients_by_its_address() -> None:
    lists = [
        (site_admin, site_admin.get_changelist(HttpRequest())) for site_admin in admin.site._registry.values()
    ]
    searched = [(site_admin, found) for site_admin, found in lists if site_admin.search_fields]
    by_address = {found.model._meta.label for found, shown in searched if not issubclass(shown, SearchedList)}
    assert len(searched) > 20
    assert by_address <= {"auth.User", "auth.Group"}, "who works here is no secret"
    assert not [found for found, _ in lists if found.autocomplete_fields], "they search by their address"


def test_no_form_by_get_has_a_field_for_a_name() -> None:
    """A browser keeps the address that a form by GET leads to, and so do logs."""
    for template in (ROOT / "templates").rglob("*.html"):
        for form in re.findall(r"<form.*?</form>", template.read_text(), re.DOTALL):
            head = form[: form.index(">")]
            if not re.search(r'method="(post|dialog)"|%}post{%', head):
                assert not re.search(r'type="(search|text|tel)"|<textarea|name="q"', form), template.name


@pytest.mark.parametrize("text", ["GARCIA", "jose garcía-lopez", "2025550142", "555 0142"])
@pytest.mark.parametrize("model", ["contacts/contact", "contacts/appointment", "contacts/phonenumber"])
def test_the_admin_finds_patients_as_the_contacts_page_does(office: Client, model: str, text: str) -> None:
    make_appointment(make_contact("José", last_name="García-López", number="+12025550142"))
    make_appointment(make_contact("Tom", last_name="Reyes", number="+12025550188"))
    page = office.post(f"/admin/{model}/", {"q": text}, follow=True).content.decode()
    assert "1 result" in page


def test_another_person_can_not_use_the_key_of_a_search(desk: Client, sam: User) -> None:
    make_contact()
    make_contact("Tom", number="+12025550142", last_name="Reyes")
    address = desk.post("/contacts/", {"q": "Lindqvist"})["Location"]
    other = Client()
    other.force_login(sam)
    page = other.get(address).content.decode()
    assert "Reyes" in page, "everybody is listed"
    assert 'value="Lindqvist"' not in page
