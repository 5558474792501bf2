"""Contacts by the API: the rules of the contact's page, and no person in an address."""

from datetime import UTC, timedelta
from typing import Any

import pytest
from django.utils import timezone
from pytest_django import DjangoAssertNumQueries

from contacts.forms.contacts import ContactForm
from contacts.models import Appointment, Contact, PhoneNumber
from reminders.api import contacts
from reminders.api.urls import urlpatterns
from reminders.models import Reminder
from reminders.rules.states import ReminderState
from tests.people import make_appointment, make_contact, make_location, make_step
from tests.reminders.api.client import ApiClient, read_errors, read_problem

pytestmark = pytest.mark.django_db
SARAH = {
    "source": "dentrix",
    "external_id": "P-1",
    "first_name": "Sarah",
    "last_name": "Lindqvist",
    "language": "es",
    "preferred_channel": "sms",
    "time_zone": "America/Chicago",
    "phone": "+12025550100",
    "other_phone": "+442079460123",
}


def test_a_contact_is_added_as_it_is_sent(api: ApiClient) -> None:
    answer = api.post("contacts/", SARAH)
    assert answer.status_code == 201, answer.content
    shown = answer.json()
    assert {name: shown[name] for name in SARAH} == SARAH
    contact = Contact.objects.get(pk=shown["id"])
    assert contact.phone
    assert contact.phone.time_zones, "the number is looked up as on the page"
    assert api.get(f"contacts/{contact.pk}/").json() == shown


def test_a_name_is_enough(api: ApiClient) -> None:
    shown = api.post("contacts/", {"first_name": "Sarah"}).json()
    assert (shown["language"], shown["preferred_channel"], shown["phone"]) == ("en", "voice", None)


FAULTS: list[tuple[dict[str, Any], dict[str, str]]] = [
    ({"first_name": None}, {"#/first_name": "null"}),
    ({"first_name": ""}, {"#/first_name": "blank"}),
    ({"first_name": "  "}, {"#/first_name": "blank"}),
    ({"first_name": 7}, {"#/first_name": "invalid"}),
    ({"first_name": "Sa\nrah"}, {"#/first_name": "control"}),
    ({"first_name": "x" * 121}, {"#/first_name": "max_length"}),
    ({"language": "klingon"}, {"#/language": "invalid_choice"}),
    ({"preferred_channel": "fax"}, {"#/preferred_channel": "invalid_choice"}),
    ({"time_zone": "Mars/Base"}, {"#/time_zone": "invalid_choice"}),
    ({"phone": "(202) 555-0100"}, {"#/phone": "not_e164"}),
    ({"phone": "+1 202 555 0100"}, {"#/phone": "not_e164"}),
    ({"phone": 12025550100}, {"#/phone": "invalid"}),
    ({"phone": "+10000000000"}, {"#/phone": "not_a_number"}),
    ({"phone": "+19005550100"}, {"#/phone": "not_a_number"}),
    ({"other_phone": "+1202555"}, {"#/other_phone": "not_a_number"}),
    ({"source": ""}, {"#/source": "required"}),
    ({"external_id": "x" * 121}, {"#/external_id": "max_length"}),
    ({"external_id": "NEW"}, {"#/external_id": "not_an_id"}),
    ({"external_id": "0"}, {"#/external_id": "not_an_id"}),
    ({"is_demo": True}, {"#/is_demo": "unknown"}),
    ({"id": 1}, {"#/id": "unknown"}),
]


@pytest.mark.parametrize(("fields", "errors"), FAULTS, ids=[str(fields)[:50] for fields, _ in FAULTS])
def test_each_fault_is_named_with_its_field(
    api: ApiClient, fields: dict[str, Any], errors: dict[str, str]
) -> None:
    answer = api.post("contacts/", {**SARAH, **fields})
    assert read_problem(answer) == (422, "invalid")
    assert read_errors(answer) == errors
    assert not Contact.objects.exists()
    assert "Lindqvist" not in answer.content.decode(), "what was sent isn't repeated"


def test_who_has_the_name_and_number_of_a_contact_is_asked_about(api: ApiClient) -> None:
    api.post("contacts/", SARAH)
    again = {**SARAH, "external_id": "P-2"}
    assert read_problem(api.post("contacts/", again)) == (409, "confirmation_needed")
    assert Contact.objects.count() == 1
    relative = {**again, "first_name": "Zoe", "external_id": "P-3"}
    assert api.post("contacts/", relative).status_code == 201
    assert api.post("contacts/", {**again, "confirm": ["looks_alike"]}).status_code == 201
    assert Contact.objects.count() == 3


def test_the_same_id_twice_is_a_conflict(api: ApiClient) -> None:
    api.post("contacts/", SARAH)
    other = make_contact("Omar", number=None)
    for answer in (
        api.post("contacts/", {**SARAH, "first_name": "Zoe"}),
        api.patch(f"contacts/{other.pk}/", {"source": "dentrix", "external_id": "P-1"}, If_Match="*"),
    ):
        assert read_problem(answer) == (409, "conflict")
        assert read_errors(answer) == {"#/external_id": "taken"}
    assert Contact.objects.get(external_id="P-1").first_name == "Sarah"


def test_a_change_keeps_what_it_does_not_name(api: ApiClient) -> None:
    pk = api.post("contacts/", SARAH).json()["id"]
    answer = api.patch(f"contacts/{pk}/", {"last_name": "Stone"}, If_Match="*")
    assert {name: answer.json()[name] for name in SARAH} == {**SARAH, "last_name": "Stone"}
    cleared = api.patch(f"contacts/{pk}/", {"other_phone": None, "time_zone": ""}, If_Match="*").json()
    assert (cleared["other_phone"], cleared["time_zone"]) == (None, "")


