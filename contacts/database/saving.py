"""Write many changed or new rows with one statement per model and set of fields."""

import dataclasses
import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from functools import cache
from itertools import islice
from typing import Any, TypeVar
from uuid import UUID

from django.db import connection
from django.db.models import Field, Model

ROWS_PER_STATEMENT = 1000  # PostgreSQL takes at most 65,535 parameters
T = TypeVar("T")
Kind = tuple[type[Model], tuple[str, ...]]  # a model, and the fields to save


class SavedTwice(RuntimeError):
    """A row is to be saved as two objects or with different fields: one write would undo the other."""


@dataclasses.dataclass
class Changes:
    """Locked rows that were changed, and new ones, until write(): before that a query returns the old values.

    It is handed to whatever changes rows, so that many changes are written with few statements.
    """

    _changed: dict[Kind, dict[int, Model]] = dataclasses.field(default_factory=dict)
    _new: dict[type[Model], list[Model]] = dataclasses.field(default_factory=dict)

    def save(self, row: Model, fields: Sequence[str] = ()) -> None:
        """Note these fields of a row, or all fields if none is named. Raises SavedTwice."""
        for (model, others), rows in self._changed.items():
            if model is type(row) and row.pk in rows and (rows[row.pk] is not row or others != tuple(fields)):
                raise SavedTwice(f"{model.__name__} {row.pk}, with {', '.join(fields) or 'all fields'}")
        self._changed.setdefault((type(row), tuple(fields)), {})[row.pk] = row

    def add(self, row: Model) -> None:
        """Note a new row; it gets its primary key when it is written."""
        self._new.setdefault(type(row), []).append(row)

    def write(self) -> None:
        """Write what was noted, with one statement per model and set of fields."""
        for (_, fields), rows in self._changed.items():
            save_rows(list(rows.values()), fields)
        for added in self._new.values():
            insert_rows(added)
        self._changed.clear()
        self._new.clear()


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
    if rows:
        update, every = _write_update(type(rows[0]), tuple(fields))
        with connection.cursor() as cursor:
            cursor.execute(update, [[_prepare(field, row) for row in rows] for field in every])


@cache
def _write_update(model: type[Model], names: tuple[str, ...]) -> tuple[str, list["Field[Any, Any]"]]:
    """The statement, and the fields whose arrays it takes."""
    meta = model._meta
    columns = [f for f in meta.concrete_fields if f.name in names or not (names or f.primary_key)]
    every = [meta.pk, *columns]
    assignments = ", ".join(f'"{field.column}" = new."{field.column}"' for field in columns)
    arrays = ", ".join(f"%s::{_type_of(field)}[]" for field in every)
    new = ", ".join(f'"{field.column}"' for field in every)
    table, key = meta.db_table, meta.pk.column
    update = f'UPDATE "{table}" SET {assignments} FROM unnest({arrays}) AS new ({new})'  # noqa: S608 - our own
    return f'{update} WHERE "{table}"."{key}" = new."{key}"', every


def insert_rows(rows: Sequence[Model]) -> None:
    """Insert new rows of one model by one INSERT, and give each its primary key.

    All values are sent as one JSON document: bulk_create() sends each as a parameter, which for a hundred
    rows takes ten times as long. Each row must have all values (no column is left to its default in the
    database), and the rows to which they refer must have their keys.
    """
    if not rows:
        return
    insert, columns = _write_insert(type(rows[0]))
    values = [{f.column: row.__dict__[f.attname] for f in columns} for row in rows]
    for field in (f for f in columns if type(f).pre_save is not Field.pre_save):  # such as auto_now_add
        for row, written in zip(rows, values, strict=True):
            written[field.column] = field.pre_save(row, add=True)
    with connection.cursor() as cursor:
        cursor.execute(insert, [json.dumps(values, default=_write_as_text)])
        for row, (pk,) in zip(rows, cursor.fetchall(), strict=True):
            row.pk = pk
            row._state.adding, row._state.db = False, connection.alias


@cache
def _write_insert(model: type[Model]) -> tuple[str, list["Field[Any, Any]"]]:
    """The statement, and the fields whose values it takes."""
    meta = model._meta
    columns = [f for f in meta.concrete_fields if not (f.primary_key or f.generated)]
    names = ", ".join(f'"{field.column}"' for field in columns)
    typed = ", ".join(f'"{field.column}" {_type_of(field)}' for field in columns)
    new = f"json_to_recordset(%s) AS new ({typed})"
    insert = f'INSERT INTO "{meta.db_table}" ({names}) SELECT {names} FROM {new}'  # noqa: S608 - our own
    return f'{insert} RETURNING "{meta.pk.column}"', columns


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
