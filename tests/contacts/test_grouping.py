"""Rows that PostgreSQL sends as they are in its memory."""

import pytest
from django.contrib.postgres.aggregates import ArrayAgg
from pytest_django import DjangoAssertNumQueries

from contacts.database.grouping import group_in_memory, read_arrays
from contacts.models import Contact
from reminders.campaigns.upcoming import Seconds
from tests.people import make_contact

pytestmark = pytest.mark.django_db


def test_rows_are_those_that_django_reads() -> None:
    for first, last in [("Zoë", "Ångström"), ("Ana", "O'Brien")]:
        make_contact(first, number=None, last_name=last)
    rows = Contact.objects.order_by().values_list("language", "other_phone", "is_demo")
    columns = {
        "ids": ArrayAgg("pk", order_by="pk"),
        "names": ArrayAgg("last_name", order_by="pk"),
        "moments": ArrayAgg(Seconds("created_at"), order_by="pk"),
        "births": ArrayAgg(Seconds("date_of_birth"), order_by="pk"),
    }
    with group_in_memory():
        found = read_arrays(rows.annotate(**columns))
    assert found == list(rows.annotate(**columns))
    assert found[0][4] == ["Ångström", "O'Brien"]


def test_a_query_that_can_match_nothing_is_not_asked(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    with django_assert_num_queries(0):
        assert read_arrays(Contact.objects.filter(pk__in=[]).values_list("pk")) == []
