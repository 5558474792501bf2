"""Let PostgreSQL sort in memory where a statement reads tens of thousands of rows."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from django.db import connection, transaction

MEMORY = "64MB"  # for each sort; PostgreSQL's own limit of 4 MB makes it sort 20,000 rows on disk


@contextmanager
def sort_in_memory() -> Iterator[None]:
    """Also a decorator. Holds for the rest of a transaction that is open already."""
    with nullcontext() if connection.in_atomic_block else transaction.atomic():
        with connection.cursor() as cursor:
            cursor.execute("SELECT set_config('work_mem', %s, true)", [MEMORY])
        yield
