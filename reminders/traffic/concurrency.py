"""Slots: how many requests all workers together may have under way at Robotalker.

A slot is an advisory lock of PostgreSQL, held by the connection of the worker that uses it: whatever ends
the worker gives it back. (It needs a connection of its own per worker, not a pool in transaction mode.)
"""

from collections.abc import Iterator
from contextlib import contextmanager, suppress

from django.conf import settings
from django.db import Error, connection

SLOT_LOCKS = 7_364_001  # the first of the two numbers of our advisory locks


@contextmanager
def hold_slots(most: int) -> Iterator[int]:
    """Hold up to `most` of the ROBOTALKER_CONCURRENCY slots; how many there were, perhaps none."""
    slots = _take(most)
    try:
        yield len(slots)
    finally:
        with suppress(Error):  # a lost connection has given them back already
            _give_back(slots)


def _take(most: int) -> list[int]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT slot FROM generate_series(1, %s::int) AS slot"
            " WHERE pg_try_advisory_lock(%s, slot) LIMIT %s",
            [settings.ROBOTALKER_CONCURRENCY, SLOT_LOCKS, most],
        )
        return [slot for (slot,) in cursor.fetchall()]


def _give_back(slots: list[int]) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT pg_advisory_unlock(%s, slot) FROM unnest(%s::int[]) AS slot", [SLOT_LOCKS, slots]
        )
