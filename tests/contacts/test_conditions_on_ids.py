"""Comparing a column with many ids at once."""

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from django.db import connection
from django.db.models import CharField, Func, Q, QuerySet, Value
from pytest_django import DjangoAssertNumQueries

from contacts.appointments import set_times
from contacts.database.arrays import is_among, is_any, is_any_external_id
from contacts.models import Appointment, Contact
from tests.people import make_contact, make_location

pytestmark = pytest.mark.django_db
NOW = datetime(2026, 12, 10, 15, tzinfo=UTC)


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


def _explain(rows: QuerySet[Any]) -> str:
    """The plan that PostgreSQL has for the statement with any values, as it makes once it was often asked."""
    sql, _ = rows.query.sql_with_params()
    for place in range(1, sql.count("%s") + 1):
        sql = sql.replace("%s", f"${place}", 1)
    with connection.cursor() as cursor:
        cursor.execute(f"EXPLAIN (GENERIC_PLAN) {sql}")
        return "\n".join(line for (line,) in cursor.fetchall())


def test_many_rows_of_one_source_are_not_compared_with_many_values() -> None:
    """A block of a list has 2,000 ids, and its source may have had 200,000 visits."""
    same = {"contact": make_contact(), "location": make_location(), "revised_at": NOW, "source": "csv"}
    visits = [
        set_times(
            Appointment(**same, external_id=f"A{at}"),
            NOW + timedelta(minutes=at),
            NOW + timedelta(minutes=at + 5),
        )
        for at in range(3_000)
    ]
    Appointment.objects.bulk_create(visits, 1_000)
    with connection.cursor() as cursor:
        cursor.execute("ANALYZE contacts_appointment")
    of_source = Appointment.objects.filter(source="csv").order_by()
    by_id = _explain(of_source.filter(is_any_external_id(["A1", "A2"])))
    assert "Index Cond" in by_id
    assert "appointment_once_per_source" in by_id
    stripped = Func("external_id", Value("A"), function="LTRIM", output_field=CharField())
    by_text = _explain(of_source.annotate(stripped=stripped).filter(is_among("stripped", ["1"], CharField())))
    assert "ANY (" not in by_text
    assert "Hash" in by_text or "hashed" in by_text
    found = of_source.annotate(stripped=stripped).filter(is_among("stripped", ["1", "22", "x"], CharField()))
    assert sorted(found.values_list("external_id", flat=True)) == ["A1", "A22"]
    assert of_source.filter(is_any_external_id(["A5", "", "B"])).get().external_id == "A5"
    assert not of_source.filter(is_among("external_id", [], CharField())).exists()