def test_a_change_keeps_what_the_form_has_and_the_api_does_not(monkeypatch: pytest.MonkeyPatch) -> None:
    zone = make_contact(time_zone="America/Chicago")
    monkeypatch.setattr(contacts, "OF_THE_FORM", ("first_name",))
    data = contacts.write_form_data(zone, {"first_name": "Zoe"})
    assert (data["first_name"], data["time_zone"], data["language"]) == ("Zoe", "America/Chicago", "en")
    assert set(data) == set(ContactForm().fields)


def test_the_same_change_again_changes_nothing(api: ApiClient) -> None:
    pk = api.post("contacts/", SARAH).json()["id"]
    tag = api.get(f"contacts/{pk}/").headers["ETag"]
    for _ in range(2):
        assert api.patch(f"contacts/{pk}/", SARAH, If_Match=tag).headers["ETag"] == tag


def test_a_change_needs_the_version_that_it_changes(api: ApiClient) -> None:
    pk = api.post("contacts/", SARAH).json()["id"]
    address = f"contacts/{pk}/"
    tag = api.get(address).headers["ETag"]
    assert read_problem(api.patch(address, {"last_name": "Stone"})) == (428, "precondition_required")
    assert api.patch(address, {"last_name": "Stone"}, If_Match=tag).status_code == 200
    assert read_problem(api.patch(address, {"last_name": "Smith"}, If_Match=tag)) == (412, "stale")
    assert Contact.objects.get().last_name == "Stone"


def test_a_new_number_moves_the_reminders_ahead_to_it(api: ApiClient) -> None:
    make_step()
    location = make_location(time_zone="America/New_York")
    afternoon = timezone.now().astimezone(location.zone).replace(hour=15) + timedelta(days=3)
    visit = make_appointment(location=location, starts_at=afternoon)
    api.patch(f"contacts/{visit.contact_id}/", {"phone": "+12025550111"}, If_Match="*")
    visit.refresh_from_db()
    assert visit.revision == 2
    planned = Reminder.objects.get(state=ReminderState.PLANNED)
    assert planned.revision == 2
    assert Appointment.objects.get().contact.phone == PhoneNumber.objects.get(e164="+12025550111")


def find(api: ApiClient, **wanted: Any) -> list[str]:
    answer = api.post("contacts/search/", wanted)
    assert answer.status_code == 200, answer.content
    return [contact["first_name"] for contact in answer.json()["results"]]


def test_people_are_found_by_post(api: ApiClient) -> None:
    make_contact("Sarah", source="dentrix", external_id="P-1")
    make_contact("Omar", source="dentrix", external_id="P-2")
    make_contact("Zoe", number="+12025550101", last_name="Stone", source="other", external_id="P-1")
    assert find(api, phone="+12025550100") == ["Sarah", "Omar"]
    assert find(api, phone="+12025550199") == []
    assert find(api, text="lind oma") == ["Omar"]
    assert find(api, text="0101") == ["Zoe"]
    assert find(api, source="dentrix", external_id="P-1") == ["Sarah"]
    assert find(api, text="Sarah", phone="+12025550101") == []
    assert find(api) == ["Sarah", "Omar", "Zoe"]


def test_a_search_has_pages_too(api: ApiClient) -> None:
    for name in ("A", "B", "C"):
        make_contact(name)
    page = api.post("contacts/search/", {"phone": "+12025550100", "limit": 2}).json()
    assert [each["first_name"] for each in page["results"]] == ["A", "B"]
    assert find(api, phone="+12025550100", cursor=page["next_cursor"]) == ["C"]


@pytest.mark.parametrize("text", ["'", "\\", "a' | 'b", "é" * 200, "%", "()", "+", "😀"])
def test_any_text_can_be_searched_for(api: ApiClient, text: str) -> None:
    assert find(api, text=text) == []


def test_the_list_is_filtered(api: ApiClient) -> None:
    make_contact("Old", source="dentrix")
    moment = timezone.now()
    make_contact("New")
    for query, expected in {
        "source=dentrix": ["Old"],
        f"updated_since={moment.astimezone(UTC):%Y-%m-%dT%H:%M:%S.%fZ}": ["New"],
        "": ["Old", "New"],
    }.items():
        rows = api.get(f"contacts/?{query}").json()["results"]
        assert [row["first_name"] for row in rows] == expected, query


def test_a_list_takes_few_queries(api: ApiClient, django_assert_num_queries: DjangoAssertNumQueries) -> None:
    api.get("contacts/")
    for number in range(5):
        make_contact(f"P{number}", number=f"+1202555010{number}")
    with django_assert_num_queries(4):  # the clock, the token, the list, the trail
        api.get("contacts/")
    with django_assert_num_queries(5):  # and who has it
        api.post("contacts/search/", {"text": "202555"})
    with django_assert_num_queries(6):  # and what to look for, which a number tells by itself
        api.post("contacts/search/", {"text": "lindq"})


@pytest.mark.parametrize("name", ["phone", "number", "q", "text", "first_name", "last_name", "external_id"])
@pytest.mark.parametrize("address", ["contacts/", "appointments/", "calls/", "reminders/", "opt-outs/"])
def test_no_address_takes_what_names_a_person(api: ApiClient, address: str, name: str) -> None:
    answer = api.get(f"{address}?{name}=x")
    assert read_errors(answer) == {name: "unknown"}


def test_no_address_has_a_place_for_a_name_or_a_number() -> None:
    places = {name for each in urlpatterns for name in each.pattern.converters}
    assert places == {"pk", "source", "external_id", "step", "public_id"}
