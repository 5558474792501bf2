"""Lists of large tables look at few rows: their counts, filters and lines of dates."""

import re
from datetime import UTC, datetime, timedelta
from urllib.parse import urlencode

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from pytest_django import DjangoAssertNumQueries

from contacts import large_tables
from contacts.large_tables import count_rows, list_values
from contacts.models import Appointment, Contact
from tests.people import make_appointment, make_contact

pytestmark = pytest.mark.django_db
FIRST = datetime(2026, 11, 27, 12, tzinfo=UTC)


@pytest.fixture
def all_are_large(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(large_tables, "LARGE", 1)
    monkeypatch.setattr(large_tables, "_kept", {})
    monkeypatch.setattr(large_tables, "_large", set())


def test_of_a_small_table_nothing_is_kept() -> None:
    make_contact("Ann", source="a")
    assert count_rows(Contact.objects.all()) == 1
    assert list_values(Contact, "source") == ["a"]
    make_contact("Ben", number=None, source="b")
    assert count_rows(Contact.objects.all()) == 2
    assert list_values(Contact, "source") == ["a", "b"]


@pytest.mark.usefixtures("all_are_large")
def test_of_a_large_table_counts_and_values_are_read_once_a_minute(
    django_assert_num_queries: DjangoAssertNumQueries, monkeypatch: pytest.MonkeyPatch
) -> None:
    make_contact("Ann", source="a")
    assert count_rows(Contact.objects.all()) == 1
    assert list_values(Contact, "source") == ["a"]
    make_contact("Ben", number=None, source="b")
    with django_assert_num_queries(0):
        assert count_rows(Contact.objects.order_by("last_name")) == 1
        assert list_values(Contact, "source") == ["a"]
    assert count_rows(Contact.objects.filter(source="b")) == 1, "what is filtered is counted"
    assert count_rows(Contact.objects.filter(source="c")) == 0
    monkeypatch.setattr(large_tables, "KEPT_FOR", 0.0)
    monkeypatch.setattr(large_tables, "VALUES_KEPT_FOR", 0.0)
    assert count_rows(Contact.objects.all()) == 2
    assert list_values(Contact, "source") == ["a", "b"]


@pytest.mark.usefixtures("all_are_large")
def test_the_database_tells_how_large_a_table_is_whose_rows_nobody_counted(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE contacts_contact")
    make_contact("Ann", source="a")
    assert list_values(Contact, "source") == ["a"]
    with django_assert_num_queries(1):
        assert list_values(Contact, "source") == ["a"], "it knows of no row yet, and keeps nothing"
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE contacts_contact")
    assert list_values(Contact, "source") == ["a"]
    with django_assert_num_queries(0):
        assert list_values(Contact, "source") == ["a"]


@pytest.mark.usefixtures("all_are_large")
def test_a_list_of_the_admin_has_a_line_of_dates_and_reads_no_rows_for_it(admin_client: Client) -> None:
    person = make_contact()
    for days in (0, 40, 400):
        make_appointment(person, starts_at=FIRST + timedelta(days=days))

    def read_line(**period: int) -> list[str]:
        within = {f"starts_at__{part}": number for part, number in period.items()}
        with CaptureQueriesContext(connection) as asked:
            page = admin_client.get("/admin/contacts/appointment/", within).content.decode()
        assert not [one for one in asked.captured_queries if "_TRUNC(" in one["sql"]]
        [line] = re.findall(r'<nav class="toplinks".*?</nav>', page, re.DOTALL)
        return [words.strip() for words in re.findall(r">([^<>]*\w[^<>]*)<", line)]

    assert read_line() == ["2026", "2027", "2028"]
    assert read_line(year=2027)[1:] == ["January 2027"]
    assert read_line(year=2026, month=11)[1:] == ["November 27"]
    Appointment.objects.all().delete()
    assert "toplinks" not in admin_client.get("/admin/contacts/appointment/").content.decode()


def test_what_a_search_has_found_is_offered_by_no_period_but_one_that_was_chosen_is_left(
    admin_client: Client,
) -> None:
    make_appointment(make_contact(), starts_at=FIRST)
    searched = admin_client.post("/admin/contacts/appointment/", {"q": "lindqvist"})["Location"]
    page = admin_client.get(searched).content.decode()
    assert "1 result" in page
    assert "toplinks" not in page
    chosen = urlencode({"starts_at__year": 2026})
    page = admin_client.get(f"{searched}&{chosen}").content.decode()
    assert "1 result" in page
    [way_out] = re.findall(r'<a href="([^"]*)" class="date-back">&lsaquo; All dates</a>', page)
    assert "year" not in way_out
    assert searched.partition("?q=")[2] in way_out
