"""Compare a column with many values as one parameter: PostgreSQL takes at most 65,535 of them."""

from collections.abc import Iterable
from typing import Any

from django.contrib.postgres.fields import ArrayField
from django.db.models import BigIntegerField, BooleanField, CharField, F, Field, Func, Value

TOO_LARGE = 2**63


class IsAny(Func):
    """A condition: the first expression equals any value of the second, an array."""

    template = "(%(expressions)s))"
    arg_joiner = " = ANY("
    output_field = BooleanField()


class _ArrayOfIds(ArrayField[Any, Any]):
    """Hands its values over as one text: the statement casts it, and each took longer here than there."""

    def get_db_prep_value(self, value: Any, connection: Any, prepared: bool = False) -> Any:
        return f"{{{','.join(map(str, value))}}}"


def is_any(column: str, values: Iterable[Any], kind: "Field[Any, Any] | None" = None) -> IsAny:
    """The condition that a column of ids is one of `values`: `filter(is_any("pk", ids))`.

    `kind`: a field of the column's kind, if it is another one. An id too large for the column equals none.
    """
    if kind:
        return IsAny(F(column), Value(list(values), output_field=ArrayField(kind)))
    fitting = [int(value) for value in values if abs(value) < TOO_LARGE]
    return IsAny(F(column), Value(fitting, output_field=_ArrayOfIds(BigIntegerField())))


def is_any_text(column: str, values: Iterable[str]) -> IsAny:
    """The same for a column of text."""
    return is_any(column, values, CharField())
