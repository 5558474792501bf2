"""Who looks like one who is there is asked about, with one click to go on (product rules 42 and 56)."""

from datetime import date

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from contacts.duplicates import MOST_ASKED_ABOUT, find_lookalikes, mark_distinct
from contacts.models import Contact
from tests.people import SARAH, make_contact, make_number, make_user

pytestmark = pytest.mark.django_db
OTHER = "+12025550142"


@pytest.fixture
def desk() -> Client:
    client = Client()
    client.force_login(make_user("rosa"))
    return client


def write_person(**changes: str) -> dict[str, str]:
    person = {"first_name": "Sarah", "last_name": "Lindqvist", "number": "(202) 555-0100"}
    return {**person, "language": "en", "preferred_channel": "voice", **changes}


# What is there, what is entered, and what is said about it; "" for nothing.
ALIKE = [
    ({}, {}, "the same name and number", "exactly the same"),
    ({"first_name": "sarah", "last_name": "LINDQVIST"}, {}, "the same name and number", "whatever the case"),
    ({"first_name": "Sárah"}, {"number": ""}, "the same name", "accents don't count"),
    ({"last_name": "O’Brien"}, {"last_name": "O'Brien", "number": ""}, "the same name", "nor apostrophes"),
    ({"first_name": "Dr. Sarah"}, {"number": ""}, "the same name", "nor titles"),
    ({"last_name": "Lindqvist, Jr."}, {"number": ""}, "the same name", "nor suffixes"),
    ({"first_name": "Lindqvist", "last_name": "Sarah"}, {"number": ""}, "the same name", "nor the order"),
    ({"first_name": "Sarah-Ann"}, {"first_name": "Sarah Ann", "number": ""}, "the same name", "nor hyphens"),
    ({"first_name": "Łukasz"}, {"first_name": "Lukasz", "number": ""}, "the same name", "strokes"),
    ({"first_name": "Mia"}, {}, "the same number", "a household"),
    ({"first_name": "Mia"}, {"number": "", "other_number": "(202) 555-0100"}, "the same number", "second"),
    ({"first_name": "Mia"}, {"number": ""}, "", "another name"),
    (
        {"date_of_birth": date(1987, 7, 14)},
        {"number": "", "date_of_birth": "1987-07-14"},
        "the same name",
        "born on one day",
    ),
    (
        {"date_of_birth": date(1987, 7, 14)},
        {"number": "", "date_of_birth": "1990-01-02"},
        "",
        "born on another day: somebody else",
    ),
    (
        {"date_of_birth": date(1987, 7, 14)},
        {"date_of_birth": "1990-01-02"},
        "the same name and number",
        "of one number it is asked all the same",
    ),
]  # fmt: skip


@pytest.mark.parametrize(("there", "entered", "said", "reason"), ALIKE)
def test_who_looks_like_somebody_is_asked_about_before_they_are_added(
    desk: Client, there: dict[str, str], entered: dict[str, str], said: str, reason: str
) -> None:
    known = make_contact(**{"first_name": "Sarah", **there})
    answer = desk.post("/contacts/new/", write_person(**entered))
    if not said:
        assert answer.status_code == 302, reason
        return
    page = answer.content.decode()
    assert answer.status_code == 422, reason
    assert f"Has {said}." in page, reason
    assert f'href="/contacts/{known.pk}/"' in page
    assert Contact.objects.count() == 1, "nobody was added"


def test_one_click_adds_them_anyway_with_all_that_was_entered(desk: Client) -> None:
    known = make_contact()
    page = desk.post("/contacts/new/", write_person(notes="wheelchair")).content.decode()
    assert "Add anyway" in page
    assert f'name="anyway" value="{known.pk}"' in page
    assert ">wheelchair</textarea>" in page.replace("\n", "")
    desk.post("/contacts/new/", write_person(notes="wheelchair") | {"anyway": str(known.pk)})
    assert Contact.objects.filter(notes="wheelchair").count() == 1


