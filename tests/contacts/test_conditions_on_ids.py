"""Comparing a column with many ids at once."""

from collections.abc import Callable

import pytest
from django.db.models import Q
from pytest_django import DjangoAssertNumQueries

from contacts.database.arrays import is_any
from contacts.models import Contact
from tests.people import make_contact

pytestmark = pytest.mark.django_db


def test_no_ids_are_nobody_and_the_database_is_not_asked(
    django_assert_num_queries: DjangoAssertNumQueries,
) -> None:
    sarah = make_contact()
    asked: list[Callable[[], object]] = [
        lambda: list(Contact.objects.filter(is_any("pk", []))),
        lambda: Contact.objects.filter(is_any("pk", [])).count(),
        lambda: Contact.objects.filter(is_any("pk", [])).update(notes="x"),
    ]
    with django_assert_num_queries(0):
        assert not any(ask() for ask in asked)
    assert Contact.objects.filter(~Q(is_any("pk", []))).get() == sarah
    assert Contact.objects.filter(Q(is_any("pk", [])) | Q(is_any("pk", [sarah.pk]))).get() == sarah
    assert not Contact.objects.annotate(found=is_any("pk", [])).get().found
