"""Contacts who may be one person are found by number and name, or by name and date of birth."""

from datetime import date
from time import perf_counter
from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext

from contacts.duplicates import PairKey, find_pairs, mark_distinct
from contacts.models import Contact
from tests.people import SARAH, make_contact, make_number, make_user

pytestmark = pytest.mark.django_db
OTHER = "+12025550142"
BORN = date(1987, 7, 14)

PAIRS: list[tuple[dict[str, Any], dict[str, Any], str]] = [
    ({}, {}, "the same name and number"),
    ({}, {"first_name": "SARAH", "last_name": "Líndqvist"}, "the same name and number"),
    ({}, {"first_name": "Dr. Sarah", "last_name": "Lindqvist Jr."}, "the same name and number"),
    ({}, {"first_name": "Lindqvist", "last_name": "Sarah"}, "the same name and number"),
    ({}, {"first_name": "Mia"}, ""),
    ({}, {"number": OTHER}, ""),
    ({"date_of_birth": BORN}, {"number": OTHER, "date_of_birth": BORN}, "the same name and date of birth"),
    ({"date_of_birth": BORN}, {"date_of_birth": BORN}, "the same name, date of birth and number"),
    ({"date_of_birth": BORN}, {"date_of_birth": date(1990, 1, 2)}, ""),
    ({"date_of_birth": BORN}, {}, "the same name and number"),
    ({"number": None}, {"number": None}, ""),
    ({"date_of_birth": BORN}, {"number": None, "date_of_birth": BORN}, "the same name and date of birth"),
    ({"first_name": "Jr.", "last_name": ""}, {"first_name": "Dr.", "last_name": ""}, ""),
    ({"other": OTHER}, {"number": OTHER}, "the same name and number"),
    ({"number": OTHER}, {"other": OTHER}, "the same name and number"),
    ({"other": OTHER}, {"number": None, "other": OTHER}, "the same name and number"),
]  # fmt: skip


def make(fields: dict[str, Any]) -> Contact:
    fields = {"first_name": "Sarah", "number": SARAH, **fields}
    other = fields.pop("other", None)
    return make_contact(**fields, other_phone=make_number(other) if other else None)


@pytest.mark.parametrize("swapped", [False, True])
@pytest.mark.parametrize(("one", "other", "why"), PAIRS)
def test_pairs_are_found_by_number_and_name_or_by_name_and_date_of_birth(
    one: dict[str, Any], other: dict[str, Any], why: str, swapped: bool
) -> None:
    people = [make(fields) for fields in ((other, one) if swapped else (one, other))]
    found = [(pair.one, pair.other, pair.why) for pair in find_pairs()]
    assert found == ([(*people, why)] if why else [])


def test_two_who_were_said_to_be_two_people_are_not_listed(client: Client) -> None:
    one, other, third = make({}), make({}), make({})
    client.force_login(make_user())
    client.post("/contacts/duplicates/distinct/", {"one": other.pk, "other": one.pk})
    assert [(pair.one, pair.other) for pair in find_pairs()] == [(one, third), (other, third)]


@pytest.mark.parametrize("after", ["", "x", "1", "1-", "1-2-3", "²-³", "1-99999999999999999999", "-1--2"])
def test_an_odd_place_in_the_list_is_no_error(client: Client, after: str) -> None:
    client.force_login(make_user())
    assert client.get("/contacts/duplicates/", {"after": after}).status_code == 200


@pytest.mark.parametrize("pair", [{}, {"one": "1", "other": "2"}, {"one": "²", "other": "x"}])
def test_odd_pairs_are_not_kept_apart(client: Client, pair: dict[str, str]) -> None:
    client.force_login(make_user())
    assert client.post("/contacts/duplicates/distinct/", pair).status_code == 404
    same = make({}).pk
    both = {"one": same, "other": same}
    assert client.post("/contacts/duplicates/distinct/", both).status_code == 404


def test_each_pair_is_on_exactly_one_page_and_a_page_has_a_fixed_number_of_queries(client: Client) -> None:
    client.force_login(make_user())
    for _ in range(4):
        make({})  # six pairs
    with CaptureQueriesContext(connection) as few:
        client.get("/contacts/duplicates/")
    for _ in range(8):
        make({})  # 66 pairs
    seen, address = [], "/contacts/duplicates/"
    while address:
        with CaptureQueriesContext(connection) as many:
            answer = client.get(address)
        seen += [(pair.one.pk, pair.other.pk) for pair in answer.context["pairs"]]
        following = answer.context["following"]
        address = f"/contacts/duplicates/?after={following}" if following else ""
    assert len(many) <= len(few)
    assert len(seen) == len(set(seen)) == 66
    assert seen == sorted(seen)


def test_the_page_shows_no_whole_number(client: Client) -> None:
    client.force_login(make_user())
    make({})
    make({})
    page = client.get("/contacts/duplicates/").content.decode()
    assert "••00" in page
    assert "555-0100" not in page
    assert SARAH not in page


def test_among_twenty_thousand_contacts_the_pairs_are_found_quickly() -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            """
            INSERT INTO contacts_phonenumber (e164, consent_basis, unusable_reason, unusable_detail,
                time_zones, created_at)
            SELECT '+1' || 2000000000 + n, 'given_for_care', '', '', '{}', now()
            FROM generate_series(1, 10000) n
            """
        )
        cursor.execute(
            """
            INSERT INTO contacts_contact (first_name, last_name, language, preferred_channel, time_zone,
                source, external_id, phone_id, created_at, updated_at)
            SELECT 'Given' || n, 'Family' || n / 2, 'en', 'voice', '', '', '',
                (SELECT min(id) FROM contacts_phonenumber) + n / 2, now(), now()
            FROM generate_series(0, 19999) n
            """
        )
        cursor.execute("ANALYZE contacts_contact")
    one, other = make({}), make({})
    begun = perf_counter()
    assert [(pair.one, pair.other) for pair in find_pairs()] == [(one, other)]
    assert perf_counter() - begun < 3, "on a busy machine; it takes about a tenth of a second"
    mark_distinct(one.pk, other.pk, by=make_user())
    assert find_pairs(PairKey(0, 0)) == []
