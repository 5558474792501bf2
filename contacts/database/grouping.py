"""Statements that read tens of thousands of rows in few groups: PostgreSQL groups and sends them quickly."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from typing import Any

from django.core.exceptions import EmptyResultSet
from django.db import connection, transaction
from django.db.models import QuerySet
from psycopg.pq import Format

MEMORY = "64MB"  # for each sort or hash table; by its own limit of 4 MB, PostgreSQL sorts 20,000 rows on disk
_SET = "SELECT set_config('work_mem', %s, true), set_config('enable_sort', %s, true)"


@contextmanager
def group_in_memory() -> Iterator[None]:
    """Also a decorator.

    Sorts nothing that need not be in an order: PostgreSQL can't know how few groups there are by many
    columns, and would sort all rows by all of them. In a transaction that is open already, that is left as it
    is, and the memory holds for the rest of it.
    """
    is_own = not connection.in_atomic_block
    with transaction.atomic() if is_own else nullcontext():
        with connection.cursor() as cursor:
            cursor.execute(_SET, [MEMORY, "off" if is_own else "on"])
        yield


def read_arrays(rows: "QuerySet[Any, Any]") -> list[tuple[Any, ...]]:
    """The rows of a query by values_list(), whose arrays hold tens of thousands of numbers or strings.

    PostgreSQL sends them as they are in its memory: to write them as text and read that takes ten times as
    long. Django's own conversions are left out, so ask for plain numbers, strings and booleans.
    """
    try:
        sql, parameters = rows.query.sql_with_params()
    except EmptyResultSet:
        return []
    with connection.cursor() as cursor:
        cursor.cursor.format = Format.BINARY
        cursor.execute(sql, parameters)
        found: list[tuple[Any, ...]] = cursor.fetchall()
        return found
