"""Models whose rows are read, and made, without Model.__init__().

A round of dispatch or a page reads thousands of rows, and for each the constructor looks at every field once
more; a row that comes from the database has a value for each of them already.
"""

from collections.abc import Callable, Collection
from functools import cache
from typing import Any, Self

from django.db import models
from django.db.models.base import ModelState


class QuickRows(models.Model):
    """For a model without signals of its construction, whose fields keep what the database gives."""

    class Meta:
        abstract = True

    @classmethod
    def from_db(
        cls, db: str | None, field_names: Collection[str], values: Collection[Any], *, fetch_mode: Any = None
    ) -> Self:
        """Django's hook for rows that were read; what isn't among `field_names` is read when it is used."""
        row = cls.__new__(cls)
        row.__dict__ = dict(zip(field_names, values, strict=True))
        row._state = ModelState()
        row._state.adding, row._state.db = False, db
        return row

    def attach(self, **related: models.Model) -> None:
        """Give it rows that it refers to by their keys already, so that they aren't read again.

        An assignment does the same, but sets the keys once more and takes six times as long.
        """
        self._state.fields_cache |= related

    @classmethod
    def make(cls, **values: Any) -> Self:
        """A new row of these values, as the constructor makes it; related rows must be saved."""
        row = cls.__new__(cls)
        row._state = ModelState()
        constants, makers, relations = _read_defaults(cls)
        made = {name: make() for name, make in makers.items() if name not in values}
        row.__dict__ |= constants | made | values
        for name in relations & values.keys():
            related = row.__dict__.pop(name)
            row.__dict__[f"{name}_id"] = related and related.pk
            row._state.fields_cache[name] = related
        return row


@cache
def _read_defaults(
    model: type[models.Model],
) -> tuple[dict[str, Any], dict[str, Callable[[], Any]], frozenset[str]]:
    """Of a model's fields: defaults that are a value, those that are made, and the names of relations."""
    fields = model._meta.concrete_fields
    makers = {f.attname: f.default for f in fields if f.has_default() and callable(f.default)}
    constants = {field.attname: field.get_default() for field in fields if field.attname not in makers}
    return constants, makers, frozenset(field.name for field in fields if field.is_relation)