def test_what_is_changed_after_the_question_is_asked_about_again(desk: Client) -> None:
    known, mia = make_contact(), make_contact("Mia", number=OTHER)
    changed = write_person(first_name="Mia", number="202 555 0142")
    page = desk.post("/contacts/new/", changed | {"anyway": str(known.pk)}).content.decode()
    assert f'href="/contacts/{mia.pk}/"' in page
    assert f'name="anyway" value="{known.pk}"' in page, "who is somebody else isn't asked about again"
    assert Contact.objects.count() == 2


def test_an_edit_asks_only_about_those_whom_it_makes_alike(desk: Client) -> None:
    sarah, twin, mia = make_contact(), make_contact(), make_contact("Mia", number=OTHER)
    address = f"/contacts/{sarah.pk}/edit/"
    assert desk.post(address, write_person(notes="likes mornings")).status_code == 302, (
        "the twin was there before"
    )
    page = desk.post(address, write_person(number="202 555 0142")).content.decode()
    assert "Save anyway" in page
    assert f'href="/contacts/{mia.pk}/"' in page
    assert f'"/contacts/{twin.pk}/"' not in page
    sarah.refresh_from_db()
    assert sarah.phone == make_number(SARAH), "nothing is saved before the answer"
    both = write_person(number="202 555 0142") | {"anyway": str(mia.pk)}
    assert desk.post(address, both).status_code == 302
    sarah.refresh_from_db()
    assert sarah.phone == make_number(OTHER)


def test_two_who_were_said_to_be_two_people_are_not_asked_about() -> None:
    sarah, twin = make_contact(), make_contact()
    mark_distinct(twin.pk, sarah.pk, by=make_user())
    mark_distinct(sarah.pk, twin.pk, by=make_user("rosa"))
    assert find_lookalikes("Sarah", "Lindqvist", [SARAH], contact_id=sarah.pk) == []
    assert [one.contact for one in find_lookalikes("Sarah", "Lindqvist", [])] == [sarah, twin]


def test_of_a_frequent_name_a_few_are_shown_and_those_of_the_number_first(desk: Client) -> None:
    for _ in range(MOST_ASKED_ABOUT + 3):
        make_contact(number=None)
    mother = make_contact("Astrid")
    found = find_lookalikes("Sarah", "Lindqvist", [SARAH])
    assert found[0].contact == mother
    assert len(found) == MOST_ASKED_ABOUT + 1
    page = desk.post("/contacts/new/", write_person()).content.decode()
    assert page.count("Open this one") == MOST_ASKED_ABOUT
    assert "There are more of this name" in page


def test_the_question_costs_one_query() -> None:
    for _ in range(5):
        make_contact()
    with CaptureQueriesContext(connection) as queries:
        assert len(find_lookalikes("Sarah", "Lindqvist", [SARAH])) == 5
    assert len(queries) == 1


@pytest.mark.parametrize("born", ["1899-12-31", "2999-01-01", "14 July", "2026-02-30"])
def test_a_birthday_that_nobody_has_is_refused(desk: Client, born: str) -> None:
    answer = desk.post("/contacts/new/", write_person(date_of_birth=born))
    assert answer.status_code == 422
    assert not Contact.objects.exists()


def test_the_page_shows_date_of_birth_and_notes_as_they_were_written(desk: Client) -> None:
    notes = "Needs a ramp.\n<script>alert(1)</script>"
    sarah = make_contact(date_of_birth=date(1987, 7, 14), notes=notes)
    page = desk.get(f"/contacts/{sarah.pk}/").content.decode()
    assert "July 14, 1987" in page
    assert "Needs a ramp.\n&lt;script&gt;" in page


def test_the_admin_shows_and_changes_both(office: Client) -> None:
    sarah = make_contact(date_of_birth=date(1987, 7, 14), notes="Needs a ramp.")
    page = office.get(f"/admin/contacts/contact/{sarah.pk}/change/").content.decode()
    assert 'name="date_of_birth"' in page
    assert "Needs a ramp." in page
