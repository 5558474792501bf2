"""Save changed rows: each immediately, or many together with one statement per model and set of fields.

Code that changes rows calls save_row() and add_row(). Inside a saving_together() block the rows are
collected and written when the block ends. Until then a query returns the old values; code that needs the
new ones calls save_collected() first. Collect only rows that are locked. Collecting the same row as two
objects, or with two sets of fields, raises CollectedTwice: one write would silently undo the other.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import datetime
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection, transaction
from django.db.models import Field, Model

ROWS_PER_STATEMENT = 1000  # PostgreSQL takes at most 65,535 parameters
T = TypeVar("T")
Kind = tuple[type[Model], tuple[str, ...]]  # a model, and the fields to save


class CollectedTwice(RuntimeError):
    """A row was collected as two objects or with different fields, or two blocks were nested."""


class _Collection:
    def __init__(self) -> None:
        self.changed: dict[Kind, dict[int, Model]] = {}
        self.new: dict[type[Model], list[Model]] = {}

    def add(self, row: Model, fields: tuple[str, ...]) -> None:
        for (model, others), rows in self.changed.items():
            if model is type(row) and row.pk in rows and (rows[row.pk] is not row or others != fields):
                raise CollectedTwice(f"{model.__name__} {row.pk}, with {', '.join(fields) or 'all fields'}")
        self.changed.setdefault((type(row), fields), {})[row.pk] = row


_collection: ContextVar[_Collection | None] = ContextVar("rows to be saved together", default=None)


def save_row(row: Model, fields: Sequence[str] = ()) -> None:
    """Save these fields of a row, or all fields if none is named. Raises CollectedTwice."""
    collection = _collection.get()
    if collection is None:
        row.save(update_fields=fields or None)
    else:
        collection.add(row, tuple(fields))


def add_row(row: Model) -> None:
    """Insert a new row. Inside saving_together() it has no primary key until the block ends."""
    collection = _collection.get()
    if collection is None:
        row.save(force_insert=True)
    else:
        collection.new.setdefault(type(row), []).append(row)


@contextmanager
def saving_together() -> Iterator[None]:
    """Collect the rows saved in this block and write them at its end; drop them if the block raises.

    Raises TransactionManagementError outside a transaction, and CollectedTwice inside another such block.
    """
    if not connection.in_atomic_block:
        raise transaction.TransactionManagementError("rows can only be saved together inside a transaction")
    if _collection.get() is not None:
        raise CollectedTwice("saving_together() blocks can't be nested")
    token = _collection.set(_Collection())
    try:
        yield
        save_collected()
    finally:
        _collection.reset(token)


def save_collected() -> None:
    """Write the rows collected so far. Does nothing outside saving_together()."""
    collection = _collection.get()
    if collection is None:
        return
    for (_, fields), rows in collection.changed.items():
        save_rows(list(rows.values()), fields)
    for model, added in collection.new.items():
        model._default_manager.bulk_create(added)
    collection.changed.clear()
    collection.new.clear()


def take_chunks(rows: Iterable[T], size: int) -> Iterator[list[T]]:
    """Yield the rows in lists of at most `size`."""
    left = iter(rows)
    while some := list(islice(left, size)):
        yield some


def save_rows(rows: Sequence[Model], fields: Sequence[str] = ()) -> None:
    """Save these fields (default: all) of rows of one model, each with its own values, in one UPDATE.

    The values are sent as one array per field. bulk_update() would build a CASE with a branch for each row
    and field, which for fifty rows takes longer than fifty UPDATEs.
    """
    if not rows:
        return
    meta = rows[0]._meta
    columns = [f for f in meta.concrete_fields if f.name in fields or not (fields or f.primary_key)]
    every = [meta.pk, *columns]
    values = [[_prepare(field, row) for row in rows] for field in every]
    assignments = ", ".join(f'"{field.column}" = new."{field.column}"' for field in columns)
    arrays = ", ".join(f"%s::{_type_of(field)}[]" for field in every)
    names = ", ".join(f'"{field.column}"' for field in every)
    table, key = meta.db_table, meta.pk.column
    update = f'UPDATE "{table}" SET {assignments} FROM unnest({arrays}) AS new ({names})'  # noqa: S608 - our own
    with connection.cursor() as cursor:
        cursor.execute(f'{update} WHERE "{table}"."{key}" = new."{key}"', values)


def insert_rows(rows: Sequence[Model]) -> None:
    """Insert new rows of one model by one INSERT, and give each its primary key.

    All values are sent as one JSON document: bulk_create() sends each as a parameter, which for a hundred
    rows takes ten times as long. Each row must have all values (no column is left to its default in the
    database), and the rows to which they refer must have their keys.
    """
    if not rows:
        return
    meta = rows[0]._meta
    key, *columns = [meta.pk, *(f for f in meta.concrete_fields if not (f.primary_key or f.generated))]
    values = [{f.column: row.__dict__[f.attname] for f in columns} for row in rows]
    for field in (f for f in columns if type(f).pre_save is not Field.pre_save):  # such as auto_now_add
        for row, written in zip(rows, values, strict=True):
            written[field.column] = field.pre_save(row, add=True)
    names = ", ".join(f'"{field.column}"' for field in columns)
    typed = ", ".join(f'"{field.column}" {_type_of(field)}' for field in columns)
    table = meta.db_table
    insert = f'INSERT INTO "{table}" ({names}) SELECT {names} FROM json_to_recordset(%s) AS new ({typed})'  # noqa: S608 - our own
    with connection.cursor() as cursor:
        cursor.execute(f'{insert} RETURNING "{key.column}"', [json.dumps(values, default=_write_as_text)])
        for row, (pk,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk = pk
            row._state.adding, row._state.db = False, connection.alias


def _write_as_text(value: Any) -> str:
    if not isinstance(value, datetime | UUID):
        raise TypeError(f"a {type(value).__name__} can't be sent as JSON")
    return str(value)


def _prepare(field: "Field[Any, Any]", row: Model) -> Any:
    value = row.pk if field.primary_key else field.pre_save(row, add=False)
    return field.get_db_prep_save(value, connection)


def _type_of(field: "Field[Any, Any]") -> str:
    """Return the column type without its length: a cast to varchar(8) would silently cut a value that is
    too long, while the column itself raises an error.
    """
    kind = field.rel_db_type(connection) if field.is_relation else field.db_type(connection)
    return str(kind).partition("(")[0]
