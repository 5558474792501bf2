"""Let PostgreSQL group in memory where a statement reads tens of thousands of rows in few groups."""

from collections.abc import Iterator
from contextlib import contextmanager, nullcontext

from django.db import connection, transaction

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
