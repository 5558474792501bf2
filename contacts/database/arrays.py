"""Compare a column with many values as one parameter: PostgreSQL takes at most 65,535 of them.

A statement about any number of ids is then always the same, and Django need not build it more than once.
"""

from collections.abc import Callable, Collection, Iterable
from functools import cache
from typing import Any, cast

from django.contrib.postgres.fields import ArrayField
from django.core.exceptions import EmptyResultSet
from django.db import connection
from django.db.models import BigIntegerField, BooleanField, CharField, F, Field, Func, Q, QuerySet, Value
from psycopg import ClientCursor

TOO_LARGE = 2**63


class IsAny(Func):
    """A condition: the first expression equals any value of the second, an array.

    Without a value nothing is equal: Django then knows the answer and asks nothing.
    """

    template = "(%(expressions)s))"
    arg_joiner = " = ANY("
    output_field = BooleanField()
    empty_result_set_value = False

    def as_sql(self, *args: Any, **options: Any) -> tuple[str, Any]:
        if not cast(Value, self.source_expressions[1]).value:
            raise EmptyResultSet
        return super().as_sql(*args, **options)


class IsAmong(IsAny):
    """The same of what has no index. PostgreSQL hashes the values, also in one plan for any values, where it
    would compare each row with all of them.
    """

    template = "(%(expressions)s)))"
    arg_joiner = " IN (SELECT UNNEST("


class _ArrayOfIds(ArrayField[Any, Any]):
    """Hands its values over as one text: the statement casts it, and each took longer here than there."""

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return _write(value)


def _write(ids: Iterable[int]) -> str:
    return f"{{{','.join(map(str, ids))}}}"


def is_any(column: str, values: Iterable[int]) -> IsAny:
    """The condition that a column of ids is one of `values`: `filter(is_any("pk", ids))`.

    An id too large for the column equals none.
    """
    fitting = [int(value) for value in values if abs(value) < TOO_LARGE]
    return IsAny(F(column), Value(fitting, output_field=_ArrayOfIds(BigIntegerField())))


def is_any_text(column: str, values: Iterable[str]) -> IsAny:
    """The same for a column of text."""
    return IsAny(F(column), Value(list(values), output_field=ArrayField(CharField())))


def is_among(column: str, values: Iterable[Any], kind: "Field[Any, Any]") -> IsAmong:
    """The same for a column of that kind, or an expression, that has no index."""
    return IsAmong(F(column), Value(list(values), output_field=ArrayField(kind)))


class _IsNotEmpty(Func):
    """Written out, and not as a value: an index on what isn't empty serves no plan for any value else."""

    template = "(NOT (%(expressions)s = ''))"
    output_field = BooleanField()


def is_any_external_id(values: Iterable[str]) -> Q:
    """The condition that the external id is one of `values`, by the index on ids that aren't empty. Else all
    rows of their source would be compared with all of them, once PostgreSQL has one plan for any values.
    """
    return Q(is_any_text("external_id", values)) & Q(_IsNotEmpty(F("external_id")))


_ANY_IDS = (-1,)  # in their place a statement that was built once gets the ids
_PLAN = "SELECT set_config('plan_cache_mode', %s, true)"


def select_ids(build: Callable[[Collection[int]], "QuerySet[Any, Any]"], ids: Collection[int]) -> list[int]:
    """The ids that `build(ids)` selects, in a transaction. It must always be the same function, and look at
    nothing but the ids, by is_any(): Django builds its statement only once, and PostgreSQL plans it only once
    for each connection. Both take far longer than the answer, if it is large.
    """
    statement = _build_once(build)
    with connection.cursor() as cursor:
        cursor.execute(_PLAN, ["force_generic_plan"])
        cursor.execute(statement, [_write(ids)] * statement.count("%s"))
        found = [pk for (pk,) in cursor.fetchall()]
        cursor.execute(_PLAN, ["auto"])
    return found


@cache
def _build_once(build: Callable[[Collection[int]], "QuerySet[Any, Any]"]) -> str:
    """With all other values written out, since a plan for any value can't use an index for some."""
    statement, values = build(_ANY_IDS).query.sql_with_params()
    connection.ensure_connection()
    with ClientCursor(connection.connection) as cursor:
        written = cursor.mogrify(statement, values)
    return written.replace("%", "%%").replace(f"'{_write(_ANY_IDS)}'", "%s")
