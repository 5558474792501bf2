"""Pages of long lists are those of Django's own paginator."""

import pytest
from django.core.paginator import Paginator
from pytest_django import DjangoAssertNumQueries

from contacts import deep_pages
from contacts.deep_pages import DeepPaginator
from contacts.models import Contact
from tests.people import make_contact

pytestmark = pytest.mark.django_db


@pytest.mark.parametrize("short", [0, deep_pages.SHORT])
def test_each_page_has_the_same_rows_in_the_same_order(
    short: int,
    monkeypatch: pytest.MonkeyPatch,
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    monkeypatch.setattr(deep_pages, "SHORT", short)
    for name in "cabgdfe":
        make_contact(name, number=None)
    rows = Contact.objects.select_related("phone").order_by("first_name")
    for number in (1, 2, 3):
        with django_assert_num_queries(3):  # the count, the ids, and the rows
            page = list(DeepPaginator(rows, 3).page(number))
        assert page == list(Paginator(rows, 3).page(number))
    with django_assert_num_queries(2):
        page = list(DeepPaginator(rows, 7).page(1))
    assert page == list(rows)
